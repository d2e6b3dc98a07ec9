"""Talks that a number outside comes into, and the star key of an agent with only a telephone, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ivr.core.agent import SystemState
from ivr.core.leg import LegKind
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, TicketId
from ivr.exchange.handset import Behaviour, Handset
from ivr.switchboard import consult, outside, talk
from ivr.switchboard.ports import TicketOnRecord
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "callback_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
LINE, MARIA = "+39800123456", "+393331234567"
ANNA, BRUNO, EXPERT = "+390298765001", "+390298765002", "+390212340099"
WRAP_UP = timedelta(seconds=30)


@pytest.fixture
def world() -> Iterator[World]:
    """Anna answers for sales, with her phone in our hand."""
    with open_world(MORNING, FLOWS, None, 1) as opened:
        opened.sign_in(OnDuty("anna", ("sales",), {"orders": 3}, ANNA))
        opened.telephones.hold(ANNA)
        yield opened


def picked_up(world: World, number: str = ANNA) -> Handset:
    """A phone of ours that rings, answered, the offer taken."""
    (phone,) = world.telephones.ringing(number, 30)
    phone.answer()
    world.telephones.wait(14)
    phone.press("1")
    world.telephones.wait(4)
    return phone


def talking(world: World) -> tuple[Handset, Handset, TicketId]:
    """Maria, Anna, and the ticket of their talk."""
    maria = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    maria.press("0")
    anna = picked_up(world)
    assert in_room(world) == [False, False]
    return maria, anna, place(world).ticket.id


def place(world: World) -> TicketOnRecord:
    with world.records.read() as tx:
        (only,) = tx.tickets.live()
        return only


def tickets(world: World) -> list[TicketOnRecord]:
    with world.records.read() as tx:
        return list(tx.tickets.live())


def state(world: World, agent: str) -> SystemState:
    with world.records.read() as tx:
        return tx.agents.get(AgentId(agent)).status.state


def in_room(world: World) -> list[bool]:
    """Who sits in the one room there is: on hold or not."""
    rooms = world.network.conferences(status="in-progress")
    return sorted(each.hold for room in rooms for each in world.network.participants(room.sid))


def told(world: World, maria: Handset) -> list[str]:
    """What the log of Maria's call has of transfers and talks."""
    with world.records.read() as tx:
        (call,) = tx.calls.recent(5)
        kinds = ("transfer", "talk.ended", "talk.transferred")
        return [
            " ".join([event.kind, *(str(event.data[name]) for name in ("how", "because") if name in event.data)])
            for event in tx.log.of_call(call.id)
            if event.kind.startswith(kinds)
        ]


def heard(phone: Handset, after: int = 0) -> str:
    return " ".join(moment.text for moment in phone.perceived(after) if moment.kind == "said")


def last(phone: Handset) -> int:
    return phone.perceived()[-1].n


def expert(world: World, **does: object) -> None:
    world.telephones.subscriber(EXPERT, Behaviour(**{"presses": ("1",), **does}))  # type: ignore[arg-type]


def sent(world: World, ticket: TicketId, to: str = EXPERT) -> None:
    with world.records.write() as tx:
        outside.send(tx, dialling(world), ticket, to, WRAP_UP, world.scheduler.now())
    hinted(world, ticket)


def rung(world: World, ticket: TicketId, aside: bool) -> None:
    with world.records.write() as tx:
        outside.ring(tx, dialling(world), ticket, EXPERT, aside, world.scheduler.now())
    hinted(world, ticket)


def dialling(world: World) -> outside.Dialling:
    return outside.Dialling(world.office.flows, world.office.numbering, world.office.ids)


def hinted(world: World, ticket: TicketId) -> None:
    world.office.later.steer(ticket)
    world.office.later.line_up(ticket)


# --- Cold ---


def test_who_is_passed_to_a_number_hears_so_and_talks_to_it_and_goes_on_when_it_hangs_up(world: World) -> None:
    maria, anna, ticket = talking(world)
    before = last(maria)
    expert(world, talks=60.0)
    sent(world, ticket)
    world.telephones.wait(10)
    assert anna.over and "Vi mettiamo in comunicazione" in heard(maria, before)
    assert (in_room(world), state(world, "anna")) == ([True], SystemState.WRAP_UP)
    world.telephones.wait(20)
    assert in_room(world) == [False, False]
    assert (place(world).ticket.state, place(world).agent) == (TicketState.TALKING, None)
    with world.records.read() as tx:
        assert tx.claims.live() == []
    world.telephones.wait(60)
    assert maria.over and tickets(world) == [] and in_room(world) == []
    assert "Arrivederci" in heard(maria, before)
    assert told(world, maria) == [
        "talk.ended handed",
        "transfer.began",
        "transfer.connected",
        "transfer.ended completed",
    ]


