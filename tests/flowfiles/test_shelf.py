from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.core.errors import FlowRefused, NoSuchFlow, NoSuchLine
from ivr.core.flow.graph import svg
from ivr.core.words import FlowVersionId, PhoneNumber
from ivr.flowfiles.shelf import (
    FlowShelf,
    build_version,
    diff,
    number_kind,
    pinned,
    publish_folder,
    read_folder,
    read_sources,
    roll_back,
    unified,
    version_id,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
LINE = PhoneNumber("+39800123456")


class Kept:
    """Flow versions in memory, for the tests of this file."""

    def __init__(self) -> None:
        self.texts: dict[FlowVersionId, Mapping[str, str]] = {}
        self.aliases: dict[str, FlowVersionId] = {}
        self.told: list[Mapping[str, Any]] = []
        self.read_texts = 0

    def published(self, flow: str) -> FlowVersionId | None:
        return self.aliases.get(flow)

    def text(self, version: FlowVersionId) -> Mapping[str, str] | None:
        self.read_texts += 1
        return self.texts.get(version)

    def keep(self, version: FlowVersionId, flow: str, files: Mapping[str, str], at: datetime) -> None:
        self.texts.setdefault(version, dict(files))

    def publish(self, flow: str, version: FlowVersionId, by: str, why: str, at: datetime) -> None:
        self.aliases[flow] = version
        self.told.insert(0, {"flow": flow, "version": version, "by": by, "why": why, "at": at})

    def history(self, flow: str) -> Sequence[Mapping[str, Any]]:
        return [entry for entry in self.told if entry["flow"] == flow]


class InMemory:
    def __init__(self) -> None:
        self.flows = Kept()

    @contextmanager
    def write(self) -> Iterator[Any]:
        yield SimpleNamespace(flows=self.flows)

    read = write


class Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def records() -> InMemory:
    return InMemory()


@pytest.fixture
def folder(shipped: Path, tmp_path: Path) -> Path:
    for name in ("company.yaml", "numero_verde.yaml"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    (tmp_path / "numero_verde.calls.yaml").write_text("call: one\n---\ncall: two\n")
    return tmp_path


def edit(folder: Path, old: str, new: str, name: str = "numero_verde.yaml") -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_shipped_flows_have_no_problem(shipped: Path) -> None:
    shelf = read_folder(shipped, TODAY)
    assert [str(problem) for problem in shelf.problems] == []
    assert shelf.lines() == ("numero_verde",)


def test_the_way_after_hours_is_the_one_the_demo_takes(shipped: Path) -> None:
    flow = read_folder(shipped, TODAY).flows["numero_verde"]
    path = ["welcome", "opening", "after_hours", "after_hours_menu", "leave_message", "goodbye"]
    by = ["then", "closed", "then", "2", "recorded"]
    assert [dict(flow.nodes[name].ways())[exit_] for name, exit_ in zip(path[:-1], by, strict=True)] == path[1:]


def test_published_once_the_line_rings_there_and_the_version_is_read_once(folder: Path, records: InMemory) -> None:
    (version,) = publish_folder(folder, records, "anna", "first", NOW)  # type: ignore[arg-type]
    shelf = FlowShelf(records, Clock())  # type: ignore[arg-type]
    assert shelf.for_number(LINE).id == version
    again = shelf.for_number(LINE)
    assert again is shelf.version(version)
    assert (again.flow.name, again.company.name) == ("numero_verde", "Officine Verdi")
    assert records.flows.read_texts == 1


def test_publishing_the_same_files_again_changes_nothing(folder: Path, records: InMemory) -> None:
    first = publish_folder(folder, records, "anna", "", NOW)  # type: ignore[arg-type]
    told = len(records.flows.told)
    assert publish_folder(folder, records, "anna", "", NOW) == first  # type: ignore[arg-type]
    assert len(records.flows.told) == told


def test_a_folder_with_an_error_is_refused_whole_with_every_problem(folder: Path, records: InMemory) -> None:
    edit(folder, "to: which_order", "to: which_ordr")
    edit(folder, "company: Officine Verdi", "compani: Officine Verdi", "company.yaml")
    with pytest.raises(FlowRefused) as refused:
        publish_folder(folder, records, "anna", "", NOW)  # type: ignore[arg-type]
    assert "did you mean 'which_order'?" in str(refused.value)
    assert "did you mean 'company'?" in str(refused.value)
    assert records.flows.aliases == {}


def test_a_version_is_its_text_and_nothing_else(folder: Path) -> None:
    files = read_folder(folder, TODAY).closure("numero_verde")
    assert set(files) == {"company.yaml", "numero_verde.yaml"}
    assert version_id(files) == version_id(dict(reversed(list(files.items()))))
    assert version_id({"a": "bc"}) != version_id({"ab": "c"})


def test_a_new_version_moves_the_line_and_a_rollback_moves_it_back(folder: Path, records: InMemory) -> None:
    (old,) = publish_folder(folder, records, "anna", "", NOW)  # type: ignore[arg-type]
    edit(folder, "longest: 2 min", "longest: 3 min")
    (new,) = publish_folder(folder, records, "anna", "", NOW)  # type: ignore[arg-type]
    shelf = FlowShelf(records, Clock())  # type: ignore[arg-type]
    assert (shelf.for_number(LINE).id, shelf.version(old).id) == (new, old)
    roll_back(records, "numero_verde", old, "anna", "too long", NOW)  # type: ignore[arg-type]
    assert shelf.for_number(LINE).id == old
    with pytest.raises(NoSuchFlow):
        roll_back(records, "numero_verde", FlowVersionId("00"), "anna", "", NOW)  # type: ignore[arg-type]


def test_an_unknown_number_or_version_is_refused(folder: Path, records: InMemory) -> None:
    publish_folder(folder, records, "anna", "", NOW)  # type: ignore[arg-type]
    shelf = FlowShelf(records, Clock())  # type: ignore[arg-type]
    with pytest.raises(NoSuchLine):
        shelf.for_number(PhoneNumber("+390600000000"))
    with pytest.raises(NoSuchFlow):
        shelf.version(FlowVersionId("00"))


def test_a_pinned_version_is_read_though_the_checker_would_refuse_it_today(folder: Path) -> None:
    edit(folder, "person: person  ", "person: goodbye  ")
    files = read_folder(folder, TODAY).closure("numero_verde")
    with pytest.raises(FlowRefused):
        build_version("numero_verde", files, TODAY)
    assert pinned(files).flow.person == "goodbye"


def test_a_difference_is_told_node_by_node_and_line_by_line(folder: Path) -> None:
    before = read_folder(folder, TODAY).closure("numero_verde")
    edit(folder, "longest: 2 min", "longest: 3 min")
    edit(folder, "other_pace: {pace: other, then: main}", "other_pace: {pace: slow, then: more}")
    edit(folder, "longest: 60", "longest: 70", "company.yaml")
    after = read_folder(folder, TODAY).closure("numero_verde")
    told = diff(pinned(before), pinned(after))
    assert told == (
        "numero_verde.other_pace: pace other → slow",
        "numero_verde.other_pace: then main → more",
        "numero_verde.leave_message: longest 0:02:00 → 0:03:00",
        "company: queues.sales changed",
    )
    assert "+    longest: 3 min" in unified(before, after)


def test_a_subflow_belongs_to_the_version(folder: Path) -> None:
    (folder / "sub.yaml").write_text(
        "format: 1\nflow: sub\nlanguages: [it, en]\nstart: a\nif_all_fails: a\nnodes:\n  a: {return: done}\n"
    )
    edit(folder, "other_pace: {pace: other, then: main}", "other_pace: {subflow: sub, exits: {done: main}}")
    shelf = read_folder(folder, TODAY)
    assert [str(problem) for problem in shelf.problems] == []
    files = shelf.closure("numero_verde")
    assert set(files) == {"company.yaml", "numero_verde.yaml", "sub.yaml"}
    assert (pinned(files).flow.name, list(pinned(files).subflows)) == ("numero_verde", ["sub"])


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"[" * 100_000, b"x" * 10_000_000, b"\x00", b"", b"{{{{"])
def test_a_garbage_file_beside_good_ones_is_a_problem_of_its_own(folder: Path, garbage: bytes) -> None:
    (folder / "garbage.yaml").write_bytes(garbage)
    problems = read_folder(folder, TODAY).problems
    assert problems
    assert all(problem.file.endswith("garbage.yaml") for problem in problems)


