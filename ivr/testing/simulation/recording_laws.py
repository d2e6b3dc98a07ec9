"""The laws of talks on tape: nobody is recorded who did not agree, nothing runs on, what was recorded is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ivr.core.events import RecordingBegan, RecordingConsent
from ivr.core.recording import TapeState
from ivr.testing.simulation.callers import OneCall
from ivr.testing.simulation.laws import Books
from ivr.testing.simulation.line import Line, Wrong

OVER = (TapeState.KEPT, TapeState.UNMADE)


def who_is_recorded_agreed_before(_: Line, __: list[OneCall], books: Books) -> Iterator[Wrong]:
    for call, events in books.events.items():
        agreed = False
        for event in events:
            if event.kind == RecordingConsent.kind:
                agreed = bool(event.data["given"])
            elif event.kind == RecordingBegan.kind and not agreed:
                yield Wrong("who is recorded agreed before", "nobody asked them", books.calls[call].key.sid)


def every_tape_is_over_and_kept(line: Line, _: list[OneCall], books: Books) -> Iterator[Wrong]:
    with line.records.read() as tx:
        tapes = [tape for call in books.calls for tape in tx.recordings.of_call(call)]
    for tape in tapes:
        if tape.state not in OVER or tape.next_at is not None:
            yield Wrong("every talk on tape is kept", f"it is {tape.state} at the end ({tape.because})", tape.leg)
        elif tape.state is TapeState.KEPT and line.process.office.audio.path(tape.id) is None:
            yield Wrong("every talk on tape is kept", "its audio is not on the shelf", tape.leg)


def the_carrier_keeps_no_talk(line: Line, _: list[OneCall], __: Books) -> Iterator[Wrong]:
    """A second recording of a talk, which nobody steers, would be left over here."""
    for recording in line.network.recordings():
        if recording.source == "StartCallRecordingAPI" and recording.status != "absent":
            yield Wrong("the carrier keeps no talk", f"{recording.sid} is {recording.status}", recording.call_sid or "")


AT_THE_END: tuple[Callable[[Line, list[OneCall], Books], Iterator[Wrong]], ...] = (
    who_is_recorded_agreed_before,
    every_tape_is_over_and_kept,
    the_carrier_keeps_no_talk,
)
