"""Four workers race for sixty callers and twenty agents over one Redis and one PostgreSQL, and one of them is killed:
every caller is answered once, by one agent at a time, and nobody is dialled twice.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import redis
from sqlalchemy import text
from twilio.http.response import Response

from ivr import config, wiring
from ivr.core.agent import SystemState, Wish
from ivr.core.call import CarrierKey
from ivr.core.errors import ChangedMeanwhile
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, PhoneNumber, QueueName, TicketId
from ivr.flowfiles.shelf import publish_folder
from ivr.live.floor import connect
from ivr.live.server import EmbeddedRedis
from ivr.switchboard.record import agents
from ivr.testing.world import NoTranscriber
from ivr.worker.actors import JOBS
from ivr.world.clock import SystemClock
from tests.databases import PostgreSQL, postgresql  # noqa: F401
from tests.switchboard.queue_world import (
    ACCOUNT,
    DESKS,
    TROUBLE,
    URL,
    Carrier,
    Faults,
    Phone,
    QueueWorld,
    Webhook,
    flows,
)

CALLERS, CREW, WORKERS, PATIENCE = 60, 20, 4, 200.0
LOOKS, COMPARES = 2.0, 5.0
"""Seconds between two sweeps, and between two comparisons, of a worker here: as in an installation, and sooner."""


class RedisHints:
    """Hints in a list of Redis, for whichever worker takes them first."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def __getattr__(self, job: str) -> Any:
        return lambda about="": self._redis.rpush("hints", json.dumps([job, about]))


def office(database: str, redis_url: str, carrier: str, client: redis.Redis) -> wiring.Office:
    settings = replace(
        config.load({"IVR_PUBLIC_URL": URL, "IVR_SECRET_KEY": "race", "IVR_CARRIER_API_URL": carrier}, dotenv=None),
        database_url=database,
        redis_url=redis_url,
        flows_dir=flows(),
    )
    return wiring.open_office(settings, RedisHints(client), redis=client)  # type: ignore[arg-type]


def works(database: str, redis_url: str, carrier: str) -> None:
    """A worker, until it is told to stop or is killed: hints as they come, and sweeps."""
    client = connect(redis_url)
    line = office(database, redis_url, carrier, client)
    work = wiring.work(line, NoTranscriber())
    looked = compared = 0.0
    while not client.exists("stop"):
        given: Any = client.blpop(["hints"], 0.1)
        try:
            if given is not None:
                job, about = json.loads(given[1])
                if job in JOBS:
                    JOBS[job](work, about)
            if time.monotonic() - looked > LOOKS:
                looked = time.monotonic()
                work.tend_floor()
            if time.monotonic() - compared > COMPARES:
                compared = time.monotonic()
                work.compare_floor()
        except (*TROUBLE, ChangedMeanwhile) as trouble:  # as the rim of a worker: the next round finds it again
            client.rpush("troubles", type(trouble).__name__)
    line.records.close()
    client.close()


