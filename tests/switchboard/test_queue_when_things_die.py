"""What the queue's model has found, as callers and agents met it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from ivr.core.agent import AgentEvent, Wish
from ivr.core.errors import FloorBeingBuilt, RecordsUnavailable
from ivr.core.leg import LegState
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, TicketId
from ivr.live.floor import RedisFloor
from ivr.store.tables import legs
from ivr.switchboard.ports.floor import Claim
from ivr.switchboard.record import agents, places
from tests.switchboard.queue_world import Killed, Phone, QueueWorld

HOUR = timedelta(hours=1)
CALLER, ORDERS, REPAIRS = "+390612345670", "+39800123456", "+39800123457"


@pytest.fixture
def world() -> Iterator[QueueWorld]:
    opened = QueueWorld()
    yield opened
    opened.close()


def rung(world: QueueWorld) -> Phone:
    return next(phone for phone in world.carrier.phones.values() if phone.place == "ringing")


def taken(world: QueueWorld) -> Phone:
    """The phone that rings is answered, and its agent presses 1."""
    phone = rung(world)
    world.carrier.answers(phone)
    world.arrives()
    world.carrier.presses(phone, "1")
    world.arrives()
    return phone


def claims_on_the_floor(world: QueueWorld) -> int:
    return len(world.office.queueing.care.floor.ask(lambda floor: floor.snapshot(world.clock.at)).claims)


def state(world: QueueWorld, phone: Phone) -> TicketState:
    with world.records.seen() as tx:
        return tx.tickets.get(TicketId(phone.ticket)).ticket.state


def test_the_caller_is_led_out_of_the_room_though_every_hint_of_the_talks_end_is_lost(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    caller = world.rings(CALLER, ORDERS)
    world.arrives()
    agent = taken(world)
    assert (caller.place, agent.place, caller.room) == ("room", "room", agent.room)
    world.carrier.hangs_up(agent)
    world.deliver(world.carrier.webhooks.pop())
    world.hints.waiting.clear()
    world.passes(2)
    world.arrives()
    assert caller.place == "ended"  # they heard goodbye


def test_who_talked_and_is_sent_on_to_another_queue_waits_there(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    caller = world.rings(CALLER, REPAIRS)
    world.arrives()
    taken(world)
    world.carrier.closes(caller.room)
    world.arrives()
    assert caller.place == "parked"
    assert state(world, caller) is TicketState.IN_LINE


def test_late_words_of_who_hung_up_put_nobody_in_line(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    caller = world.rings(CALLER, REPAIRS)
    world.arrives()
    taken(world)
    world.carrier.closes(caller.room)
    left_room = next(webhook for webhook in world.carrier.webhooks if webhook.phone is caller)
    world.carrier.hangs_up(caller)
    world.deliver(world.carrier.webhooks.pop())
    world.deliver(left_room)
    with world.records.seen() as tx:
        assert not tx.tickets.live()


def forgotten(world: QueueWorld, **columns: object) -> None:
    """What the record knew of the agent's phone is gone from it."""
    with world.records.engine.connect() as connection:
        connection.execute(update(legs).values(**columns))


