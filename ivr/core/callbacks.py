"""Callbacks: whether one is offered, to which number, when we call, and what follows each attempt.

All decisions, none of the doing: each says why in words for the supervisor. A callback keeps the arrival time of the
caller who asked for it; it is a ticket in the same line, and ``next_at`` is that ticket's ``not_before``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ivr.core import hours as opening
from ivr.core.company import EmergencyClosing, Hours, Span
from ivr.core.errors import IvrError
from ivr.core.flow.turn import Holidays
from ivr.core.words import (
    CallbackId,
    CallId,
    CaseId,
    CustomerId,
    Language,
    PhoneNumber,
    PromiseId,
    QueueName,
    TicketId,
)

STEP = timedelta(minutes=10)
"""Slots begin every ten minutes, as people say times; a talk is planned as so long."""

SLOT_DAYS = 30
"""So far ahead a slot may lie."""

DAY = Span(time(9, 0), time(20, 0))
"""Outside of it are the callee's quiet hours."""

HANGS_UP = timedelta(seconds=30)
"""So long somebody who asked for a call may take to hang up, before their phone rings from us."""

MOST_ZONES = 8

SOON = timedelta(hours=2)
"""As soon as possible is promised for no later than this, counted while we are open."""

CODE_HOLDS = timedelta(hours=48)
CODE_BOOST = timedelta(hours=1)
"""What the code of somebody we did not reach is worth in line."""

LOST_PAUSE = timedelta(minutes=1)
"""After the second dial that failed on our side; after the third twice as long, and so on."""

MOST_DIALS = 10
"""Dials in all, those that failed on our own side included."""


class CallbackEnded(IvrError):
    """This callback has ended already."""


class NoSuchCallback(IvrError):
    """No callback has this id or code."""


class SlotTaken(IvrError):
    """This time is fully booked."""


class CallbackState(StrEnum):
    """The last four are ends."""

    WAITING = "waiting"  # in line, or for its slot or next attempt
    DIALLING = "dialling"  # an agent is claimed, and the customer's phone rings
    ON_THE_LINE = "on_the_line"  # the customer rang again and waits at this place
    REACHED = "reached"
    SERVED = "served"  # some other way: they rang again and were answered
    CANCELLED = "cancelled"
    NOT_REACHED = "not_reached"


LIVE = frozenset({CallbackState.WAITING, CallbackState.DIALLING, CallbackState.ON_THE_LINE})


class Outcome(StrEnum):
    """How an attempt ended."""

    REACHED = "reached"  # pressed 1
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"  # the agent says so, or nobody pressed 1
    REFUSED = "refused"  # answered, and said that no call is wanted
    FAILED = "failed"  # the carrier cannot dial this number
    LOST = "lost"  # our own side failed: agent gone, process killed; nobody's miss
    CALLED_OFF = "called_off"  # while it rang the customer cancelled, or was answered on another way


IN_WORDS: Mapping[Outcome, str] = {
    Outcome.BUSY: "the line was busy",
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.MACHINE: "a machine answered",
    Outcome.FAILED: "the carrier could not dial the number",
}
MISSES = frozenset(IN_WORDS)


class Owed(StrEnum):
    """What becomes of the promise behind a callback."""

    NOTHING_NEW = "nothing_new"
    KEEP = "keep"
    MOVE = "move"  # to the next attempt: the customer is to be told
    WITHDRAW = "withdraw"
    BREAK = "break"


@dataclass(frozen=True)
class Callback:
    """A call we owe somebody: whom, from which place in line, when next, and what travels along."""

    id: CallbackId
    customer: CustomerId
    call: CallId | None  # on which it was asked for
    line: str
    queue: QueueName
    number: PhoneNumber
    country: str | None
    zones: tuple[str, ...]  # in which the callee may be; one, unless it is only guessed from the number
    language: Language
    arrived_at: datetime  # the place in line
    asked_at: datetime
    next_at: datetime | None  # not before this; None once it has ended
    shows: PhoneNumber | None = None  # the number that will show, as it was said
    ticket: TicketId | None = None
    case: CaseId | None = None
    promise: PromiseId | None = None
    path: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    slot_at: datetime | None = None  # None: as soon as possible
    state: CallbackState = CallbackState.WAITING
    attempts: int = 0  # dials begun
    misses: int = 0  # of them, those that count
    last_outcome: Outcome | None = None
    tell: bool = False  # of the last miss the customer still has to hear; else the next attempt says so
    code: str | None = None
    code_until: datetime | None = None
    ended_at: datetime | None = None
    because: str | None = None
    version: int = 0  # counts changes; two who change it at once are told apart by it

    @property
    def live(self) -> bool:
        return self.state in LIVE


