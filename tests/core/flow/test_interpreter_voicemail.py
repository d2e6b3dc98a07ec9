"""Messages as phone calls: kept before it is said, promised only with a date, empty, and hung up at the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ivr.core.events import NodeLeft, VoicemailEmpty, VoicemailTaken
from ivr.core.flow.model import Voicemail, Within
from ivr.core.flow.sentences import ITALIAN
from ivr.core.flow.turn import HangUp, KeepVoicemail, Record, Utter
from ivr.core.words import QueueName
from tests.core.flow.builders import TUESDAY, Caller, both, end, version

SALES = QueueName("sales")


def line(within: Within | None = None, queue: str = "sales"):  # type: ignore[no-untyped-def]
    node = Voicemail(
        name="message",
        queue=QueueName(queue),
        ask=both("Lasciate un messaggio dopo il segnale."),
        recorded="done",
        empty="empty",
        failed="failed",
        answer_within=within,
        longest=timedelta(minutes=2),
    )
    return version(node, end("empty"), end("failed"))


OPEN_8H = line(Within(timedelta(hours=8), "open"))


def test_the_caller_is_asked_and_recorded() -> None:
    assert Caller(OPEN_8H).last.says == (
        Record((Utter("Lasciate un messaggio dopo il segnale.", ITALIAN),), longest=120, silence=5, language=ITALIAN),
    )
    slow = Caller(OPEN_8H, slow=True).said
    assert isinstance(slow, Record) and slow.silence == 10


def test_what_is_promised_aloud_is_a_deed_of_the_same_turn() -> None:
    caller = Caller(OPEN_8H).leaves_a_message()
    due = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert caller.last.deeds == (
        KeepVoicemail("RE1", "https://carrier.test/RE1", timedelta(seconds=7), SALES, due, ITALIAN),
    )
    caller.hears(
        "Abbiamo ricevuto il vostro messaggio. Vi rispondiamo entro <moment:Europe/Rome 2026-11-25T09:00:00+00:00>."
    )
    assert caller.noted(VoicemailTaken) == [VoicemailTaken("RE1", "sales", 7, due.isoformat())]
    assert caller.path == ("message", "done")


@pytest.mark.parametrize(
    ("within", "queue", "due"),
    [
        (Within(timedelta(hours=24), "clock"), "sales", TUESDAY + timedelta(hours=24)),
        (Within(timedelta(hours=2), "open"), "sales", datetime(2026, 11, 24, 11, 0, tzinfo=UTC)),
        (Within(timedelta(hours=2), "open"), "unknown", TUESDAY + timedelta(hours=2)),
        (None, "sales", None),
        (Within(timedelta(days=4000), "open"), "sales", None),
    ],
)
def test_an_answer_is_promised_only_with_a_date(within: Within | None, queue: str, due: datetime | None) -> None:
    caller = Caller(line(within, queue)).leaves_a_message().hears("Abbiamo ricevuto il vostro messaggio.")
    (kept,) = caller.did(KeepVoicemail)
    assert kept.due == due
    assert ("Vi rispondiamo" in caller.heard) is (due is not None)


def test_who_hangs_up_after_speaking_is_owed_the_same_answer() -> None:
    caller = Caller(OPEN_8H).leaves_a_message(hangs_up=True)
    assert caller.last.says == (HangUp(),)
    assert caller.cursor.ended
    assert caller.did(KeepVoicemail)[0].due == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert caller.noted(NodeLeft) == [NodeLeft("message", "recorded", "hung up after the message", "main")]


def test_an_empty_recording_is_told_and_keeps_nothing() -> None:
    caller = Caller(OPEN_8H).says_nothing_after_the_tone().hears("Non abbiamo sentito alcun messaggio. Fine empty.")
    assert caller.deeds == []
    assert caller.noted(VoicemailEmpty) == [VoicemailEmpty("sales")]


def test_a_leg_that_comes_back_without_a_word_about_the_recording_goes_on() -> None:
    Caller(OPEN_8H).waits().hears("Fine empty.")
