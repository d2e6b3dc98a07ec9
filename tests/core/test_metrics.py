"""Figures over what is on record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.metrics import (
    How,
    Visit,
    WorkingTime,
    promises_kept,
    promises_kept_by_owner,
    queue_figures,
    ranges_held,
    visit,
    working_time,
)
from ivr.core.promises import broken, kept, moved, told, withdrawn
from ivr.core.ticket import Ticket, TicketKind, TicketState
from ivr.core.words import CustomerId, PromiseId, QueueName, TicketId
from tests.core.test_promises import DUE, HOUR, MADE, PROMISE

NOW = DUE + 24 * HOUR


def test_the_kept_rate_counts_what_fell_due_and_nothing_else() -> None:
    moved_in_time = told(moved(PROMISE, DUE + 48 * HOUR, "ill", MADE), MADE)
    found = promises_kept(
        [
            kept(PROMISE, None, DUE - HOUR),
            kept(PROMISE, None, DUE),
            kept(PROMISE, None, DUE + HOUR),  # late by 1 h
            kept(PROMISE, None, DUE + 3 * HOUR),  # late by 3 h
            PROMISE,  # owed for 24 h
            broken(PROMISE, "lost", DUE - HOUR),  # given up before its time
            withdrawn(PROMISE, "asked to", DUE - HOUR),  # never fell due
            withdrawn(PROMISE, "asked to", DUE + 2 * HOUR),  # past its time, 2 h
            moved_in_time,  # due later
            kept(moved_in_time, None, DUE),  # kept, before it falls due
        ],
        NOW,
    )
    assert (found.due, found.kept, found.late, found.broken, found.withdrawn, found.owed) == (7, 2, 2, 1, 1, 1)
    assert found.rate == 2 / 7
    assert found.median_lateness == 2 * HOUR  # of 0, 1, 2, 3, 24
    assert found.due == found.kept + found.late + found.broken + found.withdrawn + found.owed


def test_without_promises_there_is_no_rate() -> None:
    nothing = promises_kept([PROMISE], MADE)
    assert (nothing.due, nothing.rate, nothing.median_lateness) == (0, None, None)
    all_kept = promises_kept([kept(PROMISE, None, MADE)], NOW)
    assert (all_kept.rate, all_kept.median_lateness) == (1.0, None)


def test_each_owner_has_figures_of_their_own() -> None:
    sales = [kept(PROMISE, None, MADE), replace(PROMISE, id=PromiseId("q"))]
    anna = replace(kept(PROMISE, None, MADE), owner="anna")
    found = promises_kept_by_owner([*sales, anna], NOW)
    assert list(found) == ["anna", "sales"]
    assert (found["anna"].rate, found["sales"].rate) == (1.0, 0.5)
    assert found["sales"].median_lateness == timedelta(hours=24)


@dataclass(frozen=True)
class Waited:
    """A ticket that was told 2 to 5 minutes, by default."""

    taken_at: datetime | None
    told_at: datetime | None = MADE
    told_low: timedelta | None = timedelta(minutes=2)
    told_high: timedelta | None = timedelta(minutes=5)


def test_announced_ranges_count_from_the_telling_to_the_agent_ends_included() -> None:
    minute = timedelta(minutes=1)
    found = ranges_held(
        [
            Waited(MADE + 2 * minute),
            Waited(MADE + 5 * minute),
            Waited(MADE + 5 * minute + timedelta(seconds=1)),
            Waited(MADE + minute),
            Waited(MADE + 90 * minute, told_high=None),  # "more than two minutes"
            Waited(None),  # gave up, or waits still
            Waited(MADE + minute, told_at=None, told_low=None, told_high=None),  # nothing was announced
        ]
    )
    assert (found.inside, found.sooner, found.later, found.unanswered) == (3, 1, 1, 1)
    assert (found.answered, found.rate) == (5, 3 / 5)


def test_without_an_answer_there_is_no_share_of_ranges_that_held() -> None:
    assert ranges_held([Waited(None)]).rate is None


# --- Queues -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stood:
    """A ticket that arrived at MADE, with what became of it."""

    ticket: Ticket
    taken_at: datetime | None = None
    away_at: datetime | None = None
    ended_at: datetime | None = None
    because: str | None = None


def stood(state: TicketState, kind: TicketKind = TicketKind.WAITING, because: str | None = None, **at: float) -> Stood:
    moments = {name: MADE + timedelta(seconds=seconds) for name, seconds in at.items()}
    standing = Ticket(TicketId("t"), kind, QueueName("sales"), MADE, 0, CustomerId("c"), None, state=state)
    return Stood(standing, because=because, **moments)


@pytest.mark.parametrize(
    ("place", "how", "waited"),
    [
        (stood(TicketState.TALKING, taken_at=12), How.ANSWERED, 12),
        (stood(TicketState.SERVED, taken_at=12, ended_at=90), How.ANSWERED, 12),
        (stood(TicketState.ABANDONED, away_at=30, ended_at=930), How.ABANDONED, 30),
        (stood(TicketState.AWAY, away_at=30), How.ABANDONED, 30),
        (stood(TicketState.LEFT, because="callback", ended_at=40), How.CALLBACK, 40),
        (stood(TicketState.LEFT, because="voicemail", ended_at=40), How.VOICEMAIL, 40),
        (stood(TicketState.LEFT, because="overflow_2", ended_at=40), How.OVERFLOW, 40),
        (stood(TicketState.IN_LINE), How.WAITING, 100),
        (stood(TicketState.CLAIMED), How.WAITING, 100),
    ],
)
def test_how_a_visit_turned_out(place: Stood, how: How, waited: float) -> None:
    assert visit(place, MADE + timedelta(seconds=100)) == Visit(how, timedelta(seconds=waited))


@pytest.mark.parametrize(
    "place",
    [
        stood(TicketState.IN_LINE, TicketKind.CALLBACK),
        stood(TicketState.SERVED, TicketKind.CALLBACK, taken_at=12),
        stood(TicketState.CANCELLED, ended_at=3),
    ],
)
def test_a_callback_is_no_visit_of_a_caller_on_the_line(place: Stood) -> None:
    assert visit(place, NOW) is None


def visits(how: How, *seconds: float) -> list[Visit]:
    return [Visit(how, timedelta(seconds=each)) for each in seconds]


def test_the_figures_of_a_queue_by_their_formulae() -> None:
    found = queue_figures(
        [
            *visits(How.ANSWERED, 5, 20, 21, 94),
            *visits(How.ABANDONED, 5, 6, 60),  # one of them short
            *visits(How.CALLBACK, 70),
            *visits(How.VOICEMAIL, 80),
            *visits(How.OVERFLOW, 600),
            *visits(How.WAITING, 9),
        ],
        timedelta(seconds=20),
    )
    assert (found.offered, found.answered, found.in_target, found.abandoned, found.short) == (11, 4, 2, 3, 1)
    assert found.service_level == 2 / (4 + 3 - 1)
    assert (found.abandonment, found.raw_abandonment) == (2 / 10, 3 / 11)
    assert found.asa == timedelta(seconds=35)
    assert (found.median_wait, found.p90_wait) == (timedelta(seconds=20), timedelta(seconds=94))
    assert found.average_wait == timedelta(seconds=970) / 11


@given(st.lists(st.builds(Visit, st.sampled_from(How), st.timedeltas(timedelta(), timedelta(hours=1)))))
def test_every_visit_is_counted_once_and_shares_are_shares(all_of_them: list[Visit]) -> None:
    found = queue_figures(all_of_them, timedelta(seconds=20))
    parts = (found.answered, found.abandoned, found.callback, found.voicemail, found.overflow, found.waiting)
    assert found.offered == sum(parts) == len(all_of_them)
    for share in (found.service_level, found.abandonment, found.raw_abandonment):
        assert share is None or 0 <= share <= 1
    assert (found.asa is None) == (found.answered == 0)


def test_without_callers_there_are_no_figures() -> None:
    nothing = queue_figures([], timedelta(seconds=20))
    assert (nothing.offered, nothing.service_level, nothing.abandonment, nothing.asa) == (0, None, None, None)
    only_short = queue_figures(visits(How.ABANDONED, 1), timedelta(seconds=20))
    assert (only_short.service_level, only_short.abandonment, only_short.raw_abandonment) == (None, None, 1.0)


# --- Agents -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    at: datetime
    what: str
    value: str


def log(*changes: tuple[float, str]) -> list[Line]:
    """Minutes after MADE, and a wish or a state."""
    return [
        Line(MADE + timedelta(minutes=at), "wish" if value in ("available", "break", "off") else "state", value)
        for at, value in changes
    ]


def spent(until: float, *changes: tuple[float, str], since: float = 0) -> dict[str, float]:
    found = working_time(log(*changes), MADE + timedelta(minutes=since), MADE + timedelta(minutes=until))
    lengths = {name: getattr(found, name) / timedelta(minutes=1) for name in WorkingTime.__dataclass_fields__}
    return {name: minutes for name, minutes in lengths.items() if minutes}


MORNING = (
    *((0, "idle"), (0, "off"), (10, "available"), (20, "claimed"), (21, "ringing"), (22, "talking")),
    *((32, "wrap_up"), (34, "idle"), (40, "break"), (50, "available"), (55, "unreachable"), (58, "idle"), (60, "off")),
)


def test_how_an_agents_time_passed() -> None:
    assert spent(90, *MORNING) == {
        "rung": 2,
        "talking": 10,
        "wrap_up": 2,
        "idle": 10 + 6 + 5 + 2,
        "pausing": 10,
        "unreachable": 3,
    }
    whole = working_time(log(*MORNING), MADE, MADE + timedelta(minutes=90))
    assert whole.occupancy == 12 / 37
    assert whole.utilisation == 12 / 47


def test_time_is_cut_at_the_limits_of_what_was_asked() -> None:
    assert spent(30, *MORNING, since=25) == {"talking": 5}
    assert spent(35, *MORNING, since=33) == {"wrap_up": 1, "idle": 1}
    assert spent(10, *MORNING) == {}
    assert spent(0, *MORNING, since=0) == {}
    assert spent(5, (1, "talking")) == {"talking": 4}, "a talk goes on although the wish is off"


@given(st.integers(0, 90), st.integers(0, 90))
def test_the_parts_of_a_time_make_the_whole(cut: int, until: int) -> None:
    first, last = sorted((cut, until))
    halves = [
        working_time(log(*MORNING), MADE + timedelta(minutes=a), MADE + timedelta(minutes=b))
        for a, b in ((0, first), (first, last))
    ]
    assert sum(halves, WorkingTime()) == working_time(log(*MORNING), MADE, MADE + timedelta(minutes=last))


def test_who_was_not_at_work_has_no_occupancy() -> None:
    off = working_time([], MADE, NOW)
    assert (off.occupancy, off.utilisation) == (None, None)
