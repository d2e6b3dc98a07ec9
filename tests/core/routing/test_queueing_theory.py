"""The routing of the line against queueing theory, on a virtual clock; `ivr bench waits` does it over more calls."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.routing.decide import Rules, Strategy
from ivr.testing.erlang import Figures, Traffic, expected, mean_waits_by_priority
from ivr.testing.queueing import OPENS, Caller, callers, figures, serve
from ivr.testing.steadied import batches, steadied

MINUTE = timedelta(minutes=1)
NO_STARVATION = Rules(starving_after=None)

ALL_WAIT = Traffic(agents=5, load=0.7)
SOME_GIVE_UP = Traffic(agents=10, load=1.0, patience=2 * MINUTE)

CALLS = 30_000
TOLERANCE = 0.06
"""Of so few calls the mean wait has a standard error of 2 to 2.5 %, the other figures of 1 % and less."""


def measured(traffic: Traffic) -> list[float]:
    """The share waiting, the mean wait in seconds, the service level and the share that gave up."""
    runs = list(batches(traffic, CALLS, seed=1))
    columns = zip(*(numbers(figures(run.fared, traffic.within)) for run in runs), strict=True)
    return [steadied(column, [run.controls for run in runs]).value for column in columns]


def numbers(of: Figures) -> list[float]:
    return [of.waiting, of.mean_wait.total_seconds(), of.service_level, of.abandoned]


@pytest.mark.parametrize("traffic", [ALL_WAIT, SOME_GIVE_UP], ids=["erlang_c", "erlang_a"])
def test_figures_are_those_of_theory(traffic: Traffic) -> None:
    assert measured(traffic) == pytest.approx(numbers(expected(traffic)), rel=TOLERANCE)


def test_one_agent_who_is_never_chosen_would_be_noticed() -> None:
    fared = serve(islice(callers(ALL_WAIT, 1), 5_000), ALL_WAIT.agents - 1)
    assert figures(fared, ALL_WAIT.within).mean_wait > 2 * expected(ALL_WAIT).mean_wait


def test_those_who_go_first_wait_as_theory_says_and_so_do_the_others() -> None:
    first = 0.3
    runs = list(batches(ALL_WAIT, CALLS, seed=1, first=first, rules=NO_STARVATION))
    controls = [run.controls for run in runs]
    shares = {True: first, False: 1 - first}
    waits = {
        boosted: steadied(
            [
                sum(one.waited.total_seconds() for one in run.fared if bool(one.caller.boost) is boosted)
                / (share * len(run.fared))
                for run in runs
            ],
            controls,
        ).value
        for boosted, share in shares.items()
    }
    theory = [wait.total_seconds() for wait in mean_waits_by_priority(ALL_WAIT, first)]
    assert [waits[True], waits[False]] == pytest.approx(theory, rel=TOLERANCE)


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("traffic", [ALL_WAIT, SOME_GIVE_UP, Traffic(1, 0.8)], ids=["all_wait", "some_give_up", "one"])
def test_whoever_answers_each_call_waits_exactly_as_long_as_in_order_of_arrival(
    traffic: Traffic, strategy: Strategy
) -> None:
    rang = list(islice(callers(traffic, 7), 2_000))
    fared = serve(rang, traffic.agents, Rules(otherwise=strategy))
    assert [(one.waited, one.agent is not None) for one in fared] == in_order_of_arrival(rang, traffic.agents)


def in_order_of_arrival(rang: Sequence[Caller], agents: int) -> list[tuple[timedelta, bool]]:
    """Each wait, and whether it was answered, by the recursion of Kiefer and Wolfowitz (1955); no event, no agent."""
    free_at = [OPENS] * agents
    fared = []
    for caller in rang:
        offered = max(free_at[0] - caller.rings_at, timedelta())
        if caller.patience is not None and offered > caller.patience:
            fared.append((caller.patience, False))
        else:
            heapq.heapreplace(free_at, caller.rings_at + offered + caller.talk)
            fared.append((offered, True))
    return fared


few_seconds = st.integers(0, 9).map(lambda n: timedelta(seconds=n))


@st.composite
def crowds(draw: st.DrawFn) -> list[Caller]:
    """Callers close together, with many ties; some boosted, some impatient."""
    at, crowd = OPENS, []
    for number in range(draw(st.integers(1, 12))):
        at += draw(few_seconds) / 3
        patience = draw(st.none() | few_seconds)
        boost = draw(st.sampled_from([0, 0, 2, 5, 60]))
        crowd.append(Caller(number, at, draw(few_seconds), patience, timedelta(seconds=boost)))
    return crowd


@given(crowds(), st.integers(1, 3), st.sampled_from(Strategy))
def test_nobody_is_answered_while_somebody_before_them_waits(
    crowd: list[Caller], agents: int, strategy: Strategy
) -> None:
    fared = serve(crowd, agents, Rules(otherwise=strategy, starving_after=None))
    for one in fared:
        if one.agent is None:
            continue
        waiting = [
            other.caller for other in fared if other is not one and other.caller.rings_at < one.until < other.until
        ]
        assert all(counts_from(one.caller) < counts_from(other) for other in waiting)


@given(crowds(), st.integers(1, 3), st.sampled_from(Strategy))
def test_everybody_is_answered_once_or_gives_up_and_no_agent_talks_to_two(
    crowd: list[Caller], agents: int, strategy: Strategy
) -> None:
    fared = serve(crowd, agents, Rules(otherwise=strategy))
    assert [one.caller for one in fared] == crowd
    assert all(one.agent is not None or one.waited == one.caller.patience for one in fared)
    for agent in {one.agent for one in fared if one.agent}:
        talks = sorted((one.until, one.until + one.caller.talk) for one in fared if one.agent == agent)
        assert all(ends <= begins for (_, ends), (begins, _) in pairwise(talks))


def counts_from(caller: Caller) -> tuple[datetime, int]:
    return caller.rings_at - caller.boost, caller.number


def test_the_same_seed_is_the_same_day() -> None:
    day = [serve(islice(callers(SOME_GIVE_UP, seed), 300), SOME_GIVE_UP.agents) for seed in (3, 3, 4)]
    assert day[0] == day[1]
    assert [astuple(one) for one in day[0]] != [astuple(one) for one in day[2]]
