"""Promises: what was said to whom, and by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from ivr.core.promises import NoSuchPromise, Promise, PromiseState, next_look
from ivr.core.words import CustomerId, PromiseId
from ivr.store.link import Link
from ivr.store.tables import SITE, promises

GET = select(promises).where(promises.c.id == bindparam("promise"))
TO_LOOK_AT = (
    select(promises)
    .where(promises.c.next_at <= bindparam("now"))
    .order_by(promises.c.next_at, promises.c.id)
    .limit(bindparam("most"))
)


def _promise(row: Row[Any]) -> Promise:
    return Promise(
        id=row.id,
        what=row.what,
        customer=row.customer_id,
        call=row.call_id,
        made_at=row.made_at,
        due_at=row.due_at,
        zone=row.zone,
        owner=row.owner,
        state=PromiseState(row.state),
        ended_at=row.ended_at,
        because=row.because,
        counts_from=row.counts_from,
        moved_to=row.moved_to,
        moves=row.moves,
        warned_at=row.warned_at,
        late_at=row.late_at,
        missed_at=row.missed_at,
        version=row.version,
    )


def _columns(promise: Promise) -> dict[str, Any]:
    return {
        "what": promise.what,
        "customer_id": promise.customer,
        "call_id": promise.call,
        "made_at": promise.made_at,
        "due_at": promise.due_at,
        "zone": promise.zone,
        "owner": promise.owner,
        **_changing(promise),
    }


def _changing(promise: Promise) -> dict[str, Any]:
    return {
        "due_at": promise.due_at,
        "owner": promise.owner,
        "state": promise.state.value,
        "ended_at": promise.ended_at,
        "because": promise.because,
        "counts_from": promise.counts_from,
        "moved_to": promise.moved_to,
        "moves": promise.moves,
        "warned_at": promise.warned_at,
        "late_at": promise.late_at,
        "missed_at": promise.missed_at,
        "next_at": next_look(promise),
    }


class SqlPromises:
    """The port ``Promises``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def make(self, promise: Promise) -> None:
        self._link.run(insert(promises).values(id=promise.id, version=promise.version, **_columns(promise)))

    def get(self, promise: PromiseId) -> Promise:
        """Raises NoSuchPromise."""
        row = self._link.hot_first(GET, {"promise": promise})
        if row is None:
            raise NoSuchPromise
        return _promise(row)

    def change(self, promise: Promise) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        there = (promises.c.id == promise.id) & (promises.c.version == promise.version)
        changed = update(promises).where(there).values(version=promise.version + 1, **_changing(promise))
        return self._link.run(changed) == 1

    def of(self, customer: CustomerId) -> Sequence[Promise]:
        """Oldest first."""
        return self._several(
            select(promises).where(promises.c.customer_id == customer).order_by(promises.c.made_at, promises.c.id)
        )

    def open(self, owner: str | None = None) -> Sequence[Promise]:
        """The most urgent first; of one owner, or of all."""
        query = select(promises).where(promises.c.site_id == SITE, promises.c.state == PromiseState.OPEN.value)
        if owner is not None:
            query = query.where(promises.c.owner == owner)
        return self._several(query.order_by(promises.c.due_at, promises.c.id))

    def to_look_at(self, now: datetime, limit: int) -> Sequence[Promise]:
        """Open ones at which the clock has something to do, the longest due first."""
        return [_promise(row) for row in self._link.hot_all(TO_LOOK_AT, {"now": now, "most": limit})]

    def due_between(self, since: datetime, until: datetime) -> Sequence[Promise]:
        """Those whose time (the first that was missed, else the present one) lies in ``[since, until)``."""
        deadline = func.coalesce(promises.c.missed_at, promises.c.due_at)
        return self._several(
            select(promises)
            .where(promises.c.site_id == SITE, deadline >= since, deadline < until)
            .order_by(promises.c.due_at, promises.c.id)
        )

    def _several(self, query: Select[Any]) -> list[Promise]:
        return [_promise(row) for row in self._link.all(query)]
