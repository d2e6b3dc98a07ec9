"""Talks on tape, in one transaction with whatever moves them: wanted, begun, paused, over, withdrawn.

SQL decides; the carrier is brought up to it after the commit (``recording_tape``). News of the carrier may overtake one
another: what has happened already changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ivr.core.errors import IvrError
from ivr.core.events import (
    CallEvent,
    OddFact,
    RecordingBegan,
    RecordingFailed,
    RecordingPaused,
    RecordingWithdrawn,
)
from ivr.core.leg import LegKind
from ivr.core.recording import LIVE, Rule, TalkRecording, TapeState, pause_because
from ivr.core.words import CallId, CustomerId, RecordingId, TicketId
from ivr.switchboard.ports.carrier import CarrierTape
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.record import places
from ivr.switchboard.record.talk import guest_of, talking

LONGEST_PAUSE = timedelta(minutes=3)
"""A pause for private data ends by itself after so long: it is easily forgotten."""

LOOKED_FOR = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""How long a tape that has ended is waited for before the carrier's list is looked at, the first time and after."""

NOT_OVER = frozenset({*LIVE, TapeState.STOPPED, TapeState.UNMADE})
"""``unmade``, too: news may show that it was begun all the same."""


class NotRecorded(IvrError):
    """This talk is not recorded."""


# --- What people do ---------------------------------------------------------------------------------------------------


def want(
    tx: Transaction,
    recording: RecordingId,
    call: CallId,
    customer: CustomerId,
    ticket: TicketId,
    leg: str,
    rule: Rule,
    now: datetime,
) -> None:
    """The talk is to be recorded; once a leg and ticket, and never where consent was withdrawn on this call."""
    if any(tape.withdrawn_at is not None for tape in tx.recordings.of_call(call)):
        return
    tx.recordings.want(TalkRecording(recording, call, ticket, customer, leg, rule, now))


def pause(tx: Transaction, ticket: TicketId, length: timedelta, now: datetime) -> RecordingId:
    """Silence is recorded for so long, or until ``resume``. Raises NoSuchTicket, NobodyTalks, NotRecorded."""
    return _change(tx, replace(_running(tx, ticket), paused_until=now + length))


def resume(tx: Transaction, ticket: TicketId) -> RecordingId:
    """The talk is recorded again. Raises NoSuchTicket, NobodyTalks, NotRecorded."""
    return _change(tx, replace(_running(tx, ticket), paused_until=None))


def withdraw(tx: Transaction, ticket: TicketId, now: datetime) -> RecordingId:
    """The customer does not want it any more: it ends, is marked, and none begins on this call.

    Raises NoSuchTicket, NobodyTalks, NotRecorded.
    """
    tape, place = _running(tx, ticket), talking(tx, ticket)
    _change(tx, replace(tape, withdrawn_at=now))
    note(tx, tape, RecordingWithdrawn(tape.id, place.agent or ""), now)
    return tape.id


def _running(tx: Transaction, ticket: TicketId) -> TalkRecording:
    talking(tx, ticket)
    there = [tape for tape in tx.recordings.of_ticket(ticket) if tape.state in LIVE and tape.withdrawn_at is None]
    if not there:
        raise NotRecorded
    return there[-1]


# --- What the carrier does --------------------------------------------------------------------------------------------


def began(tx: Transaction, tape: TalkRecording, sid: str, now: datetime) -> None:
    """It runs at the carrier, under this name."""
    if _another(tx, tape, sid, now) or tape.recording is not None:
        return
    _change(tx, replace(tape, state=TapeState.RUNNING, recording=sid, next_at=None, attempts=0, because=None))
    note(tx, tape, RecordingBegan(tape.id), now)


def apart(tx: Transaction, place: TicketOnRecord) -> str | None:
    """``hold``, or ``outside``: a number of nobody of ours is with them, or rung for them, and was not asked."""
    if place.held_at is not None:
        return "hold"
    guest = guest_of(tx, place)
    with_outsider = places.outside(place) or (guest is not None and guest.kind is LegKind.OUTSIDE)
    return "outside" if with_outsider else None


def paused(tx: Transaction, tape: TalkRecording, place: TicketOnRecord, now: datetime) -> None:
    """The carrier records silence."""
    if tape.state is TapeState.RUNNING:
        why = pause_because(tape, place.ticket.state, apart(tx, place), now) or "hold"
        _change(tx, replace(tape, state=TapeState.PAUSED, next_at=None))
        note(tx, tape, RecordingPaused(tape.id, True, why), now)


