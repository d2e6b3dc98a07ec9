"""Who is served next, and by whom: tables, and what must hold for any floor."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from ivr.core.routing.decide import (
    FreeAgent,
    Rules,
    Strategy,
    best_pair,
    best_pairs,
    waiting_at,
)
from ivr.core.routing.skills import serves
from ivr.core.ticket import Relaxation, Ticket
from tests.core.routing import floors
from tests.core.routing.builders import NOW, agent, seconds, ticket

ANNA_FREE_LONGEST = [
    agent("anna", 90, calls=9, last_offer=3, rank=2),
    agent("bruno", 60, calls=1, last_offer=2, rank=3),
    agent("carla", 30, calls=5, last_offer=1, rank=4),
    agent("dario", 10, calls=7, last_offer=4, rank=1),
]


@pytest.mark.parametrize(
    ("strategy", "chosen"),
    [
        ("longest_idle", ("anna",)),
        ("fewest_calls", ("bruno",)),
        ("round_robin", ("carla",)),
        ("top_down", ("dario",)),
        ("ring_all", ("anna", "bruno", "carla", "dario")),
    ],
)
def test_each_strategy_chooses_its_own(strategy: str, chosen: tuple[str, ...]) -> None:
    match = best_pair([ticket("t")], ANNA_FREE_LONGEST, NOW, Rules(otherwise=Strategy(strategy)))
    assert match is not None and match.agents == chosen


def test_at_most_five_phones_ring() -> None:
    many = [agent(f"a{n}", n) for n in range(9)]
    match = best_pair([ticket("t")], many, NOW, Rules(otherwise=Strategy.RING_ALL))
    assert match is not None and match.agents == ("a8", "a7", "a6", "a5", "a4")


it2 = {"it": 2}


@pytest.mark.parametrize(
    ("line", "free", "expected"),
    [
        pytest.param([], [agent("anna")], None, id="nobody waits"),
        pytest.param([ticket("t")], [], None, id="nobody is free"),
        pytest.param([ticket("new", 5), ticket("old", 50)], [agent("anna")], "old", id="who waited longer goes first"),
        pytest.param([ticket("b", 5, 2), ticket("a", 5, 1)], [agent("anna")], "a", id="the counter breaks a tie"),
        pytest.param(
            [ticket("vip", 5, boost=seconds(60)), ticket("old", 50)],
            [agent("anna")],
            "vip",
            id="a boost counts as waiting",
        ),
        pytest.param(
            [ticket("vip", 5, boost=seconds(6000)), ticket("old", 1900)],
            [agent("anna")],
            "old",
            id="past the starvation limit no boost goes before",
        ),
        pytest.param(
            [ticket("rare", 50, needs={"wine": 5}), ticket("plain", 5)],
            [agent("anna")],
            "plain",
            id="a rare skill does not block the line",
        ),
        pytest.param(
            [ticket("t", 50, needs=it2)], [agent("anna", skills={"it": 1})], None, id="the level must be reached"
        ),
        pytest.param(
            [ticket("t", 50, needs=it2, relaxations=(Relaxation(seconds(50), ("it",)),))],
            [agent("anna")],
            "t",
            id="a skill is dropped at its second",
        ),
        pytest.param(
            [ticket("t", 49, needs=it2, relaxations=(Relaxation(seconds(50), ("it",)),))],
            [agent("anna")],
            None,
            id="and not before",
        ),
        pytest.param([ticket("t", queue="repairs")], [agent("anna")], None, id="another queue"),
        pytest.param(
            [ticket("t", refused_by=frozenset({"anna"}))], [agent("anna")], None, id="who refused is not asked"
        ),
        pytest.param(
            [ticket("t", 5, last_agent="bruno", last_agent_until=NOW + seconds(15))],
            [agent("anna")],
            None,
            id="kept for the agent of last time",
        ),
        pytest.param(
            [ticket("t", 20, last_agent="bruno", last_agent_until=NOW)],
            [agent("anna")],
            "t",
            id="for twenty seconds only",
        ),
        pytest.param([ticket("slot", 500, not_before=NOW + seconds(1))], [agent("anna")], None, id="before its slot"),
        pytest.param([ticket("slot", 500, not_before=NOW)], [agent("anna")], "slot", id="in its slot"),
    ],
)
def test_who_is_next(line: list[Ticket], free: list[FreeAgent], expected: str | None) -> None:
    match = best_pair(line, free, NOW)
    assert (match.ticket if match else None) == expected


def test_those_with_the_preferred_skill_come_first_and_others_still_serve() -> None:
    waits = ticket("t", preferred={"wine": 3})
    idle, knows = agent("anna", 90), agent("bruno", 1, skills={"wine": 3})
    both = best_pair([waits], [idle, knows], NOW)
    alone = best_pair([waits], [idle], NOW)
    assert both is not None and both.agents == ("bruno",)
    assert alone is not None and alone.agents == ("anna",)


def test_every_match_says_why() -> None:
    line = [
        ticket("rare", 50, needs={"wine": 5}),
        ticket("t", 5, last_agent="anna", last_agent_until=NOW + seconds(15)),
    ]
    match = best_pair(line, [agent("anna")], NOW)
    assert match is not None
    assert match.ticket_because == "first in line; 1 ahead can be served by nobody free"
    assert match.agent_because == "the agent of last time"


def test_a_boost_never_falsifies_the_wait() -> None:
    assert ticket("t", 5, boost=seconds(600)).waited(NOW) == seconds(5)
    assert ticket("t", -5).waited(NOW) == seconds(0)


@given(floors.lines(), floors.crews(), floors.rules, floors.moments)
def test_nobody_who_could_be_served_is_passed_over(
    line: list[Ticket], crew: list[FreeAgent], rules: Rules, now: datetime
) -> None:
    match = best_pair(line, crew, now, rules)
    standing = [one for one in (waiting_at(t, now, rules) for t in line) if one]
    servable = {
        one.ticket: one
        for one in standing
        if any(one.asked.allows(a.agent) and serves(a.offer, one.asked.need) for a in crew)
    }
    if match is None:
        assert not servable
        return
    assert match.ticket == min(servable.values(), key=lambda one: one.place).ticket
    for chosen in match.agents:
        offer = next(a.offer for a in crew if a.agent == chosen)
        assert servable[match.ticket].asked.allows(chosen)
        assert serves(offer, servable[match.ticket].asked.need)


@given(floors.lines(), floors.crews(), floors.rules, floors.moments)
def test_several_at_once_are_the_same_as_one_after_another(
    line: list[Ticket], crew: list[FreeAgent], rules: Rules, now: datetime
) -> None:
    standing: list[Any] = [one for one in (waiting_at(t, now, rules) for t in line) if one]
    at_once = best_pairs(standing, crew, rules, at_most=4)
    for match in at_once:
        (single,) = best_pairs(standing, crew, rules, at_most=1)
        assert (single.ticket, single.agents) == (match.ticket, match.agents)
        standing = [one for one in standing if one.ticket != match.ticket]
        crew = [a for a in crew if a.agent not in match.agents]
