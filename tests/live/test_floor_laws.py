"""The floor's laws, whatever happens in whatever order: one process against a model, and many processes at once."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.queues import Queue
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ivr.core.errors import FloorLost
from ivr.core.routing.decide import FreeAgent, Rules, Strategy, best_pair, best_pairs
from ivr.core.ticket import Ticket
from ivr.live.floor import RedisFloor, connect
from ivr.switchboard.ports.floor import FloorAnswer, StandingClaim
from tests.core.routing import floors
from tests.core.routing.builders import NOW, agent, seconds, ticket

Build = Callable[..., RedisFloor]
RINGS = seconds(20)


class FloorAsAModel(RuleBasedStateMachine):
    """Tickets and agents in plain dictionaries beside the floor; both must agree after every step."""

    build: Build

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.line: dict[str, Ticket] = {}
        self.free: dict[str, FreeAgent] = {}
        self.claims: dict[str, tuple[Ticket, tuple[FreeAgent, ...], StandingClaim]] = {}
        self.spent: list[tuple[str, str, str]] = []
        self.fence = 0
        self.count = 0

    @initialize(chosen=floors.rules)
    def open(self, chosen: Rules) -> None:
        self.rules = chosen
        self.floor = type(self).build(chosen)

    @property
    def claimed(self) -> set[str]:
        return {one.agent for _, agents, _ in self.claims.values() for one in agents}

    @rule(data=st.data())
    def somebody_rings(self, data: st.DataObject) -> None:
        self.count += 1
        waits = data.draw(floors.tickets(f"t{self.count}", self.count))
        assert self.floor.put(waits, self.now) is FloorAnswer.DONE
        self.line[waits.id] = waits

    @rule(data=st.data(), name=st.sampled_from(floors.AGENTS))
    def an_agent_is_free(self, data: st.DataObject, name: Any) -> None:
        one = data.draw(floors.free_agents(name))
        said = self.floor.agent_free(one, self.now)
        if name in self.claimed:
            assert said is FloorAnswer.CLAIMED
        else:
            assert said is FloorAnswer.DONE
            self.free[name] = one

    @rule(name=st.sampled_from(floors.AGENTS))
    def an_agent_pauses(self, name: Any) -> None:
        said = self.floor.agent_not_free(name, self.now)
        assert said is (FloorAnswer.CLAIMED if name in self.claimed else FloorAnswer.DONE)
        self.free.pop(name, None)

    @rule()
    def somebody_is_matched(self) -> None:
        found = self.floor.candidates(self.now)
        pairs = best_pairs(found.waiting, found.free, self.rules, 1)
        scanned = best_pair(self.line.values(), self.free.values(), self.now, self.rules)
        assert [(p.ticket, p.agents) for p in pairs] == ([(scanned.ticket, scanned.agents)] if scanned else [])
        if scanned is None:
            return
        self.count += 1
        token, lapses = f"token-{self.count}", self.now + RINGS
        claim = self.floor.claim(scanned.ticket, scanned.agents, token, self.now, lapses)
        assert (claim.answer, claim.agents) == (FloorAnswer.CLAIMED, scanned.agents)
        assert claim.fence > self.fence
        self.fence = claim.fence
        held = tuple(self.free.pop(name) for name in scanned.agents)
        standing = StandingClaim(scanned.ticket, scanned.agents, token, claim.fence, lapses)
        self.claims[scanned.ticket] = (self.line.pop(scanned.ticket), held, standing)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def an_agent_accepts(self, data: st.DataObject) -> None:
        waits, held, claim = self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))
        taker = data.draw(st.sampled_from(held))
        said, let_go = self.floor.accept(waits.id, taker.agent, claim.token, self.now)
        assert said is FloorAnswer.ACCEPTED
        assert let_go == tuple(one.agent for one in held if one is not taker)
        self.free.update({one.agent: one for one in held if one is not taker})
        self.spent.append((waits.id, taker.agent, claim.token))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), refused=st.booleans())
    def a_claim_comes_to_nothing(self, data: st.DataObject, refused: bool) -> None:
        waits, held, claim = self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))
        names = [one.agent for one in held]
        if refused:
            waits = replace(waits, refused_by=waits.refused_by | {names[0]})
        assert self.floor.release(waits, claim.token, self.now, names) is FloorAnswer.DONE
        self.line[waits.id] = waits
        self.free.update({one.agent: one for one in held})
        self.spent.append((waits.id, names[0], claim.token))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_comes_on_no_record(self, data: st.DataObject) -> None:
        waits, held, claim = self.claims.pop(data.draw(st.sampled_from(sorted(self.claims))))
        assert self.floor.take_back(waits.id, claim.token, self.now) is FloorAnswer.DONE
        self.line[waits.id] = waits
        self.free.update({one.agent: one for one in held})
        self.spent.append((waits.id, held[0].agent, claim.token))

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def a_spent_token_comes_again(self, data: st.DataObject) -> None:
        ticket_id, name, token = data.draw(st.sampled_from(self.spent))
        assert self.floor.accept(ticket_id, name, token, self.now)[0] is FloorAnswer.CLAIM_GONE  # type: ignore[arg-type]

    @precondition(lambda self: self.line or self.claims)
    @rule(data=st.data())
    def a_caller_hangs_up(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(sorted({*self.line, *self.claims})))
        held = self.claims.pop(gone)[1] if gone in self.claims else ()
        self.line.pop(gone, None)
        assert self.floor.withdraw(gone, self.now) == (FloorAnswer.DONE, tuple(one.agent for one in held))

    @rule(by=st.sampled_from([0, 1, 19, 20, 60, 600]).map(seconds))
    def time_passes(self, by: timedelta) -> None:
        self.now += by
        due = {name for name, (_, _, claim) in self.claims.items() if claim.lapses <= self.now}
        assert {one.ticket for one in self.floor.lapsed(self.now)} == due
        for name in due:
            waits, held, claim = self.claims.pop(name)
            self.line[name] = waits
            self.spent.append((name, held[0].agent, claim.token))

    @rule()
    def somebody_has_an_old_epoch(self) -> None:
        stale = self.floor.under(self.floor.epoch + 1)
        assert stale.put(ticket("ghost"), self.now) is FloorAnswer.FLOOR_LOST
        for name in self.line:
            assert stale.withdraw(name, self.now)[0] is FloorAnswer.FLOOR_LOST  # type: ignore[arg-type]

    @invariant()
    def nothing_is_lost_and_nobody_is_twice(self) -> None:
        if not hasattr(self, "floor"):
            return
        seen = self.floor.snapshot(self.now)
        assert seen.in_line | seen.resting == self.line.keys()
        assert {one.agent: one for one in seen.free} == self.free
        assert {one.ticket: one for one in seen.claims} == {name: one[2] for name, one in self.claims.items()}
        reserved = Counter(name for one in seen.claims for name in one.agents)
        assert all(count == 1 for count in reserved.values())
        assert not reserved.keys() & {one.agent for one in seen.free}


def test_the_floor_agrees_with_a_model_whatever_happens(new_floor: Build) -> None:
    class Machine(FloorAsAModel):
        build = staticmethod(new_floor)  # type: ignore[assignment]

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


TICKETS, AGENTS, PROCESSES = 400, 12, 3
Told = list[tuple[str, str, tuple[str, ...], int, float]]


def work(url: str, number: int, told: Queue[Told]) -> None:
    """Match, and then at random accept, refuse, drop or forget the claim, until nobody is left in line."""
    chance = random.Random(number)
    client = connect(url)
    rules = Rules(strategies={"rung": Strategy.RING_ALL})
    floor, log, began, step = RedisFloor(client, rules, 1), [], time.monotonic(), 0
    while time.monotonic() - began < 60:
        step += 1
        now = datetime.now(NOW.tzinfo)
        for one in floor.lapsed(now):
            log.append(("lapsed", one.ticket, one.agents, one.fence, time.monotonic()))
            for name in one.agents:
                floor.agent_free(crew_member(name), now)
        found = floor.candidates(now, 2)
        pairs = best_pairs(found.waiting, found.free, rules, 2)
        choices = [(pair, f"{number}-{step}-{n}") for n, pair in enumerate(pairs)]
        for claim in floor.claim_first(choices, now, now + timedelta(milliseconds=50)):
            if claim.answer is not FloorAnswer.CLAIMED:
                continue
            log.append(("claimed", claim.ticket, claim.agents, claim.fence, time.monotonic()))
            waits = line_member(claim.ticket)
            match chance.random():
                case x if x < 0.6:
                    said, _ = floor.accept(claim.ticket, claim.agents[0], claim.token, now)
                    if said is FloorAnswer.ACCEPTED:
                        log.append(("accepted", claim.ticket, claim.agents[:1], claim.fence, time.monotonic()))
                        floor.agent_free(crew_member(claim.agents[0]), now)
                case x if x < 0.85:
                    if floor.release(waits, claim.token, now, claim.agents) is FloorAnswer.DONE:
                        log.append(("released", claim.ticket, claim.agents, claim.fence, time.monotonic()))
                case _:
                    pass  # killed: the claim lapses
        seen = floor.snapshot(now) if step % 20 == 0 else None
        if seen is not None and not seen.in_line and not seen.claims:
            break
    told.put(log)
    client.close()


def crew_member(name: str) -> FreeAgent:
    return agent(name, int(name[1:]), queues=("orders", "rung"), skills={"it": int(name[1:]) % 5 + 1})


def line_member(name: str) -> Ticket:
    number = int(name[1:])
    queue, needs = ("rung", {}) if number % 7 == 0 else ("orders", {"it": number % 3 + 1})
    return ticket(name, 200 - number, number, queue=queue, needs=needs)


def test_many_processes_at_once_serve_everybody_once(floor_redis: redis.Redis) -> None:
    floor_redis.flushdb()
    floor = RedisFloor(floor_redis, Rules(strategies={"rung": Strategy.RING_ALL}), 0)
    line = [line_member(f"t{n}") for n in range(TICKETS)]
    floor.rebuild(1, line, [crew_member(f"a{n}") for n in range(AGENTS)], [], NOW)
    url = f"unix://{floor_redis.connection_pool.connection_kwargs['path']}"
    context = multiprocessing.get_context("spawn")
    told: Queue[Told] = context.Queue()
    processes = [context.Process(target=work, args=(url, n, told)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    logs = [entry for _ in processes for entry in told.get(timeout=90)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    told.close()
    ends = Counter(one[1] for one in logs if one[0] == "accepted")
    assert ends == Counter({f"t{n}": 1 for n in range(TICKETS)})
    fences = [one[3] for one in logs if one[0] == "claimed"]
    assert len(fences) == len(set(fences))
    ended = Counter(one[3] for one in logs if one[0] != "claimed")
    assert all(count == 1 for count in ended.values())  # a claim ends once: accepted, released or lapsed
    assert ended.keys() == set(fences)
    assert {one[0] for one in logs} == {"claimed", "accepted", "released", "lapsed"}
    seen = floor.under(1).snapshot(NOW)
    assert not seen.in_line and not seen.claims
    assert sorted(one.agent for one in seen.free) == sorted(f"a{n}" for n in range(AGENTS))


def test_while_one_rebuilds_the_others_are_told_and_nothing_is_mixed(new_floor: Build) -> None:
    floor = new_floor()
    floor.put(ticket("old"), NOW)
    floor.rebuild(floor.epoch + 1, [ticket("new")], [], [], NOW)
    assert floor.put(ticket("late"), NOW) is FloorAnswer.FLOOR_LOST
    try:
        floor.snapshot(NOW)
    except FloorLost:
        pass
    else:
        raise AssertionError("an old epoch was answered")
    assert floor.under(floor.epoch + 1).snapshot(NOW).in_line == {"new"}
