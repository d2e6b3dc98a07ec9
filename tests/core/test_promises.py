"""Promises: warned, late, moved, ended; and never better on paper than they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.promises import (
    BROKEN_AFTER,
    FARTHEST,
    NothingToTell,
    Promise,
    PromiseEnded,
    PromiseState,
    PromiseStep,
    ReasonMissing,
    TimeOutOfReach,
    broken,
    kept,
    moved,
    next_look,
    step,
    stepped,
    told,
    warns_at,
    withdrawn,
)
from ivr.core.words import CustomerId, PromiseId

MADE = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DUE = MADE + timedelta(hours=10)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PROMISE = Promise(PromiseId("p"), "callback", CustomerId("c"), None, MADE, DUE, "Europe/Rome", "sales")


@pytest.mark.parametrize(
    ("hours", "does"),
    [(0, None), (7.99, None), (8, PromiseStep.WARN), (10, PromiseStep.WARN), (10.01, PromiseStep.LATE)],
)
def test_the_clock_warns_at_80_percent_and_finds_it_late_after_its_time(hours: float, does: PromiseStep | None) -> None:
    assert step(PROMISE, MADE + timedelta(hours=hours)) is does


def test_it_warns_once_and_escalates_once_and_breaks_aloud() -> None:
    now, done = MADE, []
    promise = PROMISE
    while promise.open:
        did = step(promise, now)
        promise = stepped(promise, now)
        if did:
            done.append((did, now))
        now += MINUTE * 10
    assert done == [
        (PromiseStep.WARN, MADE + 8 * HOUR),
        (PromiseStep.LATE, DUE + 10 * MINUTE),
        (PromiseStep.BREAK, DUE + BROKEN_AFTER),
    ]
    assert promise.state is PromiseState.BROKEN
    assert promise.because == "nothing was done for 7 days past its time"
    assert promise.missed_at == DUE


def test_next_look_is_never_before_there_is_something_to_do() -> None:
    assert next_look(PROMISE) == warns_at(PROMISE) == MADE + 8 * HOUR
    warned = stepped(PROMISE, MADE + 8 * HOUR)
    assert next_look(warned) == DUE
    late = stepped(warned, DUE + MINUTE)
    assert next_look(late) == DUE + BROKEN_AFTER
    assert next_look(kept(PROMISE, None, MADE)) is None


def test_a_sweep_that_slept_does_not_warn_of_what_is_late_already() -> None:
    late = stepped(PROMISE, DUE + HOUR)
    assert (late.warned_at, late.late_at, late.missed_at) == (DUE + HOUR, DUE + HOUR, DUE)
    assert step(late, DUE + HOUR) is None


@pytest.mark.parametrize(
    ("at", "state"),
    [(DUE, PromiseState.KEPT), (DUE + timedelta(microseconds=1), PromiseState.LATE), (MADE, PromiseState.KEPT)],
)
def test_fulfilled_is_kept_up_to_its_time_and_late_after(at: datetime, state: PromiseState) -> None:
    done = kept(PROMISE, "called", at)
    assert (done.state, done.ended_at, done.because) == (state, at, "called")


def test_nothing_is_closed_in_silence() -> None:
    for close in (withdrawn, broken):
        with pytest.raises(ReasonMissing):
            close(PROMISE, "  ", MADE)
    assert withdrawn(PROMISE, " asked to ", MADE).because == "asked to"


def test_what_has_ended_stays_ended() -> None:
    ended = kept(PROMISE, None, MADE)
    for act in (
        lambda: kept(ended, None, MADE),
        lambda: withdrawn(ended, "x", MADE),
        lambda: broken(ended, "x", MADE),
        lambda: moved(ended, DUE + HOUR, "x", MADE),
        lambda: told(ended, MADE),
    ):
        with pytest.raises(PromiseEnded, match="kept"):
            act()
    assert stepped(ended, DUE + 100 * HOUR) == ended


def test_the_old_time_stands_until_the_customer_knows_the_new_one() -> None:
    untold = moved(PROMISE, DUE + 5 * HOUR, "the technician is ill", MADE + HOUR)
    assert (untold.due_at, untold.moved_to, untold.to_be_told, untold.moves) == (DUE, DUE + 5 * HOUR, True, 1)
    assert kept(untold, None, DUE + HOUR).state is PromiseState.LATE
    heard = told(untold, MADE + 2 * HOUR)
    assert (heard.due_at, heard.to_be_told) == (DUE + 5 * HOUR, False)
    assert kept(heard, None, DUE + HOUR).state is PromiseState.KEPT
    assert warns_at(heard) == MADE + 2 * HOUR + 0.8 * (13 * HOUR)


def test_telling_after_the_time_has_passed_does_not_wash_it_clean() -> None:
    untold = moved(PROMISE, DUE + 5 * HOUR, "the technician is ill", DUE + HOUR)
    heard = told(untold, DUE + 2 * HOUR)
    assert heard.deadline == DUE
    assert kept(heard, None, DUE + 3 * HOUR).state is PromiseState.LATE


def test_a_move_is_warned_of_and_escalated_anew() -> None:
    late = stepped(PROMISE, DUE + MINUTE)
    heard = told(moved(late, DUE + 10 * HOUR, "ill", DUE + MINUTE), DUE + 2 * MINUTE)
    assert step(heard, DUE + 3 * MINUTE) is None
    assert step(heard, DUE + 9 * HOUR) is PromiseStep.WARN
    assert step(heard, DUE + 11 * HOUR) is PromiseStep.LATE


@pytest.mark.parametrize("to", [MADE, MADE - HOUR, MADE + FARTHEST + MINUTE])
def test_it_moves_only_to_a_time_to_come(to: datetime) -> None:
    with pytest.raises(TimeOutOfReach):
        moved(PROMISE, to, "x", MADE)


def test_a_new_time_that_has_passed_is_not_told() -> None:
    untold = moved(PROMISE, MADE + HOUR, "x", MADE)
    with pytest.raises(TimeOutOfReach):
        told(untold, MADE + HOUR)
    with pytest.raises(NothingToTell):
        told(PROMISE, MADE)
    with pytest.raises(ReasonMissing):
        moved(PROMISE, DUE + HOUR, "", MADE)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["sweep", "move", "tell", "keep", "withdraw", "break"]),
        st.integers(0, 600),  # minutes that pass first
        st.integers(-100, 3000),  # minutes from then to the new time
    ),
    max_size=12,
)


@given(ACTS)
def test_whatever_is_done_in_whatever_order_it_is_judged_by_what_the_customer_was_told(
    acts: list[tuple[str, int, int]],
) -> None:
    promise, now, said, passed = PROMISE, MADE, DUE, False
    for act, minutes, ahead in acts:
        now += timedelta(minutes=minutes)
        passed = passed or (promise.open and now > said)
        try:
            match act:
                case "sweep":
                    promise = stepped(promise, now)
                case "move":
                    promise = moved(promise, now + timedelta(minutes=ahead), "because", now)
                case "tell":
                    promise = told(promise, now)
                    said = promise.due_at
                case "keep":
                    promise = kept(promise, None, now)
                case "withdraw":
                    promise = withdrawn(promise, "because", now)
                case "break":
                    promise = broken(promise, "because", now)
        except (PromiseEnded, TimeOutOfReach, NothingToTell):
            pass
        assert (promise.state is PromiseState.KEPT) <= (not passed)
        assert (promise.state is PromiseState.LATE) <= passed
        assert promise.open == (promise.ended_at is None) == (next_look(promise) is not None)
        if promise.open and step(promise, now):
            assert next_look(promise) <= now  # type: ignore[operator]
    for _ in range(4):  # and in the end it ends
        now = (next_look(promise) or now) + MINUTE
        promise = stepped(promise, now)
    assert not promise.open
    assert replace(promise, version=1).state is not PromiseState.OPEN
