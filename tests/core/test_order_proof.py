"""Arrival against service: a fair day has no differences, each difference its reason, and an unfair one is shown."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.core.order_proof import Absence, House, Offered, Overtaking, Row, Stood, Why, order_proof, overtaken
from ivr.core.routing.decide import FreeAgent, Rules, best_pairs, waiting_at
from ivr.core.routing.skills import Offer, levels
from ivr.core.ticket import Relaxation, Ticket, TicketKind
from ivr.core.words import AgentId, QueueName
from tests.core.routing.builders import NOW, seconds, ticket

RULES, REFUSED_FOR = Rules(), seconds(45)
ANNA, BRUNO = AgentId("anna"), AgentId("bruno")


def brings(*queues: str, **skills: int) -> Offer:
    return Offer(frozenset(QueueName(queue) for queue in queues or ("orders",)), levels(skills))


PLAIN = {ANNA: brings(), BRUNO: brings()}


def given_to(agent: AgentId, at: float, took: float | None = 5, ended: float | None = None, **more: Any) -> Offered:
    """Claimed ``at`` seconds after NOW, taken so many seconds later."""
    return Offered(
        agent,
        NOW + seconds(at),
        "first in line",
        None if took is None else NOW + seconds(at + took),
        None if ended is None else NOW + seconds(ended),
        **more,
    )


def proof(*stood: Stood, agents: dict[AgentId, Offer] | None = None, rules: Rules = RULES) -> dict[str, Row]:
    house = House(PLAIN if agents is None else agents, rules, REFUSED_FOR)
    return {row.ticket: row for row in order_proof(stood, house)}


LATER = Stood(ticket("later", 20, 2), (given_to(ANNA, 0),))
"""Arrived 20 s before NOW, given to anna at NOW; whoever waits longer was passed."""


def passed(*offers: Offered, agents: dict[AgentId, Offer] | None = None, by: Stood = LATER, **more: Any) -> Overtaking:
    """The one difference of a day on which somebody who came 60 s before NOW was served after ``by``."""
    stood = {name: more.pop(name) for name in ("ended_at", "absences", "slot_at") if name in more}
    earlier = Stood(ticket("earlier", 60, 1, **more), (*offers, given_to(BRUNO, 100)), **stood)
    rows = proof(earlier, by, agents=agents)
    (found,) = rows["earlier"].was_passed
    assert rows[by.ticket.id].went_before == (found,)
    assert (rows["earlier"].by_arrival, rows["earlier"].by_service) == (1, 2)
    assert (found.passed, found.first, found.agent, found.at) == ("earlier", by.ticket.id, ANNA, NOW)
    return found


def test_a_day_in_order_has_no_differences() -> None:
    rows = proof(
        Stood(ticket("a", 30, 1), (given_to(ANNA, 0),)),
        Stood(ticket("b", 20, 2), (given_to(BRUNO, 0),)),
        Stood(ticket("c", 10, 3), (given_to(ANNA, 60),)),
        Stood(ticket("d", 5, 4)),
    )
    assert [(row.by_arrival, row.by_service) for row in rows.values()] == [(1, 1), (2, 2), (3, 3), (None, None)]
    assert not any(row.went_before or row.was_passed or row.unexplained for row in rows.values())
    assert (rows["a"].waited, rows["a"].agent, rows["a"].chosen_because) == (seconds(35), ANNA, "first in line")
    assert rows["d"].waited is None


def test_ties_of_arrival_go_by_the_counter() -> None:
    rows = proof(
        Stood(ticket("b", 30, 2), (given_to(ANNA, 60),)),
        Stood(ticket("a", 30, 1), (given_to(ANNA, 0),)),
    )
    assert list(rows) == ["a", "b"]
    assert not rows["b"].was_passed


def test_nobody_knows_why_is_shown_as_such() -> None:
    found = passed()
    assert (found.why, found.because) == (Why.UNEXPLAINED, "anna could have taken it")
    assert proof(LATER, Stood(ticket("earlier", 60, 1)))["earlier"].unexplained


@pytest.mark.parametrize(
    ("why", "because", "more"),
    [
        (Why.SKILLS, "anna lacks wine 2 (has 0)", {"needs": {"wine": 2}}),
        (Why.KEPT, "it was kept for bruno", {"last_agent": BRUNO, "last_agent_until": NOW + seconds(1)}),
        (Why.UNEXPLAINED, "could have", {"last_agent": BRUNO, "last_agent_until": NOW}),
        (Why.UNEXPLAINED, "could have", {"needs": {"wine": 2}, "relaxations": (Relaxation(seconds(60), ("wine",)),)}),
        (Why.NOT_BEFORE, "another 90 s", {"not_before": NOW + seconds(90)}),
        (Why.UNEXPLAINED, "could have", {"not_before": NOW - seconds(10)}),
        (Why.JUST_BACK, "in line for 0.5 s only", {"not_before": NOW - seconds(0.5)}),
        (Why.AWAY, "dropped", {"absences": (Absence(NOW - seconds(9), NOW + seconds(1), "the line dropped"),)}),
        (Why.AWAY, "dropped", {"absences": (Absence(NOW - seconds(9), None, "the line dropped"),)}),
        (Why.UNEXPLAINED, "could", {"absences": (Absence(NOW - seconds(19), NOW - seconds(9), "dropped"),)}),
        (Why.JUST_BACK, "1 s only", {"absences": (Absence(NOW - seconds(9), NOW - seconds(1), "dropped"),)}),
    ],
)
def test_each_reason(why: Why, because: str, more: dict[str, Any]) -> None:
    found = passed(**more)
    assert found.why is why
    assert because in found.because


def test_an_agent_who_declined_is_not_asked_again() -> None:
    declined = given_to(ANNA, -30, None, -20, how="declined")
    found = passed(declined)
    assert (found.why, found.because) == (Why.REFUSED, "anna had been offered it: declined")
    later = given_to(ANNA, 30, None, 40, how="declined")
    assert passed(later).why is Why.UNEXPLAINED, "it declined only afterwards"
    let_go = given_to(ANNA, -30, None, -20, how="let_go")
    assert passed(let_go).why is Why.REFUSED, "the phone could not be rung in time"
    away = (Absence(NOW - seconds(20), NOW - seconds(10), "the line had dropped"),)
    assert passed(let_go, absences=away).why is Why.UNEXPLAINED, "the caller was away then; that is no refusal"


def test_whoever_refused_is_asked_again_once_nobody_was_rung_for_a_while() -> None:
    declined = given_to(ANNA, -70, None, -51, how="declined")
    assert passed(declined).why is Why.UNEXPLAINED
    assert passed(replace(declined, ended_at=NOW - seconds(49))).why is Why.REFUSED, "forgiven by the next sweep"
    between = given_to(BRUNO, -30, None, -20, how="missed")
    assert passed(declined, between).why is Why.REFUSED, "they are forgiven together, after the last"
    assert passed(replace(declined, made_at=NOW - seconds(99), ended_at=NOW - seconds(90)), between).why is (
        Why.UNEXPLAINED
    )


def test_who_has_chosen_another_way_is_not_served_any_more() -> None:
    def leaving(**more: Any) -> Overtaking:
        return proof(LATER, Stood(ticket("earlier", 60, 1), **more))["earlier"].was_passed[0]

    assert leaving(wish="callback", ended_at=NOW + seconds(2)).because == "it was leaving by callback"
    assert leaving(wish="callback").why is Why.LEAVING
    assert leaving(wish="callback", ended_at=NOW + seconds(60)).why is Why.UNEXPLAINED, "chosen only later"
    assert leaving(ended_at=NOW + seconds(2)).why is Why.UNEXPLAINED


def test_who_is_being_offered_is_not_in_line() -> None:
    missed = passed(given_to(BRUNO, -5, None, 15, how="missed"))
    assert (missed.why, missed.because) == (Why.BEING_OFFERED, "bruno was being rung for it (missed)")
    slower = proof(LATER, Stood(ticket("earlier", 60, 1), (given_to(BRUNO, 0, 12),)))["earlier"].was_passed[0]
    assert slower.because == "bruno was being rung for it, and took it 12 s later"


def test_priority_goes_before_until_somebody_starves() -> None:
    boosted = Stood(ticket("later", 20, 2, boost=seconds(300)), (given_to(ANNA, 0),))
    found = passed(by=boosted)
    assert (found.why, found.because) == (Why.BOOST, "its priority counts as 300 s more of waiting")
    rows = proof(boosted, Stood(ticket("earlier", 60, 1)), rules=Rules(starving_after=seconds(60)))
    assert rows["earlier"].was_passed[0].why is Why.UNEXPLAINED
    too_little = Stood(ticket("later", 20, 2, boost=seconds(30)), (given_to(ANNA, 0),))
    assert passed(by=too_little).why is Why.UNEXPLAINED


def test_a_callback_between_attempts_and_before_its_slot() -> None:
    def stood(*offers: Offered, slot_at: datetime | None = None, not_before: float = 0) -> Why:
        at = replace(ticket("earlier", 60, 1, not_before=NOW + seconds(not_before)), kind=TicketKind.CALLBACK)
        row = proof(LATER, Stood(at, offers, slot_at=slot_at))["earlier"]
        return row.was_passed[0].why

    missed, again = (given_to(BRUNO, at, 1, at + 9, how="not_reached") for at in (-30, 30))
    assert stood(replace(missed, accepted_at=None), not_before=40) is Why.NOT_BEFORE
    assert stood(replace(again, accepted_at=None), not_before=99) is Why.UNEXPLAINED, "it was due, and then missed"
    assert stood(replace(again, accepted_at=None), slot_at=NOW + seconds(20), not_before=99) is Why.NOT_BEFORE
    both = [replace(each, accepted_at=None) for each in (missed, again)]
    assert stood(*both, not_before=99) is Why.NOT_BEFORE


def test_who_had_left_or_stands_elsewhere_was_not_passed() -> None:
    gone = Stood(ticket("gone", 60, 1), ended_at=NOW - seconds(1))
    elsewhere = Stood(ticket("elsewhere", 60, 1, queue="sales"))
    rows = proof(gone, elsewhere, LATER)
    assert rows["later"].went_before == ()
    everything = {ANNA: brings("orders", "sales")}
    rows = proof(elsewhere, LATER, agents=everything)
    assert rows["elsewhere"].was_passed[0].why is Why.UNEXPLAINED, "one list for all queues of an agent"
    assert rows["later"].by_arrival == 1, "places count in a queue"


def test_an_agent_off_the_record_proves_nothing() -> None:
    found = passed(agents={})
    assert found.why is Why.UNEXPLAINED
    assert "anna is not on record any more" in found.because


def test_who_comes_back_to_the_line_has_been_served() -> None:
    twice = Stood(ticket("a", 60, 1), (given_to(ANNA, 0, ended=30), given_to(ANNA, 200)))
    rows = proof(twice, Stood(ticket("b", 20, 2), (given_to(BRUNO, 40),)))
    assert rows["a"].waited == seconds(65)
    assert rows["a"].was_passed == ()


# --- Days by chance, with the routing that decides on the real line ---------------------------------------------------


@dataclass
class Day:
    """The core's own choice over a day of arrivals; agents take, or refuse once, by a list of chances."""

    agents: dict[AgentId, Offer]
    tickets: Sequence[Ticket]
    refusals: Sequence[bool]
    backwards: bool = False  # a broken house: the last to come is served first
    talk: timedelta = timedelta(seconds=100)
    offers: dict[str, list[Offered]] = field(default_factory=dict)

    def run(self) -> tuple[Row, ...]:
        due: list[tuple[datetime, int, str, Any]] = []
        count = itertools.count()
        for one in self.tickets:
            heapq.heappush(due, (one.arrived_at, next(count), "comes", one))
            for step in one.relaxations:
                heapq.heappush(due, (one.arrived_at + step.after, next(count), "turns", None))
            if one.last_agent_until:
                heapq.heappush(due, (one.last_agent_until, next(count), "turns", None))
        line: dict[str, Ticket] = {}
        free = {agent: FreeAgent(agent, offer, NOW) for agent, offer in self.agents.items()}
        refusals = itertools.chain(self.refusals, itertools.repeat(False))
        while due:
            now, _, what, about = heapq.heappop(due)
            if what == "comes":
                line[about.id] = about
            elif what == "free":
                free[about] = FreeAgent(about, self.agents[about], now)
            elif what == "back":
                line[about.id] = about
            while True:
                standing = [waiting_at(one, now, RULES) for one in line.values()]
                here = [one for one in standing if one is not None]
                if self.backwards:
                    here = [
                        replace(
                            each,
                            place=replace(
                                each.place, order=-each.place.order, counts_from=NOW - (each.place.counts_from - NOW)
                            ),
                        )
                        for each in here
                    ]
                pairs = best_pairs(here, list(free.values()), RULES, 4)
                if not pairs:
                    break
                for pair in pairs:
                    one, agent = line.pop(pair.ticket), pair.agents[0]
                    del free[agent]
                    if next(refusals):
                        self._offer(one, Offered(agent, now, "x", None, now + seconds(7), "declined"))
                        back = replace(one, refused_by=one.refused_by | {agent})
                        heapq.heappush(due, (now + seconds(7), next(count), "back", back))
                        heapq.heappush(due, (now + seconds(7), next(count), "free", agent))
                    else:
                        self._offer(one, Offered(agent, now, "x", now + seconds(3)))
                        heapq.heappush(due, (now + seconds(3) + self.talk, next(count), "free", agent))
        last = {one.id: one for one in self.tickets} | line
        return order_proof((self._stood(last[one.id]) for one in self.tickets), House(self.agents, RULES))

    def _offer(self, one: Ticket, offered: Offered) -> None:
        self.offers.setdefault(one.id, []).append(offered)

    def _stood(self, one: Ticket) -> Stood:
        offers = tuple(self.offers.get(one.id, ()))
        return Stood(one, offers)


