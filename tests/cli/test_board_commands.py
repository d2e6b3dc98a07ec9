"""`ivr board`, as somebody types it, over a line that has had a morning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ivr import wiring
from ivr.cli import board, desk, line
from ivr.core.ticket import TicketState
from ivr.testing.floors import redis_for_a_world
from ivr.testing.world import World, open_world
from ivr.world.numbering import PhoneNumbers
from tests.calls.test_board import ANNA, ELENA, FLOWS, MORNING, A, B, C, rings

ROME = ZoneInfo("Europe/Rome")


@pytest.fixture(scope="module")
def morning() -> Iterator[World]:
    """A dropped and came back, so B was served first; C waits, and anna is being rung for it."""
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ELENA)
        first = rings(world, A)
        rings(world, B)
        first.hang_up()
        world.telephones.wait(5)
        world.sign_in(ANNA)
        world.telephones.wait(3)
        rings(world, A)
        world.telephones.wait(300)
        rings(world, C)
        yield world


@pytest.fixture
def at(morning: World, monkeypatch: pytest.MonkeyPatch) -> desk.Desk:
    company = wiring.company(morning.office.settings)
    made = desk.Desk(morning.records, morning.scheduler, morning.office.ids, PhoneNumbers("IT"), ROME, "IT", company)
    monkeypatch.setattr(desk, "open_desk", lambda: made)
    return made


def ivr(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "220"}).invoke(line(), ["board", *words])


def as_json(*words: str) -> Any:
    result = ivr(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_board_shows_queues_agents_and_claims(at: desk.Desk) -> None:
    shown = ivr().stdout
    assert "2026-11-24 10:" in shown
    assert "sales" in shown and "complaints" in shown and "0.0% in 0:00:20" in shown
    assert "anna" in shown and "rung until" in shown and "first in line; free the longest" in shown
    told = as_json()
    sales = next(queue for queue in told["queues"] if queue["queue"] == "sales")
    assert (sales["waiting"], sales["talking"], sales["away"]) == (1, 0, 0)
    assert 0 < sales["longest_wait"] < 60
    anna = next(one for one in told["agents"] if one["agent"] == "anna")
    assert (anna["shown"], anna["wish"], anna["ticket"]) == (anna["state"], "available", told["claims"][0]["ticket"])
    assert told["at"].endswith("+01:00") and anna["state_since"].endswith("+01:00")
    assert "+39045" not in json.dumps(told), "numbers are not on the board"


def test_the_order_is_proved_with_the_reason(at: desk.Desk) -> None:
    shown = ivr("--order").stdout
    assert "before one who came earlier: the line had dropped" in shown
    assert "after one who came later: the line had dropped" in shown
    assert "tickets: 3, differences: 1, unexplained: 0" in shown
    first, second, third = as_json("--order")
    assert [(row["by_arrival"], row["by_service"]) for row in (first, second, third)] == [(1, 2), (2, 1), (None, None)]
    assert first["was_passed"] == second["went_before"]
    assert (first["was_passed"][0]["why"], first["unexplained"]) == ("away", False)
    assert first["waited"] > second["waited"] > 0
    assert as_json("--order", "--since", "2026-11-23", "--until", "2026-11-24") == []
    assert ivr("--order", "--since", "2026-11-25").exit_code == 2, "it ends before it begins"


def test_the_figures_of_today_and_of_another_day(at: desk.Desk) -> None:
    shown = ivr("--metrics").stdout
    assert "service level" in shown and "occupancy" in shown and "utilisation" in shown
    told = as_json("--metrics")
    sales = told["queues"]["sales"]
    assert (sales["offered"], sales["answered"], sales["waiting"]) == (3, 2, 1)
    assert told["since"] == "2026-11-24T00:00:00+01:00"
    assert told["agents"]["anna"]["talking"] > 60
    before = as_json("--metrics", "--since", "2026-11-23", "--until", "2026-11-24")
    assert (before["queues"]["sales"]["offered"], before["queues"]["sales"]["service_level"]) == (0, None)
    assert before["agents"]["anna"]["occupancy"] is None


def test_why_is_asked_by_ticket_or_by_number(at: desk.Desk) -> None:
    ticket = as_json()["claims"][0]["ticket"]
    told = as_json("why", C)
    assert told == as_json("why", ticket)
    assert (told["state"], told["because"]) == (TicketState.CLAIMED, "it is not in line: claimed")
    assert told["rung"][0]["agent"] == "anna"
    elena = next(one for one in told["agents"] if one["agent"] == "elena")
    assert elena["because"] == "lacks orders 1 (has 0)"
    assert elena["could_take_it_from"] > told["arrived_at"]
    shown = ivr("why", C).stdout
    assert "anna has it since" in shown and "it asks for sales: anna, elena" in shown
    assert as_json("why", C.removeprefix("+39"))["ticket"] == ticket


@pytest.mark.parametrize("who", ["nobody", "+390600000000", "+0", "12"])
def test_nobody_waits_is_said_in_words(at: desk.Desk, who: str) -> None:
    refused = ivr("why", who)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("ivr: ")


def test_one_thing_at_a_time(at: desk.Desk) -> None:
    assert ivr("--order", "--metrics").exit_code == 2


def test_watching_looks_again_until_it_is_stopped(at: desk.Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    naps = iter([None, None, KeyboardInterrupt])

    def nap(seconds: float) -> None:
        assert seconds == board.EVERY
        if (stop := next(naps)) is not None:
            raise stop

    monkeypatch.setattr(board, "time", SimpleNamespace(sleep=nap))
    watched = ivr("--watch")
    assert watched.exit_code == 0
    assert "anna" in watched.stdout
    assert next(naps, "all taken") == "all taken"


def test_the_floor_is_built_anew_from_sql(at: desk.Desk, morning: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ivr("--rebuild")
    assert (refused.exit_code, "cannot be reached" in refused.stderr) == (1, True), "no Redis is set"
    with redis_for_a_world() as client:
        floor = wiring.standing_floor(morning.office.settings, at.records, at.clock, None, client)
        made = desk.Desk(at.records, at.clock, at.ids, at.numbering, at.zone, at.country, at.company, floor)
        monkeypatch.setattr(desk, "open_desk", lambda: made)
        with at.records.read() as tx:
            before = tx.floor.epoch()
        assert ivr("--rebuild").stdout == f"the floor stands anew, under epoch {before + 1}\n"
        assert as_json("--rebuild") == {"epoch": before + 2}
        seen = floor.ask(lambda floor: floor.snapshot(at.clock.now()))
    told = as_json()
    assert {claim.ticket for claim in seen.claims} == {claim["ticket"] for claim in told["claims"]}
    assert {agent.agent for agent in seen.free} == {"elena"}
