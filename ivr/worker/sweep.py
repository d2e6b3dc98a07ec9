"""Finds work that lost its hint: what is due stands in SQL, and is done whether or not anybody was told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from ivr.core.call import CallRecord
from ivr.core.recording import TapeState
from ivr.core.words import CallId
from ivr.switchboard.messages.voicemail import Step, left_while_recording, next_step
from ivr.switchboard.recording.recording_tape import next_step as tape_step
from ivr.worker.actors import place
from ivr.worker.office import Work

AT_ONCE = 100
"""Rows looked at in one sweep, the longest due first."""

LONGEST_SLEEP = timedelta(seconds=0.25)
"""Between two looks at who wraps up: one that begins and ends within it is seen so late at most."""

AFTER_TROUBLE = timedelta(seconds=2)

CARRIER_EVERY = timedelta(seconds=15)
LEGS_EVERY = timedelta(seconds=3)
"""News that came while no web process answered is lost: whoever it was about is not held up for longer than this."""

CLOSED_EVERY = timedelta(minutes=1)
"""Nobody is dialled while we are closed, whether or not the call back was moved already."""

RECORDINGS_AFTER = (timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))
"""How long after a call ended in the middle of a message the carrier is asked for it: its callback comes first."""

LIST_EVERY = timedelta(minutes=10)
"""How often the carrier is asked for all messages it holds, each time a little further back than the last."""

RECORDINGS_BACK = timedelta(days=1)
"""How far a sweep that begins looks back."""

Submit = Callable[[str, str], None]
"""Job name and what it is about; may run it at once or hand it on."""

log = structlog.get_logger(__name__)

STEPS = {Step.FETCH: "fetch_voicemail", Step.READ: "read_voicemail", Step.LET_GO: "read_voicemail"}

TAPES = {TapeState.STOPPED: "record"}
"""The job that an ended tape waits for; the audio of any other is to be fetched, or let go."""

T = TypeVar("T")


def _tried(look: Callable[[], T]) -> T | None:
    """What a look gives; None where it raised, which is logged."""
    try:
        return look()
    except Exception as trouble:  # noqa: BLE001 (the rim of the worker)
        log.error("sweep.failed", look=look.__name__, error=type(trouble).__name__, at=place(trouble))
        return None


def due_jobs(work: Work) -> list[tuple[str, str]]:
    """The jobs that are due by what stands in SQL; a caller who is on the line comes first."""
    with work.records.read() as tx:
        fetches = tx.fetches.waiting(AT_ONCE)
        texts = tx.texts.due(work.clock.now(), AT_ONCE)
        voicemails = tx.voicemails.due(work.clock.now(), AT_ONCE)
        tapes = tx.recordings.live()
        running = [tape for tape in tapes if tape_step(tx, tape, tx.tickets.get(tape.ticket), work.clock.now())]
        ended = tx.recordings.due(work.clock.now(), AT_ONCE)
    steps = [(STEPS[step], voicemail.id) for voicemail in voicemails if (step := next_step(voicemail))]
    sends = [("send_text", text.id) for text in texts]
    records = [("record", tape.id) for tape in running]
    records += [(TAPES.get(tape.state, "fetch_recording"), tape.id) for tape in ended]
    return [*(("fetch", fetching.key) for fetching in fetches), *records, *sends, *steps]


class Sweep:
    """One worker's round: due jobs each time, the carrier's list of calls every so often.

    What it remembers between rounds is only when to ask again; a new sweep finds the same work.
    """

    def __init__(self, work: Work, submit: Submit) -> None:
        self._work, self._submit = work, submit
        self._missing: frozenset[CallId] = frozenset()
        self._to_ask: deque[CallRecord] = deque()
        self._looked: datetime | None = None
        self._carrier_due: datetime | None = None
        self._legs_due: datetime | None = None
        self._closed_due: datetime | None = None
        self._compare_due: datetime | None = None
        self._listed: datetime | None = None

    def round(self) -> None:
        """Every look; what one of them raises is logged, and the next round tries again."""
        for look in (self.due, self.compare, self.floor, self.promises, self.carrier, self.legs, self.unclaimed):
            _tried(look)

    def wake(self) -> timedelta:
        """Free the agents whose wrap-up has ended by now; how long to sleep before the next look.

        A wrap-up ends at the second that was said, and somebody waits for it: later than a round would be late.
        """
        now = self._work.clock.now()
        woken = _tried(self.rest)
        if woken is None:
            return AFTER_TROUBLE
        (next_at,) = woken
        return LONGEST_SLEEP if next_at is None else min(max(next_at - now, timedelta()), LONGEST_SLEEP)

    def rest(self) -> tuple[datetime | None]:
        """When the next wrap-up ends, if any does."""
        return (self._work.rest(),)

    def due(self) -> None:
        """Hand on every job that is due."""
        for job, about in due_jobs(self._work):
            self._submit(job, about)

    def floor(self) -> None:
        """End what lapsed, match what came due silently, and dial and hang up what lost its hint."""
        self._work.tend_floor()

    def unclaimed(self) -> None:
        """Put calls on record that left a message while nothing of ours answered; the carrier's list every so often."""
        now = self._work.clock.now()
        looks = self._listed is None or abs(now - self._listed) >= LIST_EVERY
        self._work.adopt((self._listed or now - RECORDINGS_BACK) - LIST_EVERY if looks else None)
        if looks:  # a list that could not be had is asked for again at once
            self._listed = now

    def promises(self) -> None:
        """Move callbacks that cannot be made now, warn of promises that are nearly due, and escalate the late ones."""
        now = self._work.clock.now()
        if _due(self._closed_due, now, CLOSED_EVERY):
            self._closed_due = now + CLOSED_EVERY
            self._work.move_callbacks()
        self._work.warn_due()

    def compare(self) -> None:
        """Set the floor right against the record, whatever the carrier says: every 15 s, or once Redis answers."""
        now = self._work.clock.now()
        if _due(self._compare_due, now, CARRIER_EVERY):
            compared = self._work.compare_floor()
            self._compare_due = now + CARRIER_EVERY if compared else None

    def carrier(self) -> None:
        """Compare our calls with the carrier's, and ask it for messages nobody told us of; every 15 s at most."""
        now = self._work.clock.now()
        if not _due(self._carrier_due, now, CARRIER_EVERY):
            return
        self._carrier_due = now + CARRIER_EVERY
        self._missing = self._work.end_vanished(self._missing)
        self._recordings(now)

    def legs(self) -> None:
        """Compare our legs with the carrier's: an agent whose phone hung up while nobody of ours listened is free."""
        now = self._work.clock.now()
        if _due(self._legs_due, now, LEGS_EVERY):
            self._legs_due = now + LEGS_EVERY
            self._work.compare_legs()

    def _recordings(self, now: datetime) -> None:
        """Ask about each call once at every age of ``RECORDINGS_AFTER``, and once when the sweep begins."""
        since = self._looked or now - RECORDINGS_BACK
        with self._work.records.read() as tx:
            of_age = {
                call.id: call for age in RECORDINGS_AFTER for call in tx.calls.ended_between(since - age, now - age)
            }
        self._looked = now
        self._to_ask.extend(call for call in of_age.values() if left_while_recording(call))
        while self._to_ask:
            self._work.find_recordings(self._to_ask.popleft())


def _due(at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether a look is due; a clock that was put back does not put it off."""
    return at is None or not timedelta() < at - now <= every
