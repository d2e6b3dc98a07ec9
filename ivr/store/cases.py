"""Cases, found by the code that was read out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from ivr.core.customer import CaseRecord
from ivr.core.words import CustomerId
from ivr.store.link import Link
from ivr.store.tables import SITE, cases


def _case(row: Row[Any]) -> CaseRecord:
    return CaseRecord(
        id=row.id,
        code=row.code,
        kind=row.kind,
        customer=row.customer_id,
        call=row.call_id,
        status=row.status,
        opened_at=row.opened_at,
        about=row.about,
    )


class SqlCases:
    """The port ``Cases``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def open(self, case: CaseRecord) -> None:
        self._link.run(
            insert(cases).values(
                id=case.id,
                code=case.code,
                kind=case.kind,
                customer_id=case.customer,
                call_id=case.call,
                status=case.status,
                opened_at=case.opened_at,
                about=case.about,
            )
        )

    def by_code(self, code: str) -> CaseRecord | None:
        row = self._link.one(select(cases).where(cases.c.site_id == SITE, cases.c.code == code))
        return None if row is None else _case(row)

    def of(self, customer: CustomerId) -> Sequence[CaseRecord]:
        """Oldest first."""
        query = select(cases).where(cases.c.customer_id == customer).order_by(cases.c.opened_at, cases.c.id)
        return [_case(row) for row in self._link.all(query)]
