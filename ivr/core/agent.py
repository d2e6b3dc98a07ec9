"""An agent: what they wish, apart from what the system knows of them, each with its cause and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.words import AgentId

MISSES_IN_A_ROW = 2
"""So many, and the agent counts as unreachable."""


class Wish(StrEnum):
    """What an agent asked for; only the agent (or a supervisor, with cause) changes it."""

    AVAILABLE = "available"
    BREAK = "break"
    OFF = "off"


class SystemState(StrEnum):
    """What the line knows of an agent; no wish changes it."""

    IDLE = "idle"
    CLAIMED = "claimed"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    UNREACHABLE = "unreachable"


class AgentEvent(StrEnum):
    """What can happen to an agent."""

    CLAIMED = "claimed"
    RANG = "rang"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"
    LET_GO = "let_go"  # the claim ended without them: caller gone, lapsed, another was faster
    LOST = "lost"  # the phone or its connection is gone
    TALK_ENDED = "talk_ended"
    WRAPPED_UP = "wrapped_up"
    RETURNED = "returned"  # reachable again: they said so, or signed in


MOVES: Mapping[tuple[SystemState, AgentEvent], SystemState] = {
    (SystemState.IDLE, AgentEvent.CLAIMED): SystemState.CLAIMED,
    (SystemState.WRAP_UP, AgentEvent.CLAIMED): SystemState.CLAIMED,  # due, and nobody had told us yet
    (SystemState.CLAIMED, AgentEvent.RANG): SystemState.RINGING,
    **{
        (state, event): leads_to
        for state in (SystemState.CLAIMED, SystemState.RINGING)  # the news of ringing may come late
        for event, leads_to in {
            AgentEvent.ACCEPTED: SystemState.TALKING,
            AgentEvent.DECLINED: SystemState.IDLE,
            AgentEvent.MISSED: SystemState.IDLE,
            AgentEvent.LET_GO: SystemState.IDLE,
        }.items()
    },
    (SystemState.TALKING, AgentEvent.TALK_ENDED): SystemState.WRAP_UP,
    (SystemState.WRAP_UP, AgentEvent.WRAPPED_UP): SystemState.IDLE,
    (SystemState.UNREACHABLE, AgentEvent.RETURNED): SystemState.IDLE,
    **{
        (state, AgentEvent.LOST): SystemState.UNREACHABLE
        for state in (SystemState.IDLE, SystemState.CLAIMED, SystemState.RINGING, SystemState.WRAP_UP)
    },
}


def after(state: SystemState, event: AgentEvent) -> SystemState:
    """Where an event leads; one that comes late or twice leads nowhere new."""
    return MOVES.get((state, event), state)


@dataclass(frozen=True)
class AgentStatus:
    """One agent right now: the wish, the state, and of each the cause and since when."""

    agent: AgentId
    wish: Wish
    wish_because: str
    wish_since: datetime
    state: SystemState
    state_because: str
    state_since: datetime
    idle_since: datetime  # kept through offers that came to nothing: the turn is not lost
    misses: int = 0  # in a row
    wrap_up_until: datetime | None = None
    calls: int = 0  # answered today
    last_offer: int = 0  # a stored counter: the number of the last offer to them

    def is_free(self, now: datetime) -> bool:
        """May a ticket be offered? A wrap-up that is due has ended, whether or not a timer said so."""
        rested = self.state is SystemState.WRAP_UP and self.wrap_up_until is not None and self.wrap_up_until <= now
        return self.wish is Wish.AVAILABLE and (self.state is SystemState.IDLE or rested)

    def free_since(self) -> datetime:
        """What "longest idle" goes by; the wish to work counts from when it was made."""
        rested = self.wrap_up_until if self.state is SystemState.WRAP_UP else None
        return max(self.idle_since, self.wish_since, rested or self.idle_since)


def signed_in(agent: AgentId, at: datetime, because: str = "signed in") -> AgentStatus:
    """Somebody who begins to work: available, idle, nothing missed."""
    return AgentStatus(agent, Wish.AVAILABLE, because, at, SystemState.IDLE, because, at, at)


def wishes(status: AgentStatus, wish: Wish, because: str, at: datetime) -> AgentStatus:
    """A wish is taken down in any state and changes none; the same wish again changes nothing.

    To wish to work is to be reachable: who was unreachable is so no longer, and past misses are forgotten.
    """
    if wish is Wish.AVAILABLE and status.state is SystemState.UNREACHABLE:
        status = happened(status, AgentEvent.RETURNED, because, at)
    if wish is status.wish:
        return status
    return replace(status, wish=wish, wish_because=because, wish_since=at, misses=0)


def happened(
    status: AgentStatus,
    event: AgentEvent,
    because: str,
    at: datetime,
    *,
    wrap_up: timedelta = timedelta(),
    offer: int | None = None,
) -> AgentStatus:
    """What an event makes of an agent; one that comes late or twice changes nothing.

    ``wrap_up`` goes with TALK_ENDED (a negative one is none), ``offer`` with CLAIMED: the stored number of the offer.
    """
    state = after(status.state, event)
    if state is status.state:
        return status
    misses = status.misses + 1 if event is AgentEvent.MISSED else status.misses
    if event is AgentEvent.MISSED and misses >= MISSES_IN_A_ROW:
        state, because = SystemState.UNREACHABLE, f"{misses} missed in a row"
    changed = replace(status, state=state, state_because=because, state_since=at, misses=misses)
    match event:
        case AgentEvent.CLAIMED:
            idle_since = status.free_since()  # a wrap-up that was due began the idle time
            return replace(
                changed,
                idle_since=idle_since,
                wrap_up_until=None,
                last_offer=status.last_offer if offer is None else offer,
            )
        case AgentEvent.ACCEPTED:
            return replace(changed, misses=0, calls=status.calls + 1)
        case AgentEvent.TALK_ENDED:
            return replace(changed, wrap_up_until=at + max(wrap_up, timedelta()))
        case AgentEvent.WRAPPED_UP:
            return replace(changed, wrap_up_until=None, idle_since=at)
        case AgentEvent.RETURNED:
            return replace(changed, misses=0, idle_since=at)
        case AgentEvent.LOST:
            return replace(changed, wrap_up_until=None)
        case _:
            return changed


def extend_wrap_up(status: AgentStatus, by: timedelta, now: datetime) -> AgentStatus:
    """A wrap-up that is still running ends later; one that is over, or an extension backwards, changes nothing."""
    until = status.wrap_up_until
    if status.state is not SystemState.WRAP_UP or until is None or until <= now or by <= timedelta():
        return status
    return replace(status, wrap_up_until=until + by)
