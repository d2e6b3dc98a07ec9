"""Legs that we dial: on record before the carrier is asked, changed under a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, select, text, update

from ivr.core.errors import NoSuchLeg
from ivr.core.leg import Leg, LegEnd, LegKind, LegState
from ivr.core.words import AgentId, LegId, PhoneNumber, TicketId
from ivr.store.link import Link, named_to_set, to_set
from ivr.store.tables import SITE, UNFINISHED_LEGS, legs

_CHANGING = (
    "kind",
    "ticket_id",
    "address",
    "line",
    "language",
    "made_at",
    "rings_seconds",
    "call_id",
    "token",
    "agent",
    "callback_id",
    "attempt",
    "shows",
    "state",
    "sid",
    "unwanted",
    "turn",
    "door",
    "token_heard",
    "stage",
    "says",
    "ended_at",
    "how",
)

GET = select(legs).where(legs.c.id == bindparam("leg"))
CHANGE = (
    update(legs)
    .where(legs.c.id == bindparam("leg"), legs.c.version == bindparam("seen"))
    .values(version=legs.c.version + 1, **to_set(_CHANGING))
)
_IN_ORDER = select(legs).order_by(legs.c.made_at, legs.c.id)
UNDER = _IN_ORDER.where(legs.c.token == bindparam("token"))
OF_TICKET = _IN_ORDER.where(legs.c.ticket_id == bindparam("ticket"))
UNFINISHED = _IN_ORDER.where(legs.c.site_id == SITE, text(UNFINISHED_LEGS))
OF_AGENT = UNFINISHED.where(legs.c.agent == bindparam("agent"), legs.c.kind != LegKind.CUSTOMER.value)


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
        row = self._link.hot_first(GET, {"leg": leg})
        if row is None:
            raise NoSuchLeg
        return _leg(row)

    def under(self, token: str) -> Sequence[Leg]:
        """The earliest first."""
        return self._several(UNDER, token=token)

    def of_ticket(self, ticket: TicketId) -> Sequence[Leg]:
        return self._several(OF_TICKET, ticket=ticket)

    def of_agent(self, agent: AgentId) -> Sequence[Leg]:
        return self._several(OF_AGENT, agent=agent)

    def change(self, leg: Leg) -> bool:
        changed = {"leg": leg.id, "seen": leg.version, **named_to_set(_columns(leg))}
        return self._link.hot_change(CHANGE, changed) == 1

    def unfinished(self) -> Sequence[Leg]:
        return self._several(UNFINISHED)

    def _several(self, query: Select[Any], **values: str) -> list[Leg]:
        return [_leg(row) for row in self._link.hot_all(query, values)]
