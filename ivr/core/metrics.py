"""Figures with open definitions: each is a plain count over what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from ivr.core.promises import Promise, PromiseState
from ivr.core.survey import SurveyAnswer


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
