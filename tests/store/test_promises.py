"""Promises and answered voicemails, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from ivr.core.call import CallRecord
from ivr.core.promises import NoSuchPromise, Promise, kept, moved, stepped, told
from ivr.core.voicemail import AudioState, TextState, Voicemail
from ivr.core.words import PromiseId, QueueName, VoicemailId
from ivr.store import schema
from ivr.store.session import SqlRecords, open_engine, open_records
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.store.test_calls import at_once

HOUR = timedelta(hours=1)


@pytest.fixture
def promise(records: SqlRecords, call: CallRecord) -> Promise:
    made = Promise(PromiseId("p"), "callback", call.customer, call.id, START, START + 10 * HOUR, "Europe/Rome", "sales")
    with records.write() as tx:
        tx.promises.make(made)
    return made


def test_a_promise_comes_back_whole_at_every_stage(records: SqlRecords, promise: Promise) -> None:
    stages = [
        lambda it: stepped(it, START + 9 * HOUR),
        lambda it: stepped(it, START + 11 * HOUR),
        lambda it: moved(it, START + 20 * HOUR, "ill", START + 11 * HOUR),
        lambda it: told(it, START + 12 * HOUR),
        lambda it: kept(it, "called", START + 13 * HOUR),
    ]
    for number, stage in enumerate(stages):
        with records.write() as tx:
            before = tx.promises.get(promise.id)
            assert before.version == number
            assert tx.promises.change(stage(before))
            assert tx.promises.get(promise.id) == replace(stage(before), version=number + 1)
    with records.read() as tx, pytest.raises(NoSuchPromise):
        tx.promises.get(PromiseId("nothing"))


def test_of_two_who_change_it_at_once_one_is_told_so(records: SqlRecords, promise: Promise) -> None:
    def change(n: int) -> bool:
        with records.write() as tx:
            return tx.promises.change(kept(promise, f"number {n}", START + n * HOUR))

    assert sorted(at_once(4, change)) == [False, False, False, True]


def test_the_sweep_finds_what_is_due_for_a_look(records: SqlRecords, promise: Promise) -> None:
    with records.write() as tx:
        sooner = replace(promise, id=PromiseId("q"), due_at=START + HOUR, owner="anna")
        tx.promises.make(sooner)
        tx.promises.make(replace(kept(promise, None, START), id=PromiseId("r")))
        assert tx.promises.to_look_at(START, 10) == []
        assert tx.promises.to_look_at(START + HOUR, 10) == [sooner]
        assert tx.promises.to_look_at(START + 9 * HOUR, 10) == [sooner, promise]
        assert tx.promises.to_look_at(START + 9 * HOUR, 1) == [sooner]
        assert tx.promises.open() == [sooner, promise]
        assert tx.promises.open("anna") == [sooner]


def test_what_fell_due_in_a_while_goes_by_the_first_time_missed(records: SqlRecords, promise: Promise) -> None:
    with records.write() as tx:
        later = told(
            moved(replace(promise, id=PromiseId("q")), START + 99 * HOUR, "x", START + 11 * HOUR), START + 11 * HOUR
        )
        tx.promises.make(later)
        assert later.missed_at == promise.due_at
        assert {each.id for each in tx.promises.due_between(START, START + 11 * HOUR)} == {"p", "q"}
        assert tx.promises.due_between(START, promise.due_at) == []
        assert tx.promises.due_between(START + 11 * HOUR, START + 100 * HOUR) == []


def test_a_message_is_answered_once(records: SqlRecords, call: CallRecord) -> None:
    message = Voicemail(
        VoicemailId("vm"),
        call.id,
        call.customer,
        QueueName("sales"),
        "RE1",
        "u",
        START,
        AudioState.KEPT,
        TextState.READ,
    )
    with records.write() as tx:
        tx.voicemails.take(message)
        tx.voicemails.take(replace(message, id=VoicemailId("vm2"), recording="RE2", taken_at=START + HOUR))
        assert [each.id for each in tx.voicemails.unanswered(10)] == ["vm", "vm2"]
        assert tx.voicemails.answered(message.id, "anna", START + HOUR)
        assert not tx.voicemails.answered(message.id, "bruno", START + 2 * HOUR)
        assert not tx.voicemails.answered(VoicemailId("nothing"), "anna", START)
        assert tx.voicemails.get(message.id) == replace(message, answered_at=START + HOUR, answered_by="anna")
        assert [each.id for each in tx.voicemails.unanswered(10)] == ["vm2"]
        assert [each.id for each in tx.voicemails.recent(10)] == ["vm2", "vm"]
        assert [each.id for each in tx.voicemails.recent(1)] == ["vm2"]


def test_promises_of_the_first_schema_are_looked_at_after_the_upgrade(empty_database: str, clock: SetClock) -> None:
    engine = open_engine(empty_database)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        from alembic import command

        command.upgrade(schema._config(connection), "0001")
        connection.exec_driver_sql("COMMIT")
        insert_old(connection)
    engine.dispose()
    assert schema.upgrade(empty_database) == ("0001", schema.newest())
    records = open_records(empty_database, clock)
    with records.read() as tx:
        (found,) = tx.promises.to_look_at(START, 10)
        assert (found.id, found.version, found.moves) == ("old", 0, 0)
        assert len(tx.promises.open()) == 1
    records.close()


def insert_old(connection: object) -> None:
    """Rows as the first schema had them: one promise open, one kept."""
    at = START.isoformat(timespec="microseconds")
    execute = connection.execute  # type: ignore[attr-defined]
    execute(
        text("INSERT INTO customers (id, kind, slow) VALUES (:id, 'customer', false)"),
        {"id": MARIA.id},
    )
    for name, state in (("old", "open"), ("done", "kept")):
        execute(
            text(
                "INSERT INTO promises (id, what, customer_id, made_at, due_at, zone, owner, state) "
                "VALUES (:id, 'callback', :customer, :at, :at, 'UTC', 'sales', :state)"
            ),
            {"id": name, "customer": CALL.customer, "at": at, "state": state},
        )
