"""The wait that may be announced: an honest range, or nothing.

k = callers and callbacks ahead; m = sum, over the agents who can serve this caller, of 1 / (queues with people waiting
that they serve); rate = m / mean handling time; centre = (k + 1) / rate, or 0 when one of them is idle. The range said
is the 25th to the 80th percentile of the last 200 real waits at a similar load (k / m).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.routing.skills import Need, Offer, serves
from ivr.core.words import QueueName

STEPS = (1, 2, 3, 5, 10, 15, 20, 30)
"""Minutes that are said aloud."""

HANDLING_KNOWN_FOR = timedelta(minutes=60)
PRIOR_HANDLING = timedelta(seconds=240)
PRIOR_WEIGHT = 5.0
"""The prior counts as much as so many calls."""

SIMILAR_WAITS = 200
ANSWERS_ASKED = 10
ANSWERS_WITHIN = timedelta(hours=2)
LOW, HIGH = 0.25, 0.80
SIMILAR = 0.25
"""Loads within a quarter of each other are alike (or within half a caller an agent, where both are small)."""


@dataclass(frozen=True)
class Handled:
    """One answered ticket: when it ended, and how long the agent was busy with it."""

    ended_at: datetime
    handling: timedelta


@dataclass(frozen=True)
class RealWait:
    """One answered ticket: when it was answered, how long it had waited, and the load it met on arrival."""

    answered_at: datetime
    waited: timedelta
    load: float  # k / m


@dataclass(frozen=True)
class AtWork:
    """An agent who is signed in and not on a break."""

    offer: Offer
    idle: bool


@dataclass(frozen=True)
class Estimate:
    """``centre`` is what the formula gives; ``low`` to ``high`` is what may be said.

    ``low`` zero: "less than ``high``"; ``high`` None: "more than ``low``".
    """

    centre: timedelta
    low: timedelta
    high: timedelta | None
    load: float
    agents: float


def effective_agents(need: Need, agents: Iterable[AtWork], waiting_in: Iterable[QueueName]) -> float:
    """The agents who can serve this, each shared among the queues with people waiting that they serve."""
    busy = frozenset(waiting_in) | {need.queue}  # this caller waits there
    return sum(1 / len(busy & agent.offer.queues) for agent in agents if serves(agent.offer, need))


def mean_handling(handled: Iterable[Handled], now: datetime) -> timedelta:
    """The exponential mean of the last hour, outliers clipped, pulled towards 240 s by the weight of five calls.

    Clipped at the quartiles and one and a half times their distance, as in a box plot; an hour is three half-lives.
    """
    recent = [one for one in handled if timedelta() <= now - one.ended_at <= HANDLING_KNOWN_FOR]
    half_life = HANDLING_KNOWN_FOR.total_seconds() / 3
    seconds = _clipped([max(one.handling.total_seconds(), 0.0) for one in recent])
    weights = [0.5 ** ((now - one.ended_at).total_seconds() / half_life) for one in recent]
    total = math.fsum(w * s for w, s in zip(weights, seconds, strict=True))
    prior = PRIOR_WEIGHT * PRIOR_HANDLING.total_seconds()
    return timedelta(seconds=(total + prior) / (math.fsum(weights) + PRIOR_WEIGHT))


def estimate(
    ahead: int,
    need: Need,
    agents: Sequence[AtWork],
    waiting_in: Iterable[QueueName],
    handled: Iterable[Handled],
    waits: Sequence[RealWait],
    now: datetime,
) -> Estimate | None:
    """The range that may be announced to somebody with ``ahead`` before them; None where the data is too thin to say.

    ``waits`` are this need's answered tickets, in any order.
    """
    m = effective_agents(need, agents, waiting_in)
    answered = [one for one in waits if timedelta() <= now - one.answered_at <= ANSWERS_WITHIN]
    if m <= 0 or len(answered) < ANSWERS_ASKED:
        return None
    load = ahead / m
    alike = sorted((one for one in waits if is_similar(one.load, load)), key=lambda one: one.answered_at)
    alike = alike[-SIMILAR_WAITS:]
    if len(alike) < ANSWERS_ASKED:
        return None
    idle = any(agent.idle and serves(agent.offer, need) for agent in agents)
    centre = timedelta() if idle else mean_handling(handled, now) * (ahead + 1) / m
    seconds = sorted(one.waited.total_seconds() for one in alike)
    return Estimate(centre, said_from(percentile(seconds, LOW)), said_to(percentile(seconds, HIGH)), load, m)


def is_similar(one: float, other: float) -> bool:
    """Are two loads alike?"""
    return abs(one - other) <= max(0.5, SIMILAR * max(one, other))


def said_from(seconds: float) -> timedelta:
    """The low end as it is said: rounded down, so that the range stays true; zero below a minute."""
    return timedelta(minutes=max((step for step in STEPS if step * 60 <= seconds), default=0))


def said_to(seconds: float) -> timedelta | None:
    """The high end as it is said: rounded up; None above half an hour, where no end is said."""
    return next((timedelta(minutes=step) for step in STEPS if step * 60 >= seconds), None)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of sorted figures, with straight lines between them."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def coverage(answers: Iterable[tuple[Estimate, timedelta]]) -> float | None:
    """The share of callers who were answered inside the range they were told; None for nobody."""
    inside = [told.low <= waited and (told.high is None or waited <= told.high) for told, waited in answers]
    return sum(inside) / len(inside) if inside else None


def _clipped(seconds: Sequence[float]) -> list[float]:
    if len(seconds) < 4:
        return list(seconds)
    ordered = sorted(seconds)
    low, high = percentile(ordered, 0.25), percentile(ordered, 0.75)
    reach = 1.5 * (high - low)
    return [min(max(one, low - reach), high + reach) for one in seconds]
