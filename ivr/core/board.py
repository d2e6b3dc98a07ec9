"""The board: what is true this second of every queue, agent and claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.agent import AgentStatus, SystemState, Wish
from ivr.core.ticket import Ticket, TicketKind, TicketState
from ivr.core.words import AgentId, QueueName, TicketId

WAITS = frozenset({TicketState.IN_LINE, TicketState.CLAIMED})


@dataclass(frozen=True)
class QueueNow:
    """One queue. Who is being offered to an agent still waits; ``away``: their places are kept for a while."""

    queue: QueueName
    waiting: int  # on the line
    callbacks: int  # to be called, and due
    resting: int  # callbacks whose time has not come
    talking: int
    away: int
    longest_wait: timedelta | None  # of those on the line
    longest_callback: timedelta | None  # of the callbacks that are due, since the caller arrived


@dataclass(frozen=True)
class AgentNow:
    """One agent: what they wish and what the line knows of them, with cause and time, and whom they have."""

    agent: AgentId
    queues: tuple[QueueName, ...]
    status: AgentStatus
    ticket: TicketId | None

    @property
    def shown(self) -> str:
        """One word for a wall: the state while there is something to do, else what they wish."""
        status = self.status
        if status.state is not SystemState.IDLE:
            return status.state.value
        return {Wish.AVAILABLE: "free", Wish.BREAK: "break", Wish.OFF: "off"}[status.wish]


@dataclass(frozen=True)
class ClaimNow:
    """An agent reserved for a ticket; ``accepted_at`` None: being rung."""

    ticket: TicketId
    agent: AgentId
    made_at: datetime
    lapses_at: datetime
    accepted_at: datetime | None
    because: str


@dataclass(frozen=True)
class Board:
    at: datetime
    queues: tuple[QueueNow, ...]
    agents: tuple[AgentNow, ...]
    claims: tuple[ClaimNow, ...]

    def agents_by_state(self) -> Mapping[str, int]:
        """How many there are of each, by the word shown."""
        counts: dict[str, int] = {}
        for one in self.agents:
            counts[one.shown] = counts.get(one.shown, 0) + 1
        return counts


def queues_now(tickets: Iterable[Ticket], known: Iterable[QueueName], now: datetime) -> tuple[QueueNow, ...]:
    """Every queue of the company in its order, and any other in which somebody still stands."""
    standing: dict[QueueName, list[Ticket]] = {queue: [] for queue in known}
    for ticket in tickets:
        standing.setdefault(ticket.queue, []).append(ticket)
    return tuple(_queue_now(queue, tickets, now) for queue, tickets in standing.items())


def _queue_now(queue: QueueName, tickets: Iterable[Ticket], now: datetime) -> QueueNow:
    standing = list(tickets)
    in_line = [one for one in standing if one.state in WAITS]
    callers = [one for one in in_line if one.kind is TicketKind.WAITING]
    callbacks = [one for one in in_line if one.kind is TicketKind.CALLBACK]
    due = [one for one in callbacks if one.not_before is None or one.not_before <= now]
    return QueueNow(
        queue=queue,
        waiting=len(callers),
        callbacks=len(due),
        resting=len(callbacks) - len(due),
        talking=sum(one.state is TicketState.TALKING for one in standing),
        away=sum(one.state is TicketState.AWAY for one in standing),
        longest_wait=max((one.waited(now) for one in callers), default=None),
        longest_callback=max((one.waited(now) for one in due), default=None),
    )
