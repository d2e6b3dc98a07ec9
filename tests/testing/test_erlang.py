"""The formulas of queueing theory against other people's figures and against the equations they solve."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from ivr.testing.erlang import Traffic, erlang_a, erlang_c, expected, mean_waits_by_priority

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("traffic", "waiting", "service_level"),
    [
        (Traffic(1, 0.5, MINUTE), 0.5, 0.576759137554693),
        (Traffic(5, 0.7), 0.3778382266984398, 0.6801668461346938),
        (Traffic(5, 0.8), 0.5541125541125541, 0.5041583006396564),
        (Traffic(10, 0.6), 0.10129924268741747, 0.9350489122260215),
        (Traffic(20, 0.85, 4 * MINUTE), 0.38505622989332483, 0.7001179066325558),
        (Traffic(50, 0.9, 5 * MINUTE), 0.3638644672069884, 0.739279716440943),
    ],
)
def test_erlang_c_is_what_pyworkforce_says(traffic: Traffic, waiting: float, service_level: float) -> None:
    """``ErlangC(…).waiting_probability(n)`` and ``.service_level(n)`` of pyworkforce 0.5.1, answered within 20 s."""
    figures = erlang_c(traffic)
    assert [figures.waiting, figures.service_level] == pytest.approx([waiting, service_level], rel=1e-12)


def test_one_agent_who_is_busy_half_the_time_lets_callers_wait_for_a_talk() -> None:
    assert erlang_c(Traffic(1, 0.5, MINUTE)).mean_wait == MINUTE


@pytest.mark.parametrize("patience", [timedelta(seconds=20), 2 * MINUTE, 30 * MINUTE])
@pytest.mark.parametrize(("agents", "load"), [(1, 0.5), (5, 0.9), (20, 1.0), (50, 1.2)])
def test_erlang_a_solves_the_equations_of_balance(agents: int, load: float, patience: timedelta) -> None:
    traffic = Traffic(agents, load, patience=patience)
    figures = erlang_a(traffic, patience)
    waiting, line = in_balance(traffic, patience)
    assert figures.waiting == pytest.approx(waiting, rel=1e-10)
    assert figures.mean_wait.total_seconds() == pytest.approx(line / traffic.arrivals, abs=1e-6)  # Little's law
    assert figures.abandoned == pytest.approx(line / patience.total_seconds() / traffic.arrivals, rel=1e-8)


def in_balance(traffic: Traffic, patience: timedelta) -> tuple[float, float]:
    """The share of time that all agents talk, and the mean length of the line."""
    all_busy = states(traffic, patience, 1_000)[traffic.agents :]
    return math.fsum(all_busy), math.fsum(n * chance for n, chance in enumerate(all_busy))


def states(traffic: Traffic, patience: timedelta, longest: int) -> list[float]:
    """The share of time that so many callers talk or wait, each from the one before by balance."""
    weights = [1.0]
    for there in range(1, traffic.agents + longest):
        ends = min(there, traffic.agents) / traffic.talk.total_seconds()
        gives_up = max(there - traffic.agents, 0) / patience.total_seconds()
        weights.append(weights[-1] * traffic.arrivals / (ends + gives_up))
    whole = math.fsum(weights)
    return [weight / whole for weight in weights]


@pytest.mark.parametrize("within", [timedelta(), timedelta(seconds=20), 2 * MINUTE])
def test_the_service_level_of_erlang_a_is_the_chance_of_being_answered_in_time(within: timedelta) -> None:
    traffic = Traffic(5, 1.1, patience=MINUTE, within=within)
    assert expected(traffic).service_level == pytest.approx(answered_within(traffic, MINUTE, within), rel=1e-6)


def answered_within(traffic: Traffic, patience: timedelta, within: timedelta, steps: int = 4_000) -> float:
    """From how many a caller meets in line, by midpoint steps through the chances of how many are still before them."""
    frees, leaves = traffic.agents / traffic.talk.total_seconds(), 1 / patience.total_seconds()
    chances = states(traffic, patience, 80)
    answered, before = math.fsum(chances[: traffic.agents]), chances[traffic.agents :]
    step = within.total_seconds() / steps
    for _ in range(steps):
        flow = drift(before, frees, leaves)
        middle = [now + step / 2 * change for now, change in zip(before, flow, strict=True)]
        answered += step * frees * middle[0]
        before = [now + step * change for now, change in zip(before, drift(middle, frees, leaves), strict=True)]
    return answered


def drift(before: list[float], frees: float, leaves: float) -> list[float]:
    """With k before them, one of the k goes at rate frees + k * leaves; they themselves give up at rate leaves."""
    comes = [(frees + k * leaves) * chance for k, chance in enumerate([*before[1:], 0.0], start=1)]
    goes = [(frees + (k + 1) * leaves) * chance for k, chance in enumerate(before)]
    return [one - other for one, other in zip(comes, goes, strict=True)]


def test_endless_patience_is_erlang_c() -> None:
    traffic = Traffic(5, 0.8)
    patient, endless = erlang_a(traffic, timedelta(days=365)), erlang_c(traffic)
    assert patient.waiting == pytest.approx(endless.waiting, rel=1e-4)
    assert patient.mean_wait / endless.mean_wait == pytest.approx(1, rel=1e-3)
    assert patient.service_level == pytest.approx(endless.service_level, rel=1e-4)


def test_priorities_move_waits_from_some_to_others_and_make_none_shorter() -> None:
    traffic = Traffic(5, 0.8)
    first, others = mean_waits_by_priority(traffic, 0.3)
    everybody = erlang_c(traffic).mean_wait
    assert first < everybody < others
    assert (0.3 * first + 0.7 * others) / everybody == pytest.approx(1)
    assert mean_waits_by_priority(traffic, 1.0)[0] == everybody


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="for ever"):
        Traffic(5, 1.0)
    with pytest.raises(ValueError, match="an agent"):
        Traffic(0, 0.5)
    with pytest.raises(ValueError, match="patience"):
        Traffic(5, 0.5, patience=timedelta())
    with pytest.raises(OverflowError):
        expected(Traffic(100, 5.0, patience=timedelta(hours=10)))
