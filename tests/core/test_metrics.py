"""Figures over what is on record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core.metrics import promises_kept, promises_kept_by_owner, ranges_held
from ivr.core.promises import broken, kept, moved, told, withdrawn
from ivr.core.words import PromiseId
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
