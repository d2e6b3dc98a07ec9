"""Legs that we dial: on record before the carrier is asked, changed under a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, insert, select, text, update

from ivr.core.errors import NoSuchLeg
from ivr.core.leg import Leg, LegEnd, LegKind, LegState
from ivr.core.words import AgentId, LegId, PhoneNumber, TicketId
from ivr.store.link import Link
from ivr.store.tables import SITE, UNFINISHED_LEGS, legs


def _leg(row: Row[Any]) -> Leg:
    return Leg(
        id=row.id,
        kind=LegKind(row.kind),
        ticket=row.ticket_id,
        to=row.address,
        line=row.line,
        language=row.language,
        made_at=row.made_at,
        rings=timedelta(seconds=row.rings_seconds),
        call=row.call_id,
        token=row.token,
        agent=row.agent,
        callback=row.callback_id,
        attempt=row.attempt,
        shows=PhoneNumber(row.shows) if row.shows else None,
        state=LegState(row.state),
        sid=row.sid,
        unwanted=row.unwanted,
        turn=row.turn,
        door=row.door,
        token_heard=row.token_heard,
        stage=row.stage,
        says=row.says,
        ended_at=row.ended_at,
        how=LegEnd(row.how) if row.how else None,
        version=row.version,
    )


def _columns(leg: Leg) -> dict[str, Any]:
    return {
        "kind": leg.kind.value,
        "ticket_id": leg.ticket,
        "address": leg.to,
        "line": leg.line,
        "language": leg.language,
        "made_at": leg.made_at,
        "rings_seconds": leg.rings.total_seconds(),
        "call_id": leg.call,
        "token": leg.token,
        "agent": leg.agent,
        "callback_id": leg.callback,
        "attempt": leg.attempt,
        "shows": str(leg.shows) if leg.shows else None,
        "state": leg.state.value,
        "sid": leg.sid,
        "unwanted": leg.unwanted,
        "turn": leg.turn,
        "door": leg.door,
        "token_heard": leg.token_heard,
        "stage": leg.stage,
        "says": leg.says,
        "ended_at": leg.ended_at,
        "how": leg.how.value if leg.how else None,
    }


class SqlLegs:
    """The port ``Legs``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def commit(self, leg: Leg) -> None:
        self._link.run(insert(legs).values(id=leg.id, version=leg.version, **_columns(leg)))

    def get(self, leg: LegId) -> Leg:
        row = self._link.one(select(legs).where(legs.c.id == leg))
        if row is None:
            raise NoSuchLeg
        return _leg(row)

    def under(self, token: str) -> Sequence[Leg]:
        """The earliest first."""
        return self._several(select(legs).where(legs.c.token == token))

    def of_ticket(self, ticket: TicketId) -> Sequence[Leg]:
        return self._several(select(legs).where(legs.c.ticket_id == ticket))

    def of_agent(self, agent: AgentId) -> Sequence[Leg]:
        theirs = (legs.c.agent == agent) & (legs.c.kind != LegKind.CUSTOMER.value)
        return self._several(select(legs).where(legs.c.site_id == SITE, text(UNFINISHED_LEGS), theirs))

    def change(self, leg: Leg) -> bool:
        there = (legs.c.id == leg.id) & (legs.c.version == leg.version)
        return self._link.run(update(legs).where(there).values(version=leg.version + 1, **_columns(leg))) == 1

    def unfinished(self) -> Sequence[Leg]:
        return self._several(select(legs).where(legs.c.site_id == SITE, text(UNFINISHED_LEGS)))

    def _several(self, query: Select[Any]) -> list[Leg]:
        return [_leg(row) for row in self._link.all(query.order_by(legs.c.made_at, legs.c.id))]
