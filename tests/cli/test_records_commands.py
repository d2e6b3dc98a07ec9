"""`ivr customers`, `ivr calls` and `ivr db`, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ivr.cli import calls, customers, db, desk
from ivr.core.call import CallState
from ivr.core.events import CallEnded, CallerAnswered, CallRang, NodeEntered, SaidToCaller, VoicemailRead
from ivr.core.voicemail import AudioState, TextState, Transcript, Voicemail
from ivr.core.words import CustomerId, QueueName, VoicemailId
from ivr.store import schema
from ivr.store.session import SqlRecords, open_records
from ivr.world.numbering import PhoneNumbers
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.switchboard.conftest import CountedIds


@pytest.fixture
def on_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlRecords]:
    clock = SetClock()
    records = open_records("sqlite://", clock)
    at = desk.Desk(records, clock, CountedIds(), PhoneNumbers("IT"), ZoneInfo("Europe/Rome"), "IT")
    monkeypatch.setattr(desk, "open_desk", lambda: at)
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        told = [
            CallRang("verde", "numero_verde", "v1", "maybe"),
            NodeEntered("welcome", "say", "numero_verde"),
            SaidToCaller("Per un messaggio premi 2.", "it"),
            CallerAnswered("keys", "2"),
            VoicemailRead("vm", "read", "it"),
            CallEnded("voicemail", "completed", 42),
        ]
        tx.log.add(CALL.id, told, START)
        message = Voicemail(
            VoicemailId("vm"),
            CALL.id,
            MARIA.id,
            QueueName("orders"),
            "RE1",
            "u",
            START,
            AudioState.KEPT,
            TextState.READ,
        )
        tx.voicemails.take(replace(message, transcript=Transcript(TextState.READ, None, "dov'è il mio ordine")))
        tx.calls.end(CALL.id, CallState.ENDED, "voicemail", START + timedelta(seconds=42))
    yield records
    records.close()


def customers_(*words: str) -> Result:
    return CliRunner().invoke(customers.app, words)


def calls_(*words: str) -> Result:
    return CliRunner().invoke(calls.app, words)


@pytest.mark.parametrize("who", ["0193-maria", "C-0042", "06 1234 5678", "+390612345678", "rossi", "MARIA R"])
def test_a_customer_is_shown_with_what_happened(on_record: SqlRecords, who: str) -> None:
    shown = customers_("show", who)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "Maria Rossi · C-0042 · +390612345678",
        "2026-11-24 20:30:00  Ha chiamato la linea verde (numero di questo cliente).",
        "2026-11-24 20:30:00  Ha premuto 2.",
        "2026-11-24 20:30:00  Messaggio trascritto: «dov'è il mio ordine».",
        "2026-11-24 20:30:00  Chiamata finita: ha lasciato un messaggio (42 s).",
    ]


def test_a_customer_as_json_in_english(on_record: SqlRecords) -> None:
    told = json.loads(customers_("show", "C-0042", "--json", "--language", "en").stdout)
    assert told["customer"]["numbers"] == ["+390612345678"]
    assert told["timeline"][0] == {
        "at": "2026-11-24T20:30:00+01:00",
        "call": "0193-call",
        "kind": "call.rang",
        "text": "Rang the line verde (this customer's number).",
    }
    assert [event["seq"] for event in told["events"]] == [1, 2, 3, 4, 5, 6]


def test_nobody_and_several_are_refused_in_words(on_record: SqlRecords) -> None:
    nobody = customers_("show", "Nessuno")
    assert (nobody.exit_code, nobody.stderr) == (1, "ivr: no customer is 'Nessuno'\n")
    with on_record.write() as tx:
        tx.customers.add(replace(MARIA, id=CustomerId("0193-x"), name="Rosa Rossi", number="C-1", numbers=()))
    several = customers_("show", "rossi")
    assert several.exit_code == 1
    assert several.stderr == "ivr: 'rossi' may be several: 0193-maria (Maria Rossi), 0193-x (Rosa Rossi)\n"
    assert customers_("show", "rossi", "--language", "de").exit_code == 2


def test_customers_are_listed(on_record: SqlRecords) -> None:
    assert "Maria Rossi" in customers_("list").stdout
    assert [each["id"] for each in json.loads(customers_("list", "--json").stdout)] == ["0193-maria"]
    assert json.loads(customers_("list", "--json", "--after", "0193-maria").stdout) == []


def test_files_are_imported_once_looked_at(on_record: SqlRecords, tmp_path: Path) -> None:
    file = tmp_path / "clienti.csv"
    file.write_text("numero_cliente,nome\nC-7,Anna Bianchi\n")
    dry = customers_("import", "--customers", str(file), "--dry-run")
    assert (dry.exit_code, dry.stdout) == (
        0,
        f"{file}:2: customer C-7: added\na dry run: nothing was written\n",
    )
    assert json.loads(customers_("import", "--customers", str(file), "--json").stdout)["written"] is True
    assert customers_("import", "--customers", str(file)).stdout == f"{file}:2: customer C-7: same\n"
    file.write_text("numero_cliente,nome\nC-8,\n")
    bad = customers_("import", "--customers", str(file))
    assert bad.exit_code == 1
    assert bad.stderr.startswith(f"{file}:2: the name is empty")
    assert customers_("import").exit_code == 2


def test_a_call_is_shown_as_a_dialogue(on_record: SqlRecords) -> None:
    assert calls_("show", "0193-call", "--language", "en").stdout.splitlines() == [
        "2026-11-24  verde  voicemail",
        "20:30:00  · Rang the line verde (this customer's number).",
        "20:30:00  ☎ Per un messaggio premi 2.",
        "20:30:00  → [2]",
        "20:30:00  · The message was transcribed.",
        "20:30:00  · The call ended: left a message (42 s).",
        "path: welcome",
    ]
    shown = json.loads(calls_("show", "0193-call", "--json").stdout)
    assert (shown["call"]["outcome"], shown["path"], shown["dialogue"][2]["text"]) == ("voicemail", ["welcome"], "[2]")
    assert calls_("show", "nobody").stderr == "ivr: No call has this id.\n"


def test_calls_are_listed(on_record: SqlRecords) -> None:
    assert "voicemail" in calls_("list").stdout
    assert [each["id"] for each in json.loads(calls_("list", "--json").stdout)] == ["0193-call"]
    assert json.loads(calls_("list", "--json", "--before", "2026-11-24").stdout) == []


def test_a_database_is_made_saved_and_brought_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IVR_DATABASE_URL", f"sqlite:///{tmp_path / 'var' / 'ivr.db'}")
    run = CliRunner()
    assert run.invoke(db.app, ["upgrade"]).stdout == f"the database is at {schema.newest()} (it was at nothing)\n"
    assert run.invoke(db.app, ["backup", "saved.db"]).exit_code == 0
    again = run.invoke(db.app, ["backup", "saved.db"])
    assert (again.exit_code, again.stderr) == (1, "ivr: saved.db exists already; name a new file\n")
    assert "--replace" in run.invoke(db.app, ["restore", "saved.db"]).stderr
    assert run.invoke(db.app, ["restore", "saved.db", "--replace"]).exit_code == 0
