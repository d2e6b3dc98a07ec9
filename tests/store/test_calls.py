"""Calls and their log, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.errors import NoSuchCall
from ivr.core.events import CallerAnswered, CallerSilent, NodeEntered, SaidToCaller
from ivr.core.words import CallId, CustomerId, PhoneNumber, Withheld
from ivr.store.log import MOST_AT_ONCE
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.records import Transaction
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA, next_turn

T = TypeVar("T")
HOUR = timedelta(hours=1)


def at_once(times: int, work: Callable[[int], T]) -> list[T]:
    """What each of so many threads came back with, all let go at the same moment."""
    start = Barrier(times)

    def one(n: int) -> T:
        start.wait()
        return work(n)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_a_call_comes_back_as_it_was_put(records: SqlRecords, call: CallRecord) -> None:
    with records.read() as tx:
        assert tx.calls.at(call.id) == call
        assert tx.calls.find(call.key) == call
        assert tx.calls.find(CarrierKey("exchange", "AC1", "CA2")) is None
        with pytest.raises(NoSuchCall):
            tx.calls.at(CallId("nobody"))


def test_a_withheld_caller_keeps_what_the_carrier_said(records: SqlRecords, call: CallRecord) -> None:
    hidden = replace(call, id=CallId("hidden"), key=CarrierKey("exchange", "AC1", "CA9"), caller=Withheld("anonymous"))
    with records.write() as tx:
        tx.calls.start(hidden)
    with records.read() as tx:
        assert tx.calls.at(hidden.id).caller == Withheld("anonymous")


def test_one_of_two_simultaneous_first_requests_starts_the_call(records: SqlRecords, call: CallRecord) -> None:
    key = CarrierKey("exchange", "AC1", "CA-twice")

    def start(n: int) -> bool:
        with records.write() as tx:
            return tx.calls.start(replace(call, id=CallId(f"0193-{n}"), key=key))

    assert sorted(at_once(2, start)) == [False, True]
    with records.read() as tx:
        found = tx.calls.find(key)
        assert found is not None
        assert found.id in ("0193-0", "0193-1")


def test_one_of_two_simultaneous_answers_moves_the_turn(records: SqlRecords, call: CallRecord) -> None:
    def answer(n: int) -> bool:
        with records.write() as tx:
            return tx.calls.move(next_turn(call, door=f"door {n}"), from_turn=1)

    assert sorted(at_once(2, answer)) == [False, True]
    with records.read() as tx:
        assert tx.calls.at(call.id).turn == 2


def test_a_turn_and_an_event_from_outside_never_share_a_number(records: SqlRecords, call: CallRecord) -> None:
    """The status callback comes while turns are taken: both number the events of one call."""

    def work(n: int) -> None:
        with records.write() as tx:
            if n % 2:
                tx.log.add(call.id, [CallerSilent("menu", n)], START)
            else:
                now = tx.calls.at(call.id)
                assert tx.calls.move(next_turn(now, events=2), from_turn=now.turn)
                tx.log.append(call.id, now.next_seq, [CallerSilent("a", n), CallerSilent("b", n)], START, now.customer)

    at_once(8, work)
    with records.read() as tx:
        assert [event.seq for event in tx.log.of_call(call.id)] == list(range(1, 13))
        assert tx.calls.at(call.id).next_seq == 13


def test_events_from_several_threads_are_numbered_without_gap(records: SqlRecords, call: CallRecord) -> None:
    def tell(n: int) -> None:
        with records.write() as tx:
            tx.log.add(call.id, [CallerSilent("menu", n), CallerSilent("menu", n)], START)

    at_once(8, tell)
    with records.read() as tx:
        events = tx.log.of_call(call.id)
    assert [event.seq for event in events] == list(range(1, 17))
    assert [first.data["tries"] for first in events[::2]] == [second.data["tries"] for second in events[1::2]]


def test_events_keep_both_times_and_the_customer_of_the_moment(
    records: SqlRecords, call: CallRecord, clock: SetClock
) -> None:
    happened = START - timedelta(seconds=5)
    with records.write() as tx:
        tx.log.append(
            call.id, 1, [NodeEntered("welcome", "say", "verde"), SaidToCaller("Città è", "it")], happened, call.customer
        )
    with records.read() as tx:
        first, second = tx.log.of_call(call.id)
    assert (first.happened_at, first.recorded_at, first.customer) == (happened, clock.now(), call.customer)
    assert (second.kind, second.schema, second.seq) == ("caller.told", 1, 2)
    assert second.data == {"text": "Città è", "language": "it"}


def test_more_events_than_one_statement_holds_are_all_kept(records: SqlRecords, call: CallRecord) -> None:
    many = [CallerSilent("menu", n) for n in range(2 * MOST_AT_ONCE + 1)]
    with records.write() as tx:
        tx.log.add(call.id, many, START)
        tx.log.add(call.id, [], START)
    with records.read() as tx:
        assert [event.data["tries"] for event in tx.log.of_call(call.id)] == list(range(len(many)))


def test_events_of_some_kinds_come_as_they_happened_from_calls_of_a_time(records: SqlRecords, call: CallRecord) -> None:
    other = replace(call, id=CallId("0193-other"), key=replace(call.key, sid="CA2"), started_at=START + HOUR)
    silent, entered = CallerSilent("a", 1), NodeEntered("a", "say", "f")
    with records.write() as tx:
        assert tx.calls.start(other)
        tx.log.add(other.id, [silent], START + HOUR)
        tx.log.add(call.id, [entered, silent], START + 2 * HOUR)
        tx.log.add(call.id, [silent], START)

    def found(since: datetime, until: datetime, *kinds: str) -> list[tuple[str, datetime]]:
        with records.read() as tx:
            return [(event.call, event.happened_at) for event in tx.log.of_kinds(kinds, since, until)]

    here, there = call.id, other.id
    both = [(here, START), (there, START + HOUR), (here, START + 2 * HOUR)]
    assert found(START, START + 2 * HOUR, silent.kind) == both
    assert found(START, START + HOUR, silent.kind, "nothing") == [both[0], both[2]]
    assert found(START, START + HOUR, entered.kind) == [both[2]]
    assert found(START, START + HOUR) == []


def test_an_event_for_an_unknown_call_is_refused(records: SqlRecords, call: CallRecord) -> None:
    with pytest.raises(NoSuchCall), records.write() as tx:
        tx.log.add(CallId("nobody"), [CallerSilent("menu", 1)], START)


@pytest.mark.parametrize("change", ["UPDATE call_events SET kind = 'x'", "DELETE FROM call_events"])
def test_the_database_refuses_to_change_what_happened(records: SqlRecords, call: CallRecord, change: str) -> None:
    with records.write() as tx:
        tx.log.add(call.id, [CallerAnswered("keys", "1")], START)
    with pytest.raises(DBAPIError, match="append-only"), records.engine.connect() as connection:
        connection.execute(text(change))
    with records.read() as tx:
        assert len(tx.log.of_call(call.id)) == 1


def test_a_block_that_raises_leaves_nothing(records: SqlRecords, call: CallRecord) -> None:
    def breaks() -> None:
        with records.write() as tx:
            tx.calls.move(next_turn(call), from_turn=1)
            tx.log.add(call.id, [CallerSilent("menu", 1)], START)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    with records.read() as tx:
        assert tx.calls.at(call.id) == call
        assert tx.log.of_call(call.id) == []


def test_a_call_ends_once(records: SqlRecords, call: CallRecord) -> None:
    with records.write() as tx:
        assert tx.calls.unfinished() == [call]
        assert tx.calls.end(call.id, CallState.ENDED, "voicemail", START + timedelta(minutes=1))
        assert not tx.calls.end(call.id, CallState.ENDED, "abandoned", START + timedelta(minutes=2))
        ended = tx.calls.at(call.id)
        assert (ended.outcome, ended.ended_at, ended.state) == (
            "voicemail",
            START + timedelta(minutes=1),
            CallState.ENDED,
        )
        assert tx.calls.unfinished() == []


def test_recent_calls_come_newest_first(records: SqlRecords, call: CallRecord) -> None:
    later = replace(
        call, id=CallId("later"), key=CarrierKey("exchange", "AC1", "CA2"), started_at=START + timedelta(hours=1)
    )
    with records.write() as tx:
        tx.calls.start(later)
        assert tx.calls.recent(10) == [later, call]
        assert tx.calls.recent(1) == [later]
        assert tx.calls.recent(10, before=later.started_at) == [call]
        assert tx.calls.of(call.customer) == [call, later]


def test_a_recognised_caller_takes_the_call_along(records: SqlRecords, call: CallRecord) -> None:
    other = CustomerId("0193-other")
    with records.write() as tx:
        tx.customers.add(replace(tx.customers.get(call.customer), id=other, number=None, numbers=()))
        tx.log.add(call.id, [CallerSilent("menu", 1)], START)
        tx.calls.recognise(call.id, other, Sure.KNOWN)
    with records.read() as tx:
        assert tx.calls.at(call.id).sure is Sure.KNOWN
        assert [event.call for event in tx.log.of_customer(other)] == [call.id]
        assert tx.log.of_customer(call.customer) == []


def test_a_fact_is_kept_once(records: SqlRecords, call: CallRecord) -> None:
    def keep(n: int) -> bool:
        with records.write() as tx:
            return tx.facts.keep("CA1:completed", "status", {"CallStatus": "completed"}, START, call.id)

    assert sorted(at_once(3, keep)) == [False, False, True]


def test_records_in_memory_hold_a_call(records_in_memory: SqlRecords) -> None:
    def add_and_read(tx: Transaction) -> CallRecord:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        return tx.calls.at(CALL.id)

    with records_in_memory.write() as tx:
        assert add_and_read(tx) == CALL
    with records_in_memory.read(), pytest.raises(RuntimeError, match="one at a time"):
        records_in_memory.read().__enter__()
    with records_in_memory.read() as tx:
        assert tx.calls.at(CALL.id).called == PhoneNumber("+39800123456")