# --- When we may call -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallingTimes:
    """Ours and theirs: the queue's hours (None: always), and the callee's day in every zone they may be in.

    ``shut``: from when until when those hours do not hold, by the emergency switch.
    """

    holidays: Holidays
    hours: Hours | None = None
    zones: tuple[str, ...] = ()
    day: Span = DAY
    shut: tuple[datetime, datetime] | None = None

    def theirs(self) -> tuple[Hours, ...]:
        every_day = dict.fromkeys(range(7), (self.day,))
        return tuple(Hours(f"quiet hours in {zone}", zone, every_day) for zone in self.zones)


def next_callable(times: CallingTimes, at: datetime) -> datetime | None:
    """The first moment (UTC) from ``at`` on when we are open and none of theirs is quiet; None: not within 400 days."""
    schedules = (*((times.hours,) if times.hours else ()), *times.theirs())
    moment, days = at, 0
    while days <= 3 * opening.FARTHEST:  # each round that changes it goes on to another opening
        later = times.shut[1] if times.shut and times.shut[0] <= moment < times.shut[1] else moment
        for schedule in schedules:
            found = opening.next_open(schedule, later, times.holidays)
            if found is None:
                return None
            later = found
        if later == moment:
            return moment.astimezone(UTC)
        moment, days = later, days + 1
    return None


def shut_by(closing: EmergencyClosing | None, hours: Hours, now: datetime) -> tuple[datetime, datetime] | None:
    """The span of an emergency closing; one without an end counts to the end of the day on which it is looked at."""
    if closing is None:
        return None
    zone = ZoneInfo(hours.zone)
    midnight = opening.moment(now.astimezone(zone).date() + timedelta(days=1), time(0, 0), zone)
    return closing.since, closing.until or midnight


def next_morning(times: CallingTimes, at: datetime) -> datetime | None:
    """The first moment of the next working day (ours; theirs where the queue has no hours) at which we may call."""
    schedules = (times.hours,) if times.hours else times.theirs()
    if not schedules:
        return next_callable(times, at + timedelta(days=1))
    tomorrow = at.astimezone(ZoneInfo(schedules[0].zone)).date() + timedelta(days=1)
    spans = opening.openings(schedules[0], tomorrow, opening.FARTHEST, times.holidays)
    opens = next((opens for opens, _ in spans), None)
    return None if opens is None else next_callable(times, opens)


def soon_from(times: CallingTimes, now: datetime) -> datetime | None:
    """The first moment (UTC) at which somebody who asks now to be called as soon as possible may be called."""
    return next_callable(times, now + HANGS_UP)


def soon_due(times: CallingTimes, now: datetime) -> datetime | None:
    """By when somebody who is to be called as soon as possible is promised the call (UTC); None: no such hour.

    Two hours in which we are open, from the first moment at which we may call; then on to a time as people say it.
    """
    first = soon_from(times, now)
    if first is None:
        return None
    open_for = first + SOON if times.hours is None else _counted_open(times, first)
    if open_for is None:
        return None
    zone = times.hours.zone if times.hours else "UTC"
    return next_callable(times, _next_step(open_for, ZoneInfo(zone)))


def _counted_open(times: CallingTimes, first: datetime) -> datetime | None:
    assert times.hours is not None
    return opening.due_in_opening_time(times.hours, first, SOON, times.holidays)


def soon_enough(times: CallingTimes, now: datetime) -> bool:
    """Whether as soon as possible can be today: we may call now, and close no sooner than a talk takes."""
    if next_callable(times, now) != now.astimezone(UTC):
        return False
    closes = None if times.hours is None else opening.closes_at(times.hours, now, times.holidays)
    return closes is None or closes - now >= STEP


def callee_zones(customers_own: str | None, of_number: tuple[str, ...], ours: str) -> tuple[str, ...]:
    """Where the callee may be: what the customer's record says, else every zone of the number, else ours.

    A number that may be anywhere in a dozen zones (a Russian mobile, a North American toll-free one) says nothing.
    """
    if customers_own:
        return (customers_own,)
    return of_number if 1 <= len(of_number) <= MOST_ZONES else (ours,)


# --- Slots ------------------------------------------------------------------------------------------------------------


def slot_hour(slot: datetime, zone: str) -> datetime:
    """The wall-clock hour (UTC) whose capacity a slot takes."""
    local = slot.astimezone(ZoneInfo(zone))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return slot.astimezone(UTC) - past


