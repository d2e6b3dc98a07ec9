"""Figures of a simulated call centre with most of the luck of the draw taken out: control variates.

Of 20 agents' mean wait one hundred thousand calls leave a standard error of some 10 %, since busy hours come in
clusters. So the same callers ring two more centres, whose long-run figures nobody disputes: one with an agent for
everybody (how many talk is Poisson) and one with a single agent as quick as all of ours together (M/M/1). How far these
two were off tells how far ours was; the slopes are estimated from batches. See A. M. Law, "Simulation modeling and
analysis", the chapter on variance reduction.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ivr.core.routing.decide import Rules
from ivr.testing.erlang import Traffic, erlang_c
from ivr.testing.queueing import OPENS, Caller, Fared, callers, serve

WARM_UP = 1_000
"""Calls before the first that counts: the centre opens empty. As many ring after the last that counts."""

BATCH = 2_000


@dataclass(frozen=True)
class Batch:
    """Calls in a row, and how far the two other centres were off their long-run figures on them."""

    fared: Sequence[Fared]
    controls: tuple[float, ...]  # each is zero in the long run


@dataclass(frozen=True)
class Measured:
    """A mean with its standard error; ``raw``: as it was drawn, and the error of that."""

    value: float
    error: float
    raw: float
    raw_error: float


def batches(
    traffic: Traffic, calls: int, seed: int, *, first: float = 0.0, rules: Rules | None = None
) -> Iterator[Batch]:
    """So many calls through the routing of the line, in batches; ``first``: the share of callers who are boosted."""
    rang = list(islice(callers(traffic, seed, first=first), calls + 2 * WARM_UP))
    fared = serve(rang, traffic.agents, rules)
    controls = [_for_everybody(rang, traffic)]
    if traffic.load < 1:
        controls.append(_one_quick_agent(rang, traffic))
    for begin in range(WARM_UP, WARM_UP + calls, BATCH):
        end = min(begin + BATCH, WARM_UP + calls)
        pairs = (_mean(off[begin:end]) for off in controls)
        yield Batch(fared[begin:end], tuple(figure for pair in pairs for figure in pair))


def steadied(figures: Sequence[float], controls: Sequence[Sequence[float]]) -> Measured:
    """The mean of a figure over batches, less what its controls explain; raises ValueError for too few batches.

    Least squares on all controls, one after another: each is freed of what those before it explain.
    """
    left, others = list(figures), [list(column) for column in zip(*controls, strict=True)]
    if len(left) < len(others) + 2:
        raise ValueError("more batches than controls are needed")
    while others:
        control = others.pop(0)
        left = _without(left, control)
        others = [_without(other, control) for other in others]
    freedom = len(figures) - len(controls[0]) - 1
    error = math.sqrt(statistics.pvariance(left) / freedom)
    raw_error = statistics.stdev(figures) / math.sqrt(len(figures))
    return Measured(statistics.fmean(left), error, statistics.fmean(figures), raw_error)


def _without(figures: Sequence[float], control: Sequence[float]) -> list[float]:
    slope = statistics.linear_regression(control, figures).slope
    return [figure - slope * off for figure, off in zip(figures, control, strict=True)]


def _for_everybody(rang: Sequence[Caller], traffic: Traffic) -> list[tuple[float, float]]:
    """With an agent for everybody: would all of ours be busy, and how many would wait; less what Poisson says."""
    load, n = traffic.erlangs, traffic.agents
    chances = [math.exp(k * math.log(load) - load - math.lgamma(k + 1)) for k in range(n)]
    all_busy = 1 - math.fsum(chances)
    too_many = load - n + math.fsum((n - k) * chance for k, chance in enumerate(chances))
    talks: list[float] = []
    off = []
    for caller in rang:
        at = (caller.rings_at - OPENS).total_seconds()
        while talks and talks[0] <= at:
            heapq.heappop(talks)
        off.append(((len(talks) >= n) - all_busy, max(len(talks) - n, 0) - too_many))
        heapq.heappush(talks, at + caller.talk.total_seconds())
    return off


def _one_quick_agent(rang: Sequence[Caller], traffic: Traffic) -> list[tuple[float, float]]:
    """With one agent as quick as all of ours: did the caller wait, and how long; less what M/M/1 says."""
    theory = erlang_c(replace(traffic, agents=1, talk=traffic.talk / traffic.agents, patience=None))
    mean_wait = theory.mean_wait.total_seconds()
    free_at = 0.0
    off = []
    for caller in rang:
        at = (caller.rings_at - OPENS).total_seconds()
        wait = max(free_at - at, 0.0)
        off.append(((wait > 0) - theory.waiting, wait - mean_wait))
        free_at = at + wait + caller.talk.total_seconds() / traffic.agents
    return off


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.fmean(one for one, _ in pairs), statistics.fmean(other for _, other in pairs)
