"""The floor as it should stand: under the epoch that SQL knows, and rebuilt from SQL whenever Redis lost it.

Redis may be wiped, or come back from an old file: then every script answers that the floor is lost. One rebuilder,
chosen by a row that it holds locked in SQL, builds it anew under the next epoch; the others find the new epoch there.
The row is held while Redis is written: the one place where a transaction waits for the network, since nobody else may
rebuild meanwhile, and claims have to wait anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from ivr.core.errors import FloorLost, FloorUnavailable
from ivr.core.leg import LegKind
from ivr.core.routing.decide import FreeAgent
from ivr.core.ticket import Ticket, TicketState
from ivr.core.words import AgentId, TicketId
from ivr.switchboard.places import stands_in_line
from ivr.switchboard.ports import (
    AgentOnRecord,
    Claim,
    ClaimOnRecord,
    ClaimState,
    Clock,
    Floor,
    FloorAnswer,
    Records,
    StandingClaim,
    Transaction,
)

T = TypeVar("T")

NOBODY = TicketId("-")
EPOCHS_TRIED = 20
"""A rebuild that died half-way leaves Redis ahead of SQL by one; so many in a row are one accident."""

log = structlog.get_logger(__name__)


class StandingFloor:
    """Ask the floor through this, and it stands. Without one (no Redis is set) it is always unavailable."""

    def __init__(self, records: Records, floor: Floor | None, clock: Clock) -> None:
        self._records, self._under, self._clock = records, floor, clock

    def ask(self, question: Callable[[Floor], T]) -> T:
        """The floor's answer; where it is lost it is built again first. Raises FloorUnavailable, RecordsUnavailable."""
        try:
            return _unless_lost(question(self._floor))
        except FloorLost:
            self._recover()
        return _unless_lost(question(self._floor))

    def rebuild(self) -> int:
        """Build it anew from what is on record, whether or not it stands: its new epoch.

        Raises FloorUnavailable, RecordsUnavailable.
        """
        with self._records.write() as tx:
            self._rebuild(tx, tx.floor.lock())
            return tx.floor.epoch()

    @property
    def _floor(self) -> Floor:
        if self._under is None:
            raise FloorUnavailable("no Redis is set (IVR_REDIS_URL): callers wait, and nobody is matched")
        return self._under

    def _recover(self) -> None:
        with self._records.write() as tx:
            epoch = tx.floor.lock()
            if epoch != self._floor.epoch:
                self._under = self._floor.under(epoch)
            if epoch == 0 or not self._stands():  # another thread of this process may have built it meanwhile
                self._rebuild(tx, epoch)

    def _stands(self) -> bool:
        answer, _ = self._floor.withdraw(NOBODY, self._clock.now())
        return answer is not FloorAnswer.FLOOR_LOST

    def _rebuild(self, tx: Transaction, epoch: int) -> None:
        now = self._clock.now()
        standing = on_record(tx, now)
        for later in range(epoch + 1, epoch + 1 + EPOCHS_TRIED):
            try:
                self._floor.rebuild(later, standing.tickets, standing.agents, standing.claims, now)
            except FloorLost:
                continue
            tx.floor.set(later, now)
            self._under = self._floor.under(later)
            log.warning("floor.rebuilt", epoch=later, tickets=len(standing.tickets), agents=len(standing.agents))
            return
        raise FloorLost


@dataclass(frozen=True)
class OnRecord:
    """The floor as SQL has it."""

    tickets: tuple[Ticket, ...]
    agents: tuple[FreeAgent, ...]
    claims: tuple[StandingClaim, ...]


def on_record(tx: Transaction, now: datetime) -> OnRecord:
    """Who waits, who is free and who is claimed, by what stands in SQL; the claimed are among the first two as well."""
    waiting = [p.ticket for p in tx.tickets.live() if stands_in_line(p) or p.ticket.state is TicketState.CLAIMED]
    offered = [claim for claim in tx.claims.live() if claim.state is ClaimState.OFFERED]
    reserved = {claim.agent for claim in offered}
    on_the_phone = {leg.agent for leg in tx.legs.unfinished() if leg.kind is not LegKind.CUSTOMER} - reserved
    at_work = (each for each in tx.agents.all() if each.record.name not in on_the_phone)
    free = [free_agent(each) for each in at_work if may_be_offered(each, now, reserved)]
    known = {ticket.id for ticket in waiting}
    return OnRecord(tuple(waiting), tuple(free), tuple(_standing(offered, known)))


def may_be_offered(agent: AgentOnRecord, now: datetime, reserved: set[AgentId]) -> bool:
    return agent.status.is_free(now) or agent.record.name in reserved


def free_agent(agent: AgentOnRecord) -> FreeAgent:
    """An agent as routing sees them."""
    who, status = agent.record, agent.status
    return FreeAgent(who.name, who.brings(), status.free_since(), status.calls, status.last_offer, who.rank)


def _standing(offered: Sequence[ClaimOnRecord], known: set[TicketId]) -> list[StandingClaim]:
    tokens = dict.fromkeys(claim.token for claim in offered if claim.ticket in known)
    standing = []
    for token in tokens:
        rows = [claim for claim in offered if claim.token == token]
        agents = tuple(row.agent for row in rows)
        standing.append(StandingClaim(rows[0].ticket, agents, token, rows[0].fence, rows[0].lapses_at))
    return standing


def _unless_lost(answer: T) -> T:
    """The answer; raises FloorLost for one that says so, in whatever form."""
    said: object = answer
    if isinstance(said, tuple | list) and said:
        said = said[0]
    if isinstance(said, Claim):
        said = said.answer
    if said is FloorAnswer.FLOOR_LOST:
        raise FloorLost
    return answer
