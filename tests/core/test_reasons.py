"""Every reason that we write into an event is told in Italian, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.core.callbacks import DEAR_OR_DEAD, IN_WORDS
from ivr.core.errors import RecordsUnavailable
from ivr.core.reasons import ITALIAN, reason
from ivr.core.words import Language

IVR = Path(__file__).resolve().parents[2] / "ivr"
IT, EN = Language("it"), Language("en")

SAY_WHY = {"After", "_end", "Fail", "rescue", "NumberCheck", "OddFact", "FallbackSpoken", "GotNothing", "postponed"}
SAY_WHY |= {"served", "cancelled", "broken", "withdrawn", "untell", "_told", "_away", "Outcome"}
SAY_WHY |= {"RecordingFailed", "never", "lost", "RefusedByCarrier", "CarrierUnavailable", "answer_lost", "what"}
FILES = ["core/callbacks.py", "core/promises.py", "core/text_message.py", "core/flow/interpreter.py"]
FILES += ["core/flow/steps/*.py", "switchboard/**/*.py", "world/mail.py"]
NEVER_ON_RECORD = {
    "it may be called",
    "no attempt is under way",
    "it had ended already",
    "rang again and keeps it",
    "rang again and waits on the line at that place",
    "the agent's line dropped",
    "its time has not come",
    "still on the line",
    "hung up while waiting",
}
"""Reasons of decisions that leave the promise as it is: no event has them."""


def written() -> Iterator[str]:
    """What is handed as a reason somewhere in the code, with X for whatever it names (but for how a place ended, which
    no event tells in words)."""
    for path in (path for pattern in FILES for path in sorted(IVR.glob(pattern)) if path.name != "places.py"):
        tree = ast.parse(path.read_text("utf-8"))
        assigned = {
            node.targets[0].id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _text(node.value)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for value in node.args if name in SAY_WHY else ():
                value = assigned.get(value.id, value) if isinstance(value, ast.Name) else value
                if (text := _text(value)) and " " in text:
                    yield text


def _text(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "X" for part in parts)
        case _:
            return ""


def test_every_reason_that_is_written_is_told_in_italian() -> None:
    reasons = {*written(), *DEAR_OR_DEAD.values(), *IN_WORDS.values(), str(RecordsUnavailable())} - NEVER_ON_RECORD
    assert len(reasons) > 45
    assert sorted(text for text in reasons if reason(text, IT) == text) == []


@pytest.mark.parametrize(
    ("because", "told"),
    [
        ("nobody answered; attempt 2 follows", "nessuno ha risposto; segue il tentativo 2"),
        (
            "not reached in 3 attempts; the last time the line was busy",
            "non raggiunto in 3 tentativi; l'ultima: la linea era occupata",
        ),
        (
            "the number is of no country we know; we call IT, SM",
            "il numero è di un paese che non conosciamo; chiamiamo IT, SM",
        ),
        ("this is a toll-free number", "è un numero verde"),
        ("the carrier says undelivered, code 30003", "il gestore dice undelivered, codice 30003"),
        ("sent a letter", "sent a letter"),  # a person's own words
        ("", ""),
    ],
)
def test_a_reason_is_told_with_what_it_names(because: str, told: str) -> None:
    assert reason(because, IT) == told
    assert reason(because, EN) == because


def test_no_slot_is_lost_on_the_way() -> None:
    for english, italian in ITALIAN.items():
        assert english.count("{") == italian.count("{"), english
