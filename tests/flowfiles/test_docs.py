from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from ivr.core.flow.paths import KNOWN_NAMES
from ivr.flowfiles.grammar import KINDS, STYLES, TABLES, TYPES
from ivr.flowfiles.shelf import read_sources

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = (REPOSITORY / "docs" / "flows.md").read_text("utf-8")


def test_every_kind_and_key_is_documented() -> None:
    for name, kind in KINDS.items():
        section = DOCS.split(f"### {name}\n", 1)[1].split("\n### ", 1)[0]
        assert kind.says in section
        assert all(f"| `{key.name}`" in section and key.says in section for key in kind.keys)
    assert all(f"| `{key.name}`" in DOCS and key.says in DOCS for keys in TABLES.values() for key in keys)


def test_every_code_is_documented() -> None:
    sources = [*(REPOSITORY / "ivr" / "flowfiles").glob("*.py")]
    sources += [REPOSITORY / "ivr" / "core" / "flow" / f"{name}.py" for name in ("check", "paths")]
    said = r"(?:ERROR|WARNING|_known\(faults|refuse\(|\.wrong\(|\.error\(|\.warning\(|_unknown_in_head\(|_stop\()"
    codes = {
        code
        for source in sources
        for call in re.findall(said + r"(.{0,160})", source.read_text("utf-8"), re.S)
        for code in re.findall(r'"((?:[a-z0-9]+-)+[a-z0-9]+)"', call)
    }
    assert len(codes) > 60
    assert [code for code in sorted(codes) if f"`{code}`" not in DOCS] == []


def test_every_name_that_is_there_by_itself_is_documented() -> None:
    for name in KNOWN_NAMES:
        record, _, last = name.rpartition(".")
        assert f"`{name}`" in DOCS or re.search(rf"`{record}\.[^|]*`\.{last}`", DOCS), name
    assert all(f"`{word}`" in DOCS for word in (*STYLES, *TYPES))


def test_the_example_is_a_flow_without_problems() -> None:
    example = DOCS.split("```yaml\n", 1)[1].split("```", 1)[0]
    company = (
        "format: 1\ncompany: V\ncountry: IT\nzone: Europe/Rome\nqueues: {sales: {}}\n"
        "lines: {toll_free: {number: +39800123456, flow: front_desk}}\n"
    )
    shelf = read_sources({"company.yaml": company, "front_desk.yaml": example}, date(2026, 11, 22))
    assert [str(problem) for problem in shelf.problems] == []
