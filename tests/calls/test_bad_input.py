"""What goes wrong around a queue: people hear words, the network's oddities are counted, and nobody's place is lost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ivr.core.agent import SystemState, Wish
from ivr.core.errors import FlowRefused
from ivr.core.roster import AgentIsBusy
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId
from ivr.exchange.handset import Behaviour, Handset, Subscriber
from ivr.flowfiles.shelf import publish_folder
from ivr.switchboard.record import agents
from ivr.testing.world import World
from ivr.twilio.rest import RestTelephone
from tests.calls.routing_line import (
    FLOWS,
    IDLE,
    ROBIN,
    TOP,
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

ANNA_S = "+390298765001"


def kinds(phone: Handset) -> list[str]:
    return [news.kind for news in phone.perceived()]


def test_a_caller_whose_flow_is_broken_is_moved_three_times_and_the_agent_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=600, queues=("top",))
        phone = ring(world, TOP)
        world.telephones.wait(2)
        with monkeypatch.context() as broken:
            broken.setattr("ivr.switchboard.calls.take_turn.advance", None)
            world.telephones.wait(60)
            after = place(world, phone)
            assert (after.ticket.state, after.because, after.moves) == (TicketState.LEFT, "failed", 4)
            assert agent(world, "anna").status.state is SystemState.IDLE
            assert ["ended" in kinds(call) for call in anna.calls()] == [True]
            (odd,) = told(world, phone, "odd.fact")
            assert "3 times" in odd["because"]
            apologies = heard(phone).count("Ci scusiamo")
            assert apologies <= 4
            world.telephones.wait(60)
            assert heard(phone).count("Ci scusiamo") == apologies, "they are left to what they hear"
        other = ring(world, TOP, "+390451234502")
        world.telephones.wait(20)
        assert place(world, other).agent == "anna"


def test_an_agent_whose_phone_cannot_be_reached_is_set_aside_and_the_caller_goes_to_another() -> None:
    with line() as world:
        anna = on_duty(world, "anna")
        world.network.phones.put(ANNA_S, Behaviour(fails=True))
        on_duty(world, "bruno", comes=5)
        phone = ring(world, IDLE)
        world.telephones.wait(25)
        assert offered_to(world, phone) == ["anna", "bruno"]
        assert place(world, phone).agent == "bruno"
        assert agent(world, "anna").status.state is SystemState.UNREACHABLE
        ring(world, IDLE, "+390451234502")
        world.telephones.wait(10)
        assert len(anna.calls()) <= 1, "nobody rings a phone that is gone"


def test_an_agent_who_vanishes_while_ringing_unheard_of_holds_the_caller_for_one_offer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with line() as world:
        on_duty(world, "anna", misses=10**6)
        on_duty(world, "bruno", comes=5)
        monkeypatch.setattr("ivr.switchboard.legs.leg_news.LegNews.__call__", lambda *_: None)
        phone = ring(world, IDLE)
        world.telephones.wait(60)
        assert offered_to(world, phone) == ["anna", "bruno"]
        assert place(world, phone).agent == "bruno"
        world.telephones.wait(60)
        assert agent(world, "anna").status.state is SystemState.IDLE
        with world.records.read() as tx:
            assert tx.legs.unfinished() == []


def test_who_signs_in_at_a_second_desk_while_talking_is_not_rung_there() -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=60)
        ring(world, IDLE)
        world.telephones.wait(20)
        world.wish("anna", Wish.AVAILABLE, "signed in at the other desk")
        second = ring(world, IDLE, "+390451234502")
        world.telephones.wait(20)
        assert (len(rang(anna)), place(world, second).ticket.state) == (1, TicketState.IN_LINE)
        world.wish("anna", Wish.BREAK, "lunch")
        world.wish("anna", Wish.AVAILABLE, "signed in at the other desk")
        world.telephones.wait(100)
        assert place(world, second).agent == "anna"


def test_an_agent_who_talks_is_not_taken_off_the_record_and_whoever_asks_is_told_why() -> None:
    with line() as world:
        on_duty(world, "anna", talks=30)
        phone = ring(world, IDLE)
        world.telephones.wait(20)
        with pytest.raises(AgentIsBusy, match="anna is talking: nobody was changed"), world.records.write() as tx:
            agents.load(tx, [], world.scheduler.now())
        with world.records.write() as tx:  # as nothing of ours does it
            there = tx.agents.get(AgentId("anna"))
            assert tx.agents.remove(there.record.name, there.version, world.scheduler.now())
        world.telephones.wait(60)
        assert (place(world, phone).ticket.state, place(world, phone).agent) == (TicketState.SERVED, "anna")
        with world.records.read() as tx:
            assert (tx.claims.live(), tx.legs.unfinished()) == ([], [])
        on_duty(world, "bruno")
        second = ring(world, IDLE, "+390451234502")
        world.telephones.wait(20)
        assert place(world, second).agent == "bruno"


def test_a_negative_wrap_up_on_record_is_none() -> None:
    with line() as world:
        anna = on_duty(world, "anna", talks=5)
        with world.records.write() as tx:
            there = tx.agents.get(AgentId("anna")).record
            tx.agents.put(replace(there, wrap_up=timedelta(seconds=-30)), world.scheduler.now())
        for number in ("+390451234501", "+390451234502"):
            ring(world, IDLE, number)
        world.telephones.wait(40)
        first = next(news.at for news in anna.calls()[0].perceived() if news.kind == "ended")
        assert timedelta() <= rang(anna)[1] - first <= timedelta(seconds=6)


def changed(flows: Path, file: str, before: str, after: str) -> None:
    path = flows / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FLOWS, tmp_path / "flows"))


def test_a_flow_that_asks_for_a_skill_nobody_knows_of_is_refused(flows: Path) -> None:
    changed(flows, "routing.yaml", "{orders: 3, english: 3}", "{orders: 3, englich: 3}")
    with pytest.raises(FlowRefused, match="englich"), line(flows):
        raise AssertionError("it was published")


def test_a_skill_that_no_agent_has_is_waited_for_until_it_is_asked_no_longer(flows: Path) -> None:
    changed(flows, "company.yaml", "skills: [orders, english]", "skills: [orders, english, welding]")
    changed(flows, "routing.yaml", "{orders: 3, english: 3}", "{welding: 3, english: 3}")
    changed(flows, "routing.yaml", "skills: [orders]", "skills: [welding]")
    with line(flows) as world:
        on_duty(world, "anna")
        phone = ring(world, "8")
        world.telephones.wait(90)
        assert offered_to(world, phone) == []
        world.telephones.wait(50)
        assert place(world, phone).agent == "anna"


@pytest.mark.parametrize("still_theirs", [True, False])
def test_a_queue_taken_out_of_the_company_is_served_to_its_last_caller_or_overflows(
    flows: Path, still_theirs: bool
) -> None:
    with line(flows) as world:
        on_duty(world, "anna", comes=60, queues=("top", "idle"))
        phone = ring(world, TOP)
        changed(flows, "company.yaml", "  top: {hours: always, strategy: top_down, wrap_up: 1 s}\n", "")
        changed(flows, "routing.yaml", "  top:\n    queue: top", "  top:\n    queue: robin")
        assert publish_folder(flows, world.records, "world", "a queue less", world.scheduler.now())
        if not still_theirs:
            with world.records.write() as tx:
                anna = tx.agents.get(AgentId("anna")).record
                tx.agents.put(replace(anna, queues=anna.queues[1:]), world.scheduler.now())
        world.telephones.wait(100)
        waiting = place(world, phone)
        assert (waiting.agent, waiting.ticket.queue) == ("anna" if still_theirs else None, "top")
        if not still_theirs:
            world.telephones.wait(240)
            assert place(world, phone).because == "overflow_1"
            assert "Lasciate un messaggio" in heard(phone)


def takes_a_call(world: World, subscriber: Subscriber) -> None:
    """By hand: a phone that presses by itself goes by the clock that jumps."""
    for _ in range(60):
        world.telephones.wait(1)
        phone = subscriber.calls()[-1]
        if kinds(phone)[-1] == "question":
            phone.press("1")
            world.telephones.wait(5)
            phone.hang_up()
            world.telephones.wait(1)
            return
    raise AssertionError("nobody was offered")


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_by_an_hour_loses_nobody_and_holds_nobody(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    with line() as world:
        anna = on_duty(world, "anna", presses=(), queues=("idle",))
        on_duty(world, "bruno", presses=("2",), queues=("robin",))
        ring(world, IDLE)
        declined = ring(world, ROBIN, "+390451234502")
        waiting = [ring(world, IDLE, f"+39045123451{n}") for n in range(3)]
        takes_a_call(world, anna)
        assert agent(world, "anna").status.state is SystemState.WRAP_UP
        assert (offered_to(world, declined), place(world, declined).ticket.state) == (["bruno"], TicketState.IN_LINE)
        began = world.scheduler._start  # the clock of the line, and of all who look at it
        monkeypatch.setattr(world.scheduler, "_start", began + timedelta(hours=hours))
        world.telephones.wait(20)
        assert len(anna.calls()) == 2, "her wrap-up is over, by whatever clock"
        if hours < 0:
            return  # the exchange's phones go by the clock that was put back, and press nothing any more
        for _ in waiting:
            takes_a_call(world, anna)
        world.telephones.wait(30)
        taken = [place(world, phone).taken_at for phone in waiting]
        assert None not in taken and taken == sorted(taken, key=str)
        assert offered_to(world, declined)[:2] == ["bruno", "bruno"]
        assert place(world, declined).ticket.state in (TicketState.IN_LINE, TicketState.CLAIMED)
        assert agent(world, "anna").status.misses == 0


def test_an_agent_is_not_held_by_a_caller_whom_the_carrier_wrongly_calls_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with line() as world:
        on_duty(world, "anna", talks=600, queues=("top",), comes=20)
        gone = ring(world, TOP)
        listed = RestTelephone.live_calls
        monkeypatch.setattr(RestTelephone, "live_calls", lambda self: [*listed(self), gone.sid])
        monkeypatch.setattr("ivr.switchboard.calls.call_status.CallStatus.__call__", lambda *_: None)
        gone.hang_up()
        world.telephones.wait(10)
        assert place(world, gone).ticket.state is TicketState.IN_LINE
        other = ring(world, TOP, "+390451234502")
        world.telephones.wait(90)
        assert (place(world, gone).ticket.state, place(world, gone).because) == (TicketState.LEFT, "failed")
        assert len(told(world, gone, "odd.fact")) == 1
        assert place(world, other).agent == "anna"


def test_a_caller_whom_the_carrier_s_list_lacks_keeps_the_place_and_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with line() as world:
        monkeypatch.setattr(RestTelephone, "live_calls", lambda _: iter(()))
        on_duty(world, "anna", talks=120, comes=120)
        phone = ring(world, IDLE)
        world.telephones.wait(230)
        assert (place(world, phone).agent, place(world, phone).ticket.state) == ("anna", TicketState.TALKING)
