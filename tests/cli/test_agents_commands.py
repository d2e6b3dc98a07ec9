"""`ivr agents`, as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ivr.cli import desk, line
from ivr.core.agent import AgentEvent, happened
from ivr.core.routing.decide import Rules
from ivr.core.words import AgentId
from ivr.live.floor import RedisFloor, connect
from ivr.store.session import SqlRecords, open_records
from ivr.switchboard.queue.standing_floor import StandingFloor
from ivr.testing.floors import redis_for_a_world
from ivr.world.numbering import PhoneNumbers
from tests.databases import START, SetClock
from tests.switchboard.conftest import CountedIds

COMPANY = "format: 1\ncompany: V\ncountry: IT\nzone: Europe/Rome\nqueues: {sales: {}}\nskills: [orders]\nlines: {}\n"
AGENTS = (
    "format: 1\nagents:\n"
    "  anna: {queues: [sales], skills: {orders: 4}, phone: +390212345601}\n"
    "  bruno: {queues: [sales], browser: yes}\n"
)


@pytest.fixture
def on_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlRecords]:
    clock = SetClock()
    records = open_records("sqlite://", clock)
    at = desk.Desk(records, clock, CountedIds(), PhoneNumbers("IT"), ZoneInfo("Europe/Rome"), "IT")
    monkeypatch.setattr(desk, "open_desk", lambda: at)
    yield records
    records.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "company.yaml").write_text(COMPANY)
    (tmp_path / "agents.yaml").write_text(AGENTS)
    return tmp_path / "agents.yaml"


def ivr(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(line(), ["agents", *words])


def test_agents_are_loaded_listed_and_wish(on_record: SqlRecords, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ivr("list").stdout == "no agent is on record; `ivr agents load`\n"
    monkeypatch.setenv("IVR_FLOWS_DIR", str(file.parent))
    assert ivr("load").stdout == "anna: added\nbruno: added\n"
    assert json.loads(ivr("load", str(file), "--json").stdout) == {
        "added": [],
        "changed": [],
        "same": ["anna", "bruno"],
        "removed": [],
    }
    assert ivr("wish", "anna", "available").stdout == "anna: available (asked for it), idle\n"
    assert ivr("wish", "anna", "break", "--reason", "lunch").stdout == "anna: break (lunch), idle\n"
    anna, bruno = json.loads(ivr("list", "--json").stdout)
    assert (anna["wish"], anna["wish_because"], anna["wish_since"]) == ("break", "lunch", "2026-11-24T20:30:00+01:00")
    assert (anna["skills"], bruno["address"]) == ({"orders": 4}, {"kind": "browser", "at": "bruno"})
    assert "break (lunch)" in ivr("list").stdout
    told = ivr("history", "anna").stdout.splitlines()
    assert told[0] == "2026-11-24 20:30:00  wish break: lunch"
    assert len(json.loads(ivr("history", "anna", "--json").stdout)) == 4


def test_people_are_refused_in_words(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    no_reason = ivr("wish", "anna", "break")
    assert (no_reason.exit_code, no_reason.stderr) == (1, "ivr: A break has a reason: lunch, training, …\n")
    assert ivr("wish", "zoe", "off").stderr == "ivr: no agent is called 'zoe'\n"
    assert ivr("history", "zoe").stderr == "ivr: no agent is called 'zoe'\n"
    assert ivr("wish", "anna", "asleep").exit_code == 2


def test_a_file_with_errors_changes_nobody(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    file.write_text(AGENTS.replace("orders: 4", "ordres: 4").replace("[sales], browser", "[slaes], browser"))
    refused = ivr("load", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == [
        f"{file}:3:36: error: agents: agent 'anna': company.yaml has no skill 'ordres'; did you mean 'orders'?",
        f"{file}:4:20: error: agents: agent 'bruno': company.yaml has no queue 'slaes'; did you mean 'sales'?",
        "nobody was changed",
    ]
    assert [each["line"] for each in json.loads(ivr("load", str(file), "--json").stdout)] == [3, 4]
    assert len(json.loads(ivr("list", "--json").stdout)) == 2
    missing = ivr("load", str(file.with_name("nothing.yaml")))
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (1, True)
    (file.parent / "company.yaml").unlink()
    assert "company.yaml:1:1: error: cannot be read" in ivr("load", str(file)).stderr


def test_an_agent_who_talks_is_not_deleted(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    with on_record.write() as tx:
        status = tx.agents.get(AgentId("bruno")).status
        for event in (AgentEvent.CLAIMED, AgentEvent.ACCEPTED):
            status = happened(status, event, "because", START)
        tx.agents.change(status, 0)
    file.write_text(AGENTS[: AGENTS.index("  bruno")])
    refused = ivr("load", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.startswith("ivr: bruno is talking: nobody was changed")
    assert len(json.loads(ivr("list", "--json").stdout)) == 2


def test_a_wrap_up_is_made_longer_and_ended(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    with on_record.write() as tx:
        status = tx.agents.get(AgentId("anna")).status
        for event in (AgentEvent.CLAIMED, AgentEvent.ACCEPTED):
            status = happened(status, event, "because", START)
        status = happened(status, AgentEvent.TALK_ENDED, "the talk ended", START, wrap_up=timedelta(seconds=30))
        tx.agents.change(status, 0)
    assert ivr("wrap-up", "anna", "--extend", "2m").stdout == "anna: wraps up until 20:32:30\n"
    told = json.loads(ivr("wrap-up", "anna", "--extend", "30 s", "--json").stdout)
    assert (told["state"], told["wrap_up_until"]) == ("wrap_up", "2026-11-24T20:33:00+01:00")
    assert ivr("wrap-up", "anna", "--end").stdout == "anna: idle (ended the wrap-up)\n"
    refused = ivr("wrap-up", "anna", "--end")
    assert (refused.exit_code, refused.stderr) == (1, "ivr: anna is idle: there is no wrap-up\n")
    for wrong in (("--extend", "soon"), ("--end", "--extend", "1 min"), ()):
        assert ivr("wrap-up", "anna", *wrong).exit_code == 2


def test_an_agent_whose_phone_was_gone_is_reachable_again(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    with on_record.write() as tx:
        lost = happened(tx.agents.get(AgentId("anna")).status, AgentEvent.LOST, "the phone is gone", START)
        tx.agents.change(lost, 0)
    assert ivr("reachable", "anna").stdout == "anna: idle (reachable again)\n"
    assert json.loads(ivr("reachable", "anna", "--json").stdout)["state"] == "idle"
    assert ivr("reachable", "zoe").stderr == "ivr: no agent is called 'zoe'\n"


def test_the_floor_knows_at_once_who_is_free(on_record: SqlRecords, file: Path) -> None:
    ivr("load", str(file))
    with redis_for_a_world() as client:
        at = desk.open_desk()
        floor = StandingFloor(on_record, RedisFloor(client, Rules()), at.clock)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk, "open_desk", lambda: replace(at, floor=floor))
            for wish, free in (("available", {"anna"}), ("off", set())):
                assert ivr("wish", "anna", wish).exit_code == 0
                seen = floor.ask(lambda floor: floor.snapshot(at.clock.now()))
                assert {agent.agent for agent in seen.free} == free
            nowhere = RedisFloor(connect("unix:///nowhere/redis.sock"), Rules())
            lost = StandingFloor(on_record, nowhere, at.clock)
            patch.setattr(desk, "open_desk", lambda: replace(at, floor=lost))
            assert ivr("wish", "anna", "available").stdout == "anna: available (asked for it), idle\n"