def test_a_talk_goes_on_though_all_news_of_the_agents_phone_but_its_keys_were_lost(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    caller = world.rings(CALLER, ORDERS)
    world.arrives()
    forgotten(world, sid=None, state="dialled")
    agent = rung(world)
    for does in (lambda: world.carrier.answers(agent), lambda: world.carrier.presses(agent, "1")):
        does()
        world.carrier.webhooks[:] = [webhook for webhook in world.carrier.webhooks if webhook.what != "leg status"]
        world.arrives()
    for _ in range(8):
        world.passes(5)
        world.arrives()
    assert (caller.place, agent.place, caller.room) == ("room", "room", agent.room)


def test_an_agent_whose_answer_a_power_cut_took_is_asked_once_more(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    caller = world.rings(CALLER, ORDERS)
    world.arrives()
    agent = rung(world)
    world.carrier.answers(agent)
    world.arrives()
    forgotten(world, turn=0, stage="", says="[]", door="", token_heard="", state="ringing")
    world.carrier.presses(agent, "1")
    world.arrives()
    assert (caller.place, agent.place) == ("parked", "asked")
    world.carrier.presses(agent, "1")
    world.arrives()
    assert (caller.place, agent.place, caller.room) == ("room", "room", agent.room)


BEFORE_THE_RECORD = 4
"""The step of lining up and matching at which the floor has claimed, and SQL is asked to write it down."""


def test_a_claim_over_which_the_process_died_keeps_its_caller_no_longer_than_20_s(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    world.arrives()
    caller = world.rings(CALLER, ORDERS)
    world.faults.after(BEFORE_THE_RECORD, Killed)
    world.heed(world.hints.waiting.pop(0))
    assert claims_on_the_floor(world) == 1
    assert state(world, caller) is TicketState.IN_LINE
    for _ in range(4):
        world.passes(5)
    world.arrives()
    assert rung(world).is_agents
    assert state(world, caller) is TicketState.CLAIMED


def test_who_was_first_in_line_while_sql_refused_is_first_once_it_answers(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    world.arrives()
    first = world.rings(CALLER, ORDERS)
    world.faults.after(BEFORE_THE_RECORD, RecordsUnavailable)
    world.heed(world.hints.waiting.pop(0))
    assert not claims_on_the_floor(world)
    second = world.rings(CALLER[:-1] + "1", ORDERS)
    world.arrives()
    assert (state(world, first), state(world, second)) == (TicketState.CLAIMED, TicketState.IN_LINE)


def test_nobody_is_held_on_the_floor_since_the_carrier_took_no_call_to_another_agent(world: QueueWorld) -> None:
    callers = [world.rings(CALLER, ORDERS), world.rings(CALLER[:-1] + "1", REPAIRS)]
    world.arrives()
    for name in ("anna", "carla"):
        world.wishes(name, Wish.AVAILABLE)
    world.carrier.mood = "unavailable"
    world.heed(world.hints.waiting.pop(0))
    assert sorted(state(world, caller) for caller in callers) == [TicketState.CLAIMED, TicketState.IN_LINE]
    assert claims_on_the_floor(world) == 1


def test_who_may_be_offered_to_an_agent_again_is_so_though_nobody_told_the_floor(world: QueueWorld) -> None:
    world.wishes("anna", Wish.AVAILABLE)
    caller = world.rings(CALLER, ORDERS)
    world.arrives()
    world.carrier.hangs_up(rung(world), "no-answer")
    world.arrives()
    with world.records.write() as tx:
        place = tx.tickets.get(TicketId(caller.ticket))
        assert place.ticket.refused_by == {"anna"}
        tx.tickets.change(replace(place, ticket=replace(place.ticket, refused_by=frozenset())))
    for _ in range(4):
        world.passes(5)
    assert rung(world).is_agents


def test_who_has_learnt_what_a_caller_needs_is_rung_though_nobody_told_the_floor(world: QueueWorld) -> None:
    world.wishes("bruno", Wish.AVAILABLE)
    world.rings(CALLER, ORDERS)
    world.arrives()
    world.passes(1)
    assert not world.carrier.dialled
    with world.records.write() as tx:
        bruno = tx.agents.get(AgentId("bruno"))
        tx.agents.put(replace(bruno.record, skills={"it": 3}), world.clock.at)
    for _ in range(3):
        world.passes(5)  # not so long that less is asked of an agent
    assert rung(world).is_agents
    assert world.office.queueing.care.compare() == 0  # and what is as it should be is let alone


def test_who_talks_to_the_next_agent_is_not_moved_by_the_end_of_the_talk_before(world: QueueWorld) -> None:
    for name in ("carla", "anna"):
        world.wishes(name, Wish.AVAILABLE)
    caller = world.rings(CALLER, REPAIRS)
    world.arrives()
    first = taken(world)
    before = TicketId(caller.ticket)
    world.carrier.closes(caller.room)
    world.arrives()  # the flow goes on to the order desk
    taken(world)
    assert caller.place == "room"
    assert caller.ticket != before
    assert not first.is_up
    documents = caller.documents
    world.heed(("steer", before))
    assert (caller.place, caller.documents) == ("room", documents)


def test_an_agent_whose_phone_met_our_closed_doors_has_missed_nothing_and_is_rung_again(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    caller = world.rings(CALLER, REPAIRS)
    world.arrives()
    for _ in range(3):
        phone = rung(world)
        world.carrier.answers(phone)
        world.carrier.hangs_up(phone)  # an application error, says the carrier
        world.carrier.webhooks.clear()  # and none of this is heard
        world.passes(4)
        world.work.compare_legs()
        world.arrives()
    with world.records.seen() as tx:
        assert tx.agents.get(AgentId("carla")).status.misses == 0
    taken(world)
    assert caller.place == "room"


def test_nobody_is_rung_or_moved_while_our_doors_are_closed_and_everybody_is_once_they_answer(
    world: QueueWorld,
) -> None:
    caller = world.rings(CALLER, REPAIRS)
    world.wishes("carla", Wish.AVAILABLE)
    world.doors_answer = False
    world.arrives()
    world.passes(2)
    assert not world.carrier.dialled
    world.doors_answer = True
    world.passes(2)
    world.carrier.answers(phone := rung(world))
    world.arrives()
    world.doors_answer = False
    world.carrier.presses(phone, "1")
    world.arrives()
    assert caller.place == "parked"
    world.doors_answer = True
    world.passes(2)
    world.arrives()
    assert caller.place == "room"


def test_what_changes_while_the_floor_is_built_stands_on_it(world: QueueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anna", "carla"):
        world.wishes(name, Wish.AVAILABLE)
    callers = [world.rings(f"{CALLER[:-1]}{n}", REPAIRS) for n in range(4)]
    world.arrives()
    rings = rung(world)
    rung_for, *in_line = (TicketId(phone.ticket) for phone in callers)
    build = RedisFloor.rebuild

    def and_meanwhile(floor: RedisFloor, *what: Any) -> Sequence[Claim]:
        made = build(floor, *what)
        monkeypatch.undo()
        with world.records.write() as tx:
            agents.wish(tx, AgentId("anna"), Wish.OFF, "because", world.clock.at)
            places.leave(tx, in_line[0], "left", world.clock.at)
            (claim,) = (claim for claim in tx.claims.live() if claim.ticket == rung_for)
            places.refused(tx, claim, AgentEvent.LET_GO, "let_go", world.clock.at, ours=True)
            (leg,) = tx.legs.unfinished()
            tx.legs.change(replace(leg, state=LegState.ENDED))
        return made

    monkeypatch.setattr(RedisFloor, "rebuild", and_meanwhile)
    world.redis.flushdb()
    stands = world.office.queueing.care.floor.ask(lambda floor: floor.snapshot(world.clock.at))
    assert stands.in_line == {rung_for, *in_line[1:]}
    assert not stands.claims
    assert [free.agent for free in stands.free] == [rings.number.removeprefix("client:")]


def test_who_finds_the_floor_being_built_by_somebody_else_leaves_it_to_them_until_they_must_have_died(
    world: QueueWorld,
) -> None:
    world.rings(CALLER, ORDERS)
    world.arrives()
    floor = world.office.queueing.care.floor
    world.redis.flushdb()
    built = 7  # steps, two readings before it
    world.faults.after(built, Killed)  # before SQL knows of it
    world.does(lambda: floor.rebuild())
    for _ in range(2):
        with pytest.raises(FloorBeingBuilt):
            floor.ask(lambda floor: floor.snapshot(world.clock.at))
        world.clock.at += timedelta(seconds=4)
    world.clock.at += timedelta(seconds=4)
    assert len(floor.ask(lambda floor: floor.snapshot(world.clock.at)).in_line) == 1


# --- The clock is put back by an hour ---------------------------------------------------------------------------------


def is_answered(world: QueueWorld, caller: Phone, within: float = 60) -> bool:
    """Agents answer what rings, and press 1."""
    until = world.clock.at + timedelta(seconds=within)
    while world.clock.at < until and caller.place != "room":
        world.passes(2)
        world.arrives()
        for phone in list(world.carrier.phones.values()):
            if phone.is_agents and phone.place == "ringing":
                world.carrier.answers(phone)
                world.arrives()
            if phone.is_agents and phone.place == "asked":
                world.carrier.presses(phone, "1")
                world.arrives()
    return caller.place == "room"


def nobody_is_there(world: QueueWorld) -> None:
    """Carla comes later."""


def she_is_rung(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    world.arrives()
    rung(world)


def she_missed_it(world: QueueWorld) -> None:
    she_is_rung(world)
    world.carrier.hangs_up(rung(world), "no-answer")
    world.arrives()


def her_dial_was_never_heard_of(world: QueueWorld) -> None:
    world.carrier.mood = "lost"
    she_is_rung(world)
    world.carrier.hangs_up(rung(world))
    world.carrier.webhooks.clear()


def the_claim_never_came_on_record(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    world.hints.waiting.clear()
    world.faults.after(4, Killed)
    world.heed(("match", ""))


def the_floor_is_wiped(world: QueueWorld) -> None:
    world.redis.flushdb()


@pytest.mark.parametrize(
    "meanwhile",
    [
        nobody_is_there,
        she_is_rung,
        she_missed_it,
        her_dial_was_never_heard_of,
        the_claim_never_came_on_record,
        the_floor_is_wiped,
    ],
)
def test_who_waits_is_answered_though_the_clock_is_put_back_by_an_hour(
    world: QueueWorld, meanwhile: Callable[[QueueWorld], None]
) -> None:
    caller = world.rings(CALLER, REPAIRS)
    world.arrives()
    meanwhile(world)
    world.clock.at -= HOUR
    world.wishes("carla", Wish.AVAILABLE)
    assert is_answered(world, caller)


def test_who_wraps_up_while_the_clock_is_put_back_answers_the_next(world: QueueWorld) -> None:
    world.wishes("carla", Wish.AVAILABLE)
    before = world.rings(CALLER, REPAIRS)
    world.arrives()
    taken(world)
    caller = world.rings(CALLER[:-1] + "1", REPAIRS)
    world.carrier.hangs_up(before)
    world.arrives()
    world.clock.at -= HOUR
    assert is_answered(world, caller)


def test_skills_are_relaxed_in_time_and_the_order_stays_though_the_clock_is_put_back(world: QueueWorld) -> None:
    callers = [world.rings(f"{CALLER[:-1]}{n}", ORDERS) for n in range(2)]
    world.arrives()
    world.clock.at -= HOUR
    callers.append(world.rings(f"{CALLER[:-1]}2", ORDERS))
    world.wishes("bruno", Wish.AVAILABLE)  # he knows less Italian than is asked at first
    assert is_answered(world, callers[0])
    world.wishes("bruno", Wish.OFF)
    world.wishes("anna", Wish.AVAILABLE)
    assert is_answered(world, callers[1])
    assert callers[2].place == "parked"
