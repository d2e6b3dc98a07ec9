"""`ivr promises` and `ivr voicemails`, as somebody types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from ivr.cli import desk, line
from ivr.core.promises import Promise
from ivr.core.voicemail import AudioState, TextState, Voicemail
from ivr.core.words import PromiseId, QueueName, VoicemailId
from ivr.store.session import SqlRecords, open_records
from ivr.world.numbering import PhoneNumbers
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.switchboard.conftest import CountedIds
from tests.switchboard.test_promises import HOUR


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def on_record(monkeypatch: pytest.MonkeyPatch, clock: SetClock) -> Iterator[SqlRecords]:
    records = open_records("sqlite://", clock)
    at = desk.Desk(records, clock, CountedIds(), PhoneNumbers("IT"), ZoneInfo("Europe/Rome"), "IT")
    monkeypatch.setattr(desk, "open_desk", lambda: at)
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        for name, hours, owner in (("p", 10, "sales"), ("q", 20, "complaints")):
            due = START + hours * HOUR
            tx.promises.make(
                Promise(PromiseId(name), "answer_voicemail", MARIA.id, CALL.id, START, due, "Europe/Rome", owner)
            )
        tx.voicemails.take(
            Voicemail(
                VoicemailId("vm"),
                CALL.id,
                MARIA.id,
                QueueName("sales"),
                "RE1",
                "u",
                START,
                AudioState.KEPT,
                TextState.READ,
                promise=PromiseId("p"),
            )
        )
    yield records
    records.close()


def ivr(*words: str) -> Result:
    return CliRunner().invoke(line(), words)


def standings() -> dict[str, str]:
    return {each["id"]: each["stands"] for each in json.loads(ivr("promises", "list", "--json").stdout)}


def test_what_is_owed_is_listed_the_most_urgent_first(on_record: SqlRecords, clock: SetClock) -> None:
    assert standings() == {"p": "due", "q": "due"}
    clock.passes(hours=9)
    assert standings() == {"p": "warned", "q": "due"}
    clock.passes(hours=2)
    assert list(standings().items()) == [("p", "late"), ("q", "due")]
    shown = ivr("promises").stdout
    assert "2026-11-25 06:30" in shown and "late" in shown
    assert json.loads(ivr("promises", "list", "--owner", "complaints", "--json").stdout)[0]["due_at"] == (
        "2026-11-25T16:30:00+01:00"
    )
    assert len(json.loads(ivr("promises", "--json").stdout)) == 2


def test_a_promise_is_kept_withdrawn_or_broken_with_its_reason(on_record: SqlRecords) -> None:
    assert ivr("promises", "keep", "p").stdout == "p: kept\n"
    again = ivr("promises", "withdraw", "p", "--reason", "rang again")
    assert (again.exit_code, again.stderr) == (1, "ivr: this promise has ended already: kept\n")
    assert ivr("promises", "withdraw", "q").exit_code == 2
    assert ivr("promises", "withdraw", "q", "--reason", "").stderr.startswith("ivr: A promise is not withdrawn")
    assert ivr("promises", "break", "q", "--reason", "the order is lost").stdout == "q: broken\n"
    assert ivr("promises", "keep", "x").stderr == "ivr: No promise has this id.\n"
    assert ivr("promises", "list").stdout == "nothing is owed to anybody\n"


def test_a_promise_is_moved_in_its_own_zone_and_the_customer_told(on_record: SqlRecords) -> None:
    moved = ivr("promises", "move", "p", "2026-11-26T12:00:00", "--reason", "ill")
    assert moved.stdout == "p: tell the customer the new time, 2026-11-26 12:00\n"
    assert standings()["p"] == "due, to be told"
    assert ivr("promises", "told", "p").stdout == "p: due 2026-11-26 12:00\n"
    assert ivr("promises", "told", "p").stderr.startswith("ivr: This promise was not moved")
    past = ivr("promises", "move", "p", "2020-01-01", "--reason", "ill")
    assert past.stderr.startswith("ivr: A promise is moved to a time that is still to come")
    told = json.loads(ivr("promises", "keep", "p", "--json").stdout)
    assert (told["state"], told["due_at"]) == ("kept", "2026-11-26T12:00:00+01:00")


def test_the_kept_rate_is_told_for_all_and_for_each_owner(on_record: SqlRecords, clock: SetClock) -> None:
    ivr("promises", "keep", "p")
    clock.passes(hours=22)
    figures = json.loads(ivr("promises", "rate", "--json").stdout)
    assert {name: kept["rate"] for name, kept in figures.items()} == {"all": 0.5, "complaints": 0.0, "sales": 1.0}
    assert figures["all"]["median_lateness"] == 2 * 3600
    shown = ivr("promises", "rate").stdout
    assert "50.0%" in shown and "2:00:00" in shown
    before = json.loads(ivr("promises", "rate", "--until", "2026-11-24", "--json").stdout)
    assert before["all"] == {**before["all"], "due": 0, "rate": None}


def test_an_answered_message_keeps_its_promise(on_record: SqlRecords) -> None:
    assert [each["id"] for each in json.loads(ivr("voicemails", "list", "--json").stdout)] == ["vm"]
    assert "2026-11-25 06:30" in ivr("voicemails", "list").stdout
    assert ivr("voicemails", "answered", "vm").exit_code == 2
    assert ivr("voicemails", "answered", "vm", "--by", "anna").stdout == ("vm: answered by anna; the promise is kept\n")
    twice = ivr("voicemails", "answered", "vm", "--by", "bruno")
    assert (twice.exit_code, twice.stderr) == (1, "ivr: this voicemail was answered by anna already\n")
    assert ivr("voicemails", "list").stdout == "every message is answered\n"
    (told,) = json.loads(ivr("voicemails", "list", "--all", "--json").stdout)
    assert (told["answered_by"], told["promise_state"]) == ("anna", "kept")
    assert standings() == {"q": "due"}
