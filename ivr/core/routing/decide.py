"""Who is served next, and by whom: one ordering, one choice, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from ivr.core.routing.skills import Asked, Offer, Place, asked_at, place_at, serves
from ivr.core.ticket import Ticket
from ivr.core.words import AgentId, QueueName, TicketId

RING_AT_ONCE = 5
"""So many phones ring for one caller, at most."""


class Strategy(StrEnum):
    """How a queue chooses among the agents who can serve."""

    LONGEST_IDLE = "longest_idle"
    FEWEST_CALLS = "fewest_calls"
    ROUND_ROBIN = "round_robin"
    TOP_DOWN = "top_down"
    RING_ALL = "ring_all"


@dataclass(frozen=True)
class Rules:
    """What the queues go by. ``starving_after``: past so long a wait, no boost goes before a ticket any more."""

    strategies: Mapping[QueueName, Strategy] = field(default_factory=dict)
    otherwise: Strategy = Strategy.LONGEST_IDLE
    starving_after: timedelta | None = timedelta(minutes=30)

    def strategy(self, queue: QueueName) -> Strategy:
        return self.strategies.get(queue, self.otherwise)


@dataclass(frozen=True)
class Waiting:
    """A ticket as the choice sees it: what it asks now, and its place now."""

    ticket: TicketId
    place: Place
    asked: Asked


@dataclass(frozen=True)
class FreeAgent:
    """An agent as the choice sees them."""

    agent: AgentId
    offer: Offer
    since: datetime  # free since; kept through offers that came to nothing
    calls: int = 0  # answered today
    last_offer: int = 0  # a stored counter; 0: none yet
    rank: int = 0  # place in the company's list


@dataclass(frozen=True)
class Pair:
    """A ticket and who is to serve it (several only where all are rung), with the reason for both."""

    ticket: TicketId
    agents: tuple[AgentId, ...]
    ticket_because: str
    agent_because: str


def waiting_at(ticket: Ticket, now: datetime, rules: Rules) -> Waiting | None:
    """The ticket as it stands at ``now``; None before its slot."""
    if ticket.not_before is not None and now < ticket.not_before:
        return None
    return Waiting(ticket.id, place_at(ticket, now, rules.starving_after), asked_at(ticket, now))


def best_pair(
    tickets: Iterable[Ticket], agents: Iterable[FreeAgent], now: datetime, rules: Rules | None = None
) -> Pair | None:
    """The first ticket in order that anyone free can serve, with the agent its queue's strategy chooses."""
    rules = rules or Rules()
    standing = (waiting_at(ticket, now, rules) for ticket in tickets)
    matches = best_pairs([one for one in standing if one is not None], list(agents), rules, at_most=1)
    return matches[0] if matches else None


def best_pairs(waiting: Iterable[Waiting], agents: Sequence[FreeAgent], rules: Rules, at_most: int) -> tuple[Pair, ...]:
    """The next matches, as if each were made before the next is chosen.

    A queue that rings all takes part only as the first of them: whom it takes depends on everybody who is free.
    """
    taken: set[AgentId] = set()
    matches: list[Pair] = []
    skipped = 0
    for one in sorted(waiting, key=lambda waiting: waiting.place):
        strategy = rules.strategy(one.asked.need.queue)
        chosen = choose(one.asked, agents, strategy, taken)
        if not chosen:
            skipped += 1
            continue
        if matches and strategy is Strategy.RING_ALL:
            break
        matches.append(
            Pair(one.ticket, tuple(agent.agent for agent in chosen), _why(one, skipped), _whom(one.asked, strategy))
        )
        if len(matches) == at_most or strategy is Strategy.RING_ALL:
            break
        taken.update(agent.agent for agent in chosen)
    return tuple(matches)


def choose(
    asked: Asked, agents: Iterable[FreeAgent], strategy: Strategy, taken: Collection[AgentId] = frozenset()
) -> tuple[FreeAgent, ...]:
    """Nobody, one, or up to five where all are rung; those with the preferred skills come first."""
    able = [
        agent
        for agent in agents
        if agent.agent not in taken and asked.allows(agent.agent) and serves(agent.offer, asked.need)
    ]
    if strategy is Strategy.RING_ALL:
        return tuple(sorted(able, key=lambda agent: _turn(agent, asked, strategy))[:RING_AT_ONCE])
    return (min(able, key=lambda agent: _turn(agent, asked, strategy)),) if able else ()


def turn_of(agent: FreeAgent, strategy: Strategy) -> int:
    """What a strategy goes by, least first; ties go to who is free the longest, then by id."""
    match strategy:
        case Strategy.LONGEST_IDLE | Strategy.RING_ALL:
            return 0
        case Strategy.FEWEST_CALLS:
            return agent.calls
        case Strategy.ROUND_ROBIN:
            return agent.last_offer
        case Strategy.TOP_DOWN:
            return agent.rank
        case _:
            assert_never(strategy)


def _turn(agent: FreeAgent, asked: Asked, strategy: Strategy) -> tuple[bool, int, datetime, AgentId]:
    preferred = asked.prefers is None or serves(agent.offer, asked.prefers)
    return not preferred, turn_of(agent, strategy), agent.since, agent.agent


def _why(one: Waiting, skipped: int) -> str:
    first = "first in line" if one.place.not_starving else "past the longest wait: before every boost"
    return f"{first}; {skipped} ahead can be served by nobody free" if skipped else first


_CHOSEN: Mapping[Strategy, str] = {
    Strategy.LONGEST_IDLE: "free the longest",
    Strategy.FEWEST_CALLS: "fewest calls today",
    Strategy.ROUND_ROBIN: "whose turn it is",
    Strategy.TOP_DOWN: "first on the list",
    Strategy.RING_ALL: "all are rung",
}


def _whom(asked: Asked, strategy: Strategy) -> str:
    return "the agent of last time" if asked.only is not None else _CHOSEN[strategy]
