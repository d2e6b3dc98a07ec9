"""Callbacks on both databases: one live a number, one a place of a slot, one dial an attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.core.call import CallRecord
from ivr.core.callbacks import (
    Callback,
    CallbackState,
    NoSuchCallback,
    Outcome,
    SlotTaken,
    cancelled,
    dials,
    missed_is_told,
)
from ivr.core.customer import Customer, CustomerKind
from ivr.core.words import (
    AgentId,
    CallbackId,
    CaseId,
    CustomerId,
    Language,
    PhoneNumber,
    PromiseId,
    QueueName,
    TicketId,
)
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.customers import Attempt
from tests.databases import START
from tests.store.test_calls import at_once

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NUMBER = PhoneNumber("+390612345678")


@pytest.fixture
def callback(call: CallRecord) -> Callback:
    return Callback(
        id=CallbackId("b"),
        customer=call.customer,
        call=call.id,
        line="toll_free",
        queue=QueueName("sales"),
        number=NUMBER,
        country="IT",
        zones=("Europe/Rome",),
        language=Language("it"),
        arrived_at=START - 5 * MINUTE,
        asked_at=START,
        next_at=START,
        shows=PhoneNumber("+390212345678"),
        ticket=TicketId("t"),
        case=CaseId("k"),
        promise=PromiseId("p"),
        path=("welcome", "sales_queue"),
        typed={"order": "00417", "città": "Forlì"},
    )


def other(callback: Callback, n: int) -> Callback:
    return replace(callback, id=CallbackId(f"b{n}"), ticket=TicketId(f"t{n}"))


def test_a_callback_comes_back_whole_with_all_that_travels_along(records: SqlRecords, callback: Callback) -> None:
    with records.write() as tx:
        assert tx.callbacks.ask(callback) == callback
    with records.read() as tx:
        assert tx.callbacks.get(callback.id) == callback
        assert tx.callbacks.live_of(NUMBER) == callback
        assert tx.callbacks.of_ticket(TicketId("t")) == callback
        assert tx.callbacks.of(callback.customer) == [callback]
        assert tx.callbacks.live() == tx.callbacks.live(callback.queue) == [callback]
        assert tx.callbacks.live(QueueName("complaints")) == []
        assert tx.callbacks.live_count(callback.queue) == 1
        assert tx.callbacks.live_count(QueueName("complaints")) == 0
        assert tx.callbacks.live_of(PhoneNumber("+390699999999")) is None
        with pytest.raises(NoSuchCallback):
            tx.callbacks.get(CallbackId("nothing"))


def test_who_asks_twice_is_told_of_the_first(records: SqlRecords, callback: Callback) -> None:
    with records.write() as tx:
        tx.callbacks.ask(callback)
        assert tx.callbacks.ask(other(callback, 2)) == callback
        ended = cancelled(callback, "asked to", START).callback
        assert tx.callbacks.change(ended)
        assert tx.callbacks.live_of(NUMBER) is None
        assert tx.callbacks.ask(other(callback, 3)).id == "b3"
        assert [each.id for each in tx.callbacks.of(callback.customer)] == ["b", "b3"]


def test_of_simultaneous_requests_for_one_number_one_wins_and_all_hear_of_it(
    records: SqlRecords, callback: Callback
) -> None:
    def ask(n: int) -> str:
        with records.write() as tx:
            return tx.callbacks.ask(other(callback, n)).id

    told = at_once(4, ask)
    assert len(set(told)) == 1
    with records.read() as tx:
        assert [each.id for each in tx.callbacks.live()] == [told[0]]


def test_of_simultaneous_requests_for_the_last_place_one_gets_it(records: SqlRecords, callback: Callback) -> None:
    def book(n: int) -> str:
        mine = replace(other(callback, n), number=PhoneNumber(f"+39061234560{n}"), slot_at=START + HOUR)
        try:
            with records.write() as tx:
                return tx.callbacks.ask(mine, capacity=2, zone="Europe/Rome").id
        except SlotTaken:
            return "taken"

    assert sorted(at_once(4, book)).count("taken") == 2
    with records.read() as tx:
        assert tx.callbacks.booked(callback.queue, START, START + 2 * HOUR) == [START + HOUR] * 2
        assert tx.callbacks.booked(QueueName("complaints"), START, START + 2 * HOUR) == []
        assert tx.callbacks.booked(callback.queue, START, START + HOUR) == []


def test_a_place_is_free_again_when_its_callback_has_ended(records: SqlRecords, callback: Callback) -> None:
    slot = replace(callback, slot_at=START + HOUR)
    later = replace(other(slot, 2), number=PhoneNumber("+390612345602"), slot_at=START + HOUR + 10 * MINUTE)
    with records.write() as tx:
        tx.callbacks.ask(slot, capacity=1, zone="Europe/Rome")
        with pytest.raises(SlotTaken):  # 20:30 and 20:40 are of one hour
            tx.callbacks.ask(later, capacity=1, zone="Europe/Rome")
        with pytest.raises(SlotTaken):
            tx.callbacks.ask(later, capacity=0, zone="Europe/Rome")
        assert tx.callbacks.change(cancelled(slot, "asked to", START).callback)
        assert tx.callbacks.ask(later, capacity=1, zone="Europe/Rome") == later
        # Who has one already is told of it, not of the slot.
        assert tx.callbacks.ask(replace(later, id=CallbackId("b9")), capacity=1, zone="Europe/Rome") == later


def test_what_is_due_comes_in_the_order_of_arrival(records: SqlRecords, callback: Callback) -> None:
    earlier = replace(
        other(callback, 2), number=PhoneNumber("+390612345602"), arrived_at=START - HOUR, next_at=START + MINUTE
    )
    with records.write() as tx:
        tx.callbacks.ask(callback)
        tx.callbacks.ask(earlier)
        assert tx.callbacks.due(START - MINUTE, 10) == []
        assert tx.callbacks.due(START, 10) == [callback]
        assert tx.callbacks.due(START + HOUR, 10) == [earlier, callback]
        assert tx.callbacks.due(START + HOUR, 1) == [earlier]
        ringing = dials(callback, START)
        assert ringing is not None and tx.callbacks.change(ringing)
        assert tx.callbacks.due(START + HOUR, 10) == [earlier]


def test_of_two_who_dial_at_once_one_does(records: SqlRecords, callback: Callback) -> None:
    with records.write() as tx:
        tx.callbacks.ask(callback)

    def dial(n: int) -> tuple[bool, bool]:
        ringing = dials(callback, START)
        assert ringing is not None
        with records.write() as tx:
            began = tx.callbacks.begin(Attempt(callback.id, ringing.attempts, AgentId(f"agent{n}"), START))
            return began, tx.callbacks.change(ringing)

    assert sorted(at_once(4, dial)) == [(False, False)] * 3 + [(True, True)]
    with records.write() as tx:
        (attempt,) = tx.callbacks.attempts(callback.id)
        assert (attempt.number, attempt.outcome, attempt.ended_at) == (1, None, None)
        assert tx.callbacks.end(callback.id, 1, Outcome.BUSY, START + MINUTE)
        assert not tx.callbacks.end(callback.id, 1, Outcome.REACHED, START + MINUTE)
        assert not tx.callbacks.end(callback.id, 2, Outcome.BUSY, START + MINUTE)
        (attempt,) = tx.callbacks.attempts(callback.id)
        assert (attempt.outcome, attempt.ended_at) == (Outcome.BUSY, START + MINUTE)


def test_a_change_over_somebody_elses_is_refused(records: SqlRecords, callback: Callback) -> None:
    with records.write() as tx:
        tx.callbacks.ask(callback)
        told = missed_is_told(replace(callback, tell=True, misses=1, last_outcome=Outcome.MACHINE))
        assert tx.callbacks.change(told)
        assert not tx.callbacks.change(told)
        assert tx.callbacks.get(callback.id) == replace(told, version=1)


def test_a_code_is_found_while_it_holds(records: SqlRecords, callback: Callback) -> None:
    ended = replace(
        callback,
        state=CallbackState.NOT_REACHED,
        next_at=None,
        ended_at=START,
        because="not reached",
        code="482133",
        code_until=START + 48 * HOUR,
    )
    with records.write() as tx:
        tx.callbacks.ask(callback)
        assert tx.callbacks.change(ended)
        found = tx.callbacks.by_code("482133", START + 48 * HOUR)
        assert found is not None and found.id == callback.id
        assert tx.callbacks.by_code("482133", START + 49 * HOUR) is None
        assert tx.callbacks.by_code("111111", START) is None


def test_requests_are_counted_for_a_number_and_in_all(records: SqlRecords, callback: Callback) -> None:
    with records.write() as tx:
        tx.callbacks.ask(callback)
        tx.callbacks.ask(replace(other(callback, 2), number=PhoneNumber("+390612345602"), asked_at=START + HOUR))
        assert tx.callbacks.asked_since(START) == 2
        assert tx.callbacks.asked_since(START, NUMBER) == 1
        assert tx.callbacks.asked_since(START + MINUTE, NUMBER) == 0
        assert tx.callbacks.asked_since(START + MINUTE) == 1


def test_who_proves_it_takes_the_callback_along(records: SqlRecords, callback: Callback, call: CallRecord) -> None:
    someone = CustomerId("0193-other")
    with records.write() as tx:
        tx.customers.add(Customer(someone, CustomerKind.CUSTOMER, created_at=START))
        tx.callbacks.ask(callback)
        tx.customers.merge_call(call.customer, someone, call.id)
        assert [each.id for each in tx.callbacks.of(someone)] == ["b"]
