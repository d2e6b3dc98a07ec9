"""A message's way from the carrier to text: fetched, kept, read, and only then is the carrier's copy let go.

Each step is claimed first, in SQL: the claim counts ``attempts`` up and writes when the step is due again, so a worker
that is killed, or any call that raises, leaves a row the sweep finds. Whoever ends a step must still hold its claim; a
second worker on the same message finds the claim taken, or its own result too late, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from ivr.core.call import CallRecord, CarrierKey
from ivr.core.events import CallEvent, OddFact, VoicemailKept, VoicemailRead
from ivr.core.flow import cursor as cursors
from ivr.core.voicemail import AudioState, TextState, Transcript, Voicemail
from ivr.core.words import VoicemailId
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import AudioShelf, Clock, Later, Transcriber

FETCH_PAUSES = (
    timedelta(seconds=2),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)
LONG_PAUSE = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=7)
"""So long may a carrier say that it has no such recording before we believe it."""

LEASE = timedelta(minutes=2)
"""How long a claimed step is its worker's alone; long readings renew it."""

CURABLE = frozenset({TextState.NEEDS_FFMPEG, TextState.NO_MODEL})


class Step(Enum):
    FETCH = "fetch"
    READ = "read"
    LET_GO = "let_go"  # of the carrier's copy


def next_step(voicemail: Voicemail) -> Step | None:
    """What is to be done with a message whose ``next_at`` has passed."""
    if voicemail.audio is AudioState.LOST:
        return None
    if voicemail.audio is AudioState.AT_CARRIER:
        return Step.FETCH
    return Step.READ if voicemail.text is TextState.WAITING or voicemail.text in CURABLE else Step.LET_GO


def fetch_pause(attempts: int) -> timedelta:
    """How long to wait after the so-manieth attempt (from 1) that found no audio."""
    return FETCH_PAUSES[attempts - 1] if attempts <= len(FETCH_PAUSES) else LONG_PAUSE


def cure_pause(age: timedelta) -> timedelta:
    """How long until a message that lacks ffmpeg or a model is tried again; it is never given up."""
    return timedelta(minutes=10) if age < timedelta(days=1) else timedelta(hours=1)


def claim(tx: Transaction, voicemail: VoicemailId, steps: Collection[Step], now: datetime) -> Voicemail | None:
    """Reserve the message's next step, if it is due and one of these; None when there is nothing to do or to have."""
    found = tx.voicemails.get(voicemail)
    if found.next_at is None or found.next_at > now or next_step(found) not in steps:
        return None
    attempts = found.attempts + 1
    pause = max(LEASE, fetch_pause(attempts)) if next_step(found) is Step.FETCH else LEASE
    mine = replace(found, attempts=attempts, next_at=now + pause)
    return mine if tx.voicemails.postpone(voicemail, attempts, mine.next_at, seen=found.attempts) else None


@dataclass(frozen=True)
class FetchVoicemail:
    """The use case that brings a message's audio home."""

    records: Records
    telephone: Telephone
    shelf: AudioShelf
    later: Later
    clock: Clock

    def __call__(self, voicemail: VoicemailId) -> datetime | None:
        """Fetch and keep the audio; the time to try again, or None when nothing is to be waited for.

        Whatever the carrier or the disk raises goes through; the message is then due again by itself.
        """
        with self.records.write() as tx:
            mine = claim(tx, voicemail, (Step.FETCH,), self.clock.now())
        if mine is None:
            return None
        if self.shelf.path(voicemail) is None:  # else: we were stopped between keeping it and saying so
            audio = self.telephone.fetch_recording(mine.url)
            if not audio:
                return self._not_there(mine)
            self.shelf.keep(voicemail, audio)
        if self._say_kept(mine):
            self.later.read_voicemail(voicemail)
        return None

    def _not_there(self, mine: Voicemail) -> datetime | None:
        now = self.clock.now()
        lost = now - mine.taken_at >= GIVEN_UP_AFTER
        again = None if lost else now + fetch_pause(mine.attempts)
        with self.records.write() as tx:
            if not tx.voicemails.postpone(mine.id, mine.attempts, again, seen=mine.attempts):
                return None
            if lost:
                tx.voicemails.audio(mine.id, AudioState.LOST, None)
                because = f"the carrier has had none for {GIVEN_UP_AFTER.days} days"
                tx.log.add(mine.call, [OddFact(f"voicemail {mine.id} has no audio", because)], now)
        return again

    def _say_kept(self, mine: Voicemail) -> bool:
        path = self.shelf.path(mine.id)
        seconds = (wav_seconds(path) if path else None) or mine.seconds or 0.0
        now = self.clock.now()
        with self.records.write() as tx:
            if not tx.voicemails.postpone(mine.id, mine.attempts + 1, now, seen=mine.attempts):
                return False
            tx.voicemails.audio(mine.id, AudioState.KEPT, seconds)
            tx.log.add(mine.call, [VoicemailKept(mine.id, seconds)], now)
        return True


