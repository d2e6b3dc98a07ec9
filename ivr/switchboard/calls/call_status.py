"""The carrier says how a call stands: a fact, kept once, that may end the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ivr.core.call import CallRecord, CallState, CarrierKey
from ivr.core.events import CallEnded, OddFact
from ivr.core.flow import cursor as cursors
from ivr.core.outcome import outcome
from ivr.core.words import TicketId
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Later
from ivr.switchboard.record import places

ENDS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class CallStatus:
    """The use case behind the status callback."""

    records: Records
    flows: Flows
    later: Later
    clock: Clock

    def __call__(self, key: CarrierKey, status: str, seconds: int | None, fact: str, body: Mapping[str, str]) -> None:
        """Keep the fact; end the call when it says so. Late, repeated and unknown facts move nothing."""
        places.retried(lambda: self._kept(key, status, seconds, fact, body))

    def _kept(self, key: CarrierKey, status: str, seconds: int | None, fact: str, body: Mapping[str, str]) -> None:
        now = self.clock.now()
        ticket: TicketId | None = None
        with self.records.write() as tx:
            call = tx.calls.find(key)
            if call is None:
                tx.facts.count_odd("status.unknown_call", now)
                return
            if not tx.facts.keep(fact, "call.status", body, now, call.id):
                return
            if status in ENDS:
                ticket = end(tx, call, status, seconds, self.flows, self.clock)
            elif call.state is CallState.ENDED:
                tx.log.add(call.id, [OddFact(f"status {status}", "the call has ended")], now)
        if ticket is not None:
            self.later.line_up(ticket)
            self.later.steer(ticket)


def end(
    tx: Transaction, call: CallRecord, status: str, seconds: int | None, flows: Flows, clock: Clock
) -> TicketId | None:
    """End a call with the outcome its events tell; an ended one stays as it is. The ticket that this moves, if any.

    A place in line is kept for a while; a talk is over.
    """
    now = clock.now()
    place = tx.tickets.of_call(call.id)
    moved = place is not None and places.live(place)
    if place is not None and moved:
        queue = flows.version(call.version, tx).company.queues.get(place.ticket.queue)
        places.caller_gone(tx, place, queue.wrap_up if queue else timedelta(), now)
    how = outcome(tx.log.kinds_of(call.id), cursors.from_json(call.cursor).ended)
    if tx.calls.end(call.id, CallState.ENDED, how, now):
        tx.log.add(call.id, [CallEnded(how, status, seconds)], now)
    return place.ticket.id if place is not None and moved else None
