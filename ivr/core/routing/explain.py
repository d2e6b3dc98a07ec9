"""Why a ticket is still waiting, and who could take it at which second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.agent import AgentStatus, SystemState, Wish
from ivr.core.routing.decide import Rules, waiting_at
from ivr.core.routing.skills import Asked, Offer, lacks, phases, serves
from ivr.core.ticket import Ticket, TicketState
from ivr.core.words import AgentId, TicketId


@dataclass(frozen=True)
class OnDuty:
    """An agent as the explanation needs them."""

    status: AgentStatus
    offer: Offer


@dataclass(frozen=True)
class Hindrance:
    """What stands between one agent and the ticket now; ``free_at`` where a time is known."""

    agent: AgentId
    because: str
    free_at: datetime | None = None


@dataclass(frozen=True)
class Chance:
    """From this moment on the ticket asks this, and these could take it, were they free."""

    since: datetime
    after_wait: timedelta
    asks: str
    agents: tuple[AgentId, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a ticket waits: one sentence, what stands in each agent's way, and who could take it when."""

    ticket: TicketId
    waited: timedelta
    because: str
    ahead: int  # callers and callbacks before it whom somebody on duty could serve
    hindrances: tuple[Hindrance, ...]
    chances: tuple[Chance, ...]

    def could_from(self, agent: AgentId) -> datetime | None:
        """From then on this agent could take it, were they free (when a wrap-up ends is known); None: never."""
        hindrance = next((one for one in self.hindrances if one.agent == agent), None)
        since = next((chance.since for chance in self.chances if agent in chance.agents), None)
        if since is None or hindrance is None or hindrance.free_at is None:
            return since
        return max(since, hindrance.free_at)


def explain(
    ticket: Ticket, line: Iterable[Ticket], agents: Iterable[OnDuty], now: datetime, rules: Rules
) -> Explanation:
    """Why this ticket is still waiting at ``now``; ``line`` is everybody in line, this one included or not."""
    on_duty = sorted(agents, key=lambda one: one.status.agent)
    steps = phases(ticket, rules.starving_after)
    current = [step for step in steps if step.since <= now][-1:]
    asks = [*current, *(step for step in steps if step.since > now)]
    chances = tuple(
        Chance(
            max(step.since, ticket.arrived_at),
            max(step.since - ticket.arrived_at, timedelta()),
            in_words(step.asked),
            tuple(one.status.agent for one in on_duty if _could(one, step.asked)),
        )
        for before, step in zip([None, *asks], asks, strict=False)
        if before is None or before.asked != step.asked  # past the starvation limit only the place is another
    )
    if not current:
        hindrances: tuple[Hindrance, ...] = ()
    else:
        hindrances = tuple(_hindrance(one, current[0].asked, now) for one in on_duty)
    ahead = _ahead(ticket, line, on_duty, now, rules)
    because = _because(ticket, current[0].asked if current else None, on_duty, hindrances, chances, ahead, now)
    return Explanation(ticket.id, ticket.waited(now), because, ahead, hindrances, chances)


def in_words(asked: Asked) -> str:
    """``orders, it 3, rather with wine 2, only anna, not bruno``."""
    parts = [asked.need.queue, *(f"{skill} {level}" for skill, level in asked.need.skills)]
    if asked.prefers:
        more = [f"{skill} {level}" for skill, level in asked.prefers.skills if (skill, level) not in asked.need.skills]
        parts.append("rather with " + " and ".join(more))
    if asked.only:
        parts.append(f"only {asked.only}")
    parts += [f"not {agent}" for agent in sorted(asked.not_by)]
    return ", ".join(parts)


def _could(one: OnDuty, asked: Asked) -> bool:
    return one.status.wish is not Wish.OFF and asked.allows(one.status.agent) and serves(one.offer, asked.need)


def _ahead(ticket: Ticket, line: Iterable[Ticket], on_duty: list[OnDuty], now: datetime, rules: Rules) -> int:
    mine = waiting_at(ticket, now, rules)
    if mine is None:
        return 0
    others = (waiting_at(other, now, rules) for other in line if other.id != ticket.id)
    return sum(
        1
        for other in others
        if other is not None and other.place < mine.place and any(_could(one, other.asked) for one in on_duty)
    )


def _hindrance(one: OnDuty, asked: Asked, now: datetime) -> Hindrance:
    status = one.status
    because = "could take it now"
    wraps_up = status.wish is Wish.AVAILABLE and status.state is SystemState.WRAP_UP and not status.is_free(now)
    free_at = status.wrap_up_until if wraps_up else None
    if status.wish is Wish.OFF:
        because = "is off"
    elif short := lacks(one.offer, asked.need):
        because = "lacks " + ", ".join(short)
    elif status.agent in asked.not_by:
        because = "refused or missed it"
    elif not asked.allows(status.agent):
        because = f"it is kept for {asked.only}"
    elif status.wish is Wish.BREAK:
        because = f"is on a break ({status.wish_because})"
    elif not status.is_free(now):
        because = f"is {status.state.replace('_', ' ')} ({status.state_because})"
    return Hindrance(status.agent, because, free_at)


def _because(
    ticket: Ticket,
    asked: Asked | None,
    on_duty: list[OnDuty],
    hindrances: tuple[Hindrance, ...],
    chances: tuple[Chance, ...],
    ahead: int,
    now: datetime,
) -> str:
    if ticket.state is not TicketState.IN_LINE:
        return f"it is not in line: {ticket.state.replace('_', ' ')}"
    if asked is None:
        return "its time has not come"
    if any(h.because == "could take it now" for h in hindrances):
        return "somebody free could take it: it is next" if not ahead else f"{ahead} ahead are served first"
    if chances[0].agents:
        able = len(chances[0].agents)
        return f"all who could take it are busy or pausing ({able})"
    later = next((chance for chance in chances[1:] if chance.agents), None)
    if later:
        return f"nobody on duty can serve it now; from {(later.since - now).total_seconds():.0f} s on, somebody could"
    return "nobody on duty can serve it" if on_duty else "nobody is on duty"
