"""Attempts to prove who one is, so that nobody guesses for long."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, or_, select, true

from ivr.core.words import CallId, CustomerId
from ivr.store.link import Link
from ivr.store.tables import SITE, proof_attempts


class SqlProofs:
    """The port ``Proofs``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def tried(self, call: CallId, customer: CustomerId | None, by: str, at: datetime, held: bool) -> None:
        self._link.run(insert(proof_attempts).values(call_id=call, customer_id=customer, by=by, at=at, held=held))

    def failures(self, call: CallId, customer: CustomerId | None, since: datetime) -> int:
        attempt = proof_attempts.c
        whose: ColumnElement[bool] = attempt.call_id == call
        if customer is not None:
            whose = or_(whose, attempt.customer_id == customer)
        row = self._link.one(
            select(func.count()).where(attempt.site_id == SITE, attempt.at > since, attempt.held != true(), whose)
        )
        return 0 if row is None else int(row[0])
