"""Figures with open definitions: each is a plain count over what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from statistics import median
from typing import Protocol

from ivr.core.agent import SystemState, Wish
from ivr.core.promises import Promise, PromiseState
from ivr.core.survey import SurveyAnswer
from ivr.core.ticket import Ticket, TicketKind, TicketState

SHORT = timedelta(seconds=5)
"""Who hangs up within so long has not really waited."""


@dataclass(frozen=True)
class PromisesKept:
    """How the promises that fell due turned out.

    A promise falls due at the time the customer was told (the first one missed, where it was moved after that). One
    withdrawn before its time never fell due. Rate: kept in time / fallen due. Lateness is of all the others: from the
    time to the fulfilment or the end, or, where it is still owed, to now.
    """

    due: int
    kept: int
    late: int
    broken: int
    withdrawn: int  # past their time
    owed: int  # past their time, and still open
    median_lateness: timedelta | None

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None when nothing fell due."""
        return self.kept / self.due if self.due else None


def promises_kept(promises: Iterable[Promise], now: datetime) -> PromisesKept:
    """The figures of these promises; those whose time is still to come are left out."""
    due = [each for each in promises if fell_due(each, now)]
    count = {state: sum(each.state is state for each in due) for state in PromiseState}
    lateness = [past_its_time(each, now).total_seconds() for each in due if each.state is not PromiseState.KEPT]
    return PromisesKept(
        due=len(due),
        kept=count[PromiseState.KEPT],
        late=count[PromiseState.LATE],
        broken=count[PromiseState.BROKEN],
        withdrawn=count[PromiseState.WITHDRAWN],
        owed=count[PromiseState.OPEN],
        median_lateness=timedelta(seconds=median(lateness)) if lateness else None,
    )


def promises_kept_by_owner(promises: Iterable[Promise], now: datetime) -> Mapping[str, PromisesKept]:
    """The same for each owner, in the order of their names."""
    owned: dict[str, list[Promise]] = {}
    for each in promises:
        owned.setdefault(each.owner, []).append(each)
    return {owner: promises_kept(owned[owner], now) for owner in sorted(owned)}


def fell_due(promise: Promise, now: datetime) -> bool:
    """Whether its time has passed, and it was owed until then."""
    if promise.deadline >= now:
        return False
    return promise.state is not PromiseState.WITHDRAWN or promise.missed_at is not None


def past_its_time(promise: Promise, now: datetime) -> timedelta:
    """From its time to its end, or to now; nothing for one that was given up before."""
    return max((promise.ended_at or now) - promise.deadline, timedelta(0))


class ToldWait(Protocol):
    """A ticket, as far as this figure goes: the first range said aloud and when, and when an agent took it."""

    @property
    def told_low(self) -> timedelta | None: ...
    @property
    def told_high(self) -> timedelta | None: ...
    @property
    def told_at(self) -> datetime | None: ...
    @property
    def taken_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class RangesHeld:
    """How the waits turned out that were announced as a range.

    Counted are callers who were told one. The wait goes from the telling to the agent; the ends belong to the range,
    and a range without an upper end has none. Rate: inside / answered. Callers nobody has answered are counted apart.
    """

    inside: int
    sooner: int
    later: int
    unanswered: int

    @property
    def answered(self) -> int:
        return self.inside + self.sooner + self.later

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None when nobody was answered who had been told a range."""
        return self.inside / self.answered if self.answered else None


def ranges_held(tickets: Iterable[ToldWait]) -> RangesHeld:
    """The figures of these tickets; those who were told no range are left out."""
    turned_out = [_turned_out(ticket) for ticket in tickets if ticket.told_at is not None]
    return RangesHeld(
        inside=turned_out.count("inside"),
        sooner=turned_out.count("sooner"),
        later=turned_out.count("later"),
        unanswered=turned_out.count("unanswered"),
    )


def _turned_out(ticket: ToldWait) -> str:
    if ticket.told_at is None or ticket.taken_at is None:
        return "unanswered"
    waited = ticket.taken_at - ticket.told_at
    if ticket.told_low is not None and waited < ticket.told_low:
        return "sooner"
    if ticket.told_high is not None and waited > ticket.told_high:
        return "later"
    return "inside"


@dataclass(frozen=True)
class HappyShare:
    """How many of those who answered were happy.

    Only the first answer of a call to a question counts. Rate: answers that are not unhappy (``core.survey.unhappy``:
    not the "no", nor the low end of satisfaction) / answers. Who was asked and did not answer is in neither.
    """

    answers: int
    happy: int

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None when nobody answered."""
        return self.happy / self.answers if self.answers else None


