"""Talks that a number outside comes into, and the star key of an agent with only a telephone, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ivr.core.agent import SystemState
from ivr.core.errors import CarrierUnavailable, RecordsUnavailable
from ivr.core.leg import LegKind
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, QueueName, TicketId
from ivr.exchange.handset import Behaviour, Handset
from ivr.switchboard.calls.call_status import CallStatus
from ivr.switchboard.calls.take_turn import TakeTurn
from ivr.switchboard.legs import consult, outside
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.record import talk
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world
from ivr.twilio import twiml

FLOWS = Path(__file__).parent / "callback_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
LINE, MARIA = "+39800123456", "+393331234567"
ANNA, BRUNO, EXPERT = "+390298765001", "+390298765002", "+390212340099"
WRAP_UP = timedelta(seconds=30)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, twiml_check: Callable[..., list[Any]]) -> Iterator[World]:
    """Anna answers for sales, with her phone in our hand; whatever anybody was told is legal."""
    documents: set[str] = set()
    render = twiml.render

    def watched(*given: Any, **named: Any) -> str:
        documents.add(text := render(*given, **named))
        return text

    monkeypatch.setattr("ivr.wiring.twiml.render", watched)
    with open_world(MORNING, FLOWS, None, 1) as opened:
        opened.sign_in(OnDuty("anna", ("sales",), {"orders": 3}, ANNA))
        opened.telephones.hold(ANNA)
        yield opened
    assert not [(text, wrong) for text in documents if (wrong := twiml_check(text))]


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
        ({"fails": True}, "non siamo riusciti", "failed"),
        ({"presses": ("2",)}, "Non risponde nessuno", "no_answer"),
        ({"machine": True, "presses": ()}, "Non risponde nessuno", "no_answer"),
    ],
    ids=["busy", "unreachable", "refused", "a machine"],
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


def test_whom_the_carrier_dials_nobody_for_is_not_left_on_hold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    maria, _, ticket = talking(world)
    before, telephone = last(maria), type(world.office.telephone)
    dial = telephone.dial

    def refuses(carrier: Any, to: str, *rest: Any) -> str:
        if to == EXPERT:
            raise CarrierUnavailable
        return dial(carrier, to, *rest)

    monkeypatch.setattr(telephone, "dial", refuses)
    sent(world, ticket)
    _rings_again(world)
    assert "non siamo riusciti" in heard(maria, before)
    assert (place(world).agent, in_room(world)) == ("anna", [False, False])


@pytest.mark.parametrize("seconds", [1, 22])
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


def test_a_number_that_may_not_be_called_is_refused_and_nothing_has_happened(world: World) -> None:
    """Another country, a premium number, one of ours, no number, one that nobody can have."""
    _, anna, ticket = talking(world)
    for to in ("+41446681800", "+39899123456", LINE, "abc", "+390000000000"):
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


# --- The star key ---


def pressed(world: World, anna: Handset, *keys: str) -> str:
    """What Anna hears after the star and these keys, each at its question."""
    before = last(anna)
    anna.press("*")
    world.telephones.wait(1.5)
    for each in keys:
        world.telephones.wait_for_news(anna, last(anna), 1)
        anna.press(each)
        world.telephones.wait(1.5)
    return heard(anna, before)


def bruno(world: World, presses: str = "1", talks: timedelta = timedelta(minutes=5)) -> None:
    world.sign_in(OnDuty("bruno", ("sales",), {"orders": 3}, BRUNO, presses=(presses,), talks=talks))


def test_the_star_holds_the_caller_and_one_or_silence_goes_back(world: World) -> None:
    maria, anna, _ = talking(world)
    for keys in (("1",), ()):
        before = last(maria)
        anna.press("*")
        world.telephones.wait(8)
        assert in_room(world) == [True]
        assert "Siete in attesa" in heard(maria, before)
        for key in keys:
            anna.press(key)
        world.telephones.wait(25)
        assert in_room(world) == [False, False]
    assert "Il cliente è in attesa" in heard(anna) and not maria.over


def test_an_agent_whose_caller_has_gone_unheard_of_is_told_so_and_not_led_back_into_an_empty_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    maria, anna, _ = talking(world)

    def lost(*_: object) -> None:
        raise RecordsUnavailable

    monkeypatch.setattr(TakeTurn, "__call__", lost)
    monkeypatch.setattr(CallStatus, "__call__", lost)
    maria.hang_up()
    world.telephones.wait(12)
    assert (anna.over, state(world, "anna")) == (True, SystemState.WRAP_UP)
    assert heard(anna).endswith("Grazie, arrivederci.")
    assert len(world.network.conferences()) == 1


def test_five_ends_the_talk_and_the_caller_goes_on(world: World) -> None:
    maria, anna, _ = talking(world)
    pressed(world, anna, "5")
    world.telephones.wait(10)
    assert (maria.over, anna.over, tickets(world), state(world, "anna")) == (True, True, [], SystemState.WRAP_UP)
    assert "arrivederci" in heard(anna) and "Arrivederci" in heard(maria)


def test_a_queue_by_its_key_has_the_caller_with_their_arrival(world: World) -> None:
    maria, anna, ticket = talking(world)
    arrived = place(world).ticket.arrived_at
    bruno(world)
    pressed(world, anna, "2", "1")
    world.telephones.wait(45)
    assert anna.over and "Fatto" in heard(anna)
    assert (place(world).ticket.id, place(world).agent, place(world).ticket.arrived_at) == (ticket, "bruno", arrived)
    assert in_room(world) == [False, False] and not maria.over


@pytest.mark.parametrize("whom", ["0#", "0298765002#"], ids=["next free", "number"])
def test_a_colleague_is_spoken_to_aside_and_left_with_the_caller(world: World, whom: str) -> None:
    maria, anna, _ = talking(world)
    bruno(world)
    pressed(world, anna, "3", whom)
    world.telephones.wait(25)
    assert in_room(world) == [False, False, True]
    pressed(world, anna, "2")
    world.telephones.wait(10)
    assert (place(world).agent, in_room(world), anna.over, maria.over) == ("bruno", [False, False], True, False)


def test_three_talk_and_who_was_asked_in_is_sent_away_by_key(world: World) -> None:
    maria, anna, _ = talking(world)
    expert(world)
    pressed(world, anna, "4", "0212340099#")
    world.telephones.wait(15)
    assert in_room(world) == [False, False, False]
    pressed(world, anna, "3")
    world.telephones.wait(8)
    assert (in_room(world), place(world).agent, maria.over) == ([False, False], "anna", False)


def test_a_number_by_its_keys_takes_the_caller(world: World) -> None:
    maria, anna, _ = talking(world)
    expert(world)
    pressed(world, anna, "6", "0212340099#")
    world.telephones.wait(30)
    assert (anna.over, place(world).agent, in_room(world), maria.over) == (True, None, [False, False], False)


def test_what_is_refused_leads_to_the_menu_again(world: World) -> None:
    maria, anna, _ = talking(world)
    for whom, words in (("899123456#", "non è possibile"), ("0#", "Nessun collega"), ("77#", "non è possibile")):
        pressed(world, anna, "3", whom)
        world.telephones.wait(4)
        anna.press("1")
        world.telephones.wait(3)
        assert words in heard(anna)
        assert (in_room(world), maria.over) == ([False, False], False)


@pytest.mark.parametrize("who", ["maria", "anna"])
@pytest.mark.parametrize("keys", [(), ("3", "2#")], ids=["menu", "rung"])
def test_who_hangs_up_between_the_keys_leaves_nobody_alone(world: World, who: str, keys: tuple[str, ...]) -> None:
    maria, anna, _ = talking(world)
    bruno(world)
    pressed(world, anna, *keys)
    (maria if who == "maria" else anna).hang_up()
    world.telephones.wait(25)
    assert (tickets(world), in_room(world)) == ([], [])
    assert maria.over and anna.over
    assert (state(world, "anna"), state(world, "bruno")) == (SystemState.WRAP_UP, SystemState.IDLE)


# --- A customer who was called back ---


def called_back(world: World) -> tuple[Handset, Handset, TicketId]:
    """Maria, who asked to be called and is talking; Anna; the ticket."""
    phone = world.telephones.dial(MARIA, LINE)
    for key in ("1", "1", "1"):
        world.telephones.wait(12)
        phone.press(key)
    world.telephones.wait(15)
    phone.hang_up()
    world.telephones.hold(MARIA)
    (anna,) = world.telephones.ringing(ANNA, 120)
    anna.answer()
    world.telephones.wait(14)
    anna.press("1")
    (maria,) = world.telephones.ringing(MARIA, 60)
    maria.answer()
    world.telephones.wait(12)
    maria.press("1")
    world.telephones.wait(8)
    assert in_room(world) == [False, False]
    return maria, anna, place(world).ticket.id


def handed(world: World, ticket: TicketId, agent: str) -> None:
    with world.records.write() as tx:
        talk.to_agent(tx, ticket, AgentId(agent), WRAP_UP, world.scheduler.now())
    hinted(world, ticket)


def test_a_called_customer_who_is_passed_on_waits_on_the_line_and_is_answered_at_the_same_place(world: World) -> None:
    maria, anna, ticket = called_back(world)
    arrived, before = place(world).ticket.arrived_at, last(maria)
    bruno(world)
    handed(world, ticket, "bruno")
    world.telephones.wait(12)
    assert anna.over and "Vi passiamo a chi può aiutarvi" in heard(maria, before)
    world.telephones.wait(30)
    assert (place(world).ticket.id, place(world).agent, place(world).ticket.arrived_at) == (ticket, "bruno", arrived)
    assert in_room(world) == [False, False]
    maria.hang_up()
    world.telephones.wait(10)
    assert (tickets(world), in_room(world), state(world, "bruno")) == ([], [], SystemState.WRAP_UP)


def test_a_called_customer_passed_to_a_number_that_is_busy_is_back_with_who_sent_them(world: World) -> None:
    maria, _, ticket = called_back(world)
    before = last(maria)
    expert(world, busy=True)
    sent(world, ticket)
    _rings_again(world)
    assert "occupato" in heard(maria, before) and "Torniamo da chi" in heard(maria, before)
    assert (place(world).agent, in_room(world), maria.over) == ("anna", [False, False], False)


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_a_called_customer_who_hangs_up_while_waiting_is_not_offered_and_keeps_the_place(
    world: World, seconds: float
) -> None:
    maria, _, ticket = called_back(world)
    bruno(world, presses="")
    handed(world, ticket, "bruno")
    world.telephones.wait(seconds)
    maria.hang_up()
    world.telephones.wait(10)
    assert place(world).ticket.state is TicketState.AWAY
    assert in_room(world) == []
    world.telephones.wait(60)
    with world.records.read() as tx:
        assert tx.claims.live() == []
        assert all(leg.ended_at for leg in tx.legs.of_ticket(ticket))
    again = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    again.press("0")
    world.telephones.wait(10)
    assert "abbiamo tenuto il vostro posto" in heard(again)
    assert place(world).ticket.id == ticket


def test_a_called_customer_who_cannot_be_moved_is_hung_up_in_the_end(world: World) -> None:
    """Nothing comes of moving them: it is tried three times, and no more."""
    maria, _, ticket = called_back(world)
    moves: list[str] = []
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(type(world.office.telephone), "move", lambda _, sid, url: moves.append(url) or True)
        with world.records.write() as tx:
            talk.to_queue(tx, ticket, QueueName("sales"), WRAP_UP, world.scheduler.now())
        hinted(world, ticket)
        world.telephones.wait(60)
    assert maria.over and 3 <= len(moves) <= 6  # a hint and a sweep may come together
    assert place(world).ticket.state is TicketState.AWAY


# --- On the phone ---


def test_who_lets_the_whisper_pass_is_not_rung_while_still_on_that_call(world: World) -> None:
    first = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    first.press("0")
    (phone,) = world.telephones.ringing(ANNA, 30)
    phone.answer()
    other = world.telephones.dial("+393337654321", LINE)
    world.telephones.wait(5)
    other.press("0")
    while not phone.over:
        world.telephones.wait(0.5)
        with world.records.read() as tx:
            legs = [leg for leg in tx.legs.unfinished() if leg.kind is LegKind.AGENT]
        assert len(legs) <= 1
    assert "non è più in attesa" in heard(phone)
    assert world.telephones.ringing(ANNA, 90)
