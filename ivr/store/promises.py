"""Promises: what was said to whom, and by when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from ivr.core.promises import Promise, PromiseState
from ivr.core.words import CustomerId
from ivr.store.link import Link
from ivr.store.tables import SITE, promises


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
    )


class SqlPromises:
    """The port ``Promises``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def make(self, promise: Promise) -> None:
        self._link.run(
            insert(promises).values(
                id=promise.id,
                what=promise.what,
                customer_id=promise.customer,
                call_id=promise.call,
                made_at=promise.made_at,
                due_at=promise.due_at,
                zone=promise.zone,
                owner=promise.owner,
                state=promise.state.value,
                ended_at=promise.ended_at,
                because=promise.because,
            )
        )

    def of(self, customer: CustomerId) -> Sequence[Promise]:
        """Oldest first."""
        query = select(promises).where(promises.c.customer_id == customer).order_by(promises.c.made_at, promises.c.id)
        return [_promise(row) for row in self._link.all(query)]

    def open(self) -> Sequence[Promise]:
        """The most urgent first."""
        query = (
            select(promises)
            .where(promises.c.site_id == SITE, promises.c.state == PromiseState.OPEN.value)
            .order_by(promises.c.due_at, promises.c.id)
        )
        return [_promise(row) for row in self._link.all(query)]
