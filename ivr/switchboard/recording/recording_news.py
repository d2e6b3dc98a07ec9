"""The carrier says how the recording of a talk stands: a fact, kept once, under the row that its address names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ivr.core.words import RecordingId
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock, Later
from ivr.switchboard.record import places, tapes


@dataclass(frozen=True)
class RecordingNews:
    """The use case behind the recording callback of a talk ("Recordings resource", RecordingStatusCallback)."""

    records: Records
    later: Later
    clock: Clock

    def __call__(
        self,
        recording: RecordingId,
        sid: str,
        url: str,
        status: str,
        length: timedelta | None,
        fact: str,
        body: Mapping[str, str],
    ) -> None:
        """Keep the news; late, repeated and out of order it moves nothing. Raises NoSuchRecording."""
        if places.retried(lambda: self._kept(recording, sid, url, status, length, fact, body)):
            self.later.fetch_recording(recording)
        self.later.record(recording)

    def _kept(
        self,
        recording: RecordingId,
        sid: str,
        url: str,
        status: str,
        length: timedelta | None,
        fact: str,
        body: Mapping[str, str],
    ) -> bool:
        """Whether there is something to fetch now."""
        now = self.clock.now()
        with self.records.write() as tx:
            tape = tx.recordings.get(recording)
            tx.facts.keep(fact, "recording.talk", body, now, tape.call)
            match status:
                case "in-progress" if sid:
                    tapes.began(tx, tape, sid, now)
                case "completed" if sid and url:
                    seconds = length.total_seconds() if length is not None else None
                    return tapes.there(tx, tape, sid, url, seconds, now)
                case "absent":
                    tapes.never(tx, tape, "the carrier recorded nothing", now)
                case _:
                    tx.facts.count_odd(f"recording.talk.{status[:20]}", now)
        return False
