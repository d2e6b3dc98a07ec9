"""A place in line: a waiting caller or a callback, in one list, whose arrival time never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.words import AgentId, CallId, CustomerId, Language, QueueName, TicketId


class TicketKind(StrEnum):
    WAITING = "waiting"  # on the line
    CALLBACK = "callback"  # at home, to be called


class TicketState(StrEnum):
    """Where a ticket stands; the last five are ends."""

    IN_LINE = "in_line"
    CLAIMED = "claimed"  # an agent is reserved, offered or being connected
    TALKING = "talking"
    AWAY = "away"  # dropped line or a miss: the place is kept for a while
    SERVED = "served"
    ABANDONED = "abandoned"
    LEFT = "left"  # by overflow, or by a key: voicemail, callback
    CANCELLED = "cancelled"
    NOT_REACHED = "not_reached"  # a callback after its last attempt


ENDS = frozenset(
    {TicketState.SERVED, TicketState.ABANDONED, TicketState.LEFT, TicketState.CANCELLED, TicketState.NOT_REACHED}
)


class TicketEvent(StrEnum):
    """What can happen to a ticket."""

    CLAIMED = "claimed"
    CONNECTED = "connected"
    PUT_BACK = "put_back"  # refused, missed, lapsed, transferred, or the agent's line dropped: the same place again
    WENT_AWAY = "went_away"
    CAME_BACK = "came_back"
    SERVED = "served"
    ABANDONED = "abandoned"
    LEFT = "left"
    CANCELLED = "cancelled"
    NOT_REACHED = "not_reached"


_BEFORE_THE_TALK = (TicketState.IN_LINE, TicketState.CLAIMED, TicketState.AWAY)

MOVES: Mapping[tuple[TicketState, TicketEvent], TicketState] = {
    (TicketState.IN_LINE, TicketEvent.CLAIMED): TicketState.CLAIMED,
    (TicketState.CLAIMED, TicketEvent.CONNECTED): TicketState.TALKING,
    (TicketState.CLAIMED, TicketEvent.PUT_BACK): TicketState.IN_LINE,
    (TicketState.TALKING, TicketEvent.PUT_BACK): TicketState.IN_LINE,
    (TicketState.IN_LINE, TicketEvent.WENT_AWAY): TicketState.AWAY,
    (TicketState.CLAIMED, TicketEvent.WENT_AWAY): TicketState.AWAY,
    (TicketState.TALKING, TicketEvent.WENT_AWAY): TicketState.AWAY,
    (TicketState.AWAY, TicketEvent.CAME_BACK): TicketState.IN_LINE,
    (TicketState.TALKING, TicketEvent.SERVED): TicketState.SERVED,
    (TicketState.TALKING, TicketEvent.LEFT): TicketState.LEFT,  # they could not be put through
    (TicketState.CLAIMED, TicketEvent.NOT_REACHED): TicketState.NOT_REACHED,
    (TicketState.AWAY, TicketEvent.NOT_REACHED): TicketState.NOT_REACHED,
    **{(state, TicketEvent.ABANDONED): TicketState.ABANDONED for state in _BEFORE_THE_TALK},
    **{(state, TicketEvent.LEFT): TicketState.LEFT for state in _BEFORE_THE_TALK},
    **{(state, TicketEvent.CANCELLED): TicketState.CANCELLED for state in _BEFORE_THE_TALK},
}


def after(state: TicketState, event: TicketEvent) -> TicketState:
    """Where an event leads; one that comes late or twice leads nowhere new."""
    return MOVES.get((state, event), state)


@dataclass(frozen=True)
class Relaxation:
    """From so long a wait, these skills are no longer asked for."""

    after: timedelta
    skills: tuple[str, ...]


@dataclass(frozen=True)
class Ticket:
    """One place in line. ``arrived_at`` is kept through refusals, transfers, callbacks and dropped lines."""

    id: TicketId
    kind: TicketKind
    queue: QueueName
    arrived_at: datetime
    order: int  # a stored counter: breaks ties of arrival
    customer: CustomerId
    call: CallId | None
    language: Language | None = None
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> least level, 1 to 5
    preferred: Mapping[str, int] = field(default_factory=dict)  # agents who have all of these come first
    relaxations: tuple[Relaxation, ...] = ()
    boost: timedelta = timedelta()
    last_agent: AgentId | None = None  # offered to them alone until ``last_agent_until``
    last_agent_until: datetime | None = None
    refused_by: frozenset[AgentId] = frozenset()  # refused or missed by these: not offered to them again
    state: TicketState = TicketState.IN_LINE
    not_before: datetime | None = None  # a callback in a slot, or between attempts

    def __post_init__(self) -> None:
        if self.arrived_at.tzinfo is None:
            raise ValueError("arrived_at must be aware")
        if self.order < 0:
            raise ValueError("order counts from 0")
        for level in (*self.needs.values(), *self.preferred.values()):
            if not 1 <= level <= 5:
                raise ValueError("levels go from 1 to 5")

    def counts_from(self) -> datetime:
        """What the order in line goes by: arrival, moved back by the boost."""
        return self.arrived_at - self.boost

    def waited(self, now: datetime) -> timedelta:
        """The true wait, whatever the boost; never negative, also when clocks jump."""
        return max(now - self.arrived_at, timedelta())
