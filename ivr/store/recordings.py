"""Talks on tape: one row a leg of the customer and a place in line, changed under a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update

from ivr.core.errors import NoSuchRecording
from ivr.core.recording import LIVE, Rule, TalkRecording, TapeState
from ivr.core.words import CallId, RecordingId, TicketId
from ivr.store.link import Link, insert_once
from ivr.store.tables import SITE, talk_recordings

LIVE_STATES = sorted(LIVE)

STANDING = (
    select(talk_recordings)
    .where(talk_recordings.c.state.in_(LIVE_STATES))
    .order_by(talk_recordings.c.wanted_at, talk_recordings.c.id)
)
DUE = (
    select(talk_recordings)
    .where(talk_recordings.c.next_at <= bindparam("now"), talk_recordings.c.state.not_in(LIVE_STATES))
    .order_by(talk_recordings.c.next_at, talk_recordings.c.id)
    .limit(bindparam("most"))
)


def _recording(row: Row[Any]) -> TalkRecording:
    return TalkRecording(
        id=row.id,
        call=row.call_id,
        ticket=row.ticket_id,
        customer=row.customer_id,
        leg=row.leg,
        rule=Rule(row.rule),
        wanted_at=row.wanted_at,
        state=TapeState(row.state),
        recording=row.recording,
        url=row.url,
        paused_until=row.paused_until,
        withdrawn_at=row.withdrawn_at,
        seconds=row.seconds,
        attempts=row.attempts,
        next_at=row.next_at,
        because=row.because,
        version=row.version,
    )


def _changing(recording: TalkRecording) -> dict[str, Any]:
    return {
        "state": recording.state.value,
        "recording": recording.recording,
        "url": recording.url,
        "paused_until": recording.paused_until,
        "withdrawn_at": recording.withdrawn_at,
        "seconds": recording.seconds,
        "attempts": recording.attempts,
        "next_at": recording.next_at,
        "because": recording.because,
    }


class SqlRecordings:
    """The port ``Recordings``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def want(self, recording: TalkRecording) -> bool:
        inserted = self._link.run(
            insert_once(talk_recordings, self._link.dialect, "site_id", "leg", "ticket_id"),
            {
                "id": recording.id,
                "call_id": recording.call,
                "customer_id": recording.customer,
                "ticket_id": recording.ticket,
                "leg": recording.leg,
                "rule": recording.rule.value,
                "wanted_at": recording.wanted_at,
                "version": recording.version,
                **_changing(recording),
            },
        )
        return inserted == 1

    def get(self, recording: RecordingId) -> TalkRecording:
        """Raises NoSuchRecording."""
        row = self._link.one(select(talk_recordings).where(talk_recordings.c.id == recording))
        if row is None:
            raise NoSuchRecording
        return _recording(row)

    def change(self, recording: TalkRecording) -> bool:
        """False when it has been changed since it was read."""
        as_read = (talk_recordings.c.id == recording.id) & (talk_recordings.c.version == recording.version)
        changed = update(talk_recordings).where(as_read).values(version=recording.version + 1, **_changing(recording))
        return self._link.run(changed) == 1

    def of_ticket(self, ticket: TicketId) -> Sequence[TalkRecording]:
        return self._several(select(talk_recordings).where(talk_recordings.c.ticket_id == ticket))

    def of_call(self, call: CallId) -> Sequence[TalkRecording]:
        return self._several(select(talk_recordings).where(talk_recordings.c.call_id == call))

    def by_recording(self, recording: str) -> TalkRecording | None:
        found = self._several(select(talk_recordings).where(talk_recordings.c.recording == recording))
        return found[0] if found else None

    def live(self) -> Sequence[TalkRecording]:
        return [_recording(row) for row in self._link.all(STANDING.where(talk_recordings.c.site_id == SITE))]

    def due(self, now: datetime, limit: int) -> Sequence[TalkRecording]:
        return [_recording(row) for row in self._link.all(DUE.params(now=now, most=limit))]

    def _several(self, query: Select[Any]) -> list[TalkRecording]:
        ordered = query.order_by(talk_recordings.c.wanted_at, talk_recordings.c.id)
        return [_recording(row) for row in self._link.all(ordered)]