GAPS = st.lists(st.floats(0, 120), min_size=1, max_size=25)
SKILL = st.sampled_from(["", "wine", "it"])
OFFERS = st.dictionaries(
    st.sampled_from([AgentId(name) for name in ("anna", "bruno", "carla")]),
    st.builds(
        lambda queues, skills: brings(*queues, **dict.fromkeys(skills, 3)),
        st.sets(st.sampled_from(["orders", "sales"]), min_size=1),
        st.sets(st.sampled_from(["wine", "it"])),
    ),
    min_size=1,
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Ticket]:
    at, made = NOW, []
    for number, gap in enumerate(draw(GAPS)):
        at += seconds(gap)
        skill = draw(SKILL)
        one = ticket(
            f"t{number}",
            0,
            number,
            draw(st.sampled_from(["orders", "sales"])),
            needs={skill: draw(st.sampled_from([2, 4]))} if skill else {},
            relaxations=(Relaxation(seconds(90), (skill,)),) if skill and draw(st.booleans()) else (),
            boost=seconds(draw(st.sampled_from([0, 0, 0, 60, 600]))),
            last_agent=AgentId("bruno") if draw(st.integers(0, 4)) == 0 else None,
            last_agent_until=at + seconds(20),
        )
        made.append(replace(one, arrived_at=at))
    return made


