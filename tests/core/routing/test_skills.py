"""What a ticket asks as it waits, and what an agent lacks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given

from ivr.core.routing.decide import Rules
from ivr.core.routing.skills import Need, Offer, asked_at, lacks, phases, place_at, serves
from ivr.core.ticket import Relaxation, Ticket
from tests.core.routing import floors
from tests.core.routing.builders import NOW, seconds, ticket


@pytest.mark.parametrize(
    ("offer", "need", "short"),
    [
        (Offer(frozenset({"orders"})), Need("orders"), ()),
        (Offer(frozenset({"orders"}), (("it", 3),)), Need("orders", (("it", 3),)), ()),
        (Offer(frozenset({"orders"}), (("it", 2),)), Need("orders", (("it", 3),)), ("it 3 (has 2)",)),
        (Offer(frozenset({"repairs"})), Need("orders", (("it", 1),)), ("queue orders", "it 1 (has 0)")),
    ],
)
def test_what_is_lacking(offer: Offer, need: Need, short: tuple[str, ...]) -> None:
    assert lacks(offer, need) == short
    assert serves(offer, need) is not bool(short)


def test_skills_are_dropped_step_by_step() -> None:
    steps = (Relaxation(seconds(30), ("wine",)), Relaxation(seconds(60), ("it",)))
    waits = ticket("t", 0, needs={"it": 2, "wine": 4}, relaxations=steps)
    asked = [asked_at(waits, NOW + seconds(s)).need.skills for s in (0, 29, 30, 59, 60)]
    assert asked == [(("it", 2), ("wine", 4)), (("it", 2), ("wine", 4)), (("it", 2),), (("it", 2),), ()]


@given(floors.lines(1), floors.rules, floors.moments)
def test_the_phases_say_what_is_asked_at_any_time(line: list[Ticket], rules: Rules, now: datetime) -> None:
    for waits in line:
        current = [step for step in phases(waits, rules.starving_after) if step.since <= now]
        if waits.not_before is not None and now < waits.not_before:
            assert not current
        else:
            assert current[-1].asked == asked_at(waits, now)
            assert current[-1].place == place_at(waits, now, rules.starving_after)


@pytest.mark.parametrize("wrong", [{"needs": {"it": 0}}, {"preferred": {"it": 6}}, {"order": -1}])
def test_a_ticket_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"levels|order"):
        ticket("t", **wrong)  # type: ignore[arg-type]


def test_a_clock_without_a_zone_is_refused() -> None:
    whole = ticket("t")
    with pytest.raises(ValueError, match="aware"):
        Ticket(whole.id, whole.kind, whole.queue, datetime(2026, 1, 1), 0, whole.customer, None)  # noqa: DTZ001


def test_a_step_without_effect_is_no_step() -> None:
    waits = ticket("t", relaxations=(Relaxation(timedelta(seconds=30), ("it",)),))
    assert len(phases(waits, None)) == 1
