"""Two workers tend the same floor at the same moment: every caller is offered once, every phone is rung once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select
from twilio.http.response import Response

from bench.queue_line import crew, write_flows
from ivr import wiring
from ivr.core.agent import Wish
from ivr.core.errors import RecordsUnavailable
from ivr.store.tables import claims, legs
from ivr.switchboard.record import agents as roster
from ivr.testing.floors import redis_for_a_world
from ivr.worker.later import SweepOnly
from ivr.world.ids import Chance
from tests.databases import empty_database, postgresql  # noqa: F401
from tests.line import TestLine, open_line

CALLERS, AGENTS = 20, 12


class Dialled:
    """A carrier that takes every call on, slowly enough for somebody else to come between."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    def request(self, method: str, url: str, *given: Any, data: Any = None, **more: Any) -> Response:
        del method, url, given, more
        with self._lock:
            self.asked.append(data)
            sid = f"CA{len(self.asked):032x}"
        return Response(201, json.dumps({"sid": sid, "status": "queued"}))


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: str) -> Iterator[TestLine]:  # noqa: F811
    """Callers who are in the queue as soon as they ring, and agents who are at work."""
    monkeypatch.setattr("tests.line.FLOWS", write_flows(tmp_path / "flows"))
    opened = open_line(tmp_path, empty_database)
    for n in range(CALLERS):
        opened.ring(f"CA{n:032}", f"+39333{n:07}")
        opened.clock.passes(1)
    with opened.office.records.write() as tx:
        roster.load(tx, crew(AGENTS, [None]), opened.clock.at)
        for agent in tx.agents.all():
            roster.wish(tx, agent.record.name, Wish.AVAILABLE, "begins", opened.clock.at)
    yield opened
    opened.office.records.close()


def in_its_turn(look: Callable[[], object], rounds: int = 30) -> None:
    """As a sweep does: who waits in vain for the record, on a busy machine, looks again at the next round."""
    for left in reversed(range(rounds)):
        try:
            look()
            return
        except RecordsUnavailable:
            if not left:
                raise


@pytest.fixture
def floor() -> Iterator[redis.Redis]:
    with redis_for_a_world() as client:
        yield client


def test_two_workers_at_once_ring_every_agent_once_and_offer_every_caller_once(
    line: TestLine, floor: redis.Redis
) -> None:
    carrier: Any = Dialled()
    offices = [
        wiring.open_office(
            line.office.settings, SweepOnly(), line.clock, Chance(line.clock, seed), carrier, redis=floor
        )
        for seed in (2, 3)
    ]
    together, trouble = threading.Barrier(4), list[Exception]()

    def sweep(office: wiring.Office) -> None:
        together.wait()
        try:
            for look in (office.queueing.tend, office.queueing.compare, office.queueing.rest, office.queueing.tend):
                in_its_turn(look)
        except Exception as error:  # noqa: BLE001 (told to the test, which has none to spare)
            trouble.append(error)

    threads = [threading.Thread(target=sweep, args=(office,)) for office in offices * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    with line.office.records.engine.connect() as connection:
        offered = connection.execute(select(claims.c.ticket_id, claims.c.agent, claims.c.ended_at)).all()
        states = [row.state for row in connection.execute(select(legs.c.state)).all()]
    standing = [claim for claim in offered if claim.ended_at is None]
    assert len(standing) == len({claim.ticket_id for claim in standing}) == AGENTS
    assert len({claim.agent for claim in standing}) == AGENTS
    assert Counter(asked["To"] for asked in carrier.asked) == Counter(
        agent.address.at for agent in crew(AGENTS, [None])
    )
    assert states == ["dialled"] * AGENTS
    with line.office.records.read() as tx:
        came = [place.ticket.id for place in tx.tickets.live()]
    assert {claim.ticket_id for claim in standing} == set(came[:AGENTS])  # who came first
    for office in offices:
        office.records.close()