def free_slots(
    times: CallingTimes, capacity: int, booked: Iterable[datetime], after: datetime, how_many: int
) -> tuple[datetime, ...]:
    """The next times (UTC) that can be booked, in steps of ten minutes of our wall clock.

    At most ``capacity`` in an hour, spread over its steps; never in a closing, nor in the last ten minutes before one,
    nor in the callee's quiet hours; none without hours, since nobody could promise to be there.
    """
    if times.hours is None or capacity < 1 or how_many < 1:
        return ()
    taken = list(booked)
    per_step = math.ceil(capacity / 6)
    zone = times.hours.zone
    found: list[datetime] = []
    for slot in _steps(times.hours, after, times.holidays):
        if len(found) == how_many:
            break
        hour = slot_hour(slot, zone)
        full = sum(slot_hour(each, zone) == hour for each in taken) >= capacity
        if not full and taken.count(slot) < per_step and next_callable(times, slot) == slot:
            found.append(slot)
    return tuple(found)


def _steps(hours: Hours, after: datetime, holidays: Holidays) -> Iterator[datetime]:
    zone = ZoneInfo(hours.zone)
    last = after.astimezone(UTC)
    today = after.astimezone(zone).date()
    for opens, closes in opening.openings(hours, today - timedelta(days=1), SLOT_DAYS + 1, holidays):
        slot = _next_step(max(opens, last), zone)
        while slot + STEP <= closes:
            yield slot
            last = slot = slot + STEP