@dataclass(frozen=True)
class ReadVoicemail:
    """The use case that reads a kept message, and lets the carrier's copy go."""

    records: Records
    telephone: Telephone
    shelf: AudioShelf
    transcriber: Transcriber
    later: Later
    clock: Clock

    def __call__(self, voicemail: VoicemailId) -> datetime | None:
        """Transcribe and store the text; the time to try again where ffmpeg or a model is missing, else None.

        The carrier's copy goes last: until then a lost disk can still be made good from it.
        """
        with self.records.write() as tx:
            mine = claim(tx, voicemail, (Step.READ, Step.LET_GO), self.clock.now())
        if mine is None:
            return None
        if next_step(mine) is Step.LET_GO:
            return self._let_go(mine, None)
        path = self.shelf.path(voicemail)
        if path is None:
            self._fetch_again(mine)
            return None
        read = self.transcriber.transcribe(path, mine.language, self._renewing(mine))
        again = self.clock.now() + cure_pause(self.clock.now() - mine.taken_at) if read.state in CURABLE else None
        kept = self._written(mine, read, again)
        if kept is None:
            return None
        return self._let_go(kept, again) if mine.text is TextState.WAITING or again is None else again

    def _written(self, mine: Voicemail, read: Transcript, again: datetime | None) -> Voicemail | None:
        """Store what was read; the message as it now is, or None when another worker has taken it over."""
        now = self.clock.now()
        copy_to_go = mine.text is TextState.WAITING or again is None
        held = replace(mine, attempts=mine.attempts + 1, next_at=now + LEASE if copy_to_go else again)
        events: list[CallEvent] = [VoicemailRead(mine.id, read.state.value, read.language)]
        with self.records.write() as tx:
            if not tx.voicemails.postpone(mine.id, held.attempts, held.next_at, seen=mine.attempts):
                return None
            tx.voicemails.transcript(mine.id, read)
            if read.state is not mine.text:
                tx.log.add(mine.call, events, now)
        return held

    def _let_go(self, mine: Voicemail, again: datetime | None) -> datetime | None:
        self.telephone.delete_recording(mine.recording)
        with self.records.write() as tx:
            tx.voicemails.postpone(mine.id, mine.attempts, again, seen=mine.attempts)
        return again

    def _fetch_again(self, mine: Voicemail) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            if not tx.voicemails.postpone(mine.id, mine.attempts + 1, now, seen=mine.attempts):
                return
            tx.voicemails.audio(mine.id, AudioState.AT_CARRIER, None)
            tx.log.add(mine.call, [OddFact(f"voicemail {mine.id} has no audio", "our copy is not on the shelf")], now)
        self.later.fetch_voicemail(mine.id)

    def _renewing(self, mine: Voicemail) -> Callable[[float], None]:
        lease_ends = mine.next_at

        def progress(_share: float) -> None:
            nonlocal lease_ends
            now = self.clock.now()
            if lease_ends is not None and lease_ends - now < LEASE / 2:
                lease_ends = now + LEASE
                with self.records.write() as tx:
                    tx.voicemails.postpone(mine.id, mine.attempts, lease_ends, seen=mine.attempts)

        return progress


class Ready(Protocol):
    """What the recording callback does (``RecordingReady``)."""

    def __call__(
        self,
        key: CarrierKey,
        recording: str,
        url: str,
        status: str,
        length: timedelta | None,
        fact: str,
        body: Mapping[str, str],
    ) -> None: ...


def left_while_recording(call: CallRecord) -> bool:
    """Did the call end in the middle of a message that no request told us of?"""
    return call.ended_at is not None and cursors.from_json(call.cursor).stage == "record"


@dataclass(frozen=True)
class FindRecordings:
    """The use case for a message of which neither the action nor the callback came: the carrier is asked."""

    telephone: Telephone
    ready: Ready

    def __call__(self, call: CallRecord) -> None:
        """Put every recording that the carrier has of this call on record, as its callback would have."""
        for recording, url in self.telephone.recordings_of(call.key.sid):
            self.ready(call.key, recording, url, "completed", None, f"sweep:{recording}", {})


def wav_seconds(path: Path) -> float | None:
    """The length of a WAV file by its own header, whatever its encoding; None when it is no WAV file."""
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] != b"RIFF" or start[8:12] != b"WAVE":
            return None
        bytes_a_second = 0
        while len(head := file.read(8)) == 8:
            name, size = head[:4], int.from_bytes(head[4:], "little")
            if name == b"data":
                there = path.stat().st_size - file.tell()
                return min(size, there) / bytes_a_second if bytes_a_second else None
            body = file.read(min(size, 64)) if name == b"fmt " else b""
            if len(body) >= 12:
                bytes_a_second = int.from_bytes(body[8:12], "little")
            file.seek(size - len(body) + size % 2, 1)
    return None
