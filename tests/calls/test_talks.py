"""Talks on the exchange, in virtual time: hold, and transfers back into line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ivr.core.agent import SystemState
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, QueueName, TicketId
from ivr.exchange.handset import Handset
from ivr.switchboard.legs import consult
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.record import talk
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "callback_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
LINE, MARIA = "+39800123456", "+393331234567"
ANNA, BRUNO = "+390298765001", "+390298765002"
WRAP_UP = timedelta(seconds=30)


@pytest.fixture
def world() -> Iterator[World]:
    """Anna answers for sales."""
    with open_world(MORNING, FLOWS, None, 1) as opened:
        opened.sign_in(OnDuty("anna", ("sales",), {"orders": 3}, ANNA, talks=timedelta(minutes=10)))
        yield opened


def talking(world: World) -> tuple[Handset, TicketId]:
    """Maria, who has just been put through to Anna."""
    phone = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    phone.press("0")
    world.telephones.wait(40)
    (place,) = tickets(world)
    assert (place.ticket.state, place.agent) == (TicketState.TALKING, "anna")
    return phone, place.ticket.id


def tickets(world: World) -> list[TicketOnRecord]:
    with world.records.read() as tx:
        return list(tx.tickets.live())


def state(world: World, agent: str) -> SystemState:
    with world.records.read() as tx:
        return tx.agents.get(AgentId(agent)).status.state


def handed(world: World, ticket: TicketId, agent: str) -> None:
    with world.records.write() as tx:
        talk.to_agent(tx, ticket, AgentId(agent), WRAP_UP, world.scheduler.now())
    world.office.later.steer(ticket)
    world.office.later.line_up(ticket)


def heard(phone: Handset, after: int) -> str:
    return " ".join(moment.text for moment in phone.perceived(after) if moment.kind == "said")


def last(phone: Handset) -> int:
    return phone.perceived()[-1].n


def test_a_caller_on_hold_hears_words_and_is_back_in_the_talk_after_it(world: World) -> None:
    phone, ticket = talking(world)
    before = last(phone)
    with world.records.write() as tx:
        talk.hold(tx, ticket, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(70)
    assert heard(phone, before).count("Siete in attesa") >= 2
    (room,) = world.network.conferences(status="in-progress")
    assert sorted(each.hold for each in world.network.participants(room.sid)) == [False, True]
    with world.records.write() as tx:
        talk.resume(tx, ticket, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(5)
    before = last(phone)
    world.telephones.wait(60)
    assert [each.hold for each in world.network.participants(room.sid)] == [False, False]
    assert heard(phone, before) == ""
    assert not phone.over


def test_a_hold_whose_hint_was_lost_comes_with_the_next_sweep(world: World) -> None:
    phone, ticket = talking(world)
    before = last(phone)
    with world.records.write() as tx:
        talk.hold(tx, ticket, world.scheduler.now())
    world.telephones.wait(12)
    assert "Siete in attesa" in heard(phone, before)


def test_a_transferred_caller_hears_so_keeps_the_arrival_and_is_answered_by_the_other(world: World) -> None:
    phone, ticket = talking(world)
    arrived = tickets(world)[0].ticket.arrived_at
    bruno = world.sign_in(OnDuty("bruno", ("sales",), {"orders": 3}, BRUNO))
    before = last(phone)
    handed(world, ticket, "bruno")
    world.telephones.wait(40)
    (place,) = tickets(world)
    assert (place.ticket.id, place.agent, place.ticket.arrived_at) == (ticket, "bruno", arrived)
    assert "Vi passiamo a chi può aiutarvi" in heard(phone, before)
    assert "Da anna." in heard(bruno.calls()[0], 0)
    assert state(world, "anna") in (SystemState.WRAP_UP, SystemState.IDLE)


def test_who_is_refused_by_the_other_comes_back_to_who_transferred_them(world: World) -> None:
    _, ticket = talking(world)
    world.sign_in(OnDuty("bruno", ("sales",), {"orders": 3}, BRUNO, presses=("2",)))
    handed(world, ticket, "bruno")
    world.telephones.wait(60)
    (place,) = tickets(world)
    assert (place.ticket.state, place.agent) == (TicketState.TALKING, "anna")
    with world.records.read() as tx:
        assert place.ticket.call is not None
        told = [
            event.data["because"] for event in tx.log.of_call(place.ticket.call) if event.kind == "talk.transferred"
        ]
    assert told == ["handed", "refused"]


def test_who_finds_the_other_away_comes_back_after_twenty_seconds(world: World) -> None:
    _, ticket = talking(world)
    world.sign_in(OnDuty("bruno", ("sales",), {"orders": 3}, BRUNO, signs_in_at=timedelta(hours=1)))
    handed(world, ticket, "bruno")
    world.telephones.wait(15)
    assert tickets(world)[0].ticket.state is TicketState.IN_LINE
    world.telephones.wait(40)
    (place,) = tickets(world)
    assert (place.ticket.state, place.agent) == (TicketState.TALKING, "anna")


def test_nobody_is_transferred_to_who_talks_already_or_does_not_answer_for_the_queue(world: World) -> None:
    _, ticket = talking(world)
    with world.records.write() as tx, pytest.raises(talk.TransferRefused):
        talk.to_agent(tx, ticket, AgentId("anna"), WRAP_UP, world.scheduler.now())
    with world.records.read() as tx, pytest.raises(talk.TransferRefused):
        talk.refuse_unknown_queue(tx, world.office.flows, ticket, QueueName("orders"))


def test_a_talk_that_is_over_can_be_neither_held_nor_transferred(world: World) -> None:
    phone, ticket = talking(world)
    phone.hang_up()
    world.telephones.wait(5)
    with world.records.write() as tx, pytest.raises(talk.NobodyTalks):
        talk.hold(tx, ticket, world.scheduler.now())
    with world.records.write() as tx, pytest.raises(talk.NobodyTalks):
        talk.to_queue(tx, ticket, QueueName("sales"), WRAP_UP, world.scheduler.now())


def rung(world: World, ticket: TicketId, aside: bool) -> None:
    """Bruno, on duty, is asked in."""
    with world.records.write() as tx:
        office, now = world.office, world.scheduler.now()
        consult.ring(tx, office.flows, office.ids, ticket, AgentId("bruno"), aside, now)
    world.office.later.steer(ticket)


def bruno(world: World, presses: str = "1", talks: timedelta = timedelta(minutes=5)) -> None:
    world.sign_in(OnDuty("bruno", ("sales",), {}, BRUNO, presses=(presses,), talks=talks))


def in_room(world: World) -> list[bool]:
    (room,) = world.network.conferences(status="in-progress")
    return sorted(each.hold for each in world.network.participants(room.sid))


def test_a_warm_transfer_speaks_aside_first_and_then_leaves_the_caller_with_the_colleague(world: World) -> None:
    phone, ticket = talking(world)
    bruno(world)
    rung(world, ticket, aside=True)
    world.telephones.wait(30)
    assert in_room(world) == [False, False, True]
    assert (state(world, "anna"), state(world, "bruno")) == (SystemState.TALKING, SystemState.TALKING)
    with world.records.write() as tx:
        consult.complete(tx, ticket, WRAP_UP, "token", world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(8)
    assert in_room(world) == [False, False]
    assert (tickets(world)[0].agent, state(world, "anna")) == ("bruno", SystemState.WRAP_UP)
    phone.hang_up()
    world.telephones.wait(8)
    assert (tickets(world), state(world, "bruno")) == ([], SystemState.WRAP_UP)


def test_three_talk_and_who_is_sent_away_is_free_again(world: World) -> None:
    phone, ticket = talking(world)
    bruno(world)
    rung(world, ticket, aside=False)
    world.telephones.wait(30)
    assert in_room(world) == [False, False, False]
    with world.records.write() as tx:
        consult.cancel(tx, ticket, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(8)
    assert in_room(world) == [False, False]
    assert (tickets(world)[0].agent, state(world, "bruno")) == ("anna", SystemState.IDLE)
    assert not phone.over


def test_a_colleague_who_declines_leaves_the_caller_in_the_talk(world: World) -> None:
    phone, ticket = talking(world)
    bruno(world, "2")
    rung(world, ticket, aside=True)
    world.telephones.wait(40)
    assert in_room(world) == [False, False]
    assert (tickets(world)[0].agent, state(world, "bruno")) == ("anna", SystemState.IDLE)
    assert not phone.over
    with world.records.write() as tx, pytest.raises(talk.TransferRefused):
        consult.complete(tx, ticket, WRAP_UP, "token", world.scheduler.now())


def test_the_caller_who_hangs_up_ends_it_for_all_three(world: World) -> None:
    phone, ticket = talking(world)
    bruno(world)
    rung(world, ticket, aside=False)
    world.telephones.wait(30)
    phone.hang_up()
    world.telephones.wait(10)
    assert tickets(world) == []
    assert (state(world, "anna"), state(world, "bruno")) == (SystemState.WRAP_UP, SystemState.IDLE)
    assert world.network.conferences(status="in-progress") == []


def test_who_hangs_up_with_a_colleague_in_the_talk_leaves_the_caller_with_them(world: World) -> None:
    phone, ticket = talking(world)
    bruno(world, talks=timedelta(minutes=30))
    rung(world, ticket, aside=False)
    world.telephones.wait(600)
    assert (tickets(world)[0].agent, state(world, "bruno")) == ("bruno", SystemState.TALKING)
    assert state(world, "anna") is SystemState.WRAP_UP
    assert in_room(world) == [False, False]
    assert not phone.over
