"""Callbacks with the promises behind them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ivr.core.callbacks import (
    AttemptPolicy,
    Callback,
    CallbackState,
    Caps,
    Outcome,
    Refusal,
    RingsAgain,
    SlotTaken,
    after_attempt,
    dials,
    rings_again,
    served,
)
from ivr.core.company import Line
from ivr.core.errors import ChangedMeanwhile
from ivr.core.promises import Promise, PromiseState
from ivr.core.words import CallbackId, PhoneNumber, PromiseId
from ivr.store.session import SqlRecords
from ivr.switchboard.record import callbacks, promises
from ivr.world.numbering import PhoneNumbers
from tests.core.test_callbacks import CALLBACK, NOW, TIMES
from tests.store.conftest import CALL, MARIA
from tests.store.test_calls import at_once

MINUTE = timedelta(minutes=1)
POLICY = AttemptPolicy()
ASKED = replace(CALLBACK, customer=MARIA.id, call=CALL.id, promise=PromiseId("p"))
PROMISE = Promise(PromiseId("p"), "callback", MARIA.id, CALL.id, NOW, NOW + 15 * MINUTE, "Europe/Rome", "sales")


@pytest.fixture
def asked(records: SqlRecords) -> Callback:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        return callbacks.ask(tx, ASKED, PROMISE, 0, "UTC", NOW)


def told(records: SqlRecords) -> list[str]:
    with records.read() as tx:
        return [event.kind for event in tx.log.of_call(CALL.id)]


def attempt(records: SqlRecords, outcome: Outcome, at: datetime) -> tuple[Callback, Promise]:
    with records.write() as tx:
        ringing = dials(tx.callbacks.get(ASKED.id), at)
        assert ringing is not None and tx.callbacks.change(ringing)
    with records.write() as tx:
        after = after_attempt(tx.callbacks.get(ASKED.id), outcome, POLICY, TIMES, "482133", at)
        return callbacks.settle(tx, after, at), tx.promises.get(PROMISE.id)


def test_a_callback_is_promised_once_for_a_number(records: SqlRecords, asked: Callback) -> None:
    assert asked == ASKED
    again = replace(ASKED, id=CallbackId("b2"))
    with records.write() as tx:
        assert callbacks.ask(tx, again, replace(PROMISE, id=PromiseId("p2")), 0, "UTC", NOW) == ASKED
        assert [each.id for each in tx.promises.of(MARIA.id)] == ["p"]
    assert told(records) == ["promise.made"]


def test_two_requests_in_the_same_moment_make_one_promise(records: SqlRecords) -> None:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)

    def ask(n: int) -> str:
        mine, promise = replace(ASKED, id=CallbackId(f"b{n}")), replace(PROMISE, id=PromiseId(f"p{n}"))
        with records.write() as tx:
            return callbacks.ask(tx, mine, promise, 0, "UTC", NOW).id

    (winner,) = set(at_once(3, ask))
    with records.read() as tx:
        (callback,) = tx.callbacks.live()
        (promise,) = tx.promises.of(MARIA.id)
    assert (callback.id, callback.promise) == (winner, promise.id)
    assert told(records) == ["promise.made"]


def test_a_full_hour_promises_nothing(records: SqlRecords) -> None:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
    with pytest.raises(SlotTaken), records.write() as tx:
        callbacks.ask(tx, replace(ASKED, slot_at=NOW + 60 * MINUTE), PROMISE, 0, "Europe/Rome", NOW)
    with records.read() as tx:
        assert tx.promises.of(MARIA.id) == []
    assert told(records) == []


def test_the_promise_is_kept_when_they_are_reached(records: SqlRecords, asked: Callback) -> None:
    callback, promise = attempt(records, Outcome.REACHED, NOW + 5 * MINUTE)
    assert (callback.state, promise.state) == (CallbackState.REACHED, PromiseState.KEPT)
    assert told(records) == ["promise.made", "promise.closed"]


def test_it_moves_only_when_the_next_attempt_comes_too_late(records: SqlRecords, asked: Callback) -> None:
    first, promise = attempt(records, Outcome.BUSY, NOW)
    assert (first.next_at, promise.moved_to) == (NOW + 10 * MINUTE, NOW + 20 * MINUTE)
    with records.write() as tx:
        assert promises.tell(tx, promise.id, NOW).due_at == NOW + 20 * MINUTE
    second, promise = attempt(records, Outcome.NO_ANSWER, NOW + 10 * MINUTE)
    assert promise.moved_to == NOW + 80 * MINUTE
    assert promise.because == "nobody answered; attempt 3 follows"
    with records.write() as tx:
        promises.move(tx, promise.id, NOW + 300 * MINUTE, "agreed on another time", NOW + 11 * MINUTE)
        promises.tell(tx, promise.id, NOW + 11 * MINUTE)
    last, promise = attempt(records, Outcome.MACHINE, NOW + 70 * MINUTE)
    assert (last.state, last.code) == (CallbackState.NOT_REACHED, "482133")
    assert (promise.state, promise.because) == (PromiseState.WITHDRAWN, last.because)
    assert second.misses == 2


def test_a_next_attempt_within_the_promise_moves_nothing(records: SqlRecords, asked: Callback) -> None:
    with records.write() as tx:
        promises.move(tx, PROMISE.id, NOW + 60 * MINUTE, "agreed", NOW)
        promises.tell(tx, PROMISE.id, NOW)
    _, promise = attempt(records, Outcome.BUSY, NOW)
    assert (promise.due_at, promise.moved_to) == (NOW + 60 * MINUTE, None)


def test_who_rings_again_and_cancels_or_is_served_ends_it(records: SqlRecords, asked: Callback) -> None:
    with records.write() as tx:
        waits = callbacks.settle(tx, rings_again(asked, RingsAgain.WAIT, NOW), NOW)
        assert tx.promises.get(PROMISE.id).open
        done = callbacks.settle(tx, served(waits, "answered on the line", NOW), NOW)
        assert (done.state, tx.promises.get(PROMISE.id).state) == (CallbackState.SERVED, PromiseState.KEPT)
    with pytest.raises(ChangedMeanwhile), records.write() as tx:  # by what it was before
        callbacks.settle(tx, rings_again(asked, RingsAgain.CANCEL, NOW), NOW)


def test_a_promise_that_was_ended_by_hand_stays_so(records: SqlRecords, asked: Callback) -> None:
    with records.write() as tx:
        promises.withdraw(tx, PROMISE.id, "wrote instead", NOW)
    callback, promise = attempt(records, Outcome.REACHED, NOW)
    assert (callback.state, promise.state) == (CallbackState.REACHED, PromiseState.WITHDRAWN)


LINE = Line("toll_free", PhoneNumber("+39800123456"), "numero_verde")


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        ("+390612345678", None),
        ("+39899123456", Refusal.KIND),
        ("+12125551234", Refusal.COUNTRY),
        ("+39800123456", Refusal.OURS),
    ],
)
def test_a_number_is_judged_by_its_country_kind_and_history(
    records: SqlRecords, asked: Callback, number: str, refusal: Refusal | None
) -> None:
    ours = frozenset({LINE.number})
    with records.read() as tx:

        def judged(caps: Caps) -> Refusal | None:
            numbering = PhoneNumbers("IT")
            to = PhoneNumber(number)
            return callbacks.may_be_called(tx, numbering, to, False, LINE, ours, caps, NOW + MINUTE).refusal

        assert judged(Caps()) is refusal
        assert judged(Caps(per_number=1)) is (refusal or Refusal.TOO_OFTEN)
        assert judged(Caps(in_all=1)) is (refusal or Refusal.TOO_MANY)
