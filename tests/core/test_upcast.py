"""Every event that was ever written can still be read: one golden file a kind and schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from ivr.core.events import KINDS, CallEvent
from ivr.core.upcast import EventUnreadable, event_of

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_event_written_long_ago_is_read_as_today(file: Path) -> None:
    kind, schema = file.stem.rsplit(".", 1)
    written = json.loads(file.read_text())
    event = event_of(kind, int(schema), written["stored"])
    assert type(event) is KINDS[kind]
    assert event.data() == written["today"]


def test_each_kind_has_a_golden_file_for_each_schema_it_ever_had() -> None:
    expected = {f"{kind}.{schema}" for kind, event in KINDS.items() for schema in range(1, event.schema + 1)}
    assert {file.stem for file in FILES} == expected


@dataclass(frozen=True)
class Weighed(CallEvent):
    kind: ClassVar[str] = "weighed"
    schema: ClassVar[int] = 3
    grams: int
    scale: str


def test_an_old_event_climbs_step_by_step() -> None:
    steps = {
        ("weighed", 1): lambda data: {"grams": data["kilos"] * 1000},
        ("weighed", 2): lambda data: {**data, "scale": "unknown"},
    }
    kinds = {"weighed": Weighed}
    assert event_of("weighed", 1, {"kilos": 2}, steps, kinds) == Weighed(2000, "unknown")
    assert event_of("weighed", 2, {"grams": 5}, steps, kinds) == Weighed(5, "unknown")
    assert event_of("weighed", 3, {"grams": 5, "scale": "A", "later": 1}, steps, kinds) == Weighed(5, "A")
    with pytest.raises(EventUnreadable, match="nothing reads"):
        event_of("weighed", 1, {"kilos": 2}, {}, kinds)


@pytest.mark.parametrize(
    ("kind", "schema", "data", "says"),
    [
        ("no.such", 1, {}, "no version"),
        ("call.rang", 99, {}, "newer version"),
        ("call.rang", 1, {"line": "verde"}, "lacks a field"),
    ],
)
def test_what_cannot_be_read_says_why(kind: str, schema: int, data: dict[str, object], says: str) -> None:
    with pytest.raises(EventUnreadable, match=says):
        event_of(kind, schema, data)
