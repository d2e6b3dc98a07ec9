"""What queueing theory says of a call centre: Erlang C (everybody waits), Erlang A (some give up), and two priorities.

Erlang C: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges" (1917). Erlang A: C. Palm; in the form of A. Mandelbaum and S. Zeltyn, "Service engineering in action: the
Palm/Erlang-A queue, with applications to call centers" (2007). Priorities: A. Cobham, "Priority assignment in waiting
line problems" (1954).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Traffic:
    """Poisson arrivals, exponential talks and patience.

    ``load``: the share of their time that agents would talk if nobody gave up; below 1 where nobody does (``patience``
    None). ``within`` is what the service level goes by.
    """

    agents: int
    load: float
    talk: timedelta = timedelta(minutes=3)  # mean
    patience: timedelta | None = None  # mean
    within: timedelta = timedelta(seconds=20)

    def __post_init__(self) -> None:
        if self.agents < 1 or self.load <= 0 or self.talk <= timedelta():
            raise ValueError("there is an agent, and something to do")
        if self.patience is None and self.load >= 1:
            raise ValueError("if nobody gives up, the line grows for ever from a load of 1 on")
        if self.patience is not None and self.patience <= timedelta():
            raise ValueError("patience is positive, or None")

    @property
    def erlangs(self) -> float:
        """The load offered to all agents together."""
        return self.agents * self.load

    @property
    def arrivals(self) -> float:
        """Callers a second."""
        return self.erlangs / self.talk.total_seconds()


@dataclass(frozen=True)
class Figures:
    """How callers fared; shares are of all callers, from 0 to 1."""

    waiting: float  # not answered at once
    mean_wait: timedelta  # of all: those answered at once, and those who gave up
    service_level: float  # answered within the time
    abandoned: float


def expected(traffic: Traffic) -> Figures:
    """What theory says of one line in order of arrival, in the long run."""
    return erlang_c(traffic) if traffic.patience is None else erlang_a(traffic, traffic.patience)


def blocked(agents: int, erlangs: float) -> float:
    """Erlang B: the share turned away where nobody may wait, by the usual recursion over the number of agents."""
    share = 1.0
    for n in range(1, agents + 1):
        share = erlangs * share / (n + erlangs * share)
    return share


def erlang_c(traffic: Traffic) -> Figures:
    """M/M/n: everybody waits until they are answered."""
    b = blocked(traffic.agents, traffic.erlangs)
    waiting = b / (1 - traffic.load * (1 - b))
    clears = traffic.agents / traffic.talk.total_seconds() - traffic.arrivals
    late = waiting * math.exp(-clears * traffic.within.total_seconds())
    return Figures(waiting, timedelta(seconds=waiting / clears), 1 - late, 0.0)


def erlang_a(traffic: Traffic, patience: timedelta) -> Figures:
    """M/M/n+M: whoever waits longer than their patience is gone.

    Somebody of endless patience would wait v with density arrivals * f(v) / (e + arrivals * j(0)) for v > 0, where
    f(v) = exp(arrivals * H(v) - n v / talk), H(v) is the mean patience capped at v, j(t) the integral of f from t on,
    and e = 1 / Erlang B of n - 1 agents (Mandelbaum and Zeltyn, the building blocks of the M/M/n+G queue). Raises
    OverflowError where j is beyond a float.
    """
    rate, leaves = traffic.arrivals, 1 / patience.total_seconds()
    all_busy = traffic.agents / traffic.talk.total_seconds()
    e = 1 / blocked(traffic.agents - 1, traffic.erlangs)

    def f(t: float) -> float:
        return math.exp(rate * -math.expm1(-leaves * t) / leaves - all_busy * t)

    def j(t: float) -> float:
        """The incomplete gamma function by its series of positive terms: sum of y^k / (x (x+1) … (x+k))."""
        x, y = all_busy / leaves, rate / leaves * math.exp(-leaves * t)
        term = total = 1 / x
        k = 1
        while term > total * 1e-17 or y > x + k:
            term *= y / (x + k)
            total += term
            k += 1
        return f(t) / leaves * total

    whole = e + rate * j(0)
    if not math.isfinite(whole):
        raise OverflowError("so long a patience under so much overload is beyond the series")
    abandoned = (1 + (rate - all_busy) * j(0)) / whole
    within = traffic.within.total_seconds()
    answered_late = (all_busy * j(within) - f(within)) / whole
    return Figures(
        waiting=rate * j(0) / whole,
        mean_wait=timedelta(seconds=abandoned / leaves),
        service_level=1 - abandoned - answered_late,
        abandoned=abandoned,
    )


def mean_waits_by_priority(traffic: Traffic, first: float) -> tuple[timedelta, timedelta]:
    """M/M/n where a share ``first`` of the callers goes before all others: their mean wait, and the others'."""
    all_alike = erlang_c(traffic).mean_wait
    before = 1 - traffic.load * first
    return all_alike * (1 - traffic.load) / before, all_alike / before