@pytest.mark.parametrize(
    ("does", "words", "how"),
    [
        ({"busy": True}, "occupato", "busy"),
        ({"no_answer": True}, "Non risponde nessuno", "no_answer"),
        ({"fails": True}, "non siamo riusciti", "failed"),
        ({"presses": ("2",)}, "Non risponde nessuno", "no_answer"),
        ({"machine": True, "presses": ()}, "Non risponde nessuno", "no_answer"),
    ],
    ids=["busy", "unanswered", "unreachable", "refused", "a machine"],
)
def test_whom_the_number_does_not_take_comes_back_to_who_sent_them(
    world: World, does: dict[str, object], words: str, how: str
) -> None:
    maria, _, ticket = talking(world)
    arrived, before = place(world).ticket.arrived_at, last(maria)
    expert(world, **does)
    sent(world, ticket)
    picked_up_again = _rings_again(world)
    assert words in heard(maria, before) and "Torniamo da chi vi ha risposto" in heard(maria, before)
    back = place(world)
    assert (back.ticket.id, back.agent, back.ticket.arrived_at) == (ticket, "anna", arrived)
    assert in_room(world) == [False, False] and not picked_up_again.over
    assert told(world, maria) == [
        "talk.ended handed",
        "transfer.began",
        f"transfer.ended {how}",
        "talk.transferred unanswered",
    ]


def _rings_again(world: World) -> Handset:
    world.telephones.ringing(ANNA, 90)
    return picked_up(world)


@pytest.mark.parametrize("seconds", [1, 8, 22])
def test_who_hangs_up_while_the_number_rings_or_talks_leaves_nobody_in_the_room(world: World, seconds: int) -> None:
    maria, _, ticket = talking(world)
    expert(world)
    sent(world, ticket)
    world.telephones.wait(seconds)
    maria.hang_up()
    world.telephones.wait(15)
    assert (tickets(world), in_room(world)) == ([], [])
    assert [call.status for call in world.network.calls() if call.to == EXPERT] != ["in-progress"]
    with world.records.read() as tx:
        assert tx.legs.unfinished() == []


@pytest.mark.parametrize("to", ["+41446681800", "+39899123456", LINE, "abc", "+390000000000"])
def test_a_number_that_may_not_be_called_is_refused_and_nothing_has_happened(world: World, to: str) -> None:
    _, anna, ticket = talking(world)
    with pytest.raises(talk.TransferRefused):
        sent(world, ticket, to)
    assert (place(world).agent, in_room(world), anna.over) == ("anna", [False, False], False)


# --- Warm, and all three ---


def test_a_number_is_spoken_to_aside_and_then_has_the_caller_who_goes_on_afterwards(world: World) -> None:
    maria, anna, ticket = talking(world)
    expert(world, talks=60.0)
    rung(world, ticket, aside=True)
    world.telephones.wait(12)
    assert in_room(world) == [False, False, True]
    anna.hang_up()
    world.telephones.wait(8)
    assert (in_room(world), state(world, "anna")) == ([False, False], SystemState.WRAP_UP)
    world.telephones.wait(60)
    assert maria.over and tickets(world) == []
    assert told(world, maria)[-2:] == ["transfer.connected", "transfer.ended completed"]


@pytest.mark.parametrize("does", [{"busy": True}, {"talks": 5.0}], ids=["busy", "hangs up"])
def test_an_agent_whose_number_is_gone_has_the_caller_again(world: World, does: dict[str, object]) -> None:
    maria, anna, ticket = talking(world)
    expert(world, **does)
    rung(world, ticket, aside=True)
    world.telephones.wait(25)
    assert (in_room(world), place(world).agent, place(world).held_at) == ([False, False], "anna", None)
    assert not maria.over and not anna.over


def test_who_is_sent_away_from_three_is_hung_up(world: World) -> None:
    maria, _, ticket = talking(world)
    expert(world)
    rung(world, ticket, aside=False)
    world.telephones.wait(12)
    assert in_room(world) == [False, False, False]
    with world.records.write() as tx:
        consult.cancel(tx, ticket, world.scheduler.now())
    hinted(world, ticket)
    world.telephones.wait(6)
    assert in_room(world) == [False, False] and not maria.over
