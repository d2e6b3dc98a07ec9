"""The board and what can be asked of it: who waits and why, whether the order was kept, and the day's figures.

All of it is read from SQL and folded in the core; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from ivr.core import metrics
from ivr.core.agent import Wish
from ivr.core.board import AgentNow, Board, ClaimNow, queues_now
from ivr.core.callbacks import Callback
from ivr.core.errors import NoSuchTicket
from ivr.core.events import QueueJoined, QueueLeft
from ivr.core.metrics import PromisesKept, QueueFigures, RangesHeld, WorkingTime, promises_kept
from ivr.core.order_proof import Absence, House, Offered, Row, Stood, order_proof
from ivr.core.promises import warns_at
from ivr.core.routing.decide import Rules
from ivr.core.routing.explain import Explanation, OnDuty, explain
from ivr.core.ticket import TicketKind, TicketState
from ivr.core.words import AgentId, PhoneNumber, QueueName, TicketId
from ivr.switchboard.ports.calls import StoredEvent
from ivr.switchboard.ports.queue import AgentChange, ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock
from ivr.switchboard.record.places import REFUSED_FOR, stands_in_line

TARGET = timedelta(seconds=20)
"""For a queue that the company file does not have (any more)."""

LONGEST_CALL = timedelta(days=1)
"""A ticket's first call rang no longer than so long before the ticket stood."""

KEPT_OF = timedelta(days=30)
"""So far back the kept rate looks."""

LOG_AT_ONCE = 200
"""Lines of an agent's log; as many again until the time in question is covered."""


class NobodyWaits(NoSuchTicket):
    """Nobody with this ticket, or this number, stands in line."""


@dataclass(frozen=True)
class Waits:
    """Why a ticket waits, and who is rung for it now."""

    queue: QueueName
    kind: TicketKind
    state: TicketState
    arrived_at: datetime
    leaves_by: str  # the other way that was chosen; nobody is rung for it any more
    explanation: Explanation
    claims: tuple[ClaimOnRecord, ...]


@dataclass(frozen=True)
class Day:
    """The figures of ``[since, until)``: callers by the time they arrived, agents by the clock."""

    since: datetime
    until: datetime
    queues: Mapping[QueueName, QueueFigures]
    ranges: RangesHeld
    agents: Mapping[AgentId, WorkingTime]


@dataclass(frozen=True)
class Promised:
    """What is owed now, by how it stands, and how the promises that fell due of late were kept."""

    due: int  # open, and in time
    warned: int
    late: int
    to_be_told: int  # of all these: moved, and the customer does not know yet
    kept: PromisesKept


@dataclass(frozen=True)
class AskBoard:
    """``targets``: the queues of the company in its order, and how soon each aims to answer."""

    records: Records
    clock: Clock
    rules: Rules
    targets: Mapping[QueueName, timedelta]

    def now(self) -> Board:
        """What is true this second."""
        now = self.clock.now()
        with self.records.read() as tx:
            places, agents, claims = tx.tickets.live(), tx.agents.all(), tx.claims.live()
        has = {claim.agent: claim.ticket for claim in claims}
        return Board(
            at=now,
            queues=queues_now((place.ticket for place in places), self.targets, now),
            agents=tuple(
                AgentNow(each.record.name, each.record.queues, each.status, has.get(each.record.name))
                for each in agents
            ),
            claims=tuple(
                ClaimNow(one.ticket, one.agent, one.made_at, one.lapses_at, one.accepted_at, one.because)
                for one in claims
            ),
        )

    def promised(self) -> Promised:
        """The promises of this moment, and the kept rate of the last 30 days."""
        now = self.clock.now()
        with self.records.read() as tx:
            owed, fell_due = tx.promises.open(), tx.promises.due_between(now - KEPT_OF, now)
        late = sum(each.missed_at is not None or each.due_at < now for each in owed)
        warned = sum(each.missed_at is None and each.due_at >= now >= warns_at(each) for each in owed)
        told = sum(each.to_be_told for each in owed)
        return Promised(len(owed) - warned - late, warned, late, told, promises_kept(fell_due, now))

    def find(self, number: PhoneNumber) -> TicketId:
        """The ticket of whoever has this number, waiting or to be called. Raises NobodyWaits."""
        with self.records.read() as tx:
            owed = tx.callbacks.live_of(number)
            customers = {each.id for each in tx.customers.by_number(number).exact}
            theirs = [place.ticket for place in tx.tickets.live() if place.ticket.customer in customers]
        if theirs:
            return min(theirs, key=lambda ticket: (ticket.arrived_at, ticket.order)).id
        if owed is not None and owed.ticket is not None:
            return owed.ticket
        raise NobodyWaits

    def why(self, ticket: TicketId) -> Waits:
        """Why it is still waiting, and who could take it when. Raises NobodyWaits for one that is not there."""
        now = self.clock.now()
        with self.records.read() as tx:
            try:
                place = tx.tickets.get(ticket)
            except NoSuchTicket as unknown:
                raise NobodyWaits from unknown
            line = [each.ticket for each in tx.tickets.live() if stands_in_line(each)]
            agents = tx.agents.all()
            claims = tuple(one for one in tx.claims.of_ticket(ticket) if one.ended_at is None)
        on_duty = [OnDuty(each.status, each.record.brings()) for each in agents if each.status.wish is not Wish.OFF]
        told = explain(place.ticket, line, on_duty, now, self.rules)
        waits = place.ticket
        return Waits(waits.queue, waits.kind, waits.state, waits.arrived_at, place.wish, told, claims)

    def order(self, since: datetime, until: datetime) -> tuple[Row, ...]:
        """Arrival against service of everybody who stood in line in ``[since, until)``."""
        with self.records.read() as tx:
            places = tx.tickets.standing(since, until)
            claims = tx.claims.of_standing(since, until)
            events = tx.log.of_kinds((QueueJoined.kind, QueueLeft.kind), _earliest(places, since), until)
            callbacks = _callbacks_of(tx, places, events)
            offers = {each.record.name: each.record.brings() for each in tx.agents.all()}
        return order_proof(stood(places, claims, events, callbacks), House(offers, self.rules, REFUSED_FOR))

    def day(self, since: datetime, until: datetime) -> Day:
        """The figures of callers who arrived, and agents who worked, in ``[since, until)``."""
        now = self.clock.now()
        until = min(until, now)
        with self.records.read() as tx:
            places = [each for each in tx.tickets.standing(since, until) if since <= each.ticket.arrived_at]
            logs = {each.record.name: _log_of(tx, each.record.name, since) for each in tx.agents.all()}
        visits: dict[QueueName, list[metrics.Visit]] = {queue: [] for queue in self.targets}
        for place in places:
            if (visit := metrics.visit(place, now)) is not None:
                visits.setdefault(place.ticket.queue, []).append(visit)
        return Day(
            since,
            until,
            {queue: metrics.queue_figures(all_, self.targets.get(queue, TARGET)) for queue, all_ in visits.items()},
            metrics.ranges_held(places),
            {agent: metrics.working_time(changes, since, until) for agent, changes in logs.items()},
        )


