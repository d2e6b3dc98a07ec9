"""Processes are killed while calls wait, ring and talk: the line goes on, in order, and nothing is done twice."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench.queue_line import LINE, QueueLine, crew, queue_line
from ivr.cli.serve import is_up
from ivr.live.server import answers
from ivr.store.tables import call_events, claims, legs, tickets
from tests.databases import empty_database, postgresql  # noqa: F401

WITHIN = 10.0
"""Seconds, from when what died is there again, until the line goes on."""

STARTS = 40.0
"""Seconds that a process may take to start on a machine that has other things to do."""


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def kill(line: QueueLine, name: str) -> None:
    """With all its own: the web server's worker would serve on without its master for a while."""
    pid = line.supervisor.pids()[name]
    os.killpg(pid, signal.SIGKILL)
    assert eventually(lambda: line.supervisor.pids().get(name, pid) != pid, STARTS)


def ready(line: QueueLine) -> int:
    """How often a worker has said that it is ready."""
    return (line.office.settings.var_dir / "log" / "worker.log").read_text().count("worker.ready")


def kill_worker(line: QueueLine) -> None:
    before = ready(line)
    kill(line, "worker")
    assert eventually(lambda: ready(line) > before, STARTS)


def kill_web(line: QueueLine) -> None:
    kill(line, "web")
    assert eventually(lambda: is_up(line.office.settings.web_port), STARTS)


def wipe_redis(line: QueueLine) -> None:
    """Its folder goes with it."""
    pid = line.redis.pid
    assert pid is not None
    shutil.rmtree(line.redis.folder)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: line.redis.pid != pid and answers(line.redis.socket), STARTS)


def talks(line: QueueLine) -> int:
    return sum(note["what"] == "talks" for note in line.notes())


def goes_on(line: QueueLine) -> None:
    """Two more are put through: one might have been under way."""
    before = talks(line)
    assert eventually(lambda: talks(line) >= before + 2, WITHIN), f"{talks(line) - before} talks began"


def dial(line: QueueLine, numbers: range) -> None:
    for n in numbers:
        line.telephones.dial(f"+39333{n:07}", LINE)
        assert eventually(lambda n=n: on_record(line) > n, STARTS)  # type: ignore[misc]


def on_record(line: QueueLine) -> int:
    return len(rows(line, select(tickets.c.id)))


def rows(line: QueueLine, query: object) -> list[tuple[object, ...]]:
    with line.office.records.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query).all()]  # type: ignore[call-overload]


CALLERS, TALKS = 20, 1.5


@pytest.mark.timeout(300)  # some ten processes are started, each of which may take long on a busy machine
def test_whatever_is_killed_the_line_goes_on_and_nothing_is_done_twice(tmp_path: Path, empty_database: str) -> None:  # noqa: F811
    agents = crew(3, (timedelta(seconds=0.5),))
    with queue_line(tmp_path / "line", empty_database, agents, TALKS, at_work=True) as line:
        dial(line, range(CALLERS))
        assert eventually(lambda: ready(line) > 0, STARTS)
        goes_on(line)
        kill_worker(line)
        goes_on(line)
        wipe_redis(line)
        goes_on(line)
        kill_web(line)
        goes_on(line)
        nothing_was_done_twice(line)
        in_order(line)


def nothing_was_done_twice(line: QueueLine) -> None:
    notes = line.notes()
    rang = Counter(note["sid"] for note in notes if note["what"] == "rings")
    dialled = {str(sid) for (sid,) in rows(line, select(legs.c.sid).where(legs.c.sid.is_not(None)))}
    assert set(rang.values()) == {1}
    assert set(rang) <= dialled  # no phone of an agent rang that the record does not know: one dial a claim
    of_claims = rows(line, select(legs.c.token, legs.c.agent))
    assert len(of_claims) == len(set(of_claims))
    taken = rows(line, select(claims.c.ticket_id).where(claims.c.accepted_at.is_not(None)))
    assert len(taken) == len(set(taken))  # one agent a ticket
    joined = Counter(rows(line, select(call_events.c.call_id).where(call_events.c.kind == "agent.joined")))
    assert set(joined.values()) == {1}


def in_order(line: QueueLine) -> None:
    """By the first claim of each ticket: who came first was offered first."""
    made = rows(
        line,
        select(tickets.c.arrived_at)
        .join(claims, claims.c.ticket_id == tickets.c.id)
        .group_by(tickets.c.id, tickets.c.arrived_at)
        .order_by(func.min(claims.c.fence)),
    )
    assert len(made) > 5
    assert made == sorted(made)
