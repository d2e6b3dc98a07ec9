"""The audio of a recorded talk brought home as a message's is, and the carrier's copy let go; it is not transcribed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ivr.core.errors import NoSuchRecording
from ivr.core.events import RecordingKept
from ivr.core.recording import TalkRecording, TapeState
from ivr.core.words import RecordingId
from ivr.switchboard.messages.voicemail import GIVEN_UP_AFTER, LEASE, fetch_pause, wav_seconds
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import AudioShelf, Clock
from ivr.switchboard.record import places, tapes


@dataclass(frozen=True)
class FetchTape:
    """The use case that fetches and keeps a tape, and lets the carrier's copy go once ours is synced and checked."""

    records: Records
    telephone: Telephone
    shelf: AudioShelf
    clock: Clock

    def __call__(self, recording: RecordingId) -> datetime | None:
        """The time to try again where the carrier has no audio yet, else None.

        Whatever the carrier or the disk raises goes through; the tape is then due again by itself.
        """
        mine = places.retried(lambda: self._claimed(recording))
        if mine is not None and mine.state is TapeState.AT_CARRIER:
            if self.shelf.path(mine.id) is None:  # else: we were stopped between keeping it and saying so
                audio = self.telephone.fetch_recording(mine.url or "")
                if not audio:
                    return self._not_there(mine)
                self.shelf.keep(mine.id, audio)
            self._say_kept(mine)
            mine = places.retried(lambda: self._claimed(recording))
        if mine is not None and mine.state is TapeState.KEPT:
            self.telephone.delete_recording(mine.recording or "")
            self._let_go(mine)
        return None

    def _claimed(self, recording: RecordingId) -> TalkRecording | None:
        """Reserve the next step, if it is due; None when there is nothing to do or to have."""
        now = self.clock.now()
        with self.records.write() as tx:
            try:
                tape = tx.recordings.get(recording)
            except NoSuchRecording:
                return None
            if tape.state not in (TapeState.AT_CARRIER, TapeState.KEPT) or tape.next_at is None or tape.next_at > now:
                return None
            attempts = tape.attempts + 1
            mine = replace(tape, attempts=attempts, next_at=now + max(LEASE, fetch_pause(attempts)))
            places.written(tx.recordings.change(mine))
            return replace(mine, version=mine.version + 1)

    def _not_there(self, mine: TalkRecording) -> datetime | None:
        now = self.clock.now()
        again = now + fetch_pause(mine.attempts)
        with self.records.write() as tx:
            if now - mine.wanted_at >= GIVEN_UP_AFTER:
                tapes.lost(tx, mine, f"the carrier has had none for {GIVEN_UP_AFTER.days} days", now)
                return None
            tx.recordings.change(replace(mine, next_at=again))
        return again

    def _say_kept(self, mine: TalkRecording) -> None:
        path = self.shelf.path(mine.id)
        seconds = (wav_seconds(path) if path else None) or mine.seconds or 0.0
        now = self.clock.now()
        with self.records.write() as tx:
            kept = replace(mine, state=TapeState.KEPT, seconds=seconds, attempts=0, next_at=now)
            if tx.recordings.change(kept):  # else another worker was first
                tapes.note(tx, kept, RecordingKept(mine.id, seconds), now)

    def _let_go(self, mine: TalkRecording) -> None:
        with self.records.write() as tx:
            tx.recordings.change(replace(mine, next_at=None))