def happy_shares(answers: Iterable[SurveyAnswer]) -> Mapping[str, HappyShare]:
    """The share helped, the share solved and so on, by what was measured, in the order of their names."""
    measured: dict[str, list[SurveyAnswer]] = {}
    for each in answers:
        if each.number == 1:
            measured.setdefault(each.measures, []).append(each)
    return {
        name: HappyShare(len(measured[name]), sum(not each.unhappy for each in measured[name]))
        for name in sorted(measured)
    }


# --- Queues -----------------------------------------------------------------------------------------------------------


class How(StrEnum):
    """How a visit to a queue turned out."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # hung up in line, whether or not the place is still kept
    CALLBACK = "callback"  # chose to be called
    VOICEMAIL = "voicemail"
    OVERFLOW = "overflow"  # left by a rule, or by another way out of the node
    WAITING = "waiting"  # still


@dataclass(frozen=True)
class Visit:
    """A caller on the line and one queue; ``waited``: from arrival to the agent, to the end, or to now."""

    how: How
    waited: timedelta


class Visited(Protocol):
    """A ticket, as far as these figures go."""

    @property
    def ticket(self) -> Ticket: ...
    @property
    def taken_at(self) -> datetime | None: ...
    @property
    def away_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def because(self) -> str | None: ...


def visit(place: Visited, now: datetime) -> Visit | None:
    """How it turned out; None for a callback, whose customer is not on the line, and for one that was cancelled."""
    ticket = place.ticket
    if ticket.kind is TicketKind.CALLBACK or ticket.state in (TicketState.CANCELLED, TicketState.NOT_REACHED):
        return None
    if place.taken_at is not None:
        return Visit(How.ANSWERED, ticket.waited(place.taken_at))
    match ticket.state:
        case TicketState.ABANDONED | TicketState.AWAY:
            return Visit(How.ABANDONED, ticket.waited(place.away_at or place.ended_at or now))
        case TicketState.LEFT:
            how = {"callback": How.CALLBACK, "voicemail": How.VOICEMAIL}.get(place.because or "", How.OVERFLOW)
            return Visit(how, ticket.waited(place.ended_at or now))
        case TicketState.SERVED:
            return Visit(How.ANSWERED, ticket.waited(place.ended_at or now))
        case _:
            return Visit(How.WAITING, ticket.waited(now))


@dataclass(frozen=True)
class QueueFigures:
    """What became of the callers who arrived at a queue in a time: offered = answered + abandoned + callback +
    voicemail + overflow + waiting.

    Service level: answered within the target / (answered + abandoned - short ones), short: hung up within ``SHORT``.
    Abandonment: (abandoned - short) / (offered - short); raw: abandoned / offered. ASA (mean wait of the answered): sum
    of the waits of the answered / answered; median and 90th percentile, of nearest rank, of these. Average wait of all:
    sum of all waits, also of those who left or still wait / offered.
    """

    target: timedelta
    offered: int
    answered: int
    in_target: int  # of the answered
    abandoned: int
    short: int  # of the abandoned
    callback: int
    voicemail: int
    overflow: int
    waiting: int
    asa: timedelta | None
    median_wait: timedelta | None
    p90_wait: timedelta | None
    average_wait: timedelta | None

    @property
    def service_level(self) -> float | None:
        """From 0 to 1; None when nobody counts."""
        return _share(self.in_target, self.answered + self.abandoned - self.short)

    @property
    def abandonment(self) -> float | None:
        """From 0 to 1; None when nobody counts."""
        return _share(self.abandoned - self.short, self.offered - self.short)

    @property
    def raw_abandonment(self) -> float | None:
        """From 0 to 1; None when nobody came."""
        return _share(self.abandoned, self.offered)


def queue_figures(visits: Iterable[Visit], target: timedelta) -> QueueFigures:
    """The figures of these visits."""
    all_of_them = list(visits)
    count = {how: sum(each.how is how for each in all_of_them) for how in How}
    waits = sorted(each.waited for each in all_of_them if each.how is How.ANSWERED)
    gone = [each.waited for each in all_of_them if each.how is How.ABANDONED]
    return QueueFigures(
        target=target,
        offered=len(all_of_them),
        answered=count[How.ANSWERED],
        in_target=sum(waited <= target for waited in waits),
        abandoned=count[How.ABANDONED],
        short=sum(waited <= SHORT for waited in gone),
        callback=count[How.CALLBACK],
        voicemail=count[How.VOICEMAIL],
        overflow=count[How.OVERFLOW],
        waiting=count[How.WAITING],
        asa=_mean(waits),
        median_wait=_rank(waits, 0.5),
        p90_wait=_rank(waits, 0.9),
        average_wait=_mean([each.waited for each in all_of_them]),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(lengths: list[timedelta]) -> timedelta | None:
    return sum(lengths, timedelta()) / len(lengths) if lengths else None


def _rank(ordered: list[timedelta], share: float) -> timedelta | None:
    """The least one that this share does not exceed ("nearest rank")."""
    return ordered[max(ceil(share * len(ordered)), 1) - 1] if ordered else None


# --- Agents -----------------------------------------------------------------------------------------------------------


class Changed(Protocol):
    """A line of an agent's log: ``what`` is wish or state."""

    @property
    def at(self) -> datetime: ...
    @property
    def what(self) -> str: ...
    @property
    def value(self) -> str: ...


