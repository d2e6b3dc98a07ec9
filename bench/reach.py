"""`reach`: how long until the customer's phone is told to join, once an agent is free, with 500 callers waiting.

Real processes and real time: the exchange, web, worker and Redis of a whole line. Free is what the record says: the
talk ended, or, where there is one, the wrap-up was over. Told to join is when the exchange takes the redirect of the
customer's leg. In between lie the match, the dial, the whisper that the agent's phone asks for, and the key; people
cost nothing, since the phones answer and press 1 at once. The peer is the aim.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench import Emit, Entry
from bench.queue_line import LINE, QueueLine, crew, queue_line
from ivr.core.routing.wait_estimate import percentile
from ivr.store.tables import agent_states, calls, claims, tickets

AIM = 300.0
CALLERS, AGENTS = 500, 10
TALKS = 5.0
WRAP_UPS = (timedelta(), timedelta(seconds=2))
"""Agents have them in turn: half are free when the talk ends, half when the wrap-up does."""

SAMPLES = 200
AT_ONCE = 25
"""Callers a second who begin to ring, until all wait."""


@dataclass(frozen=True)
class Reached:
    """One agent who became free; the milliseconds to each step of what followed."""

    rings: float
    presses: float
    told: float


def run(emit: Emit) -> None:
    """Measure on SQLite."""
    with tempfile.TemporaryDirectory() as name, queue_line(Path(name), None, crew(AGENTS, WRAP_UPS), TALKS) as line:
        reached = measured(line, SAMPLES)
    told = sorted(one.told for one in reached)
    rings, presses = (sorted(times) for times in zip(*((one.rings, one.presses) for one in reached), strict=True))
    note = (
        f"SQLite, {len(told)} agents who became free while {CALLERS} waited; to the ring of the agent's phone"
        f" {percentile(rings, 0.5):.0f} ms, to its key {percentile(presses, 0.5):.0f} ms (medians);"
        f" load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    for name, share, aim in (("p50", 0.5, None), ("p99", 0.99, 1.0)):
        value = percentile(told, share)
        emit(Entry(f"reach.{name}", round(value), "ms", "the aim", AIM, round(AIM / value, 3), aim, note))


def measured(line: QueueLine, samples: int) -> list[Reached]:
    """Let everybody wait, let the agents work, and see how long each was free."""
    callers = _callers(line)
    _until(lambda: line.waiting() >= CALLERS, 180, callers)
    for n in range(AGENTS):
        line.begin_work(f"agent-{n}")
    patience = 60 + 3 * samples * TALKS / AGENTS
    _until(lambda: _taken(line) >= samples + AGENTS and len(_reached(line)) >= samples, patience, callers)
    return _reached(line)[:samples]


def _callers(line: QueueLine) -> Callable[[], None]:
    """Fills the line up to what it should be: who has been served is followed by somebody new."""
    numbers = iter(range(10**7))

    def dial() -> None:
        for _ in range(min(CALLERS - line.waiting(), AT_ONCE)):
            line.telephones.dial(f"+39333{next(numbers):07}", LINE)

    return dial


def _until(holds: Callable[[], bool], seconds: float, meanwhile: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"it did not come about in {seconds:.0f} s")
        meanwhile()
        time.sleep(1)


def _taken(line: QueueLine) -> int:
    """How many claims were accepted: little work, since what asks runs beside what is measured."""
    with line.office.records.engine.connect() as connection:
        query = select(func.count()).select_from(claims).where(claims.c.accepted_at.is_not(None))
        return int(connection.execute(query).scalar_one())


def _reached(line: QueueLine) -> list[Reached]:
    """Every claim of an agent who had been free of a talk since: what happened to it, in the order of the claims."""
    notes = line.notes()
    told = {(note["sid"]): note for note in reversed(notes) if note["what"] == "redirects"}
    found = []
    for agent, free, made, sid in _claims(line):
        rings, presses = (_first(notes, what, f"sip:{agent}@bench.invalid", made) for what in ("rings", "presses"))
        if sid in told and rings is not None and presses is not None:
            times = (float(at) - free.timestamp() for at in (rings, presses, told[sid]["at"]))
            found.append(Reached(*(1000 * seconds for seconds in times)))
    return found


def _first(notes: list[dict[str, str]], what: str, agent: str, since: datetime) -> float | None:
    at = (float(note["at"]) for note in notes if note["what"] == what and note["agent"] == agent)
    return next((moment for moment in at if moment >= since.timestamp()), None)


def _claims(line: QueueLine) -> Iterator[tuple[str, datetime, datetime, str]]:
    """Of every claim that an agent accepted after a talk: who, free since, made at, the customer's call."""
    wrap_ups = {agent.name: agent.wrap_up or timedelta() for agent in crew(AGENTS, WRAP_UPS)}
    ended = select(agent_states.c.agent, agent_states.c.at).where(agent_states.c.value == "wrap_up")
    made = (
        select(claims.c.agent, claims.c.made_at, calls.c.sid)
        .join(tickets, tickets.c.id == claims.c.ticket_id)
        .join(calls, calls.c.id == tickets.c.call_id)
        .where(claims.c.accepted_at.is_not(None))
        .order_by(claims.c.made_at)
    )
    with line.office.records.engine.connect() as connection:
        talks = connection.execute(ended).all()
        for claim in connection.execute(made).all():
            since = [talk.at for talk in talks if talk.agent == claim.agent and talk.at <= claim.made_at]
            if since:
                yield claim.agent, max(since) + wrap_ups[claim.agent], claim.made_at, claim.sid
