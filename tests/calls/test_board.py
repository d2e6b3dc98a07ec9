"""The board over a whole line in virtual time: what it shows while people wait, and how it proves the order after."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr import wiring
from ivr.core.agent import SystemState
from ivr.core.order_proof import Why, overtaken
from ivr.core.words import AgentId, PhoneNumber, QueueName, TicketId
from ivr.exchange.handset import Handset
from ivr.switchboard.queue.board import AskBoard, NobodyWaits
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SALES = QueueName("sales")
LINE = "+39800123456"
ELENA = OnDuty("elena", skills={"complaints": 1}, address="+390298765009")
ANNA = OnDuty("anna", skills={"orders": 4}, address="+390298765001", answers_after=timedelta(seconds=2))
A, B, C = (f"+39045123456{n}" for n in range(3))


def asked(world: World) -> AskBoard:
    return wiring.ask_board(wiring.company(world.office.settings), world.records, world.scheduler)


def rings(world: World, number: str) -> Handset:
    phone = world.telephones.dial(number, LINE)
    world.telephones.wait(14)
    phone.press("0")
    world.telephones.wait(6)
    return phone


def test_who_waits_is_on_the_board_and_told_why() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ELENA)
        board = asked(world)
        with pytest.raises(NobodyWaits):
            board.find(PhoneNumber(A))
        rings(world, A)
        world.telephones.wait(10)
        seen = board.now()
        sales = next(queue for queue in seen.queues if queue.queue == SALES)
        assert (sales.waiting, sales.callbacks, sales.talking, sales.away) == (1, 0, 0, 0)
        assert sales.longest_wait is not None and 10 <= sales.longest_wait.total_seconds() <= 20
        assert seen.agents_by_state() == {"free": 1}
        why = board.why(board.find(PhoneNumber(A)))
        assert why.explanation.because.startswith("nobody on duty can serve it now; from 1")
        assert [h.because for h in why.explanation.hindrances] == ["lacks orders 1 (has 0)"]
        elena = why.explanation.could_from(AgentId("elena"))
        assert elena == why.arrived_at + timedelta(minutes=3), "the second at which the skill is asked no more"
        world.sign_in(ANNA)
        world.telephones.wait(8)
        board = asked(world)
        seen = board.now()
        assert [(claim.agent, claim.accepted_at is None) for claim in seen.claims] == [("anna", True)]
        anna = next(one for one in seen.agents if one.agent == "anna")
        assert (anna.status.state, anna.ticket) == (SystemState.RINGING, seen.claims[0].ticket)
        assert board.why(TicketId(seen.claims[0].ticket)).claims[0].agent == "anna"


def test_a_fair_morning_has_no_difference() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ANNA)
        for number in (A, B, C):
            rings(world, number)
        world.telephones.wait(400)
        rows = asked(world).order(MORNING, world.scheduler.now())
        assert [(row.by_arrival, row.by_service) for row in rows] == [(1, 1), (2, 2), (3, 3)]
        assert overtaken(rows) == ()
        assert all(row.chosen_because == "first in line; free the longest" for row in rows)


def test_who_was_away_was_passed_and_came_first_again() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ELENA)
        first = rings(world, A)
        rings(world, B)
        rings(world, C)
        first.hang_up()
        world.telephones.wait(5)
        world.sign_in(ANNA)
        world.telephones.wait(3)
        rings(world, A)
        world.telephones.wait(400)
        rows = asked(world).order(MORNING, world.scheduler.now())
        assert [(row.by_arrival, row.by_service) for row in rows] == [(1, 2), (2, 1), (3, 3)]
        (passed,) = overtaken(rows)
        assert (passed.passed, passed.first) == (rows[0].ticket, rows[1].ticket)
        assert (passed.why, passed.because) == (Why.AWAY, "the line had dropped")


def test_the_figures_of_a_morning() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ANNA)
        for number in (A, B):
            rings(world, number)
        gone = rings(world, C)
        gone.hang_up()
        world.telephones.wait(400)
        day = asked(world).day(MORNING, world.scheduler.now())
        sales = day.queues[SALES]
        assert (sales.offered, sales.answered, sales.abandoned, sales.waiting) == (3, 2, 1, 0)
        assert sales.in_target == 1 and sales.service_level is not None
        assert sales.service_level == sales.in_target / (2 + 1 - sales.short)
        anna = day.agents[AgentId("anna")]
        assert anna.occupancy is not None and 0 < anna.occupancy < 1
        whole = anna.talking + anna.wrap_up + anna.rung + anna.idle
        assert whole == day.until - day.since


CREW = (
    replace(ANNA, talks=timedelta(seconds=70), misses=1),
    OnDuty(
        "bruno",
        skills={"orders": 1},
        address="+390298765002",
        presses=("2", "1", "2", "1"),
        talks=timedelta(seconds=90),
    ),
    OnDuty("carla", skills={"complaints": 1}, address="+390298765003", presses=("2", "1")),
)


def test_each_difference_of_a_crowded_while_has_its_reason() -> None:
    chance = random.Random(4)
    with open_world(MORNING, FLOWS, None, 4) as world:
        for agent in CREW:
            world.sign_in(agent)
        dropped: list[str] = []
        for n in range(14):
            again = bool(dropped) and chance.random() < 0.7
            number = dropped.pop(0) if again else f"+3904512345{n:02d}"
            phone = rings(world, number)
            world.telephones.wait(chance.uniform(0, 12))
            if chance.random() < 0.15:
                phone.press(chance.choice("12"))
            elif not again and chance.random() < 0.4:
                phone.hang_up()
                dropped.append(number)
        world.telephones.wait(300)
        rows = asked(world).order(MORNING, world.scheduler.now())
        differ = overtaken(rows)
        assert len([row for row in rows if row.served_at]) >= 5
        assert [one for one in differ if one.why is Why.UNEXPLAINED] == []
