"""The tape of a talk at the carrier, brought to what the record says: begun, paused with silence, resumed, ended.

Each step is claimed first, in SQL: the claim says until when the tape is its worker's alone, so that two workers never
tell the carrier different things at once. To begin has no idempotency key: an unanswered one is looked for in the
carrier's list, never repeated. Whatever the carrier refuses, the talk goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

import structlog

from ivr.core.errors import AnswerLost, CarrierUnavailable, NoSuchRecording, RefusedByCarrier
from ivr.core.recording import LIVE, TalkRecording, TapeState, course
from ivr.core.words import RecordingId
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Later
from ivr.switchboard.record import places, tapes

T = TypeVar("T")

LEASE = timedelta(seconds=15)
"""So long a claimed step is its worker's alone: more than the carrier is waited for."""

SOON = timedelta(seconds=3)
"""When a carrier in trouble is asked again."""

UNHEARD = timedelta(seconds=30)
"""A beginning of which neither answer nor news came is looked for after so long."""

BEGINNINGS = 4
"""So often a carrier in trouble is asked to begin."""

log = structlog.get_logger(__name__)


class Step(Enum):
    """The values of the first three are what the carrier is told ("Recordings resource: update", Status)."""

    PAUSE = "paused"
    RESUME = "in-progress"
    END = "stopped"
    BEGIN = "begin"
    GIVE_UP = "give_up"  # it was never begun, and there is no need any more
    LOOK = "look"  # in the carrier's list


def next_step(tx: Transaction, tape: TalkRecording, place: TicketOnRecord, now: datetime) -> Step | None:
    """What is to be done now, for the talk as it stands; None: nothing."""
    if tape.state not in LIVE and (tape.state is not TapeState.STOPPED or tape.next_at is None):
        return None
    if tape.next_at is not None and now < tape.next_at:
        return None
    if tape.state in (TapeState.ASKED, TapeState.STOPPED):
        return Step.LOOK
    wanted = course(tape, place.ticket.state, tapes.apart(tx, place), now)
    begun = tape.state is not TapeState.WANTED
    match wanted:
        case _ if wanted is tape.state:
            return None
        case TapeState.RUNNING:
            return Step.RESUME if begun else Step.BEGIN
        case TapeState.STOPPED:
            return Step.END if begun else Step.GIVE_UP
        case _:
            return Step.PAUSE if begun else None


def to_do(tx: Transaction, place: TicketOnRecord, now: datetime) -> tuple[RecordingId, ...]:
    """The tapes of a place in line at which something is to be done."""
    return tuple(tape.id for tape in tx.recordings.of_ticket(place.ticket.id) if next_step(tx, tape, place, now))


@dataclass(frozen=True)
class TapeTalk:
    """The use case behind a hint that a tape is not as it should be."""

    records: Records
    telephone: Telephone
    public_url: str
    later: Later
    clock: Clock

    def __call__(self, recording: RecordingId) -> datetime | None:
        """Do what is to be done, one step after another; the time to try again where the carrier is in trouble.

        Raises RefusedByCarrier where what runs cannot be told anything; the lease over, it is told again.
        """
        for _ in Step:
            claimed = places.retried(lambda: self._claimed(recording))
            if claimed is None:
                return None
            again = self._done(*claimed)
            if again is not None:
                return again
        return None

    def _claimed(self, recording: RecordingId) -> tuple[TalkRecording, Step] | None:
        now = self.clock.now()
        with self.records.write() as tx:
            try:
                tape = tx.recordings.get(recording)
            except NoSuchRecording:
                return None
            step = next_step(tx, tape, tx.tickets.get(tape.ticket), now)
            if step is None:
                return None
            if step is Step.GIVE_UP:
                tapes.never(tx, tape, "the talk was over before it began", now)
                return None
            mine = replace(tape, next_at=now + LEASE, attempts=tape.attempts + (step in (Step.BEGIN, Step.LOOK)))
            if step is Step.BEGIN:
                mine = replace(mine, state=TapeState.ASKED, next_at=now + UNHEARD)
            places.written(tx.recordings.change(mine))
        return mine, step

    def _done(self, tape: TalkRecording, step: Step) -> datetime | None:
        if step is Step.BEGIN:
            return self._begin(tape)
        try:
            if step is Step.LOOK:
                self._look(tape)
            else:
                self._tell(tape, step)
        except CarrierUnavailable as trouble:
            log.warning("tape.carrier_unavailable", recording=tape.id, step=step.value, because=str(trouble))
            return self._put_off(tape)
        return None

    def _begin(self, tape: TalkRecording) -> datetime | None:
        try:
            sid = self.telephone.record(tape.leg, f"{self.public_url}/voice/recordings/{tape.id}")
        except AnswerLost:
            log.warning("tape.unheard", recording=tape.id)  # nobody knows whether it runs: its own news will tell
            return tape.next_at
        except CarrierUnavailable as trouble:
            return self._not_begun(tape, str(trouble), self.clock.now() + SOON * tape.attempts)
        except RefusedByCarrier as refusal:
            return self._not_begun(tape, str(refusal), None)
        self._written(tape, lambda tx, seen, now: tapes.began(tx, seen, sid, now))
        return None

    def _not_begun(self, tape: TalkRecording, because: str, again: datetime | None) -> datetime | None:
        """Nothing runs: once more at ``again``, or, after so many times, not at all."""
        again = again if tape.attempts < BEGINNINGS else None
        log.warning("tape.not_begun", recording=tape.id, because=because)

        def write(tx: Transaction, seen: TalkRecording, now: datetime) -> None:
            if seen.state is not TapeState.ASKED:
                return  # its news came after all
            if again is None:
                tapes.never(tx, seen, because, now)
            else:
                places.written(tx.recordings.change(replace(seen, state=TapeState.WANTED, next_at=again)))

        self._written(tape, write)
        return again

    def _tell(self, tape: TalkRecording, step: Step) -> None:
        assert tape.recording is not None, "what runs has a name"
        on = self.telephone.tape(tape.leg, tape.recording, step.value)

        def write(tx: Transaction, seen: TalkRecording, now: datetime) -> None:
            if not on or step is Step.END:
                tapes.stopped(tx, seen, now)
            elif step is Step.PAUSE:
                tapes.paused(tx, seen, tx.tickets.get(seen.ticket), now)
            else:
                tapes.resumed(tx, seen, now)

        self._written(tape, write)

    def _look(self, tape: TalkRecording) -> None:
        listed = self.telephone.tapes_of(tape.leg)

        def write(tx: Transaction, seen: TalkRecording, now: datetime) -> bool:
            found = tapes.of_leg(tx, seen, listed)
            if found is not None:
                return tapes.listed(tx, seen, found, now)
            if seen.state is TapeState.ASKED:
                tapes.never(tx, seen, "the carrier's answer was lost", now)
            else:
                tapes.unlisted(tx, seen, now)
            return False

        if self._written(tape, write):
            self.later.fetch_recording(tape.id)

    def _put_off(self, tape: TalkRecording) -> datetime:
        again = self.clock.now() + SOON

        def write(tx: Transaction, seen: TalkRecording, _: datetime) -> None:
            if seen.state is tape.state:
                places.written(tx.recordings.change(replace(seen, next_at=again)))

        self._written(tape, write)
        return again

    def _written(self, tape: TalkRecording, write: Callable[[Transaction, TalkRecording, datetime], T]) -> T:
        """What came of a step, written over the row as it is by now: people and news may have changed it meanwhile."""

        def once() -> T:
            with self.records.write() as tx:
                return write(tx, tx.recordings.get(tape.id), self.clock.now())

        return places.retried(once)
