"""The caller answered (or was silent, or came back): the next turn, written once, answered as often as asked.

The turn in the address is the lock (`UPDATE … WHERE turn = n`) and, with its door and the carrier's token, the
idempotency key. The row is held from the reading to the writing, so whoever comes second finds the turn spent and gets
the stored answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime

from ivr.core.call import CallRecord, CallState
from ivr.core.callbacks import SlotTaken
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import OddFact
from ivr.core.flow import cursor as cursors
from ivr.core.flow import says as sayings
from ivr.core.flow.interpreter import advance
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.turn import Got, Heard, Holidays, Join, LeftQueue, Park, Said, Scene, Turn, Want, Wording
from ivr.core.outcome import DECIDING, outcome
from ivr.core.words import CallId, PhoneNumber
from ivr.switchboard.calls.deeds import plan
from ivr.switchboard.calls.fulfil import Fulfil, fulfil
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Ids, Later, Numbering

TRIES = 5
"""Somebody else may change a place in line, or take a slot, at the same moment: then the turn is worked out again."""

MOVES_NOTHING = frozenset({"redirected", "redirected-from-bridged", "bridged", "bridging-in-process", "hangup"})
"""QueueResults that tell what we did ourselves, or that nobody listens any more ("TwiML Voice: <Enqueue>", action)."""


@dataclass(frozen=True)
class Answer:
    """What a door says back: the turn it leads to and the words."""

    call: CallId
    turn: int
    says: tuple[Said, ...]


@dataclass(frozen=True)
class TakeTurn:
    """The use case behind every door of a call in its flow."""

    records: Records
    flows: Flows
    clock: Clock
    ids: Ids
    wording: Wording
    holidays: Holidays
    numbering: Numbering
    later: Later
    fulfil: Fulfil = fulfil

    def __call__(self, call: CallId, turn: int, door: str, heard: Heard, token: str) -> Answer:
        """The answer to what was heard at a turn.

        Late, repeated and simultaneous requests get the stored answer and move nothing. Raises NoSuchCall and
        RecordsUnavailable; what the caller hears then is the rim's decision (the static fallback).
        """
        for _ in range(TRIES - 1):
            try:
                return self._taken(call, turn, door, heard, token)
            except (ChangedMeanwhile, SlotTaken):
                continue
        return self._taken(call, turn, door, heard, token)

    def _taken(self, call: CallId, turn: int, door: str, heard: Heard, token: str) -> Answer:
        now = self.clock.now()
        with self.records.write() as tx:
            record = tx.calls.at(call)
            if isinstance(heard, LeftQueue) and heard.how in MOVES_NOTHING:
                return Answer(record.id, record.turn, sayings.from_json(record.says))
            if record.turn != turn:
                return self._standing(record, turn, door, token, tx)
            version = self.flows.version(record.version, tx)
            taken = self._worked_out(version, record, heard, now, tx)
            planned = plan(taken.deeds, record, version.company.zone, self.ids, self.later, now)
            events = (*taken.events, *planned.events)
            moved = replace(
                record,
                turn=turn + 1,
                door=door,
                token=token,
                cursor=cursors.as_json(taken.cursor),
                says=sayings.as_json(taken.says),
                state=state_after(record.state, taken),
                next_seq=record.next_seq + len(events),
            )
            if not tx.calls.move(moved, turn):
                return self._standing(tx.calls.at(call), turn, door, token, tx)
            for write in planned.writes:
                write(tx)
            if events:
                tx.log.append(record.id, record.next_seq, events, now, planned.customer)
            if record.state is CallState.ENDED and (taken.deeds or any(event.kind in DECIDING for event in events)):
                told_again(tx, moved)
        for hint in planned.hints:
            hint()
        return Answer(call, turn + 1, taken.says)

    def first(self, record: CallRecord, version: FlowVersion, heard: Heard, tx: Transaction) -> Turn:
        """The first turn of a call whose row is not written yet."""
        return self._worked_out(version, record, heard, record.started_at, tx)

    def _worked_out(
        self, version: FlowVersion, record: CallRecord, heard: Heard, now: datetime, tx: Transaction
    ) -> Turn:
        cursor = cursors.from_json(record.cursor)
        maybe = {k: v for k, v in cursor.frames[0].variables.items() if k.startswith("customer.maybe.")}
        scene = Scene(
            now,
            self.wording,
            self.holidays,
            seed=f"{record.id}:{record.turn}",
            maybe=maybe,
            caller=record.caller if isinstance(record.caller, PhoneNumber) else None,
            number_kind=self.numbering.kind,
            number_country=self.numbering.country,
        )
        return self._walk(advance(version, cursor, heard, scene), record, tx, now)

    def _walk(self, steps: Generator[Want, Got, Turn], record: CallRecord, tx: Transaction, now: datetime) -> Turn:
        """Run the interpreter to the end of the turn, fetching what it wants on the way."""
        try:
            want = next(steps)
            while True:
                want = steps.send(self.fulfil(want, record, tx, self.ids, self.numbering, now))
        except StopIteration as end:
            turn: Turn = end.value
            return turn

    def _standing(self, record: CallRecord, turn: int, door: str, token: str, tx: Transaction) -> Answer:
        """The stored answer; anything but a true repeat is counted as odd."""
        repeat = turn == record.turn - 1 and (door, token) == (record.door, record.token)
        if not repeat:
            when = "past" if turn < record.turn else "future"
            odd = OddFact(f"turn {turn} by {door}", f"a turn of the {when}: the call stands at {record.turn}")
            tx.log.add(record.id, [odd], self.clock.now())
        return Answer(record.id, record.turn, sayings.from_json(record.says))


def told_again(tx: Transaction, call: CallRecord) -> None:
    """The outcome of an ended call anew: its last message came in after the carrier said that it was over."""
    tx.calls.set_outcome(call.id, outcome(tx.log.kinds_of(call.id), cursors.from_json(call.cursor).ended))


def state_after(state: CallState, turn: Turn) -> CallState:
    """Where the call stands once the turn is said; an ended call stays ended."""
    if state is CallState.ENDED:
        return state
    match turn.says[-1]:
        case Park():
            return CallState.WAITING
        case Join():
            return CallState.TALKING
        case _:
            return CallState.IN_FLOW
