"""What a ticket asks of an agent at a time, and what an agent offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from ivr.core.ticket import Ticket
from ivr.core.words import AgentId, QueueName

LAST_AGENT_FIRST = timedelta(seconds=20)
"""So long a ticket is kept for the agent of last time."""

ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Need:
    """A queue, and the skills asked for with the least level of each, sorted by name."""

    queue: QueueName
    skills: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Offer:
    """What an agent brings: the queues they serve, and the level of each skill."""

    queues: frozenset[QueueName]
    skills: tuple[tuple[str, int], ...] = ()

    @cached_property
    def levels(self) -> Mapping[str, int]:
        return dict(self.skills)


@dataclass(frozen=True)
class Asked:
    """What a ticket asks at a time: the need, whom it would rather have, whom alone, and whom not."""

    need: Need
    prefers: Need | None = None  # the need and the preferred skills together
    only: AgentId | None = None
    not_by: frozenset[AgentId] = frozenset()

    def allows(self, agent: AgentId) -> bool:
        """Whether this person may be offered the ticket, skills aside."""
        return (self.only is None or agent == self.only) and agent not in self.not_by


@dataclass(frozen=True, order=True)
class Place:
    """Where a ticket stands in the order: those past the starvation limit first, then by time, then by counter."""

    not_starving: bool
    counts_from: datetime
    order: int


@dataclass(frozen=True)
class Phase:
    """From ``since`` on a ticket asks this, at this place; until the next phase begins."""

    since: datetime
    asked: Asked
    place: Place


def serves(offer: Offer, need: Need) -> bool:
    """Does the agent serve the queue, with every skill at the level asked for?"""
    if need.queue not in offer.queues:
        return False
    has = offer.levels
    for skill, level in need.skills:  # noqa: SIM110 (all() over a generator takes thrice as long)
        if has.get(skill, 0) < level:
            return False
    return True


def lacks(offer: Offer, need: Need) -> tuple[str, ...]:
    """What an agent is short of, in words: ``queue orders``, ``it 3 (has 2)``."""
    queue = () if need.queue in offer.queues else (f"queue {need.queue}",)
    return queue + tuple(
        f"{skill} {level} (has {offer.levels.get(skill, 0)})"
        for skill, level in need.skills
        if offer.levels.get(skill, 0) < level
    )


def levels(skills: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Skills in the one order in which needs and offers are compared."""
    return tuple(sorted(skills.items()))


def need_at(ticket: Ticket, now: datetime) -> Need:
    """The skills still asked for after so long a wait."""
    waited = now - ticket.arrived_at
    dropped = {skill for step in ticket.relaxations if waited >= step.after for skill in step.skills}
    return Need(ticket.queue, levels({skill: n for skill, n in ticket.needs.items() if skill not in dropped}))


def asked_at(ticket: Ticket, now: datetime) -> Asked:
    """What the ticket asks at ``now``."""
    need = need_at(ticket, now)
    best = dict(need.skills)
    for skill, level in ticket.preferred.items():
        best[skill] = max(level, best.get(skill, 0))
    kept_for = ticket.last_agent
    if ticket.last_agent_until is None or now >= ticket.last_agent_until or kept_for in ticket.refused_by:
        kept_for = None
    prefers = Need(ticket.queue, levels(best))
    return Asked(need, prefers if prefers != need else None, kept_for, ticket.refused_by)


def place_at(ticket: Ticket, now: datetime, starving_after: timedelta | None) -> Place:
    """The ticket's place; past the starvation limit no boost of anybody goes before it any more."""
    if starving_after is not None and now - ticket.arrived_at >= starving_after:
        return Place(False, ticket.arrived_at, ticket.order)
    return Place(True, ticket.counts_from(), ticket.order)


def phases(ticket: Ticket, starving_after: timedelta | None) -> tuple[Phase, ...]:
    """What ``asked_at`` and ``place_at`` say as a ticket waits, as steps in order; nothing before ``not_before``."""
    begins = ticket.not_before or ALWAYS
    turns = {ticket.arrived_at + step.after for step in ticket.relaxations}
    if ticket.last_agent_until:
        turns.add(ticket.last_agent_until)
    if starving_after is not None:
        turns.add(ticket.arrived_at + starving_after)
    steps: list[Phase] = []
    for since in (begins, *sorted(turn for turn in turns if turn > begins)):
        step = Phase(since, asked_at(ticket, since), place_at(ticket, since, starving_after))
        if not steps or (step.asked, step.place) != (steps[-1].asked, steps[-1].place):
            steps.append(step)
    return tuple(steps)
