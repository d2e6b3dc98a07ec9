"""Callers and agents on a whole line with a queue, in virtual time: whose phone rings, and who is put through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr.testing import scripts
from ivr.testing.on_duty import OnDuty
from ivr.testing.play import Played, as_dialogue
from ivr.testing.run import run
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGENT = "+390298765001"
CALL = """\
call: {name}
at: 2026-11-24T10:0{minute}:00+01:00
from: "+39045123456{minute}"
to: "+39800123456"
agents: [{agents}]
steps: [press: 0, {steps}]
expect: {{{expect}}}
"""


def call(agents: str, steps: str, expect: str = "", minute: int = 0) -> str:
    return CALL.format(name=f"call {minute}", minute=minute, agents=agents, steps=steps, expect=expect)


def play(*calls: str) -> list[Played]:
    read, problems = scripts.read("x.calls.yaml", "---\n".join(calls))
    assert problems == ()

    def one(at: datetime) -> World:
        return open_world(at, FLOWS, None, 1)

    def nobody(_: object, names: frozenset[str]) -> Sequence[str]:
        return [f"{name} is not here" for name in names]

    return run(read, one, nobody)


ANNA = "{name: anna, skills: {orders: 4}}"


@pytest.mark.parametrize(
    ("agents", "steps", "expect"),
    [
        (ANNA, "talk", "answered_by: anna, agent_heard: premete 1"),
        ("{name: anna, skills: {orders: 4}, address: client:anna}", "talk", "answered_by: anna"),
        ("{name: anna, skills: {orders: 4}, address: 'sip:anna@pbx.example'}", "talk", "answered_by: anna"),
        (ANNA, "{talk: 20 s}, hangup", "answered_by: anna, outcome: answered"),
    ],
)
def test_somebody_is_answered(agents: str, steps: str, expect: str) -> None:
    (played,) = play(call(agents, steps, expect))
    assert played.problems == (), "\n".join(as_dialogue(played))


@pytest.mark.parametrize(
    "first",
    ["misses: yes", "busy: yes", "presses: 2", "presses: ''", "answers_after: 30 s"],
)
def test_who_does_not_take_the_call_leaves_it_to_another(first: str) -> None:
    agents = f"{{name: anna, skills: {{orders: 4}}, {first}}}, {{name: bruno, skills: {{orders: 4}}}}"
    (played,) = play(call(agents, "talk", "answered_by: bruno"))
    assert played.problems == (), "\n".join(as_dialogue(played))


def test_two_callers_and_two_agents_each_one_call() -> None:
    agents = f"{ANNA}, {{name: bruno, skills: {{orders: 4}}, talks: 3 min}}"
    first, second = play(call(agents, "talk"), call(agents, "{talk: 20 s}, hangup", minute=1))
    assert (first.problems, second.problems) == ((), ())
    answered = [one.findings.answered_by for one in (first, second)]
    assert answered == [one.findings.put_through for one in (first, second)]
    assert sorted(answered) == [("anna",), ("bruno",)]


def test_who_signs_in_later_takes_who_waits() -> None:
    agents = "{name: anna, skills: {orders: 4}, misses: yes}, "
    agents += "{name: carla, skills: {orders: 1}, signs_in_at: 80 s, talks: 30 s}"
    (played,) = play(call(agents, "talk", "answered_by: carla"))
    assert played.problems == (), "\n".join(as_dialogue(played))
    rang = next(m.at for m in played.dialogue if m.who == "carla")
    assert (rang - played.dialogue[0].at).total_seconds() == pytest.approx(80, abs=1)


def test_an_agent_whose_caller_is_gone_is_rung_no_longer() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        anna = world.sign_in(OnDuty("anna", skills={"orders": 4}, address=AGENT, answers_after=timedelta(seconds=15)))
        caller = world.telephones.dial("+390451234567", "+39800123456")
        world.telephones.wait(14)
        caller.press("0")
        world.telephones.wait(10)
        caller.hang_up()
        world.telephones.wait(10)
        (phone,) = anna.calls()
        assert [news.kind for news in phone.perceived()] == ["ringing", "ended"]
        assert world.network.call(phone.sid).status == "canceled"
