"""Events told to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ivr.core import events as e
from ivr.core.callbacks import Outcome
from ivr.core.timeline import _TELLERS, ONLY_SPOKEN, UNTOLD, dialogue, path, timeline
from ivr.core.words import CallId, Language

ROME = ZoneInfo("Europe/Rome")
START = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
IT, EN = Language("it"), Language("en")


@dataclass(frozen=True)
class InLog:
    call: CallId
    seq: int
    kind: str
    schema: int
    happened_at: datetime
    data: Mapping[str, Any]


def in_log(*events: e.CallEvent) -> list[InLog]:
    return [
        InLog(CallId("c"), seq, event.kind, event.schema, START + timedelta(seconds=10 * seq), event.data())
        for seq, event in enumerate(events)
    ]


MESSAGE = in_log(
    e.CallRang("verde", "numero_verde", "v1", "maybe"),
    e.NodeEntered("welcome", "say", "numero_verde"),
    e.SaidToCaller("Buonasera. Per un ordine, premi 1.", "it"),
    e.CallerSilent("menu", 1),
    e.CallerAnswered("keys", "2"),
    e.NodeEntered("leave_message", "voicemail", "numero_verde"),
    e.VoicemailTaken("RE1", "orders", 65, "2026-11-25T19:31:00+00:00"),
    e.VoicemailRead("vm", "read", "it"),
    e.CallEnded("voicemail", "completed", 75),
)


def test_a_message_is_told_in_italian() -> None:
    told = timeline(MESSAGE, IT, ROME, {"vm": "vorrei sapere del mio ordine"})
    assert [f"{entry.at:%H:%M:%S} {entry.text}" for entry in told] == [
        "20:30:00 Ha chiamato la linea verde (numero di questo cliente).",
        "20:30:30 Nessuna risposta a «menu» (tentativo 1).",
        "20:30:40 Ha premuto 2.",
        "20:31:00 Ha lasciato un messaggio per «orders» di 1 min 5 s; "
        "risposta promessa entro il 25/11/2026 alle 20:31.",
        "20:31:10 Messaggio trascritto: «vorrei sapere del mio ordine».",
        "20:31:20 Chiamata finita: ha lasciato un messaggio (1 min 15 s).",
    ]


def test_a_message_is_told_in_english() -> None:
    assert [entry.text for entry in timeline(MESSAGE, EN, ROME)] == [
        "Rang the line verde (this customer's number).",
        "No answer at “menu” (try 1).",
        "Pressed 2.",
        "Left a message for “orders” of 1 min 5 s; an answer is promised by 25 Nov 2026 at 20:31.",
        "The message was transcribed.",
        "The call ended: left a message (1 min 15 s).",
    ]


def test_a_call_reads_as_a_dialogue() -> None:
    assert [(line.who, line.text) for line in dialogue(MESSAGE, EN, ROME)][:4] == [
        ("note", "Rang the line verde (this customer's number)."),
        ("line", "Buonasera. Per un ordine, premi 1."),
        ("caller", "(silence)"),
        ("caller", "[2]"),
    ]
    assert path(MESSAGE) == ["welcome", "leave_message"]


def test_private_digits_are_told_by_their_number_only() -> None:
    entered = in_log(e.CallerAnswered("keys", "4", masked=True))
    assert timeline(entered, EN, ROME)[0].text == "Entered 4 private digits."
    assert timeline(entered, IT, ROME)[0].text == "Ha digitato 4 cifre riservate."
    assert dialogue(entered, EN, ROME)[0].text == "(entered 4 private digits)"


def test_an_event_of_a_newer_version_is_told_as_such() -> None:
    future = [InLog(CallId("c"), 1, "caller.sang", 1, START, {"song": "x"})]
    assert timeline(future, EN, ROME)[0].text == "Something happened that this version cannot read (caller.sang)."
    assert dialogue(future, IT, ROME)[0].text.startswith("È successo qualcosa")
    assert path(future) == []


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("event", e.KINDS.values(), ids=lambda event: event.kind)
def test_every_event_has_a_sentence_in_every_language(event: type[e.CallEvent], language: str) -> None:
    assert event in UNTOLD or event in _TELLERS[language].sentences
    assert event not in UNTOLD or event not in ONLY_SPOKEN


@pytest.mark.parametrize("language", [IT, EN])
@pytest.mark.parametrize("outcome", Outcome)
def test_how_an_attempt_to_call_back_ended_is_told_in_words(outcome: Outcome, language: Language) -> None:
    (entry,) = timeline(in_log(e.CallbackTried("callback", 1, outcome.value, None)), language, ROME)
    words = entry.text.partition(": ")[2]
    assert words
    assert "_" not in words
    assert language == EN or words != f"{outcome.value}."


def test_every_golden_event_can_be_told() -> None:
    import json

    from tests.core.test_upcast import FILES

    for file in FILES:
        kind, schema = file.stem.rsplit(".", 1)
        stored = [InLog(CallId("c"), 1, kind, int(schema), START, json.loads(file.read_text())["stored"])]
        for language in (IT, EN):
            for entry in timeline(stored, language, ROME):
                assert entry.text.endswith((".", ")."))
                assert "cannot read" not in entry.text
