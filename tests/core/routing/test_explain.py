"""Why a caller is still waiting, and who could take them at which second."""

from __future__ import annotations

from dataclasses import replace

from ivr.core.agent import AgentEvent, AgentStatus, Wish, happened, signed_in, wishes
from ivr.core.routing.decide import Rules
from ivr.core.routing.explain import OnDuty, explain
from ivr.core.routing.skills import Offer, levels
from ivr.core.ticket import Relaxation, Ticket
from tests.core.routing.builders import NOW, seconds, ticket

RULES = Rules(starving_after=None)


def on_duty(name: str, skills: dict[str, int] | None = None, status: AgentStatus | None = None) -> OnDuty:
    return OnDuty(status or signed_in(name, NOW - seconds(600)), Offer(frozenset({"orders"}), levels(skills or {})))


def why(waits: Ticket, agents: list[OnDuty], line: list[Ticket] | None = None) -> tuple[str, dict[str, str]]:
    told = explain(waits, line or [waits], agents, NOW, RULES)
    return told.because, {one.agent: one.because for one in told.hindrances}


def test_who_could_take_it_at_which_second() -> None:
    steps = (Relaxation(seconds(60), ("wine",)), Relaxation(seconds(120), ("it",)))
    waits = ticket("t", 10, needs={"it": 3, "wine": 4}, relaxations=steps)
    told = explain(waits, [waits], [on_duty("anna", {"it": 2}), on_duty("bruno", {"it": 3})], NOW, RULES)
    assert told.because == "nobody on duty can serve it now; from 50 s on, somebody could"
    assert [(c.after_wait, c.asks, c.agents) for c in told.chances] == [
        (seconds(0), "orders, it 3, wine 4", ()),
        (seconds(60), "orders, it 3", ("bruno",)),
        (seconds(120), "orders", ("anna", "bruno")),
    ]
    assert {h.agent: h.because for h in told.hindrances} == {
        "anna": "lacks it 3 (has 2), wine 4 (has 0)",
        "bruno": "lacks wine 4 (has 0)",
    }


def test_the_starvation_limit_is_no_chance_of_its_own() -> None:
    waits = ticket("t", 10, needs={"it": 3}, relaxations=(Relaxation(seconds(60), ("it",)),))
    told = explain(waits, [waits], [on_duty("anna")], NOW, Rules(starving_after=seconds(300)))
    assert [chance.after_wait for chance in told.chances] == [seconds(0), seconds(60)]


def test_each_agent_could_take_it_from_a_moment_on() -> None:
    start = NOW - seconds(600)
    writing = happened(signed_in("bruno", start), AgentEvent.CLAIMED, "ticket x", start)
    writing = happened(writing, AgentEvent.ACCEPTED, "with x", start)
    writing = happened(writing, AgentEvent.TALK_ENDED, "after x", NOW, wrap_up=seconds(80))
    waits = ticket("t", 10, needs={"it": 3}, relaxations=(Relaxation(seconds(60), ("it",)),))
    crew = [on_duty("anna", {"it": 3}), on_duty("bruno", status=writing), on_duty("carla"), on_duty("dario")]
    refused = replace(waits, refused_by=frozenset({"dario"}))
    told = explain(refused, [refused], crew, NOW, RULES)
    assert told.could_from(crew[0].status.agent) == waits.arrived_at
    assert told.could_from(crew[1].status.agent) == NOW + seconds(80), "the wrap-up ends after the skill is dropped"
    assert told.could_from(crew[2].status.agent) == NOW + seconds(50)
    assert told.could_from(crew[3].status.agent) is None


def test_each_agent_has_a_reason() -> None:
    start = NOW - seconds(600)
    talking = happened(signed_in("bruno", start), AgentEvent.CLAIMED, "ticket x", start)
    talking = happened(talking, AgentEvent.ACCEPTED, "with x", start)
    writing = happened(talking, AgentEvent.TALK_ENDED, "after x", NOW, wrap_up=seconds(30))
    pausing = wishes(signed_in("dario", start), Wish.BREAK, "lunch", NOW)
    gone = wishes(signed_in("elena", start), Wish.OFF, "went home", NOW)
    waits = ticket("t", refused_by=frozenset({"anna"}))
    crew = [
        on_duty("anna"),
        on_duty("bruno", status=talking),
        on_duty("carla", status=replace(writing, agent="carla")),
        on_duty("dario", status=pausing),
        on_duty("elena", status=gone),
    ]
    told = explain(waits, [waits], crew, NOW, RULES)
    assert told.because == "all who could take it are busy or pausing (3)"
    assert [h.because for h in told.hindrances] == [
        "refused or missed it",
        "is talking (with x)",
        "is wrap up (after x)",
        "is on a break (lunch)",
        "is off",
    ]
    assert told.hindrances[2].free_at == NOW + seconds(30)


def test_the_sentence_for_each_case() -> None:
    free = [on_duty("anna")]
    assert why(ticket("t"), free)[0] == "somebody free could take it: it is next"
    assert why(ticket("t"), free, [ticket("t"), ticket("old", 9)])[0] == "1 ahead are served first"
    assert why(ticket("t"), [])[0] == "nobody is on duty"
    assert why(ticket("t", queue="repairs"), free)[0] == "nobody on duty can serve it"
    assert why(ticket("t", not_before=NOW + seconds(9)), free)[0] == "its time has not come"
    kept = ticket("t", last_agent="bruno", last_agent_until=NOW + seconds(9))
    assert why(kept, free) == (
        "nobody on duty can serve it now; from 9 s on, somebody could",
        {"anna": "it is kept for bruno"},
    )