def resumed(tx: Transaction, tape: TalkRecording, now: datetime) -> None:
    """The carrier records the talk again."""
    if tape.state is TapeState.PAUSED:
        forgotten = tape.paused_until is not None and tape.paused_until <= now
        until = None if forgotten else tape.paused_until
        _change(tx, replace(tape, state=TapeState.RUNNING, paused_until=until, next_at=None))
        note(tx, tape, RecordingPaused(tape.id, False, "limit" if forgotten else "talk"), now)


def stopped(tx: Transaction, tape: TalkRecording, now: datetime) -> None:
    """It is over, and the carrier makes the file."""
    if tape.state in LIVE:
        _change(tx, replace(tape, state=TapeState.STOPPED, attempts=0, next_at=now + LOOKED_FOR[0]))


def there(tx: Transaction, tape: TalkRecording, sid: str, url: str, seconds: float | None, now: datetime) -> bool:
    """The file is there to be fetched; False where that is no news."""
    if _another(tx, tape, sid, now) or tape.state not in NOT_OVER:
        return False
    if tape.recording is None:
        note(tx, tape, RecordingBegan(tape.id), now)
    file = replace(tape, recording=sid, url=url, seconds=seconds, because=None)
    _change(tx, replace(file, state=TapeState.AT_CARRIER, attempts=0, next_at=now))
    return True


def never(tx: Transaction, tape: TalkRecording, because: str, now: datetime) -> None:
    """There is nothing on tape of this talk."""
    if tape.state in LIVE or tape.state is TapeState.STOPPED:
        _change(tx, replace(tape, state=TapeState.UNMADE, next_at=None, because=because))
        note(tx, tape, RecordingFailed(tape.id, because), now)


def listed(tx: Transaction, tape: TalkRecording, found: CarrierTape, now: datetime) -> bool:
    """The carrier's list has it; whether it is there to be fetched."""
    match found.status:
        case "completed":
            return there(tx, tape, found.recording, found.url, found.seconds, now)
        case "absent":
            never(tx, tape, "the carrier recorded nothing", now)
        case "in-progress" | "paused" if tape.recording is None:
            began(tx, tape, found.recording, now)
        case "in-progress" | "paused":  # it was told to stop, and runs on: it is told again
            _change(tx, replace(tape, state=TapeState.RUNNING, next_at=None))
        case _:
            again = _later(tape, now) or now + LOOKED_FOR[-1]
            _change(tx, replace(tape, recording=found.recording, state=TapeState.STOPPED, next_at=again))
    return False


def unlisted(tx: Transaction, tape: TalkRecording, now: datetime) -> None:
    """It has ended, and the carrier's list does not have it: looked for again, and lost at last."""
    if tape.state is not TapeState.STOPPED:
        return
    again = _later(tape, now)
    if again is not None:
        _change(tx, replace(tape, next_at=again))
        return
    lost(tx, tape, "the carrier has no recording of it", now)


def lost(tx: Transaction, tape: TalkRecording, because: str, now: datetime) -> None:
    """It was made, and cannot be had."""
    _change(tx, replace(tape, state=TapeState.LOST, next_at=None, because=because))
    note(tx, tape, RecordingFailed(tape.id, because), now)


# --- Between them -----------------------------------------------------------------------------------------------------


def note(tx: Transaction, tape: TalkRecording, event: CallEvent, now: datetime) -> None:
    tx.log.add(tape.call, [event], now)


def of_leg(tx: Transaction, tape: TalkRecording, found: Sequence[CarrierTape]) -> CarrierTape | None:
    """Which of the tapes of its leg it is: the one of its name, or that of no other row."""
    if tape.recording is not None:
        return next((each for each in found if each.recording == tape.recording), None)
    others = {each.recording for each in tx.recordings.of_call(tape.call)}
    return next((each for each in found if each.recording not in others), None)


def _later(tape: TalkRecording, now: datetime) -> datetime | None:
    return now + LOOKED_FOR[tape.attempts] if tape.attempts < len(LOOKED_FOR) else None


def _another(tx: Transaction, tape: TalkRecording, sid: str, now: datetime) -> bool:
    """News of a recording that is not ours to steer: counted."""
    if tape.recording in (None, sid):
        return False
    note(tx, tape, OddFact(f"recording {sid}", f"talk recording {tape.id} is another"), now)
    return True


def _change(tx: Transaction, tape: TalkRecording) -> RecordingId:
    places.written(tx.recordings.change(tape))
    return tape.id
