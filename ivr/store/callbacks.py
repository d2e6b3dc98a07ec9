"""Callbacks: one live a number and one a place of a slot, by unique indexes over the rows that have not ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select, update

from ivr.core.callbacks import Callback, CallbackState, NoSuchCallback, Outcome, SlotTaken, slot_hour
from ivr.core.errors import ChangedMeanwhile
from ivr.core.words import AgentId, CallbackId, CustomerId, PhoneNumber, QueueName, TicketId
from ivr.store.link import Link, insert_once, inserting
from ivr.store.tables import SITE, callback_attempts, callbacks
from ivr.switchboard.ports.customers import Attempt

TRIES = 3
"""The live one may end between the attempt to insert and the look for it."""

LIVE = callbacks.c.ended_at.is_(None)

_LIVE_HERE = (callbacks.c.site_id == SITE) & LIVE
GET = select(callbacks).where(callbacks.c.id == bindparam("callback"))
LIVE_OF = select(callbacks).where(_LIVE_HERE, callbacks.c.number == bindparam("to_number"))
OF_TICKET = select(callbacks).where(callbacks.c.ticket_id == bindparam("ticket"))
LIVE_COUNT = select(func.count()).select_from(callbacks).where(_LIVE_HERE, callbacks.c.queue == bindparam("of_queue"))


def _callback(row: Row[Any]) -> Callback:
    return Callback(
        id=row.id,
        customer=row.customer_id,
        call=row.call_id,
        line=row.line,
        queue=row.queue,
        number=PhoneNumber(row.number),
        country=row.country,
        zones=tuple(json.loads(row.zones)),
        language=row.language,
        arrived_at=row.arrived_at,
        asked_at=row.asked_at,
        next_at=row.next_at,
        shows=PhoneNumber(row.shows) if row.shows else None,
        ticket=row.ticket_id,
        case=row.case_id,
        promise=row.promise_id,
        path=tuple(json.loads(row.path)),
        typed=json.loads(row.typed),
        slot_at=row.slot_at,
        state=CallbackState(row.state),
        attempts=row.attempts,
        misses=row.misses,
        last_outcome=Outcome(row.last_outcome) if row.last_outcome else None,
        tell=row.tell,
        code=row.code,
        code_until=row.code_until,
        ended_at=row.ended_at,
        because=row.because,
        version=row.version,
    )


def _columns(callback: Callback) -> dict[str, Any]:
    return {
        "id": callback.id,
        "customer_id": callback.customer,
        "call_id": callback.call,
        "line": callback.line,
        "queue": callback.queue,
        "number": str(callback.number),
        "country": callback.country,
        "zones": json.dumps(callback.zones),
        "arrived_at": callback.arrived_at,
        "asked_at": callback.asked_at,
        "shows": str(callback.shows) if callback.shows else None,
        "path": json.dumps(callback.path),
        "slot_at": callback.slot_at,
        "version": callback.version,
        **_changing(callback),
    }


def _changing(callback: Callback) -> dict[str, Any]:
    return {
        "language": callback.language,
        "typed": json.dumps(dict(callback.typed), ensure_ascii=False),
        "ticket_id": callback.ticket,
        "case_id": callback.case,
        "promise_id": callback.promise,
        "state": callback.state.value,
        "attempts": callback.attempts,
        "misses": callback.misses,
        "next_at": callback.next_at,
        "last_outcome": callback.last_outcome.value if callback.last_outcome else None,
        "tell": callback.tell,
        "code": callback.code,
        "code_until": callback.code_until,
        "ended_at": callback.ended_at,
        "because": callback.because,
    }


class SqlCallbacks:
    """The port ``Callbacks``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def ask(self, callback: Callback, capacity: int = 0, zone: str = "UTC") -> Callback:
        if callback.slot_at is None:
            places: list[dict[str, Any]] = [{}] * TRIES
        else:
            hour = slot_hour(callback.slot_at, zone)
            places = [{"slot_hour": hour, "slot_place": place} for place in range(1, capacity + 1)]
        # No target: the row may meet either unique index. On PostgreSQL it waits for whoever is about to take the
        # place, so that what is read next is there ("INSERT: ON CONFLICT Clause").
        once = inserting(callbacks, self._link.dialect).on_conflict_do_nothing()
        for place in places:
            if self._link.run(once, {**_columns(callback), **place}) == 1:
                return callback
            there = self.live_of(callback.number)
            if there is not None:
                return there
        raise ChangedMeanwhile if callback.slot_at is None else SlotTaken

    def get(self, callback: CallbackId) -> Callback:
        found = self._hot(GET, callback=callback)
        if found is None:
            raise NoSuchCallback
        return found

    def live_of(self, number: PhoneNumber) -> Callback | None:
        return self._hot(LIVE_OF, to_number=str(number))

    def of_ticket(self, ticket: TicketId) -> Callback | None:
        return self._hot(OF_TICKET, ticket=ticket)

    def by_code(self, code: str, now: datetime) -> Callback | None:
        return self._one(
            select(callbacks)
            .where(callbacks.c.site_id == SITE, callbacks.c.code == code, callbacks.c.code_until >= now)
            .order_by(callbacks.c.code_until.desc())
        )

    def change(self, callback: Callback) -> bool:
        there = (callbacks.c.id == callback.id) & (callbacks.c.version == callback.version)
        changed = update(callbacks).where(there).values(version=callback.version + 1, **_changing(callback))
        return self._link.run(changed) == 1

    def due(self, now: datetime, limit: int) -> Sequence[Callback]:
        waiting = callbacks.c.state == CallbackState.WAITING.value
        return self._several(select(callbacks).where(waiting, callbacks.c.next_at <= now), limit)

    def live(self, queue: QueueName | None = None) -> Sequence[Callback]:
        query = select(callbacks).where(callbacks.c.site_id == SITE, LIVE)
        return self._several(query if queue is None else query.where(callbacks.c.queue == queue))

    def live_count(self, queue: QueueName) -> int:
        row = self._link.hot_one(LIVE_COUNT, {"of_queue": queue})
        return 0 if row is None else int(row[0])

    def booked(self, queue: QueueName, since: datetime, until: datetime) -> Sequence[datetime]:
        query = (
            select(callbacks.c.slot_at)
            .where(callbacks.c.site_id == SITE, callbacks.c.queue == queue, LIVE)
            .where(callbacks.c.slot_at >= since, callbacks.c.slot_at < until)
            .order_by(callbacks.c.slot_at)
        )
        return [row.slot_at for row in self._link.all(query)]

    def of(self, customer: CustomerId) -> Sequence[Callback]:
        """Oldest first."""
        query = select(callbacks).where(callbacks.c.customer_id == customer)
        return [_callback(row) for row in self._link.all(query.order_by(callbacks.c.asked_at, callbacks.c.id))]

    def asked_since(self, since: datetime, number: PhoneNumber | None = None) -> int:
        query = select(func.count()).select_from(callbacks).where(callbacks.c.asked_at >= since)
        if number is not None:
            query = query.where(callbacks.c.number == str(number))
        row = self._link.one(query)
        return 0 if row is None else int(row[0])

    def begin(self, attempt: Attempt) -> bool:
        row = {
            "callback_id": attempt.callback,
            "attempt": attempt.number,
            "agent": attempt.agent,
            "began_at": attempt.began_at,
        }
        return self._link.run(insert_once(callback_attempts, self._link.dialect, "callback_id", "attempt"), row) == 1

    def end(self, callback: CallbackId, number: int, outcome: Outcome, at: datetime) -> bool:
        running = (
            (callback_attempts.c.callback_id == callback)
            & (callback_attempts.c.attempt == number)
            & callback_attempts.c.ended_at.is_(None)
        )
        ended = update(callback_attempts).where(running).values(ended_at=at, outcome=outcome.value)
        return self._link.run(ended) == 1

    def attempts(self, callback: CallbackId) -> Sequence[Attempt]:
        query = select(callback_attempts).where(callback_attempts.c.callback_id == callback)
        return [_attempt(row) for row in self._link.all(query.order_by(callback_attempts.c.attempt))]

    def _hot(self, query: Select[Any], **values: str) -> Callback | None:
        row = self._link.hot_first(query, values)
        return None if row is None else _callback(row)

    def _one(self, query: Select[Any]) -> Callback | None:
        row = self._link.one(query)
        return None if row is None else _callback(row)

    def _several(self, query: Select[Any], limit: int | None = None) -> list[Callback]:
        ordered = query.order_by(callbacks.c.arrived_at, callbacks.c.id).limit(limit)
        return [_callback(row) for row in self._link.all(ordered)]


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        callback=row.callback_id,
        number=row.attempt,
        agent=None if row.agent is None else AgentId(row.agent),
        began_at=row.began_at,
        ended_at=row.ended_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
