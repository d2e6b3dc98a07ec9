"""`ivr agents`, as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ivr.cli import desk, line
from ivr.core.agent import AgentEvent, happened
from ivr.core.words import AgentId
from ivr.store.session import SqlRecords, open_records
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
