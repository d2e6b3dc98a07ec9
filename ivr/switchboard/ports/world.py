"""What the use cases need of the world around: time, names, flows, work after the commit, files, numbers, mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ivr.core.flow.model import FlowVersion
from ivr.core.voicemail import Transcript
from ivr.core.words import (
    AgentId,
    CallerNumber,
    FlowVersionId,
    Language,
    PhoneNumber,
    RecordingId,
    TextId,
    TicketId,
    VoicemailId,
)
from ivr.switchboard.ports.records import Transaction


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class Ids(Protocol):
    def new(self) -> str:
        """A UUIDv7 as text; seeded in simulation."""
        ...

    def code(self, length: int) -> str:
        """Digits by chance, the first not 0; for codes that are read out."""
        ...


class Flows(Protocol):
    """Published flows, checked and parsed once; versions never change."""

    def for_number(self, number: PhoneNumber) -> FlowVersion:
        """The published version of the line with this number; raises NoSuchLine, FlowRefused."""
        ...

    def version(self, version: FlowVersionId, tx: Transaction | None = None) -> FlowVersion:
        """Raises NoSuchFlow. Inside a transaction hand it over, so that nobody needs two connections at once."""
        ...


class Mail(Protocol):
    """The company's mail server."""

    def send(self, to: str, subject: str, body: str, key: str) -> None:
        """Hand over an e-mail; ``key`` names it for good (its Message-ID).

        Raises RefusedByCarrier, CarrierUnavailable when it was not taken, AnswerLost when nobody knows.
        """
        ...


class Later(Protocol):
    """Hints for the worker, given after the commit; a lost hint is found by the sweep."""

    def fetch_voicemail(self, voicemail: VoicemailId) -> None: ...

    def read_voicemail(self, voicemail: VoicemailId) -> None: ...

    def fetch(self, key: str) -> None: ...

    def send_text(self, text: TextId) -> None: ...

    def line_up(self, ticket: TicketId) -> None:
        """Bring the floor's view of a ticket up to what is on record, and match."""
        ...

    def match(self) -> None:
        """Somebody became free, or somebody's need changed."""
        ...

    def at_work(self, agent: AgentId) -> None:
        """Bring the floor's view of an agent up to what is on record, and match."""
        ...

    def record(self, recording: RecordingId) -> None:
        """Begin, pause, resume or end the recording of a talk, as the record says."""
        ...

    def fetch_recording(self, recording: RecordingId) -> None:
        """Bring the audio of a recorded talk home."""
        ...

    def steer(self, ticket: TicketId) -> None:
        """Point the legs of a ticket to where the record says that they belong."""
        ...


class Transcriber(Protocol):
    """Audio file to text; never raises for what is in the file."""

    def transcribe(
        self, path: Path, language: Language | None, progress: Callable[[float], None] | None = None
    ) -> Transcript:
        """``language`` None: the surer of the models; ``progress`` is given the share done, 0 to 1."""
        ...


class AudioShelf(Protocol):
    """``recordings/``: audio kept under ids of ours."""

    def keep(self, voicemail: VoicemailId | RecordingId, audio: bytes) -> Path:
        """Write, sync, check, rename; raises OSError."""
        ...

    def path(self, voicemail: VoicemailId | RecordingId) -> Path | None: ...


class Numbering(Protocol):
    """What a carrier or a person writes as a number, to a number."""

    def caller(self, said: str) -> CallerNumber: ...

    def number(self, text: str, country: str) -> PhoneNumber:
        """Raises ValueError with words for people."""
        ...

    def country(self, number: PhoneNumber) -> str | None: ...

    def kind(self, number: PhoneNumber) -> str:
        """``fixed``, ``mobile``, ``fixed_or_mobile``, ``toll_free``, ``premium``, … or ``unknown``."""
        ...

    def zones(self, number: PhoneNumber) -> tuple[str, ...]:
        """The time zones (IANA) it may be in; none where nobody can tell."""
        ...


class HttpFetcher(Protocol):
    """Asks other systems: allow-listed hosts, no private addresses, size and time limits."""

    def fetch(self, url: str, method: str, body: str, limit_seconds: float) -> tuple[str, str | None]:
        """(success | failure | timeout, JSON text)."""
        ...
