"""A call centre on a virtual clock, to hold the routing of the line against queueing theory.

Chance, clock and figures are here; who is free, who is next and who answers is asked of ``ivr.core``.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from ivr.core.agent import AgentEvent, AgentStatus, happened, signed_in
from ivr.core.routing.decide import FreeAgent, Pair, Rules, best_pair
from ivr.core.routing.skills import Offer
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.words import AgentId, CustomerId, QueueName, TicketId
from ivr.testing.erlang import Figures, Traffic

OPENS = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
QUEUE = QueueName("orders")
OFFER = Offer(frozenset({QUEUE}))


@dataclass(frozen=True)
class Caller:
    """When somebody rings, how long they talk once answered, and how long they wait at most (None: for ever)."""

    number: int
    rings_at: datetime
    talk: timedelta
    patience: timedelta | None = None
    boost: timedelta = timedelta()


@dataclass(frozen=True)
class Fared:
    """How a caller fared: answered by an agent after so long, or (None) gone after so long."""

    caller: Caller
    waited: timedelta
    agent: AgentId | None

    @property
    def until(self) -> datetime:
        return self.caller.rings_at + self.waited


@dataclass(frozen=True)
class _Rings:
    caller: Caller


@dataclass(frozen=True)
class _GivesUp:
    ticket: TicketId


@dataclass(frozen=True)
class _TalkEnds:
    agent: AgentId


_Event = _Rings | _GivesUp | _TalkEnds


def callers(
    traffic: Traffic, seed: int, *, first: float = 0.0, boost: timedelta = timedelta(days=1)
) -> Iterator[Caller]:
    """Callers without end, the same for the same seed; a share ``first`` of them has the boost."""
    gaps, talks, patience, luck = (random.Random(f"{seed} {what}") for what in ("gaps", "talks", "patience", "boost"))
    at = OPENS
    for number in count():
        at += timedelta(seconds=gaps.expovariate(traffic.arrivals))
        yield Caller(
            number,
            at,
            talk=traffic.talk * talks.expovariate(1),
            patience=None if traffic.patience is None else traffic.patience * patience.expovariate(1),
            boost=boost if luck.random() < first else timedelta(),
        )


def serve(calls: Iterable[Caller], agents: int, rules: Rules | None = None) -> list[Fared]:
    """How callers fare, in the order in which they rang, with no wrap-up and agents who answer at once."""
    centre = _Centre(agents, rules or Rules())
    centre.run(iter(calls))
    return sorted(centre.fared, key=lambda one: one.caller.number)


def figures(fared: Sequence[Fared], within: timedelta) -> Figures:
    """What the callers of a run met; ``within`` is what the service level goes by."""
    of = len(fared)
    return Figures(
        waiting=sum(one.waited > timedelta() for one in fared) / of,
        mean_wait=sum((one.waited for one in fared), timedelta()) / of,
        service_level=sum(one.agent is not None and one.waited <= within for one in fared) / of,
        abandoned=sum(one.agent is None for one in fared) / of,
    )


class _Centre:
    """The agents, the line, and what is to happen when."""

    def __init__(self, agents: int, rules: Rules) -> None:
        names = [AgentId(f"agent-{n}") for n in range(agents)]
        self.fared: list[Fared] = []
        self._rules = rules
        self._crew = {name: signed_in(name, OPENS) for name in names}
        self._rank = {name: rank for rank, name in enumerate(names)}
        self._line: dict[TicketId, Ticket] = {}
        self._waiting: dict[TicketId, Caller] = {}
        self._events: list[tuple[datetime, int, _Event]] = []
        self._number = count(1)

    def run(self, calls: Iterator[Caller]) -> None:
        self._next_rings(calls)
        while self._events:
            now, _, event = heapq.heappop(self._events)
            match event:
                case _Rings(caller):
                    self._joins(caller)
                    self._next_rings(calls)
                case _GivesUp(ticket):
                    self._gives_up(ticket, now)
                case _TalkEnds(agent):
                    self._crew[agent] = happened(self._crew[agent], AgentEvent.TALK_ENDED, "caller hung up", now)
            self._match(now)

    def _next_rings(self, calls: Iterator[Caller]) -> None:
        if (caller := next(calls, None)) is not None:
            self._due(caller.rings_at, _Rings(caller))

    def _due(self, at: datetime, event: _Event) -> None:
        heapq.heappush(self._events, (at, next(self._number), event))

    def _joins(self, caller: Caller) -> None:
        ticket = _ticket(caller)
        self._line[ticket.id], self._waiting[ticket.id] = ticket, caller
        if caller.patience is not None:
            self._due(caller.rings_at + caller.patience, _GivesUp(ticket.id))

    def _gives_up(self, ticket: TicketId, now: datetime) -> None:
        if ticket in self._line:
            self._leaves(ticket, now, None)

    def _leaves(self, ticket: TicketId, now: datetime, agent: AgentId | None) -> Caller:
        waited = self._line.pop(ticket).waited(now)
        caller = self._waiting.pop(ticket)
        self.fared.append(Fared(caller, waited, agent))
        return caller

    def _match(self, now: datetime) -> None:
        while self._line and (free := self._free(now)):
            pair = best_pair(self._line.values(), free, now, self._rules)
            if pair is None:
                return
            self._connect(pair, now)

    def _free(self, now: datetime) -> list[FreeAgent]:
        return [self._as_free(status) for status in self._crew.values() if status.is_free(now)]

    def _as_free(self, status: AgentStatus) -> FreeAgent:
        rank = self._rank[status.agent]
        return FreeAgent(status.agent, OFFER, status.free_since(), status.calls, status.last_offer, rank)

    def _connect(self, pair: Pair, now: datetime) -> None:
        """All of the pair are rung, the first answers."""
        for agent in pair.agents:
            self._crew[agent] = happened(
                self._crew[agent], AgentEvent.CLAIMED, "offered", now, offer=next(self._number)
            )
        answers, *others = pair.agents
        self._crew[answers] = happened(self._crew[answers], AgentEvent.ACCEPTED, "answered", now)
        for agent in others:
            self._crew[agent] = happened(self._crew[agent], AgentEvent.LET_GO, "another was faster", now)
        caller = self._leaves(pair.ticket, now, answers)
        self._due(now + caller.talk, _TalkEnds(answers))


def _ticket(caller: Caller) -> Ticket:
    return Ticket(
        TicketId(f"ticket-{caller.number}"),
        TicketKind.WAITING,
        QUEUE,
        caller.rings_at,
        caller.number,
        CustomerId("customer"),
        None,
        boost=caller.boost,
    )
