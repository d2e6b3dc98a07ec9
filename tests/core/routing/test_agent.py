"""An agent's wish and state, kept apart."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.agent import (
    MOVES,
    AgentEvent,
    AgentStatus,
    SystemState,
    Wish,
    after,
    extend_wrap_up,
    happened,
    signed_in,
    wishes,
)
from tests.core.routing.builders import NOW, seconds

E, S = AgentEvent, SystemState
ANNA = signed_in("anna", NOW)


def later(status: AgentStatus, *events: AgentEvent, at: float = 60, wrap_up: float = 30) -> AgentStatus:
    for event in events:
        status = happened(status, event, str(event), NOW + seconds(at), wrap_up=seconds(wrap_up))
    return status


@pytest.mark.parametrize("event", AgentEvent)
@pytest.mark.parametrize("state", SystemState)
def test_an_event_moves_only_as_the_table_says(state: SystemState, event: AgentEvent) -> None:
    assert after(state, event) is MOVES.get((state, event), state)


@pytest.mark.parametrize("state", SystemState)
def test_no_state_is_a_dead_end(state: SystemState) -> None:
    reached, steps = {state}, 0
    while S.IDLE not in reached and steps < len(S):
        reached |= {to for (here, _), to in MOVES.items() if here in reached}
        steps += 1
    assert S.IDLE in reached


def test_two_misses_in_a_row_make_an_agent_unreachable_and_the_cause_is_kept() -> None:
    once = later(ANNA, E.CLAIMED, E.RANG, E.MISSED)
    assert (once.state, once.misses) == (S.IDLE, 1)
    twice = later(once, E.CLAIMED, E.RANG, E.MISSED)
    assert (twice.state, twice.state_because) == (S.UNREACHABLE, "2 missed in a row")
    assert not twice.is_free(NOW + seconds(61))


def test_an_answer_between_two_misses_forgives_the_first() -> None:
    talked = later(ANNA, E.CLAIMED, E.MISSED, E.CLAIMED, E.ACCEPTED, E.TALK_ENDED, E.WRAPPED_UP, E.CLAIMED, E.MISSED)
    assert (talked.state, talked.misses, talked.calls) == (S.IDLE, 1, 1)


def test_to_wish_to_work_is_to_be_reachable_again() -> None:
    gone = later(ANNA, E.LOST)
    assert gone.state is S.UNREACHABLE
    back = wishes(gone, Wish.AVAILABLE, "came back", NOW + seconds(90))
    assert back.is_free(NOW + seconds(90)) and back.idle_since == NOW + seconds(90)


def test_a_break_taken_while_talking_is_not_lost() -> None:
    talking = later(ANNA, E.CLAIMED, E.ACCEPTED)
    tired = wishes(talking, Wish.BREAK, "lunch", NOW + seconds(70))
    done = later(tired, E.TALK_ENDED, E.WRAPPED_UP, at=100)
    assert (done.state, done.wish, done.wish_because) == (S.IDLE, Wish.BREAK, "lunch")
    assert not done.is_free(NOW + seconds(101))


def test_wrap_up_ends_by_its_due_time_also_when_no_timer_fires() -> None:
    writing = later(ANNA, E.CLAIMED, E.ACCEPTED, E.TALK_ENDED, at=60, wrap_up=30)
    assert not writing.is_free(NOW + seconds(89))
    assert writing.is_free(NOW + seconds(90))
    assert writing.free_since() == NOW + seconds(90)
    assert later(writing, E.CLAIMED, at=95).idle_since == NOW + seconds(90)


def test_wrap_up_is_extended_while_it_runs_and_ended_early() -> None:
    writing = later(ANNA, E.CLAIMED, E.ACCEPTED, E.TALK_ENDED, at=60, wrap_up=30)
    longer = extend_wrap_up(writing, seconds(60), NOW + seconds(80))
    assert longer.wrap_up_until == NOW + seconds(150)
    assert extend_wrap_up(writing, seconds(60), NOW + seconds(90)) == writing
    assert extend_wrap_up(writing, seconds(-60), NOW + seconds(80)) == writing
    assert later(writing, E.WRAPPED_UP, at=70).is_free(NOW + seconds(70))


def test_a_negative_wrap_up_is_none() -> None:
    assert later(ANNA, E.CLAIMED, E.ACCEPTED, E.TALK_ENDED, at=60, wrap_up=-5).is_free(NOW + seconds(60))


def test_an_offer_that_came_to_nothing_costs_no_turn() -> None:
    again = later(ANNA, E.CLAIMED, E.RANG, E.LET_GO, at=300)
    assert again.free_since() == NOW


@given(st.lists(st.tuples(st.sampled_from(AgentEvent), st.integers(0, 100))))
def test_repeats_and_late_events_change_nothing(events: list[tuple[AgentEvent, int]]) -> None:
    status = ANNA
    for event, gap in events:
        at = status.state_since + timedelta(seconds=gap)
        once = happened(status, event, "x", at, wrap_up=seconds(10))
        assert (once.wish, once.wish_since) == (status.wish, status.wish_since)
        if after(status.state, event) is status.state:
            assert once == status
        status = once
