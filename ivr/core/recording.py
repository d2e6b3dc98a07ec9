"""A talk on tape: by which consent, what the tape is to do now, and its way from the carrier to us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ivr.core.ticket import ENDS, TicketState
from ivr.core.words import CallId, CustomerId, RecordingId, TicketId


class Rule(StrEnum):
    """How a caller agrees to be recorded."""

    ANNOUNCE = "announce"  # they are told, and stay
    ASK = "ask"  # they press 1; anything else is a no


class TapeState(StrEnum):
    """Where a recording stands; ``kept`` ends once the carrier's copy is gone, the last two are ends."""

    WANTED = "wanted"  # nothing was asked of the carrier
    ASKED = "asked"  # the carrier was asked to begin, and has not answered
    RUNNING = "running"
    PAUSED = "paused"  # silence is recorded
    STOPPED = "stopped"  # the carrier makes the file
    AT_CARRIER = "at_carrier"  # the file is there, still to be fetched
    KEPT = "kept"  # ours is synced and checked
    UNMADE = "unmade"  # nothing was recorded
    LOST = "lost"  # the carrier has it no more


LIVE = frozenset({TapeState.WANTED, TapeState.ASKED, TapeState.RUNNING, TapeState.PAUSED})


@dataclass(frozen=True)
class TalkRecording:
    """One row of ``talk_recordings``: at most one for a leg of the customer and a place in line."""

    id: RecordingId
    call: CallId
    ticket: TicketId
    customer: CustomerId
    leg: str  # the carrier's name of the customer's leg
    rule: Rule
    wanted_at: datetime
    state: TapeState = TapeState.WANTED
    recording: str | None = None  # the carrier's key; unique
    url: str | None = None
    paused_until: datetime | None = None  # private data is being said
    withdrawn_at: datetime | None = None
    seconds: float | None = None
    attempts: int = 0  # of the step that is under way
    next_at: datetime | None = None  # not before; None: at any time while it is live, else never
    because: str | None = None  # of an end without audio
    version: int = 0


def course(recording: TalkRecording, state: TicketState, apart: str | None, now: datetime) -> TapeState:
    """What the tape is to do while the ticket stands so: run, pause, or stop. ``apart``: see ``pause_because``."""
    if recording.withdrawn_at is not None or state in ENDS:
        return TapeState.STOPPED
    if pause_because(recording, state, apart, now) is not None:
        return TapeState.PAUSED
    return TapeState.RUNNING


def pause_because(recording: TalkRecording, state: TicketState, apart: str | None, now: datetime) -> str | None:
    """``private``, ``line``, or why they do not talk with agents of ours alone; None: there is no reason to pause."""
    if recording.paused_until is not None and now < recording.paused_until:
        return "private"
    if state is not TicketState.TALKING:
        return "line"
    return apart
