"""Tickets: places in line, one live a call, and the counter that breaks ties of arrival."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select, text, update

from ivr.core.call import CallState
from ivr.core.errors import NoSuchTicket
from ivr.core.ticket import Relaxation, Ticket, TicketKind, TicketState
from ivr.core.words import AgentId, CallId, CustomerId, QueueName, TicketId
from ivr.store.link import Link, inserting, named_to_set, to_set
from ivr.store.tables import LIVE_TICKETS, SITE, calls, ticket_counter, tickets
from ivr.switchboard.ports.queue import AnsweredTicket, TicketOnRecord

_CHANGING = (
    "kind",
    "queue",
    "arrived_at",
    "counts_from",
    "tie",
    "customer_id",
    "call_id",
    "language",
    "needs",
    "preferred",
    "relaxations",
    "boost_seconds",
    "last_agent",
    "last_agent_until",
    "refused_by",
    "state",
    "not_before",
    "attempt",
    "fence",
    "wish",
    "agent",
    "node",
    "taken_at",
    "away_at",
    "ended_at",
    "because",
    "told_position",
    "told_low_seconds",
    "told_high_seconds",
    "told_at",
    "load",
    "handed_by",
    "handed_to",
    "held_at",
    "hold_due_at",
    "moves",
    "moved_turn",
    "moved_at",
)

_HERE = tickets.c.site_id == SITE
_IN_LINE = _HERE & or_(tickets.c.state == TicketState.IN_LINE.value, tickets.c.state == TicketState.CLAIMED.value)
_WAITING = _HERE & (tickets.c.state == TicketState.IN_LINE.value)
_AWAY = _HERE & (tickets.c.state == TicketState.AWAY.value)
_BY_ARRIVAL = select(tickets).order_by(tickets.c.arrived_at, tickets.c.tie, tickets.c.id)

GET = select(tickets).where(tickets.c.id == bindparam("ticket"))
# Only one of a call is live at a time, so the newest is that one, or else the last to end.
OF_CALL = (
    select(tickets)
    .where(tickets.c.call_id == bindparam("call"))
    .order_by(tickets.c.ended_at.desc().nulls_first(), tickets.c.id.desc())
    .limit(1)
)
CHANGE = (
    update(tickets)
    .where(tickets.c.id == bindparam("ticket"), tickets.c.version == bindparam("seen"))
    .values(version=tickets.c.version + 1, **to_set(_CHANGING))
)
LIVE = _BY_ARRIVAL.where(_HERE, text(LIVE_TICKETS))
LIVE_OF_QUEUE = LIVE.where(tickets.c.queue == bindparam("queue"))
AHEAD = (
    select(func.count())
    .select_from(tickets)
    .where(_IN_LINE, tickets.c.queue == bindparam("queue"), tickets.c.id != bindparam("ticket"))
    .where(tickets.c.counts_from <= bindparam("since"))
    .where(or_(tickets.c.counts_from < bindparam("since"), tickets.c.tie < bindparam("order")))
    .where(or_(tickets.c.not_before.is_(None), tickets.c.not_before <= bindparam("now")))
)
LENGTHS = select(tickets.c.queue, func.count().label("length")).where(_IN_LINE).group_by(tickets.c.queue)
REFUSED = _BY_ARRIVAL.where(_WAITING, tickets.c.refused_by != "[]").limit(bindparam("most"))
HANDED = _BY_ARRIVAL.where(_WAITING, tickets.c.handed_to.is_not(None)).limit(bindparam("most"))
AWAY_BEFORE = (
    select(tickets)
    .where(_AWAY, tickets.c.away_at < bindparam("moment"))
    .order_by(tickets.c.away_at, tickets.c.id)
    .limit(bindparam("most"))
)
LEFT_BEHIND = (
    select(tickets.c.id)
    .join(calls, calls.c.id == tickets.c.call_id)
    .where(calls.c.ended_at.is_(None), calls.c.state == CallState.TALKING.value)
    .where(_HERE, tickets.c.state != TicketState.TALKING.value)
    .order_by(tickets.c.id)
)


def _on_record(row: Row[Any]) -> TicketOnRecord:
    return TicketOnRecord(
        Ticket(
            id=row.id,
            kind=TicketKind(row.kind),
            queue=row.queue,
            arrived_at=row.arrived_at,
            order=row.tie,
            customer=row.customer_id,
            call=row.call_id,
            language=row.language,
            needs=json.loads(row.needs),
            preferred=json.loads(row.preferred),
            relaxations=tuple(
                Relaxation(timedelta(seconds=after), tuple(skills)) for after, skills in json.loads(row.relaxations)
            ),
            boost=timedelta(seconds=row.boost_seconds),
            last_agent=row.last_agent,
            last_agent_until=row.last_agent_until,
            refused_by=frozenset(AgentId(agent) for agent in json.loads(row.refused_by)),
            state=TicketState(row.state),
            not_before=row.not_before,
        ),
        version=row.version,
        attempt=row.attempt,
        fence=row.fence,
        wish=row.wish,
        agent=row.agent,
        node=row.node,
        taken_at=row.taken_at,
        away_at=row.away_at,
        ended_at=row.ended_at,
        because=row.because,
        told_position=row.told_position,
        told_low=_length(row.told_low_seconds),
        told_high=_length(row.told_high_seconds),
        told_at=row.told_at,
        load=row.load,
        handed_by=row.handed_by,
        handed_to=row.handed_to,
        held_at=row.held_at,
        hold_due_at=row.hold_due_at,
        moves=row.moves,
        moved_turn=row.moved_turn,
        moved_at=row.moved_at,
    )


def _answered(row: Row[Any]) -> AnsweredTicket:
    return AnsweredTicket(
        kind=TicketKind(row.kind),
        queue=row.queue,
        needs=json.loads(row.needs),
        arrived_at=row.arrived_at,
        taken_at=row.taken_at,
        ended_at=row.ended_at,
        load=row.load,
    )


def _columns(on_record: TicketOnRecord) -> dict[str, Any]:
    ticket = on_record.ticket
    return {
        "kind": ticket.kind.value,
        "queue": ticket.queue,
        "arrived_at": ticket.arrived_at,
        "counts_from": ticket.counts_from(),
        "tie": ticket.order,
        "customer_id": ticket.customer,
        "call_id": ticket.call,
        "language": ticket.language,
        "needs": json.dumps(dict(ticket.needs)),
        "preferred": json.dumps(dict(ticket.preferred)),
        "relaxations": json.dumps([(step.after.total_seconds(), step.skills) for step in ticket.relaxations]),
        "boost_seconds": ticket.boost.total_seconds(),
        "last_agent": ticket.last_agent,
        "last_agent_until": ticket.last_agent_until,
        "refused_by": json.dumps(sorted(ticket.refused_by)),
        "state": ticket.state.value,
        "not_before": ticket.not_before,
        "attempt": on_record.attempt,
        "fence": on_record.fence,
        "wish": on_record.wish,
        "agent": on_record.agent,
        "node": on_record.node,
        "taken_at": on_record.taken_at,
        "away_at": on_record.away_at,
        "ended_at": on_record.ended_at,
        "because": on_record.because,
        "told_position": on_record.told_position,
        "told_low_seconds": _seconds(on_record.told_low),
        "told_high_seconds": _seconds(on_record.told_high),
        "told_at": on_record.told_at,
        "load": on_record.load,
        "handed_by": on_record.handed_by,
        "handed_to": on_record.handed_to,
        "held_at": on_record.held_at,
        "hold_due_at": on_record.hold_due_at,
        "moves": on_record.moves,
        "moved_turn": on_record.moved_turn,
        "moved_at": on_record.moved_at,
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def stood(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Tickets that stood at some moment of ``[since, until)``."""
    not_over = or_(tickets.c.ended_at >= since, text(LIVE_TICKETS))
    return (tickets.c.site_id == SITE) & (tickets.c.arrived_at < until) & not_over


