"""Each way to choose among agents and callers, played on a whole line: whose phone rings, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.core.agent import SystemState
from ivr.core.ticket import TicketState
from ivr.exchange.handset import Subscriber
from ivr.testing.world import World
from tests.calls.routing_line import (
    EVERYBODY,
    FEWEST,
    IDLE,
    LAST_AGENT,
    PREFERRED,
    RELAXED,
    ROBIN,
    TOP,
    URGENT,
    agent,
    heard,
    line,
    offered_to,
    on_duty,
    place,
    rang,
    ring,
    told,
)


def a_morning(world: World) -> None:
    """Anna is first in the company's list, Bruno has taken no call, Carla's offer is the longest ago, Dario is free
    the longest."""
    both = {"orders": 3, "english": 3}
    on_duty(world, "anna", skills=both, comes=30)
    on_duty(world, "bruno", skills=both, misses=1, comes=70)
    on_duty(world, "carla", talks=90)
    on_duty(world, "dario", talks=5, comes=10)
    ring(world, IDLE, "+390451234511")
    world.telephones.wait(9)
    ring(world, IDLE, "+390451234512")
    world.telephones.wait(25)
    ring(world, RELAXED, "+390451234513")
    world.telephones.wait(32)
    impatient = ring(world, RELAXED, "+390451234514")
    world.telephones.wait(15)
    assert offered_to(world, impatient) == ["bruno"]
    impatient.hang_up()
    world.telephones.wait(40)


@pytest.mark.parametrize(("key", "who"), [(IDLE, "dario"), (FEWEST, "bruno"), (ROBIN, "carla"), (TOP, "anna")])
def test_four_agents_are_free_and_each_strategy_rings_another(key: str, who: str) -> None:
    with line() as world:
        a_morning(world)
        phone = ring(world, key)
        world.telephones.wait(20)
        assert place(world, phone).agent == who
        assert offered_to(world, phone) == [who]


def test_five_phones_ring_at_once_and_whoever_is_first_to_press_1_has_the_caller() -> None:
    with line() as world:
        slow: dict[str, Subscriber] = {name: on_duty(world, name, after=19) for name in ("anna", "bruno")}
        late = on_duty(world, "carla", after=6)
        first = on_duty(world, "dario")
        slow |= {name: on_duty(world, name, after=19) for name in ("elena", "fabio")}
        phone = ring(world, EVERYBODY)
        world.telephones.wait(3)
        rung = [name for name, each in slow.items() if rang(each)]
        assert len(rung) == 3 and rang(late) and rang(first)
        world.telephones.wait(12)
        assert place(world, phone).agent == "dario"
        world.telephones.wait(5)
        (gone,) = late.calls()
        assert heard(gone).endswith("La chiamata non è più in attesa. Grazie.")
        for name in rung:
            (cancelled,) = slow[name].calls()
            assert [news.kind for news in cancelled.perceived()] == ["ringing", "ended"]
        assert {agent(world, name).status.state for name in (*slow, "carla")} == {SystemState.IDLE}
        assert agent(world, "dario").status.state is SystemState.TALKING


def test_who_has_the_preferred_skill_is_rung_first_and_somebody_else_while_they_talk() -> None:
    with line() as world:
        on_duty(world, "anna")
        on_duty(world, "bruno", skills={"english": 3}, comes=5)
        on_duty(world, "carla", skills={"english": 2}, comes=6)
        world.telephones.wait(10)
        first, second = ring(world, PREFERRED, "+390451234501"), ring(world, PREFERRED, "+390451234502")
        world.telephones.wait(20)
        assert (place(world, first).agent, place(world, second).agent) == ("bruno", "anna")


def test_the_agent_of_last_time_is_rung_though_another_is_free_longer() -> None:
    with line() as world:
        on_duty(world, "anna", comes=10)
        on_duty(world, "bruno", talks=5)
        before = ring(world, IDLE)
        world.telephones.wait(40)
        assert (place(world, before).agent, place(world, before).ticket.state) == ("bruno", TicketState.SERVED)
        again = ring(world, LAST_AGENT)
        world.telephones.wait(5)
        assert offered_to(world, again) == ["bruno"]


def test_the_agent_of_last_time_is_waited_for_twenty_seconds_and_no_longer() -> None:
    with line() as world:
        on_duty(world, "bruno", talks=60)
        before = ring(world, IDLE)
        world.telephones.wait(20)
        before.hang_up()
        world.telephones.wait(20)
        ring(world, IDLE, "+390451234502")  # Bruno is taken
        anna = on_duty(world, "anna")
        again = ring(world, LAST_AGENT)
        world.telephones.wait(40)
        assert offered_to(world, again) == ["anna"]
        waited = rang(anna)[0] - place(world, again).ticket.arrived_at
        assert timedelta(seconds=20) <= waited <= timedelta(seconds=26)


@pytest.mark.parametrize(
    ("skills", "seconds"), [({"orders": 3, "english": 3}, 0), ({"orders": 3, "english": 1}, 60), ({}, 120)]
)
def test_skills_are_asked_for_until_the_wait_is_too_long(skills: dict[str, int], seconds: int) -> None:
    with line() as world:
        anna = on_duty(world, "anna", skills=skills)
        phone = ring(world, RELAXED)
        world.telephones.wait(140)
        waited = rang(anna)[0] - place(world, phone).ticket.arrived_at
        assert timedelta(seconds=seconds) <= waited <= timedelta(seconds=seconds + 6)


def test_who_serves_two_queues_takes_whoever_came_first_in_either() -> None:
    with line() as world:
        on_duty(world, "anna", queues=("idle", "top"), talks=10, comes=30)
        on_duty(world, "bruno", queues=("robin",))
        first = ring(world, TOP, "+390451234501")
        second = ring(world, IDLE, "+390451234502")
        third = ring(world, TOP, "+390451234503")
        world.telephones.wait(130)
        waited = [place(world, phone) for phone in (first, second, third)]
        assert [each.agent for each in waited] == ["anna"] * 3
        taken = [each.taken_at for each in waited]
        assert taken == sorted(taken, key=str)


def test_who_is_urgent_goes_first_and_the_wait_that_is_told_stays_the_true_one() -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=10, comes=65)
        plain = ring(world, IDLE, "+390451234501")
        world.telephones.wait(30)
        urgent = ring(world, URGENT, "+390451234502")
        world.telephones.wait(110)
        waits = []
        for phone in (urgent, plain):
            (joined,) = told(world, phone, "agent.joined")
            waits.append(joined["waited"])
        assert 25 <= waits[0] <= 50 and 65 <= waits[1] <= 130
        assert place(world, urgent).taken_at < place(world, plain).taken_at  # type: ignore[operator]
        whisper = heard(anna.calls()[0])
        assert "minuti" not in whisper and "secondi" in whisper


def test_past_half_an_hour_nobody_goes_before_who_has_waited() -> None:
    with line() as world:
        on_duty(world, "anna", talks=10, comes=31 * 60)
        plain = ring(world, IDLE, "+390451234501")
        world.telephones.wait(30 * 60)
        urgent = ring(world, URGENT, "+390451234502")
        world.telephones.wait(80)
        assert (place(world, plain).agent, place(world, urgent).agent) == ("anna", None)


def test_an_agent_whose_line_drops_is_rung_for_the_same_caller_who_is_first_in_line() -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=600)
        cut = ring(world, FEWEST, "+390451234501")
        world.telephones.wait(20)
        later = ring(world, FEWEST, "+390451234502")
        arrived = place(world, cut).ticket.arrived_at
        with world.records.read() as tx:
            (leg,) = [leg for leg in tx.legs.unfinished() if leg.stage == "talk"]
        assert leg.sid is not None
        world.office.doors.leg_news(leg.id, leg.sid, "failed", "the line dropped", {})
        world.office.telephone.hang_up(leg.sid)
        on_duty(world, "bruno")
        world.telephones.wait(25)
        back = place(world, cut)
        assert (back.ticket.arrived_at, back.ticket.state, back.agent) == (arrived, TicketState.TALKING, "anna")
        assert len(rang(anna)) == 2
        assert place(world, later).agent == "bruno"
        assert "linea" in heard(cut)


def test_the_next_caller_is_offered_when_the_wrap_up_of_the_queue_has_passed() -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=5)
        for number in ("+390451234501", "+390451234502"):
            ring(world, IDLE, number)
        world.telephones.wait(60)
        first = anna.calls()[0]
        rested = rang(anna)[1] - next(news.at for news in first.perceived() if news.kind == "ended")
        assert timedelta(seconds=10) <= rested <= timedelta(seconds=16)
