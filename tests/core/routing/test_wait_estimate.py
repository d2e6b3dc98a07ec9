"""The announced wait: the formula, the silence, and how often it comes true."""

from __future__ import annotations

import heapq
import random
from collections import deque
from datetime import timedelta

import pytest

from ivr.core.routing.skills import Need, Offer
from ivr.core.routing.wait_estimate import (
    AtWork,
    Estimate,
    Handled,
    RealWait,
    coverage,
    effective_agents,
    estimate,
    mean_handling,
    said_from,
    said_to,
)
from tests.core.routing.builders import NOW, seconds

ORDERS = Need("orders")
BUSY = AtWork(Offer(frozenset({"orders"})), idle=False)
IDLE = AtWork(Offer(frozenset({"orders"})), idle=True)


def waits(*minutes: float, load: float = 2.0) -> list[RealWait]:
    return [RealWait(NOW - seconds(60), timedelta(minutes=m), load) for m in minutes]


TEN = waits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def test_an_agent_is_shared_among_the_queues_where_people_wait() -> None:
    three = Offer(frozenset({"orders", "repairs", "wine"}))
    crew = [AtWork(three, False), AtWork(Offer(frozenset({"orders"})), False), AtWork(Offer(frozenset({"wine"})), True)]
    assert effective_agents(ORDERS, crew, ["orders", "repairs"]) == pytest.approx(1 / 2 + 1)
    assert effective_agents(ORDERS, crew, []) == pytest.approx(2)


def test_without_calls_the_prior_speaks_and_calls_outweigh_it() -> None:
    assert mean_handling([], NOW) == seconds(240)
    five_now = [Handled(NOW, seconds(60))] * 5
    assert mean_handling(five_now, NOW) == seconds(150)
    assert mean_handling([Handled(NOW - seconds(3601), seconds(60))], NOW) == seconds(240)
    an_old = mean_handling([Handled(NOW - seconds(1200), seconds(60))], NOW)
    assert an_old.total_seconds() == pytest.approx((0.5 * 60 + 5 * 240) / 5.5)


def test_one_forgotten_call_does_not_move_the_mean() -> None:
    usual = [Handled(NOW, seconds(200 + n)) for n in range(20)]
    forgotten = [*usual, Handled(NOW, seconds(36000))]
    assert abs(mean_handling(forgotten, NOW) - mean_handling(usual, NOW)) < seconds(3)


def test_the_centre_and_the_range() -> None:
    told = estimate(4, ORDERS, [BUSY, BUSY], ["orders"], [], TEN, NOW)
    assert told is not None
    assert told.centre == seconds(240 * 5 / 2)
    assert (told.low, told.high) == (timedelta(minutes=3), timedelta(minutes=10))


def test_somebody_idle_means_no_wait() -> None:
    told = estimate(0, ORDERS, [BUSY, IDLE], [], [], waits(*([0.2] * 10), load=0.0), NOW)
    assert told is not None and told.centre == seconds(0)
    assert (told.low, told.high) == (seconds(0), timedelta(minutes=1))


@pytest.mark.parametrize(
    ("agents", "known"),
    [
        pytest.param([], TEN, id="nobody at work"),
        pytest.param([BUSY, BUSY], TEN[:9], id="nine answers"),
        pytest.param([AtWork(Offer(frozenset({"wine"})), True)], TEN, id="nobody who can"),
        pytest.param([BUSY, BUSY], [RealWait(NOW - seconds(7201), seconds(60), 2.0)] * 50, id="old answers"),
        pytest.param([BUSY, BUSY], waits(*([1] * 50), load=20.0), id="only answers at another load"),
    ],
)
def test_it_is_silent_when_data_is_thin(agents: list[AtWork], known: list[RealWait]) -> None:
    assert estimate(4, ORDERS, agents, ["orders"], [], known, NOW) is None


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [(0, 0, 1), (59, 0, 1), (60, 1, 1), (61, 1, 2), (290, 3, 5), (1799, 20, 30), (1801, 30, None)],
)
def test_rounded_outwards_to_what_is_said(asked: float, low: int, high: int | None) -> None:
    assert said_from(asked) == timedelta(minutes=low)
    assert said_to(asked) == (None if high is None else timedelta(minutes=high))


def test_only_the_last_two_hundred_waits_count() -> None:
    old = [RealWait(NOW - timedelta(days=1), timedelta(minutes=30), 2.0)] * 500
    new = [RealWait(NOW - seconds(60), timedelta(minutes=4), 2.0)] * 200
    told = estimate(4, ORDERS, [BUSY, BUSY], ["orders"], [], old + new, NOW)
    assert told is not None and (told.low, told.high) == (timedelta(minutes=3), timedelta(minutes=5))


def test_the_announced_range_comes_true_for_most() -> None:
    """A day of Poisson arrivals and exponential talks; 70 to 90 % of those told a range are answered inside it."""
    chance = random.Random(7)
    agents, talk, gap, at = 6, 240.0, 41.5, 0.0
    busy: list[float] = []
    line: deque[float] = deque()
    told: list[tuple[Estimate, timedelta]] = []
    pending: dict[float, tuple[Estimate | None, float]] = {}
    real: list[RealWait] = []
    handled: list[Handled] = []

    def serve(now: float, arrived: float) -> None:
        length = chance.expovariate(1 / talk)
        heapq.heappush(busy, now + length)
        handled.append(Handled(NOW + seconds(now + length), seconds(length)))
        said, load = pending.pop(arrived)
        real.append(RealWait(NOW + seconds(now), seconds(now - arrived), load))
        if said:
            told.append((said, seconds(now - arrived)))

    for _ in range(2500):
        at += chance.expovariate(1 / gap)
        while busy and busy[0] <= at:
            ended = heapq.heappop(busy)
            if line:
                serve(ended, line.popleft())
        crew = [IDLE if n >= len(busy) else BUSY for n in range(agents)]
        said = estimate(len(line), ORDERS, crew, ["orders"], handled[-200:], real[-2000:], NOW + seconds(at))
        pending[at] = (said, len(line) / agents)
        if len(busy) < agents:
            serve(at, at)
        else:
            line.append(at)
    share = coverage(told)
    assert len(told) > 1500
    assert share is not None and 0.70 <= share <= 0.90


def test_nobody_told_nothing_to_measure() -> None:
    assert coverage([]) is None
