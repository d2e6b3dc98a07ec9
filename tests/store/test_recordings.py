"""Talks on tape, on both databases: one a leg and place in line, moved by one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.core.call import CallRecord
from ivr.core.errors import NoSuchRecording
from ivr.core.recording import Rule, TalkRecording, TapeState
from ivr.core.words import CustomerId, RecordingId, TicketId
from ivr.store.session import SqlRecords
from tests.databases import START
from tests.store.conftest import CALL, MARIA
from tests.store.test_tickets import waits

T = TicketId("t")
SECOND = timedelta(seconds=1)
TAPE = TalkRecording(RecordingId("tape"), CALL.id, T, MARIA.id, "CA1", Rule.ASK, START)


def test_a_leg_is_recorded_once_a_place_in_line_and_by_whoever_changes_it_first(
    records: SqlRecords, call: CallRecord
) -> None:
    with records.write() as tx:
        assert tx.tickets.take(waits(call.customer, T))
        assert tx.recordings.want(TAPE)
        assert not tx.recordings.want(replace(TAPE, id=RecordingId("again")))
        with pytest.raises(NoSuchRecording):
            tx.recordings.get(RecordingId("again"))
        assert tx.recordings.live() == tx.recordings.of_ticket(T) == tx.recordings.of_call(call.id) == [TAPE]
    over = replace(
        TAPE,
        state=TapeState.AT_CARRIER,
        recording="RE1",
        url="https://x/RE1",
        paused_until=START,
        withdrawn_at=START + SECOND,
        seconds=61.5,
        attempts=2,
        next_at=START + SECOND,
        because="x",
    )
    with records.write() as tx:
        assert tx.recordings.change(over)
        assert not tx.recordings.change(over)
    with records.read() as tx:
        assert tx.recordings.get(TAPE.id) == replace(over, version=1)
        assert (tx.recordings.live(), tx.recordings.due(START, 9)) == ([], [])
        assert tx.recordings.due(START + SECOND, 9) == [replace(over, version=1)]


def test_a_recording_follows_the_caller_who_proves_who_they_are(records: SqlRecords, call: CallRecord) -> None:
    with records.write() as tx:
        tx.customers.add(replace(MARIA, id=CustomerId("0193-other"), number=None, numbers=()))
        assert tx.tickets.take(waits(call.customer, T)) and tx.recordings.want(TAPE)
        tx.customers.merge_call(MARIA.id, CustomerId("0193-other"), call.id)
        assert tx.recordings.get(TAPE.id).customer == "0193-other"