def _next_step(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    past = timedelta(minutes=local.minute % 10, seconds=local.second, microseconds=local.microsecond)
    return moment + (STEP - past if past else timedelta())


# --- Whether it is offered --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferPolicy:
    """When a queue offers to call back; any one of the first three will do."""

    waited: timedelta = timedelta(minutes=2)
    estimate: timedelta = timedelta(minutes=5)
    ratio: float = 3.0  # waiting for each agent signed in
    most: int = 30  # live callbacks of a queue
    takes: bool = True  # new ones; those on record are worked off all the same


@dataclass(frozen=True)
class QueueNow:
    """What is so in a queue at this moment; ``estimate`` None: nobody can tell."""

    waiting: int
    agents: int  # signed in
    estimate: timedelta | None
    closes_at: datetime | None  # None: closed, or no hours
    always_open: bool
    callbacks: int  # live


@dataclass(frozen=True)
class Offer:
    """Whether a callback is offered: as soon as possible, in a slot, both, or not at all."""

    soon: bool
    slot: bool
    because: str


def offer(policy: OfferPolicy, waited: timedelta, queue: QueueNow, now: datetime) -> Offer:
    """What to offer a caller; as soon as possible only where the turn comes before we close."""
    if not policy.takes:
        return Offer(False, False, "no new callbacks are taken")
    if queue.callbacks >= policy.most:
        return Offer(False, False, f"{queue.callbacks} callbacks are owed already, {policy.most} is the most")
    wanted = _wanted(policy, waited, queue)
    if wanted is None:
        return Offer(False, False, "the wait is short")
    if queue.always_open:
        return Offer(True, True, wanted)
    if queue.closes_at is None:
        return Offer(False, True, f"{wanted}; closed now")
    left = queue.closes_at - now
    if queue.agents == 0:
        return Offer(False, True, wanted)
    if (queue.estimate or policy.estimate) >= left:
        return Offer(False, True, f"{wanted}; the turn would come after closing")
    return Offer(True, True, wanted)


def _wanted(policy: OfferPolicy, waited: timedelta, queue: QueueNow) -> str | None:
    if queue.agents == 0:
        return "nobody is signed in"
    if waited >= policy.waited:
        return f"has waited {_minutes(waited)}"
    if queue.estimate is not None and queue.estimate >= policy.estimate:
        return f"about {_minutes(queue.estimate)} still to wait"
    if queue.waiting / queue.agents >= policy.ratio:
        return f"{queue.waiting} wait for {queue.agents} agents"
    return None


def _minutes(length: timedelta) -> str:
    return f"{length / timedelta(minutes=1):.0f} min"


# --- To which number --------------------------------------------------------------------------------------------------


class Refusal(StrEnum):
    OURS = "ours"
    COUNTRY = "country"
    KIND = "kind"
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"


DEAR_OR_DEAD: Mapping[str, str] = {
    "premium": "a premium number",
    "shared_cost": "a number with shared cost",
    "toll_free": "a toll-free number",
    "personal": "a personal number that follows somebody around, and costs like one",
    "pager": "a pager",
    "company": "a number of a company's own network",
    "voicemail": "a voicemail service",
}


@dataclass(frozen=True)
class AskedFor:
    """A number somebody wants to be called at, and how often it was asked for lately."""

    number: PhoneNumber
    country: str | None
    kind: str  # as ``Numbering.kind`` says
    rang_from_it: bool  # it is the number they ring from now
    today: int  # callbacks asked for at this number in the last 24 h
    today_in_all: int


@dataclass(frozen=True)
class Caps:
    """Against abuse: callbacks asked for in any 24 hours."""

    per_number: int = 3
    in_all: int = 300


@dataclass(frozen=True)
class NumberCheck:
    refusal: Refusal | None
    because: str

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def check_number(
    asked: AskedFor, callable_from: tuple[str, ...], ours: frozenset[PhoneNumber], caps: Caps
) -> NumberCheck:
    """May we call this number? To be asked before anything is confirmed to the caller."""
    if asked.number in ours:
        return NumberCheck(Refusal.OURS, "this is a number of our own")
    if asked.country not in callable_from:
        where = asked.country or "no country we know"
        return NumberCheck(Refusal.COUNTRY, f"the number is of {where}; we call {', '.join(callable_from)}")
    if asked.kind in DEAR_OR_DEAD:
        return NumberCheck(Refusal.KIND, f"this is {DEAR_OR_DEAD[asked.kind]}")
    if asked.kind == "unknown" and not asked.rang_from_it:
        return NumberCheck(Refusal.KIND, "nobody can have this number")
    if asked.today >= caps.per_number:
        return NumberCheck(Refusal.TOO_OFTEN, f"asked for {asked.today} times in 24 hours")
    if asked.today_in_all >= caps.in_all:
        return NumberCheck(Refusal.TOO_MANY, f"{asked.today_in_all} callbacks were asked for in 24 hours")
    return NumberCheck(None, "it may be called")


# --- What follows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttemptPolicy:
    """How often, and how long after each miss; a pause of None is the next working morning."""

    most: int = 3
    pauses: tuple[timedelta | None, ...] = (timedelta(minutes=10), timedelta(hours=1), None)

    def again(self, misses: int, times: CallingTimes, now: datetime) -> datetime | None:
        """When to try again after so many misses; a time at which we may not call goes on to one at which we may."""
        pause = self.pauses[min(misses, len(self.pauses)) - 1]
        return next_morning(times, now) if pause is None else next_callable(times, now + pause)


@dataclass(frozen=True)
class After:
    """A callback as something left it, and what that means for the promise behind it.

    ``due``: by when a promise that moves is to be kept; None: a talk's length after the next attempt.
    """

    callback: Callback
    promise: Owed
    because: str
    due: datetime | None = None


def dials(callback: Callback, now: datetime) -> Callback | None:
    """With one more attempt begun; None when it is not to be dialled now."""
    if callback.state is not CallbackState.WAITING or callback.next_at is None or callback.next_at > now:
        return None
    return replace(callback, state=CallbackState.DIALLING, attempts=callback.attempts + 1)


def postponed(callback: Callback, times: CallingTimes, code: str, now: datetime) -> After:
    """Its turn came at an hour at which we may not call (any more): on to the next one, nobody's miss."""
    again = next_callable(times, now)
    if again is None:
        because = "there is no hour left at which we may call"
        return _end(callback, CallbackState.NOT_REACHED, Owed.BREAK, because, now, code)
    waiting = replace(callback, state=CallbackState.WAITING, next_at=again)
    # Whoever is to be called as soon as possible has others before them when we open.
    due = None if callback.slot_at else soon_due(times, again - HANGS_UP)
    return After(waiting, Owed.MOVE, "the turn came outside of the hours at which we may call", due)


def after_attempt(
    callback: Callback, outcome: Outcome, policy: AttemptPolicy, times: CallingTimes, code: str, now: datetime
) -> After:
    """What follows an attempt that ended so; news of one that is not under way changes nothing. (Whatever calls one off
    settles the callback itself.)

    ``code`` is what somebody we did not reach may give us within 48 hours to be served before others.
    """
    if callback.state is not CallbackState.DIALLING or outcome is Outcome.CALLED_OFF:
        return After(callback, Owed.NOTHING_NEW, "no attempt is under way")
    callback = replace(callback, last_outcome=outcome)
    match outcome:
        case Outcome.REACHED:
            return _end(callback, CallbackState.REACHED, Owed.KEEP, "the customer was reached", now)
        case Outcome.REFUSED:
            return _end(callback, CallbackState.CANCELLED, Owed.WITHDRAW, "the customer wants no call", now)
        case Outcome.LOST if callback.attempts < MOST_DIALS:
            # The first time at once; but a phone that does ring somewhere shall not ring again and again.
            again = now + LOST_PAUSE * (callback.attempts - callback.misses - 1)
            waiting = replace(callback, state=CallbackState.WAITING, next_at=again)
            return After(waiting, Owed.NOTHING_NEW, "failed on our side")
        case Outcome.LOST:
            return _end(callback, CallbackState.NOT_REACHED, Owed.BREAK, "failed on our side too often", now, code)
        case _:
            return _missed(callback, IN_WORDS[outcome], policy, times, code, now)


def _missed(
    callback: Callback, words: str, policy: AttemptPolicy, times: CallingTimes, code: str, now: datetime
) -> After:
    callback = replace(callback, misses=callback.misses + 1, tell=True)
    if callback.misses >= policy.most or callback.attempts >= MOST_DIALS:
        because = f"not reached in {callback.misses} attempts; the last time {words}"
        return _end(callback, CallbackState.NOT_REACHED, Owed.WITHDRAW, because, now, code)
    again = policy.again(callback.misses, times, now)
    if again is None:
        because = f"{words}, and there is no hour left at which we may call"
        return _end(callback, CallbackState.NOT_REACHED, Owed.BREAK, because, now, code)
    waiting = replace(callback, state=CallbackState.WAITING, next_at=again)
    return After(waiting, Owed.MOVE, f"{words}; attempt {callback.misses + 1} follows")


def missed_is_told(callback: Callback, told: bool = True) -> Callback:
    """The customer has heard of the last miss by message; or has not after all, and the next attempt says so."""
    return replace(callback, tell=not told)


class RingsAgain(StrEnum):
    """What somebody who has a callback and rings again may choose."""

    KEEP = "keep"
    WAIT = "wait"  # on the line, at that place
    CANCEL = "cancel"


def rings_again(callback: Callback, choice: RingsAgain, now: datetime) -> After:
    """What that choice makes of it. Raises CallbackEnded; while their phone rings from us, waiting is keeping."""
    _still_live(callback)
    match choice:
        case RingsAgain.CANCEL:
            return cancelled(callback, "the customer rang and cancelled it", now)
        case RingsAgain.WAIT if callback.state is CallbackState.WAITING:
            waits = replace(callback, state=CallbackState.ON_THE_LINE)
            return After(waits, Owed.NOTHING_NEW, "rang again and waits on the line at that place")
        case _:
            return After(callback, Owed.NOTHING_NEW, "rang again and keeps it")


def reopened(callback: Callback, promise: PromiseId, now: datetime) -> Callback:
    """Of somebody who was reached, and the line dropped: they are called again, and that is promised anew.

    The promise before it has ended with the call that reached them, and stays as it is.
    """
    return replace(callback, state=CallbackState.WAITING, promise=promise, next_at=now, ended_at=None, because=None)


def left_the_line(callback: Callback, now: datetime) -> Callback:
    """Who waited on the line at their callback's place hung up: they are called, from that place."""
    if callback.state is not CallbackState.ON_THE_LINE:
        return callback
    return replace(callback, state=CallbackState.WAITING, next_at=max(callback.next_at or now, now))


def served(callback: Callback, because: str, now: datetime) -> After:
    """They were served some other way; news of one that has ended changes nothing."""
    if not callback.live:
        return After(callback, Owed.NOTHING_NEW, "it had ended already")
    return _end(callback, CallbackState.SERVED, Owed.KEEP, because, now)


def cancelled(callback: Callback, because: str, now: datetime) -> After:
    """By the customer, or by an agent who says why. Raises CallbackEnded."""
    return _end(_still_live(callback), CallbackState.CANCELLED, Owed.WITHDRAW, because, now)


def code_boost(callback: Callback, now: datetime) -> timedelta:
    """What the code is worth in line now: nothing when it has run out."""
    holds = callback.code is not None and callback.code_until is not None and now <= callback.code_until
    return CODE_BOOST if holds else timedelta()


def _still_live(callback: Callback) -> Callback:
    if not callback.live:
        raise CallbackEnded(f"this callback has ended already: {callback.because}")
    return callback


def _end(
    callback: Callback, state: CallbackState, promise: Owed, because: str, now: datetime, code: str | None = None
) -> After:
    ended = replace(
        callback,
        state=state,
        next_at=None,
        ended_at=now,
        because=because,
        code=code,
        code_until=now + CODE_HOLDS if code else None,
    )
    return After(ended, promise, because)
