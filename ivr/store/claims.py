"""Claims: one live an agent, one token a ticket, one accepted a ticket, and fences that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, func, select, text, update

from ivr.core.errors import NoSuchTicket
from ivr.core.words import AgentId, TicketId
from ivr.store.link import Link, inserting
from ivr.store.tables import SITE, claims, tickets
from ivr.store.tickets import stood
from ivr.switchboard.ports import ClaimOnRecord, ClaimState

LIVE = claims.c.ended_at.is_(None)
RUNG_AT_ONCE = 5
IN_ORDER = (claims.c.made_at, claims.c.token, claims.c.place)


def _claim(row: Row[Any]) -> ClaimOnRecord:
    return ClaimOnRecord(
        token=row.token,
        agent=AgentId(row.agent),
        ticket=row.ticket_id,
        attempt=row.attempt,
        fence=row.fence,
        made_at=row.made_at,
        lapses_at=row.lapses_at,
        because=row.because,
        state=ClaimState(row.state),
        how=row.how,
        accepted_at=row.accepted_at,
        ended_at=row.ended_at,
    )


def _columns(claim: ClaimOnRecord, place: int) -> dict[str, Any]:
    return {
        "site_id": SITE,
        "token": claim.token,
        "agent": claim.agent,
        "ticket_id": claim.ticket,
        "place": place,
        "attempt": claim.attempt,
        "fence": claim.fence,
        "made_at": claim.made_at,
        "lapses_at": claim.lapses_at,
        "because": claim.because,
        "state": claim.state.value,
        "how": claim.how,
        "accepted_at": claim.accepted_at,
        "ended_at": claim.ended_at,
    }


class SqlClaims:
    """The port ``Claims``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def make(self, claims: Sequence[ClaimOnRecord]) -> bool:
        """All of one token, ticket and fence, five at the most; raises NoSuchTicket."""
        ticket, fence = _one_offer(claims)
        if not self._may_be_made(ticket, fence):
            return False
        rows = [_columns(claim, place) for place, claim in enumerate(claims)]
        # By agent, or two who ring the same agents in another order would wait for each other.
        return self._insert_all(sorted(rows, key=lambda row: str(row["agent"])))

    def under(self, token: str) -> Sequence[ClaimOnRecord]:
        """In the order in which they were given."""
        return self._several(select(claims).where(claims.c.token == token))

    def of_agent(self, agent: AgentId) -> ClaimOnRecord | None:
        row = self._link.one(select(claims).where(claims.c.site_id == SITE, claims.c.agent == agent, LIVE))
        return None if row is None else _claim(row)

    def of_ticket(self, ticket: TicketId) -> Sequence[ClaimOnRecord]:
        query = select(claims).where(claims.c.ticket_id == ticket).order_by(claims.c.fence, claims.c.place)
        return [_claim(row) for row in self._link.all(query)]

    def live(self) -> Sequence[ClaimOnRecord]:
        """The earliest first."""
        return self._several(select(claims).where(claims.c.site_id == SITE, LIVE))

    def of_standing(self, since: datetime, until: datetime) -> Sequence[ClaimOnRecord]:
        # A subquery and not a join: both tables have a `state`, and the words of LIVE_TICKETS name no table.
        ids = select(tickets.c.id).where(stood(since, until))
        return self._several(select(claims).where(claims.c.ticket_id.in_(ids)))

    def accept(self, token: str, agent: AgentId, at: datetime) -> bool:
        """False too when another agent has accepted this ticket."""
        mine = (claims.c.token == token) & (claims.c.agent == agent) & (claims.c.state == ClaimState.OFFERED.value)
        row = self._link.one(select(claims.c.ticket_id).where(mine))
        if row is None:
            return False
        self._hold(row.ticket_id)
        others = claims.alias("others")
        taken = exists().where(others.c.ticket_id == row.ticket_id, others.c.state == ClaimState.ACCEPTED.value)
        accepted = update(claims).where(mine, ~taken).values(state=ClaimState.ACCEPTED.value, accepted_at=at)
        return self._link.run(accepted) == 1

    def end(self, token: str, agent: AgentId, how: str, at: datetime) -> bool:
        mine = (claims.c.token == token) & (claims.c.agent == agent) & LIVE
        ended = update(claims).where(mine).values(state=ClaimState.ENDED.value, how=how, ended_at=at)
        return self._link.run(ended) == 1

    def _may_be_made(self, ticket: TicketId, fence: int) -> bool:
        if fence < self._hold(ticket):  # the ticket may say this very fence already
            return False
        query = select(func.max(claims.c.fence).label("last"), func.count().filter(LIVE).label("live"))
        row = self._link.one(query.where(claims.c.ticket_id == ticket))
        return row is None or (row.live == 0 and (row.last is None or row.last < fence))

    def _hold(self, ticket: TicketId) -> int:
        """Nobody else claims this ticket or accepts it until the transaction ends; the fence it has seen.

        SQLite's BEGIN IMMEDIATE holds everything already, and its compiler leaves the clause out.
        """
        row = self._link.one(select(tickets.c.fence).where(tickets.c.id == ticket).with_for_update(key_share=True))
        if row is None:
            raise NoSuchTicket
        return int(row.fence)

    def _insert_all(self, rows: list[dict[str, Any]]) -> bool:
        # No target: a row may meet any of the unique indexes. It is no error then, so PostgreSQL goes on with the
        # transaction ("INSERT: ON CONFLICT Clause"); those that went in before it go out again by the savepoint.
        once = inserting(claims, self._link.dialect).values(rows).on_conflict_do_nothing()
        self._link.run(text("SAVEPOINT claims"))
        whole = self._link.run(once) == len(rows)
        if not whole:
            self._link.run(text("ROLLBACK TO SAVEPOINT claims"))
        self._link.run(text("RELEASE SAVEPOINT claims"))
        return whole

    def _several(self, query: Select[Any]) -> list[ClaimOnRecord]:
        return [_claim(row) for row in self._link.all(query.order_by(*IN_ORDER))]


def _one_offer(claims: Sequence[ClaimOnRecord]) -> tuple[TicketId, int]:
    if not 1 <= len(claims) <= RUNG_AT_ONCE:
        raise ValueError(f"an offer goes to 1 to {RUNG_AT_ONCE} agents, not {len(claims)}")
    first = claims[0]
    if any((each.token, each.ticket, each.fence) != (first.token, first.ticket, first.fence) for each in claims):
        raise ValueError("the claims of one offer have one token, one ticket and one fence")
    return first.ticket, first.fence
