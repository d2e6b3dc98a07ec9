"""Agents on record, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from ivr.core.agent import AgentEvent, SystemState, Wish, happened, wishes
from ivr.core.roster import Address, AddressKind, AgentRecord, NoSuchAgent, first_status
from ivr.core.words import AgentId, QueueName
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.queue import AgentOnRecord
from tests.databases import START
from tests.store.test_calls import at_once

MINUTE = timedelta(minutes=1)
ANNA = AgentRecord(
    AgentId("anna"),
    (QueueName("sales"), QueueName("complaints")),
    Address(AddressKind.PHONE, "+390212345601"),
    {"orders": 4, "english": 2},
    timedelta(seconds=45),
)
BRUNO = AgentRecord(AgentId("bruno"), (QueueName("sales"),), Address(AddressKind.BROWSER, "bruno"), rank=1)


@pytest.fixture
def anna(records: SqlRecords) -> AgentOnRecord:
    with records.write() as tx:
        tx.agents.put(ANNA, START)
        return tx.agents.get(ANNA.name)


def test_an_agent_comes_back_whole(records: SqlRecords, anna: AgentOnRecord) -> None:
    assert anna == AgentOnRecord(ANNA, first_status(ANNA.name, START), 0)
    with records.write() as tx:
        tx.agents.put(BRUNO, START)
        assert [each.record for each in tx.agents.all()] == [ANNA, BRUNO]
        with pytest.raises(NoSuchAgent, match="'zoe'"):
            tx.agents.get(AgentId("zoe"))


def test_wish_and_state_are_kept_with_cause_and_time_and_logged(records: SqlRecords, anna: AgentOnRecord) -> None:
    steps = [
        wishes(anna.status, Wish.AVAILABLE, "began", START + MINUTE),
    ]
    steps.append(happened(steps[-1], AgentEvent.CLAIMED, "ticket t", START + 2 * MINUTE, offer=7))
    steps.append(happened(steps[-1], AgentEvent.ACCEPTED, "pressed 1", START + 3 * MINUTE))
    steps.append(wishes(steps[-1], Wish.BREAK, "lunch", START + 4 * MINUTE))
    steps.append(happened(steps[-1], AgentEvent.TALK_ENDED, "hung up", START + 5 * MINUTE, wrap_up=MINUTE))
    for version, status in enumerate(steps):
        with records.write() as tx:
            assert tx.agents.change(status, version)
            assert tx.agents.get(ANNA.name) == AgentOnRecord(ANNA, status, version + 1)
    with records.read() as tx:
        told = [(each.what, each.value, each.because) for each in reversed(tx.agents.history(ANNA.name, 50))]
        assert tx.agents.history(ANNA.name, 1)[0].at == START + 5 * MINUTE
    assert told == [
        ("wish", "off", "put on record"),
        ("state", "idle", "put on record"),
        ("wish", "available", "began"),
        ("state", "claimed", "ticket t"),
        ("state", "talking", "pressed 1"),
        ("wish", "break", "lunch"),
        ("state", "wrap_up", "hung up"),
    ]


def test_of_two_who_change_an_agent_at_once_one_is_told_so(records: SqlRecords, anna: AgentOnRecord) -> None:
    def claim(n: int) -> bool:
        with records.write() as tx:
            status = happened(anna.status, AgentEvent.CLAIMED, f"ticket {n}", START + MINUTE)
            return tx.agents.change(status, anna.version)

    assert sorted(at_once(4, claim)) == [False, False, False, True]
    with records.read() as tx:
        assert [each.value for each in tx.agents.history(ANNA.name, 50)] == ["claimed", "idle", "off"]


def test_who_they_are_changes_and_what_they_do_stays(records: SqlRecords, anna: AgentOnRecord) -> None:
    status = wishes(anna.status, Wish.AVAILABLE, "began", START + MINUTE)
    moved = replace(ANNA, address=Address(AddressKind.SIP, "sip:anna@pbx.example"), wrap_up=None)
    with records.write() as tx:
        tx.agents.change(status, 0)
        tx.agents.put(moved, START + 2 * MINUTE)
        assert tx.agents.get(ANNA.name) == AgentOnRecord(moved, status, 2)
        assert not tx.agents.change(status, 1)


def test_one_who_is_taken_off_is_gone_and_may_come_back_anew(records: SqlRecords, anna: AgentOnRecord) -> None:
    with records.write() as tx:
        assert not tx.agents.remove(ANNA.name, 5, START)
        assert tx.agents.remove(ANNA.name, 0, START + MINUTE)
        assert tx.agents.all() == []
        with pytest.raises(NoSuchAgent):
            tx.agents.get(ANNA.name)
        assert not tx.agents.change(anna.status, 1)
        assert tx.agents.history(ANNA.name, 1)[0].because == "taken off the record"
        tx.agents.put(ANNA, START + 2 * MINUTE)
        back = tx.agents.get(ANNA.name)
        assert (back.status.wish, back.status.state) == (Wish.OFF, SystemState.IDLE)


@pytest.mark.parametrize("change", ["UPDATE agent_states SET value = 'idle'", "DELETE FROM agent_states"])
def test_the_log_of_an_agent_is_only_added_to(records: SqlRecords, anna: AgentOnRecord, change: str) -> None:
    with records.engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.exec_driver_sql(change)


def test_the_edition_grows_with_every_change_and_only_then(records: SqlRecords, anna: AgentOnRecord) -> None:
    editions: list[int] = []
    with records.write() as tx:

        def look() -> None:
            editions.append(tx.agents.edition())

        look()
        tx.agents.put(BRUNO, START)
        look()
        assert tx.agents.change(wishes(anna.status, Wish.AVAILABLE, "began", START), 0)
        look()
        tx.agents.put(replace(ANNA, skills={"orders": 5}), START)
        look()
        assert tx.agents.remove(BRUNO.name, 0, START)
        look()
        tx.agents.put(BRUNO, START)
        look()
        assert editions == sorted(set(editions))
        assert not tx.agents.change(anna.status, 0)
        assert tx.agents.edition() == editions[-1]


def test_who_wraps_up_is_known_with_the_time_of_its_end(records: SqlRecords, anna: AgentOnRecord) -> None:
    with records.write() as tx:
        tx.agents.put(BRUNO, START)
        assert tx.agents.resting() == {}
        for name, minutes in ((BRUNO.name, 2), (ANNA.name, 1)):
            status = first_status(name, START)
            for event in (AgentEvent.CLAIMED, AgentEvent.ACCEPTED, AgentEvent.TALK_ENDED):
                status = happened(status, event, "as it goes", START, wrap_up=minutes * MINUTE)
            assert tx.agents.change(status, 0)
        assert list(tx.agents.resting().items()) == [(ANNA.name, START + MINUTE), (BRUNO.name, START + 2 * MINUTE)]
        assert tx.agents.remove(ANNA.name, 1, START)
        assert list(tx.agents.resting()) == [BRUNO.name]