def test_a_folder_without_a_company_says_so(tmp_path: Path) -> None:
    (problem,) = read_folder(tmp_path, TODAY).problems
    assert problem.code == "no-company"
    with pytest.raises(NoSuchFlow):
        read_folder(tmp_path / "nowhere", TODAY)


def test_file_names_and_flow_names_agree(folder: Path) -> None:
    (folder / "numero_verde.yaml").rename(folder / "another.yaml")
    assert "file-name" in [problem.code for problem in read_folder(folder, TODAY).problems]


@pytest.mark.parametrize(
    ("number", "kind"),
    [("+39899123456", "premium"), ("+39800123456", "toll_free"), ("+390212345678", "other"), ("+3912", "invalid")],
)
def test_kinds_of_numbers(number: str, kind: str) -> None:
    assert number_kind(number) == kind


def test_an_item_over_since_yesterday_is_warned_of(shipped: Path) -> None:
    problems = read_folder(shipped, date(2027, 2, 1)).problems
    assert [(problem.severity, problem.code) for problem in problems] == [("warning", "expired-item")]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_mutated_files_are_read_and_checked_whole_and_never_raise(shipped: Path, seed: int) -> None:
    chance = random.Random(seed)
    sources = {name: (shipped / name).read_text("utf-8") for name in ("company.yaml", "numero_verde.yaml")}
    name = chance.choice(list(sources))
    letters = list(sources[name])
    for _ in range(chance.randint(1, 8)):
        letters[chance.randrange(len(letters))] = chance.choice(
            ["", ":", "{", "}", "[", "\n", "'", "*", "0", "a", "\t"]
        )
    read_sources({**sources, name: "".join(letters)}, TODAY)


def test_the_shipped_flow_with_queue_callback_transfer_survey_and_message_is_clean() -> None:
    shelf = read_folder(Path(__file__).resolve().parents[2] / "call_flows", date(2026, 11, 24))
    assert [str(problem) for problem in shelf.problems] == []
    kinds = {node.kind for node in shelf.flows["numero_verde"].nodes.values()}
    assert {"queue", "callback", "transfer", "survey", "message"} <= kinds
    assert svg(shelf.flows["numero_verde"], shelf.company).startswith("<svg")
