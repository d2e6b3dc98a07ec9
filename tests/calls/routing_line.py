"""A line with a queue for each strategy, callers who choose one by a key, and agents who are told by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ivr.core.call import CallRecord, CarrierKey
from ivr.core.words import AgentId
from ivr.exchange.handset import Handset, Subscriber
from ivr.switchboard.ports.queue import AgentOnRecord, TicketOnRecord
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "routing_flow"
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
LINE = "+39800123456"
IDLE, FEWEST, ROBIN, TOP, EVERYBODY, PREFERRED, LAST_AGENT, RELAXED, URGENT = "123456789"
"""The keys of the flow's menu."""

NAMES = ("anna", "bruno", "carla", "dario", "elena", "fabio")


def line(flows: Path = FLOWS) -> World:
    return open_world(MORNING, flows, None, 1)


def on_duty(
    world: World,
    name: str,
    *,
    talks: float = 20,
    after: float = 2,
    skills: Mapping[str, int] | None = None,
    queues: tuple[str, ...] = (),
    presses: tuple[str, ...] = ("1",),
    misses: int = 0,
    comes: float = 0,
) -> Subscriber:
    """Put to work, ``comes`` seconds from now; rung at a number of their own."""
    return world.sign_in(
        OnDuty(
            name,
            queues=queues,
            skills=skills or {},
            address=f"+39029876500{1 + NAMES.index(name)}",
            answers_after=timedelta(seconds=after),
            talks=timedelta(seconds=talks),
            presses=presses,
            misses=misses,
            signs_in_at=timedelta(seconds=comes),
        )
    )


def ring(world: World, key: str, number: str = "+390451234501") -> Handset:
    """Somebody who rings and is in line 3 s later."""
    phone = world.telephones.dial(number, LINE)
    world.telephones.wait(2)
    phone.press(key)
    world.telephones.wait(1)
    return phone


def call(world: World, phone: Handset) -> CallRecord:
    with world.records.read() as tx:
        found = tx.calls.find(CarrierKey("twilio", world.office.settings.account_sid, phone.sid))
    assert found is not None
    return found


def place(world: World, phone: Handset) -> TicketOnRecord:
    name = call(world, phone).id
    with world.records.read() as tx:
        found = tx.tickets.of_call(name)
    assert found is not None
    return found


def told(world: World, phone: Handset, kind: str) -> list[Mapping[str, Any]]:
    """The events of a kind of a call."""
    name = call(world, phone).id
    with world.records.read() as tx:
        return [stored.data for stored in tx.log.of_call(name) if stored.kind == kind]


def agent(world: World, name: str) -> AgentOnRecord:
    with world.records.read() as tx:
        return tx.agents.get(AgentId(name))


def offered_to(world: World, phone: Handset) -> list[AgentId]:
    """Who was rung for a caller, in order."""
    ticket = place(world, phone).ticket.id
    with world.records.read() as tx:
        return [claim.agent for claim in tx.claims.of_ticket(ticket)]


def rang(subscriber: Subscriber) -> list[datetime]:
    """When a phone rang."""
    return [news.at for phone in subscriber.calls() for news in phone.perceived() if news.kind == "ringing"]


def heard(phone: Handset, after: int = 0) -> str:
    return " ".join(news.text for news in phone.perceived(after) if news.kind == "said")
