"""The carrier tells how a leg of ours stands: what that means for the agent, the caller's place, and the talk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core.agent import AgentEvent
from ivr.core.errors import NoSuchLeg
from ivr.core.flow.steps.queue import PARKED, TALKING
from ivr.core.leg import ENDS, Leg, LegEnd, LegKind, LegState, later
from ivr.core.words import LegId
from ivr.switchboard.legs import consult, outside
from ivr.switchboard.legs.leg_turn import CallsBack, held
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Later
from ivr.switchboard.record import places

STATES: Mapping[str, LegState] = {
    "queued": LegState.DIALLED,
    "initiated": LegState.DIALLED,
    "ringing": LegState.RINGING,
    "in-progress": LegState.ANSWERED,
    "answered": LegState.ANSWERED,
}
"""The carrier's words ("Call resource: call status values", twilio.com/docs/voice/api/call-resource)."""


@dataclass(frozen=True)
class LegNews:
    """The use case behind the status callbacks of legs, and behind what else tells of them."""

    records: Records
    flows: Flows
    call_back: CallsBack
    later: Later
    clock: Clock

    def __call__(self, leg: LegId, sid: str, status: str, fact: str, body: Mapping[str, str]) -> None:
        """Keep the news once. Raises NoSuchLeg."""
        with self.records.write() as tx:
            if tx.legs.get(leg).kind is LegKind.AGENT:
                tx.witnessed()
            if not tx.facts.keep(fact, "leg.status", body, self.clock.now(), None):
                return
        end = ENDS.get(status)
        if end is not None:
            self.ended(leg, end, sid)
        elif status in STATES:
            self.known_as(leg, sid, STATES[status])

    def known_as(self, leg: LegId, sid: str | None, state: LegState) -> None:
        """The carrier has it, under this name; it rings; it was answered. COMMITTED without a name: it has it not."""
        places.retried(lambda: self._known_as(leg, sid, state))

    def _known_as(self, name: LegId, sid: str | None, state: LegState) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            leg = held(tx, name)
            if leg.state is LegState.ENDED:
                return
            if leg.kind is LegKind.AGENT:
                tx.witnessed()
            if state is LegState.COMMITTED:
                state = state if leg.sid is None and leg.state is LegState.DIALLED else leg.state
            else:
                state = later(leg.state, state)
            known = replace(leg, state=state, sid=leg.sid or sid)
            if known != leg:
                places.written(tx.legs.change(known))
            if state is LegState.RINGING and leg.state is not state and (claim := claim_of(tx, leg)):
                places.agent_moves(tx, claim.agent, AgentEvent.RANG, "the phone rings", now)
        if known.unwanted and known.sid is not None:
            self.later.steer(known.ticket)

    def ended(self, leg: LegId, how: LegEnd, sid: str = "") -> None:
        """It is over; whoever it was for goes on. News of one that has ended changes nothing."""
        places.retried(lambda: self._ended(leg, how, sid))

    def _ended(self, name: LegId, how: LegEnd, sid: str) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            try:
                leg = held(tx, name)
            except NoSuchLeg:
                return
            if leg.state is LegState.ENDED:
                return
            over = replace(leg, state=LegState.ENDED, how=how, ended_at=now, sid=leg.sid or sid or None)
            places.written(tx.legs.change(over))
            if leg.kind is LegKind.AGENT:
                tx.witnessed()
                self._agent_leg_ended(tx, leg, how, now)
            elif leg.kind is LegKind.COLLEAGUE:
                consult.ended(tx, leg, how, now)
            elif leg.kind is LegKind.OUTSIDE:
                outside.ended(tx, leg, how, now)
            else:
                self._customer_leg_ended(tx, leg, how, now)
        self.later.line_up(leg.ticket)
        self.later.steer(leg.ticket)
        if leg.kind is LegKind.COLLEAGUE and leg.agent is not None:
            self.later.at_work(leg.agent)

    def _agent_leg_ended(self, tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> None:
        claim = claim_of(tx, leg)
        if claim is None or claim.state is ClaimState.ENDED:
            return
        if claim.state is ClaimState.ACCEPTED and self.call_back.agent_gone(tx, leg, now):
            return
        if claim.state is ClaimState.ACCEPTED:
            place = tx.tickets.get(leg.ticket)
            if consult.taken_over(tx, place, self.wrap_up(tx, leg), f"{leg.token}+", now):
                return
            dropped = how not in (LegEnd.COMPLETED, LegEnd.CANCELLED)
            places.end_talk(tx, place, "lost" if dropped else "agent", self.wrap_up(tx, leg), now)
        elif how is LegEnd.FAILED:
            places.refused(tx, claim, AgentEvent.LOST, "lost", now)
        elif leg.unheard(how):
            places.refused(tx, claim, AgentEvent.LET_GO, "let_go", now, ours=True)
        elif how is LegEnd.CANCELLED:
            places.refused(tx, claim, AgentEvent.LET_GO, "let_go", now)
        else:
            places.refused(tx, claim, AgentEvent.MISSED, "missed", now)

    def _customer_leg_ended(self, tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> None:
        if leg.stage in (TALKING, PARKED):
            place = tx.tickets.get(leg.ticket)
            callback = tx.callbacks.of_ticket(leg.ticket)
            if callback is None or not callback.live:  # else they are called again, on another leg
                places.end_talk(tx, place, "customer", self.wrap_up(tx, leg), now)
                places.hung_up_in_line(tx, place, now)
            return
        self.call_back.ended(tx, leg, how, now)
        places.agent_waits_no_longer(tx, leg.ticket, now)

    def wrap_up(self, tx: Transaction, leg: Leg) -> timedelta:
        """The queue's, by the flow version of the call."""
        return wrap_up_of(tx, self.flows, leg)


def wrap_up_of(tx: Transaction, flows: Flows, leg: Leg) -> timedelta:
    if leg.call is None:
        return timedelta()
    place = tx.tickets.get(leg.ticket)
    queue = flows.version(tx.calls.at(leg.call).version, tx).company.queues.get(place.ticket.queue)
    return queue.wrap_up if queue else timedelta()


def claim_of(tx: Transaction, leg: Leg) -> ClaimOnRecord | None:
    """An agent leg's claim."""
    return next((claim for claim in tx.claims.under(leg.token) if claim.agent == leg.agent), None)
