"""Claims: one live an agent, one token a ticket, one accepted a ticket, and fences that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, func, select, text, update

from ivr.core.errors import NoSuchTicket
from ivr.core.words import AgentId, TicketId
from ivr.store.link import Link, inserting
from ivr.store.tables import SITE, claims, tickets
from ivr.store.tickets import stood
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState

LIVE = claims.c.ended_at.is_(None)
RUNG_AT_ONCE = 5
TALKED = ("talked", "handed_over")
IN_ORDER = (claims.c.made_at, claims.c.token, claims.c.place)

_OF_TICKET = claims.c.ticket_id == bindparam("ticket")
UNDER = select(claims).where(claims.c.token == bindparam("token")).order_by(*IN_ORDER)
OF_TICKET = select(claims).where(_OF_TICKET).order_by(claims.c.fence, claims.c.place)
ALL_LIVE = select(claims).where(claims.c.site_id == SITE, LIVE).order_by(*IN_ORDER)
LAST_FENCE = select(func.max(claims.c.fence), func.count().filter(LIVE)).where(_OF_TICKET)
# SQLite's BEGIN IMMEDIATE holds everything already, and its compiler leaves the clause out.
HOLD = select(tickets.c.fence).where(tickets.c.id == bindparam("ticket")).with_for_update(key_share=True)


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
        return [_claim(row) for row in self._link.hot_all(UNDER, {"token": token})]

    def of_agent(self, agent: AgentId) -> ClaimOnRecord | None:
        row = self._link.one(select(claims).where(claims.c.site_id == SITE, claims.c.agent == agent, LIVE))
        return None if row is None else _claim(row)

    def of_ticket(self, ticket: TicketId) -> Sequence[ClaimOnRecord]:
        return [_claim(row) for row in self._link.hot_all(OF_TICKET, {"ticket": ticket})]

    def live(self) -> Sequence[ClaimOnRecord]:
        """The earliest first."""
        return [_claim(row) for row in self._link.hot_all(ALL_LIVE, {})]

    def of_standing(self, since: datetime, until: datetime) -> Sequence[ClaimOnRecord]:
        # A subquery and not a join: both tables have a `state`, and the words of LIVE_TICKETS name no table.
        ids = select(tickets.c.id).where(stood(since, until))
        return self._several(select(claims).where(claims.c.ticket_id.in_(ids)))

    def last_talk(self, agent: AgentId) -> ClaimOnRecord | None:
        talked = (claims.c.site_id == SITE) & (claims.c.agent == agent) & claims.c.how.in_(TALKED)
        row = self._link.one(select(claims).where(talked).order_by(claims.c.ended_at.desc()).limit(1))
        return None if row is None else _claim(row)

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
        row = self._link.hot_one(LAST_FENCE, {"ticket": ticket})
        assert row is not None, "a count is always a row"
        last, live = row
        return live == 0 and (last is None or last < fence)

    def _hold(self, ticket: TicketId) -> int:
        """Nobody else claims this ticket or accepts it until the transaction ends; the fence it has seen."""
        row = self._link.hot_one(HOLD, {"ticket": ticket})
        if row is None:
            raise NoSuchTicket
        return int(row[0])

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
