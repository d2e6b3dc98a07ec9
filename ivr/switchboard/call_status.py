"""The carrier says how a call stands: a fact, kept once, that may end the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.core.call import CallRecord, CallState, CarrierKey
from ivr.core.events import CallEnded, OddFact
from ivr.core.flow import cursor as cursors
from ivr.core.outcome import outcome
from ivr.switchboard.ports import Clock, Records, Transaction

ENDS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True)
class CallStatus:
    """The use case behind the status callback."""

    records: Records
    clock: Clock

    def __call__(self, key: CarrierKey, status: str, seconds: int | None, fact: str, body: Mapping[str, str]) -> None:
        """Keep the fact; end the call when it says so. Late, repeated and unknown facts move nothing."""
        now = self.clock.now()
        with self.records.write() as tx:
            call = tx.calls.find(key)
            if call is None:
                tx.facts.count_odd("status.unknown_call", now)
                return
            if not tx.facts.keep(fact, "call.status", body, now, call.id):
                return
            if status in ENDS:
                end(tx, call, status, seconds, self.clock)
            elif call.state is CallState.ENDED:
                tx.log.add(call.id, [OddFact(f"status {status}", "the call has ended")], now)


def end(tx: Transaction, call: CallRecord, status: str, seconds: int | None, clock: Clock) -> None:
    """End a call with the outcome its events tell; an ended one stays as it is."""
    now = clock.now()
    how = outcome(tx.log.kinds_of(call.id), cursors.from_json(call.cursor).ended)
    if tx.calls.end(call.id, CallState.ENDED, how, now):
        tx.log.add(call.id, [CallEnded(how, status, seconds)], now)