@settings(max_examples=150, deadline=None)
@given(OFFERS, arrivals(), st.lists(st.booleans(), max_size=10))
def test_each_difference_of_a_day_has_its_reason(
    agents: dict[AgentId, Offer], tickets: list[Ticket], refusals: list[bool]
) -> None:
    rows = Day(agents, tickets, refusals).run()
    assert [one for one in overtaken(rows) if one.why in (Why.UNEXPLAINED, Why.JUST_BACK)] == []
    for row in rows:
        if row.by_arrival != row.by_service:
            assert row.went_before or row.was_passed


@settings(max_examples=80, deadline=None)
@given(GAPS, st.integers(1, 3))
def test_a_day_first_come_first_served_has_no_differences(gaps: list[float], crew: int) -> None:
    at = list(itertools.accumulate(gaps))
    tickets = [replace(ticket(f"t{n}", 0, n), arrived_at=NOW + seconds(a)) for n, a in enumerate(at)]
    agents = {AgentId(f"agent-{n}"): brings() for n in range(crew)}
    rows = Day(agents, tickets, ()).run()
    assert overtaken(rows) == ()
    assert all(row.by_arrival == row.by_service is not None for row in rows)


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 12))
def test_a_house_that_serves_the_last_first_is_shown(count: int) -> None:
    tickets = [replace(ticket(f"t{n}", 0, n), arrived_at=NOW + seconds(n)) for n in range(count)]
    rows = Day({ANNA: brings()}, tickets, (), backwards=True).run()
    found = overtaken(rows)
    assert len(found) == (count - 1) * (count - 2) // 2, "after the first, all the others in turn"
    assert {one.why for one in found} <= {Why.UNEXPLAINED}
    assert sum(row.unexplained for row in rows) == count - 1
