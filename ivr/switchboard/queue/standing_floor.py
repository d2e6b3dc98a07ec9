"""The floor as it should stand: under the epoch that SQL knows, and rebuilt from SQL whenever Redis lost it.

Redis may be wiped, or come back from an old file: then every script answers that the floor is lost. Whoever is first to
begin the next epoch there builds it anew; the others find it unavailable until SQL knows the new epoch. Callers go on
being put on record meanwhile: what they changed is brought up before the epoch counts, with the floor's row held, and
once more after, for those who wrote beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from ivr.core.errors import FloorBeingBuilt, FloorLost, FloorUnavailable
from ivr.core.leg import LegKind
from ivr.core.routing.decide import FreeAgent
from ivr.core.ticket import Ticket, TicketState
from ivr.core.words import AgentId, TicketId
from ivr.switchboard.ports.floor import Claim, Floor, FloorAnswer, StandingClaim
from ivr.switchboard.ports.queue import AgentOnRecord, ClaimOnRecord, ClaimState, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock
from ivr.switchboard.record.places import stands_in_line

T = TypeVar("T")

NOBODY = TicketId("-")
EPOCHS_TRIED = 20
"""A rebuild that died half-way leaves Redis ahead of SQL by one; so many in a row are one accident."""

log = structlog.get_logger(__name__)


class StandingFloor:
    """Ask the floor through this, and it stands. Without one (no Redis is set) it is always unavailable."""

    def __init__(self, records: Records, floor: Floor | None, clock: Clock) -> None:
        self._records, self._under, self._clock = records, floor, clock
        self._moving = threading.Lock()  # which epoch the threads of this process expect: never back to an earlier one

    def ask(self, question: Callable[[Floor], T]) -> T:
        """The floor's answer; where it is lost it is built again first. Raises FloorUnavailable, RecordsUnavailable."""
        try:
            return _unless_lost(question(self._floor))
        except FloorLost:
            self._recover()
        return _unless_lost(question(self._floor))

    def rebuild(self) -> int:
        """Build it anew from what is on record, whether or not it stands: its new epoch.

        Raises FloorUnavailable (also while somebody else is building it), RecordsUnavailable.
        """
        with self._records.read() as tx:
            epoch = tx.floor.epoch()
        return self._rebuild(epoch)

    @property
    def _floor(self) -> Floor:
        if self._under is None:
            raise FloorUnavailable("no Redis is set (IVR_REDIS_URL): callers wait, and nobody is matched")
        return self._under

    def _recover(self) -> None:
        with self._moving:
            with self._records.read() as tx:
                epoch = tx.floor.epoch()
            if epoch != self._floor.epoch:
                self._under = self._floor.under(epoch)
        if epoch == 0 or not self._stands():  # another thread of this process may have built it meanwhile
            self._rebuild(epoch)

    def _stands(self) -> bool:
        answer, _ = self._floor.withdraw(NOBODY, self._clock.now())
        return answer is not FloorAnswer.FLOOR_LOST

    def _rebuild(self, epoch: int) -> int:
        now = self._clock.now()
        with self._records.read() as tx:
            standing = on_record(tx, now)
        new = self._built(epoch, standing, now)
        with self._records.write() as tx:
            if tx.floor.lock() >= new.epoch:
                raise FloorBeingBuilt("somebody else has built it meanwhile")
            standing = _brought_up(tx, new, standing, self._clock.now())
            tx.floor.set(new.epoch, now)
        with self._moving:
            self._under = new
        with self._records.read() as tx:
            _brought_up(tx, new, standing, self._clock.now())
        log.warning("floor.rebuilt", epoch=new.epoch, tickets=len(standing.tickets), agents=len(standing.agents))
        return new.epoch

    def _built(self, epoch: int, standing: OnRecord, now: datetime) -> Floor:
        for later in range(epoch + 1, epoch + 1 + EPOCHS_TRIED):
            try:
                self._floor.rebuild(later, standing.tickets, standing.agents, standing.claims, now)
            except FloorBeingBuilt:
                raise
            except FloorLost:
                continue
            return self._floor.under(later)
        raise FloorLost


@dataclass(frozen=True)
class OnRecord:
    """The floor as SQL has it."""

    tickets: tuple[Ticket, ...]
    agents: tuple[FreeAgent, ...]
    claims: tuple[StandingClaim, ...]
    versions: Mapping[TicketId, int]


def on_record(tx: Transaction, now: datetime) -> OnRecord:
    """Who waits, who is free and who is claimed, by what stands in SQL; the claimed are among the first two as well."""
    live = tx.tickets.live()
    waiting = [place.ticket for place in live if _belongs(place)]
    return _with_agents(tx, waiting, {place.ticket.id: place.version for place in live}, now)


def _belongs(place: TicketOnRecord) -> bool:
    return stands_in_line(place) or place.ticket.state is TicketState.CLAIMED


def _with_agents(
    tx: Transaction, waiting: Sequence[Ticket], versions: Mapping[TicketId, int], now: datetime
) -> OnRecord:
    offered = [claim for claim in tx.claims.live() if claim.state is ClaimState.OFFERED]
    reserved = {claim.agent for claim in offered}
    there = tx.agents.all()
    busy = on_the_phone(tx) - reserved
    free = [free_agent(each) for each in there if each.record.name not in busy and may_be_offered(each, now, reserved)]
    known = {ticket.id for ticket in waiting}
    return OnRecord(tuple(waiting), tuple(free), tuple(_standing(offered, known)), versions)


def _brought_up(tx: Transaction, floor: Floor, was: OnRecord, now: datetime) -> OnRecord:
    """The floor as the record has it now, where only what has changed since is read and asked again."""
    versions = tx.tickets.versions()
    changed = {name for name, version in versions.items() if was.versions.get(name) != version}
    places = [tx.tickets.get(name) for name in changed]
    kept = [ticket for ticket in was.tickets if ticket.id in versions and ticket.id not in changed]
    waiting = [place.ticket for place in places if _belongs(place)]
    now_so = _with_agents(tx, [*kept, *waiting], versions, now)
    gone = {ticket.id for ticket in was.tickets} - {ticket.id for ticket in kept}
    for name in gone:
        _unless_lost(floor.withdraw(name, now))
    for ticket in waiting:
        _unless_lost(floor.put(ticket, now))
    for agent in {agent.agent for agent in was.agents} - {agent.agent for agent in now_so.agents}:
        _unless_lost(floor.agent_not_free(agent, now))
    let_go = {agent for claim in was.claims if claim.ticket in gone for agent in claim.agents}
    for free in now_so.agents:
        if free not in was.agents or free.agent in let_go:
            _unless_lost(floor.agent_free(free, now))
    tokens = {claim.token for claim in was.claims if claim.ticket not in gone}
    for claim in now_so.claims:
        if claim.token not in tokens:
            _unless_lost(floor.claim(claim.ticket, claim.agents, claim.token, now, claim.lapses))
    return now_so


def on_the_phone(tx: Transaction) -> frozenset[AgentId]:
    """Agents whose phone is in use for us, be it that they hear the last words of an offer."""
    legs = (leg for leg in tx.legs.unfinished() if leg.kind is not LegKind.CUSTOMER)
    return frozenset(leg.agent for leg in legs if leg.agent is not None)


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