class SharedCarrier(Carrier):
    """Asked by the workers on a server's threads, while people use their phones on ours."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), Faults())
        self.lock = threading.RLock()

    def request(self, *args: Any, **asked: Any) -> Response:
        with self.lock:
            return super().request(*args, **asked)

    def reads(self, *said: Any) -> None:
        with self.lock:
            super().reads(*said)


@contextmanager
def served(carrier: SharedCarrier) -> Iterator[str]:
    """The carrier's REST API on a port; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            answer = carrier.request("POST", self.path, data=dict(parse_qsl(body)))
            self._say(answer.status_code, answer.text)

        def do_GET(self) -> None:
            answer = carrier.request("GET", self.path, params=dict(parse_qsl(urlsplit(self.path).query)))
            self._say(answer.status_code, answer.text)

        def _say(self, status: int, said: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Race(QueueWorld):
    """The web process and the people, while the workers race; the clock is the world's own."""

    def __init__(self, line: wiring.Office, carrier: SharedCarrier, seed: int) -> None:
        self.office, self.carrier, self.lock = line, carrier, carrier.lock
        self.clock, self.faults = SystemClock(), Faults()  # type: ignore[assignment]
        self.chance = random.Random(seed)

    def rings(self, number: str, called: str) -> Phone:
        with self.lock:
            phone = self.carrier.rings(number, called)
        answer = self.office.doors.ring(
            CarrierKey("twilio", ACCOUNT, phone.sid), PhoneNumber(number), PhoneNumber(called), "ring"
        )
        phone.ours = answer.call
        self.carrier.reads(phone, Webhook("turn", phone, "", "", document=0), answer.turn, answer.says)
        return phone

    def something_happens(self) -> None:
        """A webhook arrives, in any order and sometimes twice; or one of the phones goes on."""
        with self.lock:
            waiting = self.carrier.webhooks
            webhook = waiting.pop(self.chance.randrange(min(len(waiting), 4))) if waiting else None
        if webhook is not None:
            self.deliver(webhook)
            if self.chance.random() < 0.1:
                self.repeat(webhook)
            return
        with self.lock:
            up = [phone for phone in self.carrier.phones.values() if phone.is_agents and phone.is_up]
            together = Counter(phone.room for phone in self.carrier.phones.values() if phone.place == "room")
            able = [phone for phone in up if phone.place != "waits" and not (phone.room and together[phone.room] < 2)]
            if able:
                self._goes_on(self.chance.choice(able))
        if not able:
            time.sleep(0.01)

    def _goes_on(self, phone: Phone) -> None:
        match phone.place:
            case "ringing" if self.chance.random() < 0.9:
                self.carrier.answers(phone)
            case "ringing":
                self.carrier.hangs_up(phone, "busy")
            case "asked":
                self.carrier.presses(phone, "1" if self.chance.random() < 0.9 else "2")
            case "room":
                self.carrier.hangs_up(phone)


def crew() -> list[AgentRecord]:
    queues = (QueueName("orders"), QueueName("repairs"))
    return [
        AgentRecord(
            AgentId(f"a{n:02}"),
            queues if n % 3 else queues[:1],
            Address(AddressKind.BROWSER, f"a{n:02}"),
            {"it": 3},
            timedelta(),
        )
        for n in range(CREW)
    ]


@pytest.mark.timeout(300)  # ten seconds on a machine that has nothing else to do
def test_every_caller_is_answered_once_while_workers_race_and_one_is_killed(
    postgresql: PostgreSQL,  # noqa: F811
    tmp_path: Path,
) -> None:
    database, server = postgresql.ready(), EmbeddedRedis(tmp_path / "redis")
    redis_url, carrier = server.start(), SharedCarrier()
    client = connect(redis_url)
    context = multiprocessing.get_context("spawn")
    with served(carrier) as address:
        line = office(database, redis_url, address, client)
        race = Race(line, carrier, seed=7)
        publish_folder(flows(), line.records, "test", "opened", race.clock.now())
        with line.records.write() as tx:
            for record in crew():
                tx.agents.put(record, race.clock.now())
                agents.wish(tx, record.name, Wish.AVAILABLE, None, race.clock.now())
        started = [context.Process(target=works, args=(database, redis_url, address)) for _ in range(WORKERS)]
        for process in started:
            process.start()
        killed = False
        try:
            callers = [race.rings(f"+3906123456{n:02}", sorted(DESKS)[n % 4 == 0]) for n in range(CALLERS)]
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and sum(ended(race, callers)) < CALLERS:
                for _ in range(60):
                    race.something_happens()
                if not killed and sum(not caller.is_up for caller in callers) > CALLERS // 6:
                    pid, killed = started[0].pid, True
                    assert pid is not None
                    os.kill(pid, signal.SIGKILL)
                    started.append(context.Process(target=works, args=(database, redis_url, address)))
                    started[-1].start()
                still_sound(race)
                back_to_work(race)
        finally:
            client.set("stop", 1)
            for process in started:
                process.join(60)
        print(summary(race), Counter(client.lrange("troubles", 0, -1)), client.llen("hints"))
        assert killed
        assert [process.exitcode for process in started] == [-signal.SIGKILL, *[0] * WORKERS]
        everybody_was_answered_once(race, callers)
    line.records.close()
    client.close()
    server.stop()
    postgresql.drop(database)


def summary(race: Race) -> str:
    """Where everything stands, without anybody's number: for when it fails."""
    asked = (
        "SELECT state, count(*) FROM tickets GROUP BY 1",
        "SELECT state, how, count(*) FROM claims GROUP BY 1, 2",
        "SELECT wish, state, count(*) FROM agents GROUP BY 1, 2",
        "SELECT state, unwanted, count(*) FROM legs GROUP BY 1, 2",
    )
    with race.office.records.engine.connect() as connection:
        found = [str([tuple(row) for row in connection.execute(text(query))]) for query in asked]
    phones = Counter((phone.is_agents, phone.place) for phone in race.carrier.phones.values())
    return "\n".join((*found, str(phones), f"{len(race.carrier.webhooks)} webhooks wait"))


def ended(race: Race, callers: list[Phone]) -> list[bool]:
    return [not caller.is_up for caller in callers]


def back_to_work(race: Race) -> None:
    """Whoever missed two calls says that they are there again."""
    with race.office.records.read() as tx:
        lost = [each.record.name for each in tx.agents.all() if each.status.state is SystemState.UNREACHABLE]
    for name in lost:
        with race.office.records.write() as tx:
            agents.wish(tx, name, Wish.AVAILABLE, None, race.clock.now())
        race.office.later.match()


def still_sound(race: Race) -> None:
    """As one transaction sees it: one live claim an agent, one token a ticket, and states that say the same."""
    with race.office.records.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT a.name, a.state, c.token, c.ticket_id, c.state AS claim, t.state AS ticket FROM agents a"
                " FULL JOIN (SELECT * FROM claims WHERE ended_at IS NULL) c ON c.agent = a.name"
                " LEFT JOIN tickets t ON t.id = c.ticket_id"
                " WHERE c.token IS NOT NULL OR a.state IN ('claimed', 'ringing', 'talking')"
            )
        ).all()
    assert all(row.token is not None and row.name is not None for row in rows), rows
    assert all(count == 1 for count in Counter(row.name for row in rows).values()), rows
    tokens = {row.ticket_id: set[str]() for row in rows}
    for row in rows:
        tokens[row.ticket_id].add(row.token)
        assert (row.claim == "accepted") == (row.state == "talking") == (row.ticket == "talking"), row
    assert all(len(each) == 1 for each in tokens.values())


def everybody_was_answered_once(race: Race, callers: list[Phone]) -> None:
    with race.office.records.read() as tx:
        left = tx.tickets.live()
        claims = {claim.token: claim for name in _tickets(race) for claim in tx.claims.of_ticket(name)}
        states = Counter(tx.tickets.get(name).ticket.state for name in _tickets(race))
    assert not left, left
    assert states.keys() == {TicketState.SERVED}
    assert not any(caller.is_up for caller in callers)
    assert max(Counter(race.carrier.dialled).values()) == 1, "a leg was dialled twice"
    assert all(len(met) == 1 for met in race.carrier.met.values()), "two agents in one room"
    fences = Counter(claim.fence for claim in claims.values())
    assert max(fences.values()) == 1, "two claims with one fence"


def _tickets(race: Race) -> list[TicketId]:
    with race.office.records.engine.connect() as connection:
        return [TicketId(row.id) for row in connection.execute(text("SELECT id FROM tickets"))]
