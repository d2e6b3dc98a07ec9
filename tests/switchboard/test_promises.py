"""Promises in the hands of people and of the clock, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.core.call import CallRecord
from ivr.core.errors import ChangedMeanwhile, NoSuchVoicemail, VoicemailAnsweredAlready
from ivr.core.promises import (
    BROKEN_AFTER,
    NoSuchPromise,
    Promise,
    PromiseEnded,
    PromiseState,
    ReasonMissing,
)
from ivr.core.voicemail import AudioState, TextState, Voicemail
from ivr.core.words import PromiseId, QueueName, VoicemailId
from ivr.store.session import SqlRecords
from ivr.switchboard.record import promises
from ivr.switchboard.record.promises import WarnDue
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.store.test_calls import at_once

HOUR = timedelta(hours=1)


@pytest.fixture
def promise(records: SqlRecords) -> Promise:
    made = Promise(
        PromiseId("p"), "answer_voicemail", MARIA.id, CALL.id, START, START + 10 * HOUR, "Europe/Rome", "sales"
    )
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        tx.promises.make(made)
    return made


def happened(records: SqlRecords, call: CallRecord = CALL) -> list[tuple[str, object]]:
    with records.read() as tx:
        return [
            (event.kind, event.data.get("result") or event.data.get("new_due") or event.data.get("due"))
            for event in tx.log.of_call(call.id)
        ]


def test_the_sweep_warns_once_escalates_once_and_in_the_end_breaks_it(
    records: SqlRecords, clock: SetClock, promise: Promise
) -> None:
    sweep = WarnDue(records, clock)
    done = []
    for _ in range(24 * 12):
        done += [(each.state, each.warned_at, each.late_at) for each in sweep()]
        clock.passes(hours=1)
    assert [kind for kind, _ in happened(records)] == ["promise.warned", "promise.late", "promise.closed"]
    assert happened(records)[-1] == ("promise.closed", "broken")
    assert done[0] == (PromiseState.OPEN, START + 8 * HOUR, None)
    assert done[1][2] == START + 11 * HOUR
    assert len(done) == 3
    with records.read() as tx:
        ended = tx.promises.get(promise.id)
    assert ended.ended_at == promise.due_at + BROKEN_AFTER


def test_two_sweeps_at_once_warn_once(records: SqlRecords, clock: SetClock, promise: Promise) -> None:
    clock.passes(hours=9)
    done = at_once(4, lambda _: WarnDue(records, clock)())
    assert sorted(map(len, done)) == [0, 0, 0, 1]
    assert [kind for kind, _ in happened(records)] == ["promise.warned"]


def test_a_promise_without_a_call_is_warned_of_in_its_row(
    records: SqlRecords, clock: SetClock, promise: Promise
) -> None:
    with records.write() as tx:
        tx.promises.make(replace(promise, id=PromiseId("q"), call=None))
    clock.passes(hours=9)
    assert {each.id for each in WarnDue(records, clock)()} == {"p", "q"}
    assert len(happened(records)) == 1


def test_moved_told_and_kept_by_the_new_time(records: SqlRecords, clock: SetClock, promise: Promise) -> None:
    new = START + 20 * HOUR
    with records.write() as tx:
        assert promises.move(tx, promise.id, new, "the technician is ill", clock.now()).to_be_told
    with records.write() as tx:
        assert promises.tell(tx, promise.id, clock.passes(hours=1)).due_at == new
    with records.write() as tx:
        assert promises.keep(tx, promise.id, None, clock.passes(hours=15)).state is PromiseState.KEPT
    assert happened(records) == [
        ("promise.moved", new.isoformat()),
        ("promise.move_told", new.isoformat()),
        ("promise.closed", "kept"),
    ]


def test_what_is_refused_changes_nothing(records: SqlRecords, clock: SetClock, promise: Promise) -> None:
    with pytest.raises(ReasonMissing), records.write() as tx:
        promises.withdraw(tx, promise.id, " ", clock.now())
    with pytest.raises(NoSuchPromise), records.write() as tx:
        promises.keep(tx, PromiseId("nothing"), None, clock.now())
    with records.write() as tx:
        promises.give_up(tx, promise.id, "the order is lost", clock.now())
    with pytest.raises(PromiseEnded, match="broken"), records.write() as tx:
        promises.keep(tx, promise.id, None, clock.now())
    assert happened(records) == [("promise.closed", "broken")]


def test_of_two_who_end_it_at_once_one_is_refused(records: SqlRecords, clock: SetClock, promise: Promise) -> None:
    def act(n: int) -> str:
        try:
            with records.write() as tx:
                return (promises.keep if n else promises.withdraw)(tx, promise.id, "so", clock.now()).state.value
        except (PromiseEnded, ChangedMeanwhile) as refused:
            return type(refused).__name__

    ends = at_once(2, act)
    assert len({"kept", "withdrawn"} & set(ends)) == 1
    assert len({"PromiseEnded", "ChangedMeanwhile"} & set(ends)) == 1
    assert len(happened(records)) == 1


@pytest.fixture
def message(records: SqlRecords, promise: Promise) -> Voicemail:
    left = Voicemail(
        VoicemailId("vm"),
        CALL.id,
        MARIA.id,
        QueueName("sales"),
        "RE1",
        "u",
        START,
        AudioState.KEPT,
        TextState.READ,
        promise=promise.id,
    )
    with records.write() as tx:
        tx.voicemails.take(left)
    return left


@pytest.mark.parametrize(("hours", "state"), [(2, PromiseState.KEPT), (11, PromiseState.LATE)])
def test_who_answers_the_message_keeps_the_promise(
    records: SqlRecords, clock: SetClock, message: Voicemail, hours: int, state: PromiseState
) -> None:
    with records.write() as tx:
        done = promises.answer_voicemail(tx, message.id, "anna", clock.passes(hours=hours))
    assert (done.answered_by, done.answered_at) == ("anna", START + hours * HOUR)
    with records.read() as tx:
        ended = tx.promises.get(PromiseId("p"))
    assert (ended.state, ended.because) == (state, "answered by anna")
    assert [kind for kind, _ in happened(records)] == ["voicemail.answered", "promise.closed"]


def test_a_message_is_answered_once_and_ends_no_ended_promise(
    records: SqlRecords, clock: SetClock, message: Voicemail
) -> None:
    with records.write() as tx:
        promises.withdraw(tx, PromiseId("p"), "rang again", clock.now())
        promises.answer_voicemail(tx, message.id, "anna", clock.now())
        assert tx.promises.get(PromiseId("p")).state is PromiseState.WITHDRAWN
    with pytest.raises(VoicemailAnsweredAlready, match="by anna"), records.write() as tx:
        promises.answer_voicemail(tx, message.id, "bruno", clock.now())
    with pytest.raises(NoSuchVoicemail), records.write() as tx:
        promises.answer_voicemail(tx, VoicemailId("nothing"), "anna", clock.now())
