"""Redis is wiped: the floor is built anew out of SQL, once, and everybody is served in the order in which they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis

from bench.queue_line import LINE, write_flows
from ivr.core.errors import FloorBeingBuilt
from ivr.core.routing.decide import Rules
from ivr.core.ticket import TicketState
from ivr.live.floor import RedisFloor
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.floor import FloorSnapshot
from ivr.switchboard.queue.standing_floor import StandingFloor
from ivr.testing.floors import redis_for_a_world
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world
from tests.databases import START, SetClock, clock, database, postgresql, records  # noqa: F401

MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
CALLERS = 200


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(MORNING, write_flows(tmp_path / "flows"), None, seed=1) as opened:
        yield opened


@pytest.fixture
def floor_redis() -> Iterator[redis.Redis]:
    with redis_for_a_world() as client:
        yield client


def offered(world: World) -> list[str]:
    """Whom agents were rung for, in the order of the claims: of every offer the caller's number."""
    with world.records.read() as tx:
        places = [*tx.tickets.ended_between(MORNING, MORNING + timedelta(days=1)), *tx.tickets.live()]
        claims = [(claim.fence, place) for place in places for claim in tx.claims.of_ticket(place.ticket.id)]
        claims.sort(key=lambda claim: claim[0])
        return [str(tx.calls.at(place.ticket.call).caller) for _, place in claims if place.ticket.call is not None]


def waiting(world: World) -> int:
    with world.records.read() as tx:
        return sum(place.ticket.state is TicketState.IN_LINE for place in tx.tickets.live())


@pytest.mark.timeout(300)  # ten seconds where nothing else is done
def test_wiped_while_two_hundred_wait_everybody_is_answered_in_the_order_they_came(world: World) -> None:
    callers = [f"+39333{7 * n % CALLERS:07}" for n in range(CALLERS)]  # not in the order of their numbers
    for caller in callers:
        world.telephones.dial(caller, LINE)
        world.telephones.wait(0.5)
    world.telephones.wait(5)
    assert waiting(world) == CALLERS
    work(world, "anna")
    world.telephones.wait(60)
    assert 2 <= len(offered(world)) < 20
    world.floor.flushdb()  # anna talks, or wraps up
    for n in range(25):
        work(world, f"agent-{n}")
    world.floor.flushdb()  # they are rung
    world.telephones.wait(60)
    assert 40 < len(offered(world)) < CALLERS
    world.floor.flushdb()  # they talk
    for _ in range(40):
        world.telephones.wait(15)
        if waiting(world) == 0:
            break
    assert offered(world) == callers  # one offer each, in the order in which they came
    world.telephones.wait(30)
    with world.records.read() as tx:
        assert tx.floor.epoch() == 4
        assert all(place.taken_at is not None for place in tx.tickets.live())


def work(world: World, name: str) -> None:
    """Somebody answers at once, and talks for a while."""
    world.sign_in(
        OnDuty(name, address=f"sip:{name}@line.example", answers_after=timedelta(0), talks=timedelta(seconds=10))
    )


def test_of_many_who_find_the_floor_lost_one_builds_it(
    records: SqlRecords,  # noqa: F811
    clock: SetClock,  # noqa: F811
    floor_redis: redis.Redis,
) -> None:
    processes = [StandingFloor(records, RedisFloor(floor_redis, Rules()), clock) for _ in range(2)]
    for epoch in (1, 2):
        together, seen = threading.Barrier(8), list[FloorSnapshot]()

        def ask(floor: StandingFloor, together: threading.Barrier = together) -> None:
            together.wait()
            while True:
                try:
                    seen.append(floor.ask(lambda floor: floor.snapshot(START)))  # noqa: B023
                except FloorBeingBuilt:
                    time.sleep(0.01)  # as a worker, which has other things to do
                else:
                    return

        threads = [threading.Thread(target=ask, args=(processes[n % 2],)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 8
        with records.read() as tx:
            assert tx.floor.epoch() == epoch
        floor_redis.flushdb()
