"""What was promised: to whom, by when, and how it ended.

``due_at`` is always the time the customer was told last. A move only proposes a new one (``moved_to``); the old time
stands until the customer has been told, so that nobody is early by moving the finish. A time that passed unfulfilled is
kept as ``missed_at`` for good: what is fulfilled after it is late, whatever was told later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.errors import IvrError
from ivr.core.words import CallId, CustomerId, PromiseId

WARNED_AT = 0.8
"""The share of the time that may pass before its owner is warned."""

FARTHEST = timedelta(days=366)

BROKEN_AFTER = timedelta(days=7)
"""So long past its time an open promise counts as broken, aloud: with an event, never in silence."""


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    LATE = "late"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class PromiseStep(StrEnum):
    """What the clock alone does to an open promise."""

    WARN = "warn"
    LATE = "late"
    BREAK = "break"


class NoSuchPromise(IvrError):
    """No promise has this id."""


class PromiseEnded(IvrError):
    """This promise has ended already."""


class ReasonMissing(IvrError):
    """A promise is not withdrawn, moved or given up without a reason."""


class TimeOutOfReach(IvrError):
    """A promise is moved to a time that is still to come, a year ahead at most."""


class NothingToTell(IvrError):
    """This promise was not moved, so there is nothing to tell the customer."""


@dataclass(frozen=True)
class Promise:
    id: PromiseId
    what: str  # answer_voicemail, callback, appointment, follow_up
    customer: CustomerId
    call: CallId | None
    made_at: datetime
    due_at: datetime  # UTC; as the customer was told last
    zone: str  # the zone it was said in
    owner: str  # a queue or an agent
    state: PromiseState = PromiseState.OPEN
    ended_at: datetime | None = None
    because: str | None = None  # of the end, or of the last move
    counts_from: datetime | None = None  # when the customer was told the present time; None: made_at
    moved_to: datetime | None = None  # a new time that the customer still has to be told
    moves: int = 0
    warned_at: datetime | None = None  # of the present time
    late_at: datetime | None = None  # when it was found late and escalated
    missed_at: datetime | None = None  # the first time that passed unfulfilled
    version: int = 0  # counts changes; two who change it at once are told apart by it

    @property
    def open(self) -> bool:
        return self.state is PromiseState.OPEN

    @property
    def deadline(self) -> datetime:
        """The time it is judged by."""
        return self.missed_at or self.due_at

    @property
    def to_be_told(self) -> bool:
        """The customer has still to hear that it was moved."""
        return self.open and self.moved_to is not None


def warns_at(promise: Promise) -> datetime:
    """When 80 % of the time the customer was given have passed."""
    since = promise.counts_from or promise.made_at
    return since + max(promise.due_at - since, timedelta(0)) * WARNED_AT


def next_look(promise: Promise) -> datetime | None:
    """When the clock next does something to it; None once it has ended."""
    if not promise.open:
        return None
    if promise.late_at is not None:
        return promise.due_at + BROKEN_AFTER
    return warns_at(promise) if promise.warned_at is None else promise.due_at


def step(promise: Promise, now: datetime) -> PromiseStep | None:
    """What is to be done with it now; one that was never looked at in time goes straight to the last."""
    if not promise.open:
        return None
    if promise.late_at is not None:
        return PromiseStep.BREAK if now >= promise.due_at + BROKEN_AFTER else None
    if now > promise.due_at:
        return PromiseStep.LATE
    return PromiseStep.WARN if promise.warned_at is None and now >= warns_at(promise) else None


def stepped(promise: Promise, now: datetime) -> Promise:
    """The promise after what the clock does to it now."""
    match step(promise, now):
        case PromiseStep.WARN:
            return replace(promise, warned_at=now)
        case PromiseStep.LATE:
            return replace(_missing(promise, now), warned_at=promise.warned_at or now, late_at=now)
        case PromiseStep.BREAK:
            return broken(promise, f"nothing was done for {BROKEN_AFTER.days} days past its time", now)
        case None:
            return promise


def kept(promise: Promise, because: str | None, now: datetime) -> Promise:
    """Fulfilled: kept up to its time (to the second), late after it. Raises PromiseEnded."""
    promise = _missing(_still_open(promise), now)
    state = PromiseState.KEPT if promise.missed_at is None else PromiseState.LATE
    return replace(promise, state=state, ended_at=now, because=because)


def withdrawn(promise: Promise, because: str, now: datetime) -> Promise:
    """No longer owed, for a reason of the customer's or of both. Raises PromiseEnded, ReasonMissing."""
    promise = _missing(_still_open(promise), now)
    return replace(promise, state=PromiseState.WITHDRAWN, ended_at=now, because=_reason(because))


def broken(promise: Promise, because: str, now: datetime) -> Promise:
    """Owed, and not going to be done any more. Raises PromiseEnded, ReasonMissing."""
    promise = _missing(_still_open(promise), now)
    return replace(promise, state=PromiseState.BROKEN, ended_at=now, because=_reason(because))


def moved(promise: Promise, due_at: datetime, because: str, now: datetime) -> Promise:
    """A new time is proposed; the customer must be told, and until then the old one stands.

    Raises PromiseEnded, ReasonMissing, TimeOutOfReach.
    """
    promise = _still_open(promise)
    if not now < due_at <= now + FARTHEST:
        raise TimeOutOfReach
    return replace(promise, moved_to=due_at, moves=promise.moves + 1, because=_reason(because))


def told(promise: Promise, now: datetime) -> Promise:
    """The customer has heard the new time, which holds from now on and is warned of anew.

    Raises PromiseEnded, NothingToTell, and TimeOutOfReach when the new time has passed meanwhile.
    """
    promise = _missing(_still_open(promise), now)
    if promise.moved_to is None:
        raise NothingToTell
    if promise.moved_to <= now:
        raise TimeOutOfReach
    return replace(promise, due_at=promise.moved_to, moved_to=None, counts_from=now, warned_at=None, late_at=None)


def untold(promise: Promise, was_due: datetime) -> Promise:
    """The customer did not get the message of the new time after all: the time they know stands, the new one waits.

    Only the time they were told last can be taken back so; one that ended or moved on since is left as it is.
    """
    if not promise.open or promise.moved_to is not None or promise.due_at <= was_due:
        return promise
    return replace(promise, due_at=was_due, moved_to=promise.due_at)


def _still_open(promise: Promise) -> Promise:
    if not promise.open:
        raise PromiseEnded(f"this promise has ended already: {promise.state.value}")
    return promise


def _missing(promise: Promise, now: datetime) -> Promise:
    """With its time on record as missed, when it has passed."""
    late = promise.missed_at is None and now > promise.due_at
    return replace(promise, missed_at=promise.due_at) if late else promise


def _reason(because: str) -> str:
    if not because.strip():
        raise ReasonMissing
    return because.strip()
