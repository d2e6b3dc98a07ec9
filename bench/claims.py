"""`claims`: matches a second in Redis (candidates, choice, claim), beside a bare EVALSHA of a script that does nothing.

Several client processes at once on one embedded Redis. A round: the floor is filled (not timed), then all clients match
until their share is used up; the bare script is run by the same clients between the rounds.
"""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import redis

from bench import Emit, Entry
from ivr.core.routing.decide import FreeAgent, Rules, best_pairs
from ivr.core.routing.skills import Offer, levels
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.words import AgentId, CustomerId, QueueName, TicketId
from ivr.live.floor import RedisFloor, connect
from ivr.live.server import EmbeddedRedis
from ivr.switchboard.ports.floor import FloorAnswer

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SIZES = ((10, 10), (100, 500), (1_000, 5_000), (10_000, 50_000))
"""Agents and tickets."""

SKILLS = 200
QUEUES = 10
CLIENTS = 2
MATCHES = 4_000
"""Timed for a size, in as many rounds as it takes."""

A_LOOK = 4
"""Pairs chosen and claimed from one look, as the line does while more than one is possible."""


@dataclass
class Worker:
    """A client process; ``do`` starts something there, ``done`` is how many and in how many seconds."""

    pipe: Connection
    process: multiprocessing.process.BaseProcess

    def do(self, what: str, epoch: int, count: int) -> None:
        self.pipe.send((what, epoch, count))

    def done(self) -> tuple[int, int]:
        matches, misses = self.pipe.recv()
        return int(matches), int(misses)


@dataclass
class Spent:
    """What a size took: matches, seconds, seconds of Redis's CPU; and the same of the bare script."""

    count: int = 0
    seconds: float = 0.0
    server: float = 0.0
    misses: int = 0

    @property
    def rate(self) -> float:
        return self.count / self.seconds


def run(emit: Emit) -> None:
    """Measure each size, the bare script in turn with it."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        url = server.start()
        client = connect(url)
        workers = [_start(url, n) for n in range(CLIENTS)]
        try:
            epoch = 0
            for agents, tickets in SIZES:
                epoch = _measure(emit, client, workers, agents, tickets, epoch)
        finally:
            for worker in workers:
                worker.do("stop", 0, 0)
                worker.process.join(10)
            client.close()
            server.stop()


def _measure(
    emit: Emit,
    client: redis.Redis,
    workers: Sequence[Worker],
    agents: int,
    tickets: int,
    epoch: int,
) -> int:
    crew, line = floor_of(agents, tickets)
    matched, bare = Spent(), Spent()
    while matched.count < MATCHES:
        epoch += 1
        RedisFloor(client, Rules(), epoch).rebuild(epoch, line, crew, [], NOW)
        share = max(min(agents // 2, MATCHES) // CLIENTS, 1)
        _timed(client, workers, matched, "match", epoch, share)
        _timed(client, workers, bare, "bare", epoch, share * 4)
    ratio = matched.rate / bare.rate
    server = (bare.server / bare.count) / (matched.server / matched.count)
    emit(
        Entry(
            f"claims.{agents}",
            round(matched.rate),
            "matches a second",
            "bare EVALSHA",
            round(bare.rate),
            round(ratio, 3),
            aim=0.33,
            note=(
                f"{agents} agents, {tickets} tickets, {SKILLS} skills, {CLIENTS} clients, {A_LOOK} pairs a look;"
                f" Redis {1e6 * matched.server / matched.count:.0f} µs of CPU a match, ratio of CPU {server:.2f};"
                f" {matched.misses} races lost in {matched.count}"
            ),
        )
    )
    return epoch


def floor_of(agents: int, tickets: int) -> tuple[list[FreeAgent], list[Ticket]]:
    """Agents in two queues with four of their skills; tickets that ask for one at most, two levels of it: seeded."""
    chance = random.Random(agents)
    used = min(SKILLS, agents * 2)
    queues = [QueueName(f"queue-{n}") for n in range(min(QUEUES, max(agents // 5, 1)))]
    skills_of = {queue: [f"skill-{n}" for n in range(used) if n % len(queues) == i] for i, queue in enumerate(queues)}
    crew = []
    for n in range(agents):
        served = chance.sample(queues, min(2, len(queues)))
        known = chance.sample([skill for queue in served for skill in skills_of[queue]], 4)
        offer = Offer(frozenset(served), levels({skill: chance.randint(1, 5) for skill in known}))
        crew.append(FreeAgent(AgentId(f"agent-{n}"), offer, NOW - timedelta(seconds=chance.random() * 3600)))
    line = []
    for n in range(tickets):
        queue = chance.choice(queues)
        asked = chance.sample(skills_of[queue], chance.choice((0, 1, 1)))
        line.append(
            Ticket(
                TicketId(f"ticket-{n}"),
                TicketKind.WAITING,
                queue,
                NOW - timedelta(seconds=chance.random() * 1200),
                n,
                CustomerId("customer"),
                None,
                needs={skill: chance.choice((1, 3)) for skill in asked},
            )
        )
    return crew, line


def _timed(client: redis.Redis, workers: Sequence[Worker], spent: Spent, what: str, epoch: int, share: int) -> None:
    for worker in workers:  # everything is connected and loaded before the clock starts
        worker.do("ready", epoch, 0)
    for worker in workers:
        worker.done()
    cpu = _cpu(client)
    began = time.perf_counter()
    for worker in workers:
        worker.do(what, epoch, share)
    for worker in workers:
        count, misses = worker.done()
        spent.count += count
        spent.misses += misses
    spent.seconds += time.perf_counter() - began
    spent.server += _cpu(client) - cpu


def _cpu(client: redis.Redis) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user_main_thread"]) + float(used["used_cpu_sys_main_thread"])


def _start(url: str, number: int) -> Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, url, number), daemon=True)
    process.start()
    return Worker(ours, process)


def _work(pipe: Connection, url: str, number: int) -> None:
    client = connect(url)
    bare = client.register_script("return 'done'")
    rules = Rules()
    floor = RedisFloor(client, rules, 0)
    while True:
        what, epoch, count = pipe.recv()
        match what:
            case "ready":
                floor = floor if floor.epoch == epoch else floor.under(epoch)
                floor.candidates(NOW)
                bare()
                pipe.send((0, 0))
            case "match":
                pipe.send(match_many(floor, rules, count, f"{number}-{epoch}", A_LOOK))
            case "single":
                pipe.send(match_many(floor, rules, count, f"{number}-{epoch}-single", 1))
            case "bare":
                for _ in range(count):
                    bare()
                pipe.send((count, 0))
            case _:
                client.close()
                return


def match_many(floor: RedisFloor, rules: Rules, count: int, name: str, a_look: int) -> tuple[int, int]:
    """Make so many matches, as the line does: look, choose, claim; the matches made and the races lost."""
    made = misses = tries = 0
    at_most = a_look
    lapses = NOW + timedelta(seconds=30)
    while made < count:
        found = floor.candidates(NOW, a_look)
        pairs = best_pairs(found.waiting, found.free, rules, a_look)
        if not pairs:
            break
        tries += 1
        choices = [(pair, f"{name}-{tries}-{n}") for n, pair in enumerate(pairs)]
        claims = floor.claim_first(choices, NOW, lapses, at_most)
        won = sum(claim.answer is FloorAnswer.CLAIMED for claim in claims)
        made += won
        misses += len(claims) - won
    return made, misses
