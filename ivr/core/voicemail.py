"""A message somebody left: its way from the carrier to text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ivr.core.words import CallId, CustomerId, Language, PromiseId, QueueName, VoicemailId


class AudioState(StrEnum):
    AT_CARRIER = "at_carrier"  # still to be fetched
    KEPT = "kept"  # ours is synced and checked
    LOST = "lost"  # the carrier says it has none


class TextState(StrEnum):
    """Where the transcript stands; every audio ends in one of the last six."""

    WAITING = "waiting"
    READ = "read"
    SILENT = "silent"  # nobody speaks, or noise only
    PARTLY_READ = "partly_read"  # some parts could not be read
    UNREADABLE = "unreadable"  # broken file
    NEEDS_FFMPEG = "needs_ffmpeg"  # tried again once ffmpeg is there
    NO_MODEL = "no_model"  # tried again once a model is there


@dataclass(frozen=True)
class HeardWord:
    """A word with its time in seconds from the start, and the recogniser's confidence from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    state: TextState
    language: Language | None
    text: str
    words: tuple[HeardWord, ...] = ()
    seconds: float = 0.0  # length of the audio
    model: str | None = None
    problem: str | None = None  # why it is not (all) read, in words


@dataclass(frozen=True)
class Voicemail:
    id: VoicemailId
    call: CallId
    customer: CustomerId
    queue: QueueName
    recording: str  # the carrier's key; unique
    url: str
    taken_at: datetime
    audio: AudioState
    text: TextState
    seconds: float | None = None
    language: Language | None = None  # of the call, when known
    transcript: Transcript | None = None
    promise: PromiseId | None = None
    attempts: int = 0
    next_at: datetime | None = None  # when the next step is due
    answered_at: datetime | None = None
    answered_by: str | None = None
