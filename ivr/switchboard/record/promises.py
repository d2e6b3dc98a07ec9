"""Promises in the hands of people, and of the clock.

Whatever happens to a promise stands in its row and, where it was made on a call, in that call's events. Two who act on
one promise at the same moment: one is first, the other is told so (people) or looks again (the sweep).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from ivr.core import promises
from ivr.core.errors import ChangedMeanwhile, VoicemailAnsweredAlready
from ivr.core.events import (
    CallEvent,
    PromiseClosed,
    PromiseLate,
    PromiseMoved,
    PromiseMoveTold,
    PromiseWarned,
    VoicemailAnswered,
)
from ivr.core.promises import Promise, PromiseStep
from ivr.core.voicemail import Voicemail
from ivr.core.words import PromiseId, VoicemailId
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock

AT_ONCE = 100
"""Promises looked at in one round, the longest due first."""


def keep(tx: Transaction, promise: PromiseId, because: str | None, now: datetime) -> Promise:
    """It was fulfilled: kept, or late. Raises NoSuchPromise, PromiseEnded, ChangedMeanwhile."""
    return _act(tx, promise, lambda it: promises.kept(it, because, now), _closed, now)


def withdraw(tx: Transaction, promise: PromiseId, because: str, now: datetime) -> Promise:
    """It is no longer owed. Raises NoSuchPromise, PromiseEnded, ReasonMissing, ChangedMeanwhile."""
    return _act(tx, promise, lambda it: promises.withdrawn(it, because, now), _closed, now)


def give_up(tx: Transaction, promise: PromiseId, because: str, now: datetime) -> Promise:
    """It is owed and will not be done. Raises NoSuchPromise, PromiseEnded, ReasonMissing, ChangedMeanwhile."""
    return _act(tx, promise, lambda it: promises.broken(it, because, now), _closed, now)


def move(tx: Transaction, promise: PromiseId, due_at: datetime, because: str, now: datetime) -> Promise:
    """It cannot be kept in time: a new time, which the customer must be told before it counts.

    Raises NoSuchPromise, PromiseEnded, ReasonMissing, TimeOutOfReach, ChangedMeanwhile.
    """
    return _act(tx, promise, lambda it: promises.moved(it, due_at, because, now), _moved, now)


def tell(tx: Transaction, promise: PromiseId, now: datetime) -> Promise:
    """The customer has been told the new time. Raises NoSuchPromise, PromiseEnded, NothingToTell, TimeOutOfReach."""
    return _act(tx, promise, lambda it: promises.told(it, now), _told, now)


def untell(tx: Transaction, promise: PromiseId, was_due: datetime, because: str, now: datetime) -> Promise:
    """The message of the new time did not arrive: the old time stands again. Raises NoSuchPromise, ChangedMeanwhile."""
    before = tx.promises.get(promise)
    after = replace(promises.untold(before, was_due), because=because)
    if after.due_at == before.due_at:
        return before
    if not tx.promises.change(after):
        raise ChangedMeanwhile
    _note(tx, after, _moved(after, after), now)
    return tx.promises.get(promise)


def answer_voicemail(tx: Transaction, voicemail: VoicemailId, by: str, now: datetime) -> Voicemail:
    """A message is answered, and with it what was promised for it, if that is still owed.

    Raises NoSuchVoicemail, VoicemailAnsweredAlready.
    """
    message = tx.voicemails.get(voicemail)
    if not tx.voicemails.answered(voicemail, by, now):
        message = tx.voicemails.get(voicemail)
        raise VoicemailAnsweredAlready(f"this voicemail was answered by {message.answered_by} already")
    tx.log.add(message.call, [VoicemailAnswered(voicemail, by)], now)
    if message.promise is not None and tx.promises.get(message.promise).open:
        keep(tx, message.promise, f"answered by {by}", now)
    return tx.voicemails.get(voicemail)


@dataclass(frozen=True)
class WarnDue:
    """The use case of the sweep: warns once, escalates once, and lets nothing rest unsaid."""

    records: Records
    clock: Clock

    def __call__(self) -> tuple[Promise, ...]:
        """Do what the clock asks for, each promise in a transaction of its own; the promises it did something to."""
        with self.records.read() as tx:
            due = tx.promises.to_look_at(self.clock.now(), AT_ONCE)
        return tuple(done for promise in due if (done := self._look(promise)) is not None)

    def _look(self, promise: Promise) -> Promise | None:
        now = self.clock.now()
        with self.records.write() as tx:
            after = promises.stepped(promise, now)
            # Also when nothing is to be done yet: the row then says when to look next.
            if not tx.promises.change(after) or after == promise:
                return None
            _note(tx, after, _stepped(promise, after, now), now)
        return replace(after, version=after.version + 1)


Change = Callable[[Promise], Promise]
Telling = Callable[[Promise, Promise], CallEvent]


def _act(tx: Transaction, promise: PromiseId, change: Change, event: Telling, now: datetime) -> Promise:
    before = tx.promises.get(promise)
    after = change(before)
    if not tx.promises.change(after):
        raise ChangedMeanwhile
    _note(tx, after, event(before, after), now)
    return tx.promises.get(promise)


def _note(tx: Transaction, promise: Promise, event: CallEvent, now: datetime) -> None:
    if promise.call is not None:
        tx.log.add(promise.call, [event], now)


def _closed(_before: Promise, after: Promise) -> CallEvent:
    return PromiseClosed(after.id, after.what, after.state.value, after.because)


def _moved(before: Promise, after: Promise) -> CallEvent:
    assert after.moved_to is not None
    return PromiseMoved(
        after.id, after.what, before.due_at.isoformat(), after.moved_to.isoformat(), after.because or ""
    )


def _told(_before: Promise, after: Promise) -> CallEvent:
    return PromiseMoveTold(after.id, after.what, after.due_at.isoformat())


def _stepped(before: Promise, after: Promise, now: datetime) -> CallEvent:
    due = before.due_at.isoformat()
    match promises.step(before, now):
        case PromiseStep.WARN:
            return PromiseWarned(after.id, after.what, due, after.owner)
        case PromiseStep.LATE:
            return PromiseLate(after.id, after.what, due, after.owner)
        case PromiseStep.BREAK:
            return _closed(before, after)
        case None:
            raise AssertionError("a promise changed although the clock had nothing to do")
        case never:
            assert_never(never)
