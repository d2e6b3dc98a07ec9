"""Who is served next, and by whom: chosen in the core, claimed on the floor, put on record, and only then dialled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from ivr.core.call import CallRecord
from ivr.core.errors import ChangedMeanwhile, IvrError, NoSuchTicket
from ivr.core.leg import Leg, LegKind
from ivr.core.routing.decide import Pair, Rules, best_pairs
from ivr.core.words import AgentId, Language, LegId, TicketId
from ivr.switchboard.legs.ringing import RINGS, dialled, shown
from ivr.switchboard.ports.floor import Claim, Floor, FloorAnswer
from ivr.switchboard.ports.queue import ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Ids
from ivr.switchboard.queue.line_up import LAPSES, LineUp
from ivr.switchboard.queue.standing_floor import StandingFloor
from ivr.switchboard.queue.steer import Steer
from ivr.switchboard.record import places

AT_ONCE = 4
"""Matches looked for in one look."""

LOOKS = 200
"""In one go; whatever is left is found by the next hint, or by the sweep."""

LOOKED_AT_AGAIN = 2
"""Times: an agent whose wrap-up ends at this moment, on record as well, is free all the same."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Match:
    """The use case behind "somebody is free" and "somebody waits"."""

    records: Records
    floor: StandingFloor
    rules: Rules
    flows: Flows
    line_up: LineUp
    steer: Steer
    clock: Clock
    ids: Ids

    def __call__(self) -> None:
        """Make every match there is now; none while our doors are closed, since an agent's phone would meet them.

        Raises FloorUnavailable, RecordsUnavailable.
        """
        if not self.steer.hears():
            return
        for _ in range(LOOKS):
            now = self.clock.now()
            found = self.floor.ask(lambda floor, now=now: floor.candidates(now, AT_ONCE))  # type: ignore[misc]
            pairs = best_pairs(found.waiting, found.free, self.rules, AT_ONCE)
            if not pairs:
                return
            self._settle(self._claimed(pairs, now), pairs, now)

    def _claimed(self, pairs: Sequence[Pair], now: datetime) -> list[Claim]:
        choices = [(pair, self.ids.new()) for pair in pairs]
        lapses = now + LAPSES

        def claim(floor: Floor) -> Sequence[Claim]:
            return floor.claim_first(choices, now, lapses, AT_ONCE)

        return [made for made in self.floor.ask(claim) if made.answer is FloorAnswer.CLAIMED]

    def _settle(self, made: Sequence[Claim], pairs: Sequence[Pair], now: datetime) -> None:
        """Each on record, then dialled; over an outage the claims that came on no record are undone: nobody waits."""
        left = list(made)
        try:
            while left:
                claim = left[0]
                stands = self._stands(claim, next(pair for pair in pairs if pair.ticket == claim.ticket), now)
                del left[0]
                if stands:
                    self.steer(claim.ticket)
        except IvrError:
            for claim in left:
                self.floor.ask(lambda floor, claim=claim: floor.take_back(claim.ticket, claim.token, now))  # type: ignore[misc]
            raise

    def _stands(self, claim: Claim, pair: Pair, now: datetime) -> bool:
        """Whether it is on record now; one that the record refuses is given back, and what is true is lined up."""
        try:
            places.retried(lambda: self._recorded(claim, pair, now), LOOKED_AT_AGAIN)
        except (ChangedMeanwhile, NoSuchTicket):
            log.info("claim.refused", ticket=claim.ticket, agents=len(claim.agents))
            self.line_up.give_back(claim.ticket, claim.token, claim.agents)
            return False
        return True

    def _recorded(self, claim: Claim, pair: Pair, now: datetime) -> None:
        with self.records.write() as tx:
            tx.witnessed()  # without it the caller is in line, where they believe to be, and a phone rang for nobody
            if not self._on_record(tx, claim, pair, now):
                raise ChangedMeanwhile  # rolls back what was written of it

    def _on_record(self, tx: Transaction, claim: Claim, pair: Pair, now: datetime) -> bool:
        places.hold(tx, claim.ticket)
        made = places.claimed(tx, claim, pair, now + LAPSES, now)
        if made is None:
            return False
        place, rows = made
        call = tx.calls.at(place.ticket.call) if place.ticket.call is not None else None
        for row in rows:
            tx.legs.commit(self._leg(tx, place, row, call, now))
        return True

    def _leg(
        self, tx: Transaction, place: TicketOnRecord, row: ClaimOnRecord, call: CallRecord | None, now: datetime
    ) -> Leg:
        version = self.flows.version(call.version, tx) if call else None
        return Leg(
            id=LegId(self.ids.new()),
            kind=LegKind.AGENT,
            ticket=TicketId(row.ticket),
            to=dialled(tx.agents.get(row.agent).record.address),
            line=call.line if call else "",
            language=version.flow.languages[0] if version else place.ticket.language or Language("it"),
            made_at=now,
            rings=RINGS,
            call=place.ticket.call,
            token=row.token,
            agent=AgentId(row.agent),
            attempt=row.attempt,
            shows=shown(version.company, call) if version and call else None,
        )