@dataclass(frozen=True)
class WorkingTime:
    """How an agent's time passed.

    Occupancy: (talking + wrap-up) / (talking + wrap-up + being rung + idle while available). Utilisation: (talking +
    wrap-up) / (that and the breaks). Time off, and time in which the agent was unreachable, is in neither.
    """

    talking: timedelta = timedelta()
    wrap_up: timedelta = timedelta()
    rung: timedelta = timedelta()  # claimed or ringing
    idle: timedelta = timedelta()  # and available
    pausing: timedelta = timedelta()
    unreachable: timedelta = timedelta()

    @property
    def occupancy(self) -> float | None:
        """From 0 to 1; None for one who was not at work."""
        return _part(self.talking + self.wrap_up, self.talking + self.wrap_up + self.rung + self.idle)

    @property
    def utilisation(self) -> float | None:
        """From 0 to 1; None for one who was not at work."""
        return _part(self.talking + self.wrap_up, self.talking + self.wrap_up + self.rung + self.idle + self.pausing)

    def __add__(self, other: WorkingTime) -> WorkingTime:
        return WorkingTime(
            self.talking + other.talking,
            self.wrap_up + other.wrap_up,
            self.rung + other.rung,
            self.idle + other.idle,
            self.pausing + other.pausing,
            self.unreachable + other.unreachable,
        )


def working_time(changes: Iterable[Changed], since: datetime, until: datetime) -> WorkingTime:
    """How ``[since, until)`` passed by an agent's log, the earliest line first; before the first one they were off."""
    wish, state, here = Wish.OFF.value, SystemState.IDLE.value, since
    lengths: dict[str, timedelta] = {}
    for change in changes:
        upto = min(max(change.at, here), until)
        _spend(lengths, wish, state, upto - here)
        here = upto
        if change.what == "wish":
            wish = change.value
        else:
            state = change.value
    _spend(lengths, wish, state, max(until - here, timedelta()))
    return WorkingTime(**lengths)


_SPENT: Mapping[str, str] = {
    SystemState.CLAIMED: "rung",
    SystemState.RINGING: "rung",
    SystemState.TALKING: "talking",
    SystemState.WRAP_UP: "wrap_up",
}


def _spend(lengths: dict[str, timedelta], wish: str, state: str, length: timedelta) -> None:
    name = _SPENT.get(state)
    if name is None and wish == Wish.BREAK:
        name = "pausing"
    elif name is None and wish == Wish.AVAILABLE:
        name = "unreachable" if state == SystemState.UNREACHABLE else "idle"
    if name is not None:
        lengths[name] = lengths.get(name, timedelta()) + length


def _part(part: timedelta, whole: timedelta) -> float | None:
    return part / whole if whole else None
