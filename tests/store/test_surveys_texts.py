"""Answers to surveys and text messages, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.core.call import CallRecord
from ivr.core.customer import Customer, CustomerKind
from ivr.core.errors import NoSuchText
from ivr.core.survey import SurveyAnswer
from ivr.core.text_message import LEASE, TextMessage, answer_lost, handed_over, not_taken, refused, sent
from ivr.core.words import CallId, CustomerId, PhoneNumber, TextId
from ivr.store.session import SqlRecords
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.store.test_calls import at_once

ANSWER = SurveyAnswer(CALL.id, MARIA.id, "service", "solved", "solved", "no", True, START)
TEXT = TextMessage(
    TextId("t"),
    CALL.id,
    MARIA.id,
    PhoneNumber("+393401234567"),
    "OffVerdi",
    "Il listino è su verdi.example",
    START,
    next_at=START,
)
HOUR = timedelta(hours=1)


def test_all_answers_are_kept_and_the_first_has_number_one(records: SqlRecords, call: CallRecord) -> None:
    later = replace(ANSWER, value="yes", unhappy=False, answered_at=START + HOUR)
    with records.write() as tx:
        assert tx.answers.keep(ANSWER) == 1
        assert tx.answers.keep(replace(ANSWER, question="helped", measures="helped")) == 1
    with records.write() as tx:
        assert tx.answers.keep(later) == 2
    with records.read() as tx:
        found = tx.answers.of_call(call.id)
        assert [(each.question, each.number, each.value) for each in found] == [
            ("helped", 1, "no"),
            ("solved", 1, "no"),
            ("solved", 2, "yes"),
        ]
        assert found[1] == ANSWER and found[2] == replace(later, number=2)
        assert tx.answers.between(START + HOUR, START + 2 * HOUR) == [replace(later, number=2)]
        assert len(tx.answers.between(START, START + HOUR)) == 2
        assert tx.answers.of_call(CallId("another")) == []


def test_answers_at_once_on_one_call_have_numbers_of_their_own(records: SqlRecords, call: CallRecord) -> None:
    def answer(_: int) -> int:
        with records.write() as tx:
            tx.calls.at(call.id)  # as a turn does
            return tx.answers.keep(ANSWER)

    assert sorted(at_once(4, answer)) == [1, 2, 3, 4]


def test_a_text_comes_back_whole_at_every_stage(records: SqlRecords, call: CallRecord) -> None:
    handed = handed_over(TEXT, START)
    for after in (handed, sent(handed, "SM1", START), refused(handed, "no", START), not_taken(handed, "away", START)):
        text = replace(TEXT, id=TextId(f"t-{after.state.value}-{after.carrier_id}"))
        with records.write() as tx:
            tx.texts.promise(text)
            assert tx.texts.get(text.id) == text
            assert tx.texts.change(replace(after, id=text.id), text)
            assert tx.texts.get(text.id) == replace(after, id=text.id)
    with records.read() as tx:
        assert len(tx.texts.of(MARIA.id)) == 4
        with pytest.raises(NoSuchText):
            tx.texts.get(TextId("nothing"))


def test_of_two_who_change_a_text_one_is_told_so(records: SqlRecords, call: CallRecord) -> None:
    with records.write() as tx:
        tx.texts.promise(TEXT)

    def hand_over(_: int) -> bool:
        with records.write() as tx:
            return tx.texts.change(handed_over(TEXT, START), TEXT)

    assert sorted(at_once(4, hand_over)) == [False, False, False, True]
    again = handed_over(not_taken(handed_over(TEXT, START), "away", START), START)
    with records.write() as tx:
        assert not tx.texts.change(answer_lost(again, "gone", START), again)  # an attempt that this row never saw


def test_texts_that_are_due_are_found_and_ended_ones_never(
    records: SqlRecords, call: CallRecord, clock: SetClock
) -> None:
    handed = handed_over(TEXT, START)
    with records.write() as tx:
        tx.texts.promise(TEXT)
        tx.texts.promise(replace(handed, id=TextId("sending")))
        tx.texts.promise(replace(sent(handed, "SM1", START), id=TextId("sent")))
        tx.texts.promise(replace(TEXT, id=TextId("no_call"), call=None, next_at=START - HOUR))
        assert [each.id for each in tx.texts.due(START, 10)] == ["no_call", "t"]
        assert [each.id for each in tx.texts.due(START + LEASE, 10)] == ["no_call", "t", "sending"]
        assert [each.id for each in tx.texts.due(START + LEASE, 1)] == ["no_call"]
        assert tx.texts.due(START - 2 * HOUR, 10) == []


def test_what_was_said_and_sent_on_a_call_goes_to_whom_the_caller_turns_out_to_be(
    records: SqlRecords, call: CallRecord
) -> None:
    anna = Customer(CustomerId("anna"), CustomerKind.CUSTOMER)
    with records.write() as tx:
        tx.customers.add(anna)
        tx.answers.keep(ANSWER)
        tx.texts.promise(TEXT)
        tx.customers.merge_call(MARIA.id, anna.id, call.id)
        assert [each.customer for each in tx.answers.of_call(call.id)] == [anna.id]
        assert [each.id for each in tx.texts.of(anna.id)] == [TEXT.id]
        assert tx.texts.of(MARIA.id) == []
