"""Tickets and agents, short to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ivr.core.routing.decide import FreeAgent
from ivr.core.routing.skills import Offer, levels
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.words import AgentId, CustomerId, QueueName, TicketId

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def ticket(name: str, waited: float = 0, order: int = 0, queue: str = "orders", **more: Any) -> Ticket:
    """A ticket that has waited so many seconds at NOW."""
    return Ticket(
        id=TicketId(name),
        kind=TicketKind.WAITING,
        queue=QueueName(queue),
        arrived_at=NOW - seconds(waited),
        order=order,
        customer=CustomerId(f"customer-{name}"),
        call=None,
        **more,
    )


def agent(name: str, idle: float = 0, queues: tuple[str, ...] = ("orders",), **more: Any) -> FreeAgent:
    """An agent who has been free for so many seconds at NOW."""
    skills = more.pop("skills", {})
    offer = Offer(frozenset(QueueName(q) for q in queues), levels(skills))
    return FreeAgent(AgentId(name), offer, NOW - seconds(idle), **more)