class SqlTickets:
    """The port ``Tickets``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def next_order(self) -> int:
        """The row stays held until the commit, so that nobody gets the same number; one rolled back is given again."""
        first = inserting(ticket_counter, self._link.dialect).values(site_id=SITE, last=1)
        counted = first.on_conflict_do_update(index_elements=["site_id"], set_={"last": ticket_counter.c.last + 1})
        row = self._link.one(counted.returning(ticket_counter.c.last))
        assert row is not None, "a row that is inserted or updated comes back"
        return int(row.last)

    def take(self, ticket: TicketOnRecord) -> bool:
        # On PostgreSQL it waits for whoever is about to put one there ("INSERT: ON CONFLICT Clause").
        once = inserting(tickets, self._link.dialect).on_conflict_do_nothing()
        row = {"id": ticket.ticket.id, "version": ticket.version, **_columns(ticket)}
        return self._link.run(once, row) == 1

    def get(self, ticket: TicketId) -> TicketOnRecord:
        row = self._link.hot_first(GET, {"ticket": ticket})
        if row is None:
            raise NoSuchTicket
        return _on_record(row)

    def of_call(self, call: CallId) -> TicketOnRecord | None:
        row = self._link.hot_first(OF_CALL, {"call": call})
        return None if row is None else _on_record(row)

    def away_of(self, customer: CustomerId, since: datetime) -> TicketOnRecord | None:
        away = (tickets.c.customer_id == customer) & (tickets.c.state == TicketState.AWAY.value)
        query = select(tickets).where(away, tickets.c.away_at >= since)
        return self._one(query.order_by(tickets.c.away_at.desc(), tickets.c.id.desc()).limit(1))

    def change(self, ticket: TicketOnRecord) -> bool:
        changed = {"ticket": ticket.ticket.id, "seen": ticket.version, **named_to_set(_columns(ticket))}
        return self._link.hot_change(CHANGE, changed) == 1

    def live(self, queue: QueueName | None = None) -> Sequence[TicketOnRecord]:
        return self._hot(LIVE) if queue is None else self._hot(LIVE_OF_QUEUE, queue=queue)

    def versions(self) -> Mapping[TicketId, int]:
        query = select(tickets.c.id, tickets.c.version).where(tickets.c.site_id == SITE, text(LIVE_TICKETS))
        return {TicketId(row.id): row.version for row in self._link.all(query)}

    def ahead(self, ticket: Ticket, now: datetime) -> int:
        place = {"since": ticket.counts_from(), "order": ticket.order, "now": now}
        row = self._link.hot_one(AHEAD, {"queue": ticket.queue, "ticket": ticket.id, **place})
        return 0 if row is None else int(row[0])

    def lengths(self) -> Mapping[QueueName, int]:
        return {QueueName(row.queue): int(row.length) for row in self._link.hot_all(LENGTHS, {})}

    def answered_since(self, moment: datetime) -> Sequence[AnsweredTicket]:
        seen = (
            tickets.c.kind,
            tickets.c.queue,
            tickets.c.needs,
            tickets.c.arrived_at,
            tickets.c.taken_at,
            tickets.c.ended_at,
            tickets.c.load,
        )
        talks = (tickets.c.site_id == SITE) & (tickets.c.state == TicketState.TALKING.value)
        query = select(*seen).where(tickets.c.taken_at.is_not(None), or_(tickets.c.ended_at >= moment, talks))
        return [_answered(row) for row in self._link.all(query)]

    def refused(self, limit: int) -> Sequence[TicketOnRecord]:
        return self._hot(REFUSED, most=limit)

    def handed(self, limit: int) -> Sequence[TicketOnRecord]:
        return self._hot(HANDED, most=limit)

    def talking(self) -> Sequence[TicketOnRecord]:
        query = select(tickets).where(tickets.c.site_id == SITE, tickets.c.state == TicketState.TALKING.value)
        return self._several(query.order_by(tickets.c.taken_at, tickets.c.id))

    def last_agent_of(self, customer: CustomerId) -> AgentId | None:
        served = (tickets.c.customer_id == customer) & (tickets.c.state == TicketState.SERVED.value)
        query = select(tickets.c.agent).where(tickets.c.site_id == SITE, served)
        row = self._link.one(query.order_by(tickets.c.ended_at.desc(), tickets.c.id.desc()).limit(1))
        return None if row is None or row.agent is None else AgentId(row.agent)

    def away_before(self, moment: datetime, limit: int) -> Sequence[TicketOnRecord]:
        return self._hot(AWAY_BEFORE, moment=moment, most=limit)

    def left_behind(self) -> Sequence[TicketId]:
        return [TicketId(row.id) for row in self._link.hot_all(LEFT_BEHIND, {})]

    def ended_between(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        query = select(tickets).where(tickets.c.ended_at >= since, tickets.c.ended_at < until)
        return self._several(query.order_by(tickets.c.ended_at, tickets.c.id))

    def standing(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        query = select(tickets).where(stood(since, until))
        return self._several(query.order_by(tickets.c.arrived_at, tickets.c.tie, tickets.c.id))

    def _hot(self, query: Select[Any], **values: Any) -> list[TicketOnRecord]:
        return [_on_record(row) for row in self._link.hot_all(query, values)]

    def _one(self, query: Select[Any]) -> TicketOnRecord | None:
        row = self._link.one(query)
        return None if row is None else _on_record(row)

    def _several(self, query: Select[Any]) -> list[TicketOnRecord]:
        return [_on_record(row) for row in self._link.all(query)]