def stood(
    places: Iterable[TicketOnRecord],
    claims: Iterable[ClaimOnRecord],
    events: Iterable[StoredEvent],
    callbacks: Mapping[TicketId, Callback],
) -> tuple[Stood, ...]:
    """Tickets with what happened to each; ``claims`` and ``events`` the earliest first."""
    offers: dict[TicketId, list[Offered]] = {}
    for claim in claims:
        offers.setdefault(claim.ticket, []).append(
            Offered(claim.agent, claim.made_at, claim.because, claim.accepted_at, claim.ended_at, claim.how)
        )
    moves: dict[str, list[StoredEvent]] = {}
    for event in events:
        moves.setdefault(event.data["ticket"], []).append(event)
    return tuple(
        Stood(
            ticket=place.ticket,
            offers=tuple(offers.get(place.ticket.id, ())),
            ended_at=place.ended_at,
            absences=absences(place, moves.get(place.ticket.id, ()), callbacks.get(place.ticket.id)),
            slot_at=callbacks[place.ticket.id].slot_at if place.ticket.id in callbacks else None,
            wish=place.wish,
        )
        for place in places
    )


def absences(
    place: TicketOnRecord, moves: Sequence[StoredEvent], callback: Callback | None = None
) -> tuple[Absence, ...]:
    """When it was not in line between its arrival and its end: by when it was joined, dropped, and joined again."""
    found = []
    gone: datetime | None = place.ticket.arrived_at
    because = "it was elsewhere in the flow: the arrival is that of its earlier place"
    if callback is not None:
        if callback.asked_at > place.ticket.arrived_at:
            found.append(Absence(place.ticket.arrived_at, callback.asked_at, "the callback was not asked for yet"))
        return tuple(found)  # whoever rang again, waited and hung up was to be called all the while
    if not moves or moves[0].kind != QueueJoined.kind:
        gone = None
    for move in moves:
        if move.kind == QueueJoined.kind and gone is not None:
            if move.happened_at > gone:
                found.append(Absence(gone, move.happened_at, because))
            gone = None
        elif move.kind == QueueLeft.kind and move.data["how"] == "hung_up":
            gone, because = move.happened_at, "the line had dropped"
    if gone is not None:
        found.append(Absence(gone, None, because))
    return tuple(found)


def _earliest(places: Sequence[TicketOnRecord], since: datetime) -> datetime:
    return min((place.ticket.arrived_at for place in places), default=since) - LONGEST_CALL


def _callbacks_of(
    tx: Transaction, places: Iterable[TicketOnRecord], events: Iterable[StoredEvent]
) -> dict[TicketId, Callback]:
    """Those of tickets that are callbacks, or were until the caller waited at their place after all."""
    again = {event.data["ticket"] for event in events if event.data.get("again")}
    asked = (p.ticket.id for p in places if p.ticket.kind is TicketKind.CALLBACK or p.ticket.id in again)
    found = {ticket: tx.callbacks.of_ticket(ticket) for ticket in asked}
    return {ticket: callback for ticket, callback in found.items() if callback is not None}


def _log_of(tx: Transaction, agent: AgentId, since: datetime) -> list[AgentChange]:
    """Their log since then, the earliest first, with the wish and the state they had before it."""
    limit = LOG_AT_ONCE
    while True:
        newest = tx.agents.history(agent, limit)
        inside = list(takewhile(lambda change: change.at >= since, newest))
        before = {change.what: change for change in reversed(newest[len(inside) :])}
        if len(before) == 2 or len(newest) < limit:
            break
        limit *= 4
    return [*sorted(before.values(), key=lambda change: change.at), *reversed(inside)]
