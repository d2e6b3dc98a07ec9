"""The call log: events, numbered in their call, added to and never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Insert, Row, Select, bindparam, insert, literal_column, select, update

from ivr.core.errors import NoSuchCall
from ivr.core.events import CallEvent
from ivr.core.words import CallId, CustomerId
from ivr.store.link import Link
from ivr.store.tables import SITE, call_events, calls
from ivr.switchboard.ports.calls import StoredEvent

MOST_AT_ONCE = 100
"""Events in one statement; a turn makes a handful."""

_FIELDS = ("call_id", "seq", "kind", "schema", "happened_at", "recorded_at", "customer_id", "data")
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@cache
def _append(rows: int) -> Insert:
    """One INSERT for so many events, its values in the order of ``_FIELDS``, row by row."""
    site: ColumnElement[str] = literal_column(f"'{SITE}'")
    return insert(call_events).values(
        [{**{field: bindparam(f"{field}_{row}") for field in _FIELDS}, "site_id": site} for row in range(rows)]
    )


RESERVE = (
    update(calls)
    .where(calls.c.id == bindparam("call"))
    .values(next_seq=calls.c.next_seq + bindparam("count"))
    .returning(calls.c.next_seq, calls.c.customer_id)
)


KINDS = select(call_events.c.kind).distinct().where(call_events.c.call_id == bindparam("call"))

OF_CALL = select(call_events).where(call_events.c.call_id == bindparam("call")).order_by(call_events.c.seq)


class SqlCallLog:
    """The port ``CallLog``; ``recorded_at`` is the time the records' clock shows."""

    __slots__ = ("_link", "_now")

    def __init__(self, link: Link, now: Callable[[], datetime]) -> None:
        self._link, self._now = link, now

    def append(
        self,
        call: CallId,
        first_seq: int,
        events: Sequence[CallEvent],
        happened_at: datetime,
        customer: CustomerId | None,
    ) -> None:
        happened, recorded = self._link.put_moment(happened_at), self._link.put_moment(self._now())
        for start in range(0, len(events), MOST_AT_ONCE):
            some = events[start : start + MOST_AT_ONCE]
            row: list[Any] = []
            for seq, event in enumerate(some, first_seq + start):
                # vars() and not asdict(): events hold plain values only, and asdict copies each of them deeply.
                data = _as_json(vars(event))
                row += (call, seq, event.kind, event.schema, happened, recorded, customer, data)
            self._link.hot_rows(_append(len(some)), row)

    def add(self, call: CallId, events: Sequence[CallEvent], happened_at: datetime) -> None:
        if not events:
            return
        reserved = self._link.hot_one(RESERVE, {"call": call, "count": len(events)})
        if reserved is None:
            raise NoSuchCall
        next_seq, customer = reserved
        self.append(call, next_seq - len(events), events, happened_at, customer)

    def of_call(self, call: CallId) -> Sequence[StoredEvent]:
        return [_stored(row) for row in self._link.hot_all(OF_CALL, {"call": call})]

    def kinds_of(self, call: CallId) -> frozenset[str]:
        return frozenset(row.kind for row in self._link.hot_all(KINDS, {"call": call}))

    def of_customer(self, customer: CustomerId) -> Sequence[StoredEvent]:
        """The events of all calls that are this customer's by now, call by call, oldest first.

        The call says whose they are: a caller may prove who it is after the first events were written.
        """
        return self._events(
            select(call_events)
            .join(calls, calls.c.id == call_events.c.call_id)
            .where(calls.c.customer_id == customer)
            .order_by(calls.c.started_at, calls.c.id, call_events.c.seq)
        )

    def of_kinds(self, kinds: Iterable[str], since: datetime, until: datetime) -> Sequence[StoredEvent]:
        rang = (calls.c.started_at >= since) & (calls.c.started_at < until)
        query = select(call_events).join(calls, calls.c.id == call_events.c.call_id).where(rang)
        of_these = query.where(call_events.c.kind.in_(sorted(kinds)))
        return self._events(of_these.order_by(call_events.c.happened_at, call_events.c.call_id, call_events.c.seq))

    def _events(self, query: Select[Any]) -> list[StoredEvent]:
        return [_stored(row) for row in self._link.all(query)]


def _stored(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        call=row.call_id,
        seq=row.seq,
        kind=row.kind,
        schema=row.schema,
        happened_at=row.happened_at,
        recorded_at=row.recorded_at,
        customer=row.customer_id,
        data=json.loads(row.data),
    )
