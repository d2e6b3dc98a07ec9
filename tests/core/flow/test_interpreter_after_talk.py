"""Surveys, text messages and transfers, as a caller meets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ivr.core.company import Company, Hours, Line, Survey, SurveyQuestion
from ivr.core.events import (
    CallerAnswered,
    NodeFailed,
    NodeLeft,
    SurveyAnswered,
    TransferBegan,
    TransferConnected,
    TransferEnded,
)
from ivr.core.flow import model
from ivr.core.flow.sentences import ENGLISH
from ivr.core.flow.turn import CameBack, Dial, FollowUp, KeepAnswer, SendText, Words
from ivr.core.words import PhoneNumber, QueueName
from tests.core.flow.builders import ROME, Caller, both, collect, company, end, menu, option, say, version

HELPED = SurveyQuestion("helped", both("Vi abbiamo aiutato?", "Did we help?"), {"1": "yes", "2": "no"}, "helped")
SOLVED = SurveyQuestion("solved", both("È risolto?", "Is it solved?"), {"1": "yes", "2": "no"}, "solved")
SERVICE = Survey("service", (HELPED, SOLVED))
LINE = Line("toll_free", PhoneNumber("+39800123456"), "main", shows=PhoneNumber("+390212345678"), texts_from="OffVerdi")
VERDI = company(surveys={"service": SERVICE}, lines={"toll_free": LINE})
SURVEY = model.SurveyNode(name="survey", survey="service", then="done", failed="failed")


def line(*nodes: model.AnyNode, of: Company = VERDI) -> model.FlowVersion:
    return version(*nodes, end("failed"), company=of, line="toll_free")


# --- Survey -----------------------------------------------------------------------------------------------------------


def test_each_answer_is_on_record_in_the_turn_it_is_given_in() -> None:
    caller = Caller(line(SURVEY)).hears("Vi abbiamo aiutato?")
    assert (caller.ask.digits, caller.ask.finish, caller.ask.patience) == (1, "", 6)
    caller.presses("1").hears("È risolto?")
    assert caller.last.deeds == (KeepAnswer("service", "helped", "helped", "yes", False),)
    caller.presses("1").hears("Grazie per le risposte. Fine done.").never_hears("ricontattiamo")
    assert caller.last.deeds == (KeepAnswer("service", "solved", "solved", "yes", False),)
    assert caller.noted(SurveyAnswered) == [
        SurveyAnswered("service", "helped", "helped", "yes", False),
        SurveyAnswered("service", "solved", "solved", "yes", False),
    ]
    assert caller.noted(CallerAnswered) == [CallerAnswered("keys", "1")] * 2


def test_who_is_unhappy_is_promised_to_hear_from_us_once_a_call() -> None:
    caller = Caller(line(SURVEY)).presses("2").hears("Ci dispiace. Vi ricontattiamo noi entro <moment:", "È risolto?")
    kept, promised = caller.last.deeds
    assert kept == KeepAnswer("service", "helped", "helped", "no", True)
    # Tuesday 10:00 in Rome: 2.5 h until 12:30, 4 h until 18:00, 1.5 h of Wednesday
    assert promised == FollowUp(datetime(2026, 11, 25, 9, 0, tzinfo=UTC), "sales")
    caller.presses("2").hears("Grazie per le risposte.").never_hears("Ci dispiace")
    assert len(caller.did(FollowUp)) == 1
    assert [deed.unhappy for deed in caller.did(KeepAnswer)] == [True, True]


def test_the_promise_goes_by_the_hours_of_the_queue_the_caller_stood_in() -> None:
    always = Hours("always", ROME, {})
    hours = {**VERDI.hours, "always": always}
    queues = {
        **VERDI.queues,
        QueueName("complaints"): replace(VERDI.queues[QueueName("sales")], name=QueueName("complaints"), hours=None),
    }
    waits = model.QueueNode(name="waits", queue=QueueName("complaints"), when_done="survey", failed="failed")
    other = replace(waits, name="other", queue=QueueName("sales"))
    without = line(SURVEY, other, waits, of=replace(VERDI, queues=queues, hours=hours))
    caller = Caller(without)
    caller.cursor = replace(caller.cursor, path=("waits", "survey"))
    caller.presses("2")
    assert caller.did(FollowUp) == [FollowUp(caller.now + timedelta(days=1), "complaints")]
    never = replace(VERDI, queues={QueueName("sales"): replace(VERDI.queues[QueueName("sales")], hours="always")})
    shut = Caller(line(SURVEY, of=replace(never, hours=hours))).presses("2").never_hears("ricontattiamo")
    assert shut.did(FollowUp) == []


def test_nothing_is_promised_to_nobody() -> None:
    hidden = Caller(line(SURVEY), number=None).presses("2").hears("È risolto?").never_hears("ricontattiamo")
    assert hidden.did(FollowUp) == []
    assert hidden.did(KeepAnswer) == [KeepAnswer("service", "helped", "helped", "no", True)]
    known = Caller(line(SURVEY), number=None)
    known.cursor = replace(known.cursor, known="C1")
    assert known.presses("2").hears("ricontattiamo").did(FollowUp)


def test_nobody_is_asked_a_third_time() -> None:
    caller = Caller(line(SURVEY)).is_silent().hears("Non abbiamo ricevuto risposta.", "Vi abbiamo aiutato?")
    caller.is_silent().hears("È risolto?").never_hears("Non abbiamo ricevuto", "aiutato")
    caller.presses("7").hears("Questo tasto non è tra le scelte.", "È risolto?")
    caller.presses("8").hears("Fine done.").never_hears("Grazie", "tasto")
    assert caller.deeds == []
    assert caller.noted(NodeLeft)[-1].exit == "then"


def test_a_question_begins_with_fresh_tries_and_star_says_it_again() -> None:
    caller = Caller(line(SURVEY)).is_silent().presses("1").is_silent().hears("È risolto?")
    caller.presses("*").hears("È risolto?").presses("1").hears("Grazie")
    assert len(caller.did(KeepAnswer)) == 2


def test_slow_mode_waits_longer_and_tells_the_keys_and_english_is_english() -> None:
    caller = Caller(line(SURVEY), slow=True, language=ENGLISH).hears("Did we help?", "press star", "press 0")
    assert caller.ask.patience == 12
    caller.presses("0").hears("End person.")
    assert caller.did(KeepAnswer) == []


def test_words_and_other_doors_do_not_move_a_survey() -> None:
    caller = Caller(line(SURVEY)).takes(Words("sì")).hears("Questo tasto", "Vi abbiamo aiutato?")
    caller.takes(CameBack()).hears("Vi abbiamo aiutato?").presses("1").hears("È risolto?")


def test_a_survey_that_is_not_there_or_asks_nothing() -> None:
    Caller(line(replace(SURVEY, survey="none"))).hears("Mi dispiace", "Fine failed.")
    empty = replace(VERDI, surveys={"service": Survey("service", ())})
    Caller(line(SURVEY, of=empty)).hears("Fine done.")


# --- Message ----------------------------------------------------------------------------------------------------------

MESSAGE = model.Message(
    name="message",
    text=both("Listino: verdi.example, codice {entry}", "Prices: verdi.example, code {entry}"),
    then="done",
    failed="failed",
)


def test_a_text_is_on_record_in_the_turn_that_says_so() -> None:
    caller = Caller(line(MESSAGE)).hears("Vi mandiamo un messaggio di testo. Fine done.")
    assert caller.did(SendText) == [
        SendText(PhoneNumber("+393401234567"), "OffVerdi", "Listino: verdi.example, codice")
    ]


def test_a_text_shows_digits_as_they_are_written_in_the_callers_language() -> None:
    caller = Caller(line(collect("number", then="message"), MESSAGE), language=ENGLISH).presses("123456")
    (text,) = caller.did(SendText)
    assert text.text == "Prices: verdi.example, code 123456"
    assert "340" not in repr(caller.events) and "verdi.example" not in repr(caller.events)


def test_personal_words_are_written_to_nobody_who_is_not_known() -> None:
    personal = replace(MESSAGE, text=both("Gentile {customer.name}!"))
    (text,) = Caller(line(personal)).did(SendText)
    assert text.text == "Gentile!"


@pytest.mark.parametrize(
    ("number", "kind", "because"),
    [
        (None, "unknown", "the caller's number is withheld"),
        ("+390612345678", "fixed", "the number is no mobile (fixed)"),
        ("+41791234567", "mobile", "the number is of no country we know, and the line texts to IT"),
        ("+390612345678", "unknown", "the number is no mobile (unknown)"),
    ],
)
def test_who_cannot_get_a_text_is_told_so(number: str | None, kind: str, because: str) -> None:
    caller = Caller(line(MESSAGE), number=number, number_kind=kind)
    caller.hears("A questo numero non possiamo mandare messaggi di testo. Fine failed.").never_hears("Vi mandiamo")
    assert caller.deeds == []
    assert caller.noted(NodeLeft)[0] == NodeLeft("message", "failed", because, "main")
    assert caller.noted(NodeFailed) == []


def test_a_line_without_a_sender_and_a_text_without_words() -> None:
    mute = replace(VERDI, lines={"toll_free": replace(LINE, texts_from=None)})
    assert Caller(line(MESSAGE, of=mute)).hears("Fine failed.").deeds == []
    assert Caller(line(replace(MESSAGE, text=both("{entry}")))).hears("Fine failed.").deeds == []
    assert Caller(version(MESSAGE, end("failed"))).hears("Fine failed.").deeds == []


def test_three_texts_a_call_are_enough() -> None:
    again = menu("again", option("1", "un altro", "message"))
    caller = Caller(line(replace(MESSAGE, then="again"), again)).hears("Vi mandiamo")
    caller.presses("1").hears("Vi mandiamo").presses("1").hears("Vi mandiamo")
    caller.presses("1").hears("non possiamo", "Fine failed.").never_hears("Vi mandiamo")
    assert len(caller.did(SendText)) == 3


# --- Transfer ---------------------------------------------------------------------------------------------------------

TRANSFER = model.Transfer(
    name="on_call",
    number="+390212345699",
    when_done="done",
    busy="engaged",
    no_answer="nobody",
    failed="failed",
    limit=timedelta(seconds=20),
)
OUTSIDE = line(TRANSFER, say("engaged", "Occupato allora.", "done"), end("nobody"))


def test_the_caller_is_told_before_the_number_is_rung_and_the_line_shows_itself() -> None:
    caller = Caller(OUTSIDE).hears("Vi mettiamo in comunicazione: un momento.")
    assert caller.said == Dial(PhoneNumber("+390212345699"), 20, PhoneNumber("+390212345678"))
    assert caller.noted(TransferBegan) == [TransferBegan("on_call", "+390212345699")]
    bare = Caller(version(TRANSFER, end("engaged"), end("nobody"), end("failed")))
    assert bare.said == Dial(PhoneNumber("+390212345699"), 20, None)


@pytest.mark.parametrize(
    ("how", "exit_", "words"),
    [
        ("completed", "when_done", "Fine done."),
        ("busy", "busy", "Il numero è occupato. Occupato allora. Fine done."),
        ("no_answer", "no_answer", "Non risponde nessuno. Fine nobody."),
        ("failed", "failed", "Mi dispiace, non siamo riusciti a mettervi in comunicazione. Fine failed."),
    ],
)
def test_every_ending_has_its_way_out_and_its_words(how: str, exit_: str, words: str) -> None:
    caller = Caller(OUTSIDE).is_connected_until(how).hears(words)
    assert caller.heard == words
    assert caller.noted(NodeLeft)[0].exit == exit_
    assert caller.noted(TransferEnded) == [TransferEnded("on_call", how)]
    assert caller.noted(TransferConnected) == ([TransferConnected("on_call")] if how == "completed" else [])


def test_another_door_is_no_talk() -> None:
    caller = Caller(OUTSIDE).takes(CameBack()).hears("Fine failed.")
    assert caller.noted(TransferConnected) == []


def test_what_is_no_number_is_not_dialled() -> None:
    broken = line(replace(TRANSFER, number="118"), end("engaged"), end("nobody"))
    caller = Caller(broken).hears("Mi dispiace", "Fine failed.")
    assert caller.noted(TransferBegan) == []
