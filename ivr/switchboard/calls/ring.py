"""The phone rings: who calls which line, and the first turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivr.core.call import CallRecord, CallState, CarrierKey
from ivr.core.customer import Customer
from ivr.core.errors import RecordsUnavailable
from ivr.core.events import CallRang
from ivr.core.flow import cursor as cursors
from ivr.core.flow import says as sayings
from ivr.core.flow.expression import Value
from ivr.core.flow.interpreter import begin
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.turn import Cursor, Rang
from ivr.core.words import CallerNumber, CallId, PhoneNumber
from ivr.switchboard.calls.deeds import plan
from ivr.switchboard.calls.take_turn import Answer, TakeTurn, state_after
from ivr.switchboard.customers.identify import identify
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Flows


class _Raced(Exception):
    """The same ring came twice at once, and this one was second."""


def _standing(call: CallRecord) -> Answer:
    return Answer(call.id, call.turn, sayings.from_json(call.says))


@dataclass(frozen=True)
class Ring:
    """The use case behind the entry for a new call."""

    records: Records
    flows: Flows
    take_turn: TakeTurn

    def __call__(self, key: CarrierKey, caller: CallerNumber, called: PhoneNumber, token: str) -> Answer:
        """The first turn of a call; a call that is on record already gets its standing answer.

        Two rings of the same call at once meet the unique carrier key: one writes, the other reads what was written.
        Raises NoSuchLine when the number is none of ours.
        """
        version = self.flows.for_number(called)
        try:
            return self._first(version, key, caller, called, token)
        except _Raced:
            # Rolled back whole, with the prospect that was made for nothing; what the winner wrote is the answer.
            with self.records.write() as tx:  # which waits for the disk, as the winner does
                standing = tx.calls.find(key)
            if standing is None:
                raise RecordsUnavailable("a call is refused as known, and is not known") from None
            return _standing(standing)

    def _first(
        self, version: FlowVersion, key: CarrierKey, caller: CallerNumber, called: PhoneNumber, token: str
    ) -> Answer:
        with self.records.write() as tx:
            standing = tx.calls.find(key)
            if standing is not None:
                return _standing(standing)
            turns = self.take_turn
            now = turns.clock.now()
            customer, sure = identify(caller, tx, turns.ids, now)
            line = next(line for line in version.company.lines.values() if line.number == called)
            cursor = begin(version, customer.language, customer.slow, line.carrier_speech)
            record = CallRecord(
                id=CallId(turns.ids.new()),
                key=key,
                line=line.name,
                caller=caller,
                called=called,
                customer=customer.id,
                sure=sure,
                version=version.id,
                state=CallState.IN_FLOW,
                turn=1,
                door="incoming",
                token=token,
                cursor=cursors.as_json(_with_maybe(cursor, customer)),
                says="[]",
                next_seq=1,
                started_at=now,
            )
            turn = turns.first(record, version, Rang(), tx)
            planned = plan(turn.deeds, record, version.company.zone, turns.ids, turns.later, now)
            rang = CallRang(line.name, version.flow.name, version.id, sure.value)
            events = (rang, *turn.events, *planned.events)
            written = replace(
                record,
                cursor=cursors.as_json(turn.cursor),
                says=sayings.as_json(turn.says),
                state=state_after(record.state, turn),
                next_seq=1 + len(events),
            )
            if not tx.calls.start(written):
                raise _Raced
            for write in planned.writes:
                write(tx)
            tx.log.append(record.id, 1, events, now, planned.customer)
        for hint in planned.hints:
            hint()
        return Answer(record.id, record.turn, turn.says)


def _with_maybe(cursor: Cursor, customer: Customer) -> Cursor:
    """The cursor with what caller id suggests: read by conditions, never spoken."""
    maybe: dict[str, Value] = {
        "customer.maybe.kind": customer.kind.value,
        "customer.maybe.slow": customer.slow,
        "customer.maybe.language": customer.language,
        "customer.maybe.name": customer.name,
        "customer.maybe.zone": customer.zone,
        "customer.maybe.number": customer.number,
        "customer.maybe.products": ", ".join(customer.products) or None,
    }
    outer, *inner = cursor.frames
    return replace(cursor, frames=(replace(outer, variables={**outer.variables, **maybe}), *inner))
