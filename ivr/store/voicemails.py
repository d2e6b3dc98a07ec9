"""Voicemails: from the carrier's key to words with times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update

from ivr.core.errors import NoSuchVoicemail
from ivr.core.voicemail import AudioState, HeardWord, TextState, Transcript, Voicemail
from ivr.core.words import CustomerId, VoicemailId
from ivr.store.link import Link, insert_once
from ivr.store.tables import SITE, voicemails

DUE = (
    select(voicemails)
    .where(voicemails.c.next_at <= bindparam("now"))
    .order_by(voicemails.c.next_at, voicemails.c.id)
    .limit(bindparam("most"))
)
GET = select(voicemails).where(voicemails.c.id == bindparam("voicemail"))
BY_RECORDING = select(voicemails).where(voicemails.c.site_id == SITE, voicemails.c.recording == bindparam("of"))


def _transcript(row: Row[Any]) -> Transcript | None:
    if row.transcript_text is None:
        return None
    return Transcript(
        state=TextState(row.text_state),
        language=row.transcript_language,
        text=row.transcript_text,
        words=tuple(HeardWord(*word) for word in json.loads(row.transcript_words)),
        seconds=row.transcript_seconds,
        model=row.transcript_model,
        problem=row.transcript_problem,
    )


def _columns(transcript: Transcript) -> dict[str, Any]:
    return {
        "text_state": transcript.state.value,
        "transcript_text": transcript.text,
        "transcript_language": transcript.language,
        "transcript_words": json.dumps([astuple(word) for word in transcript.words], ensure_ascii=False),
        "transcript_seconds": transcript.seconds,
        "transcript_model": transcript.model,
        "transcript_problem": transcript.problem,
    }


def _voicemail(row: Row[Any]) -> Voicemail:
    return Voicemail(
        id=row.id,
        call=row.call_id,
        customer=row.customer_id,
        queue=row.queue,
        recording=row.recording,
        url=row.url,
        taken_at=row.taken_at,
        audio=AudioState(row.audio_state),
        text=TextState(row.text_state),
        seconds=row.seconds,
        language=row.language,
        transcript=_transcript(row),
        promise=row.promise_id,
        attempts=row.attempts,
        next_at=row.next_at,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
    )


class SqlVoicemails:
    """The port ``Voicemails``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def take(self, voicemail: Voicemail) -> bool:
        taken = self._link.run(
            insert_once(voicemails, self._link.dialect, "site_id", "recording"),
            {
                "id": voicemail.id,
                "call_id": voicemail.call,
                "customer_id": voicemail.customer,
                "queue": voicemail.queue,
                "recording": voicemail.recording,
                "url": voicemail.url,
                "taken_at": voicemail.taken_at,
                "audio_state": voicemail.audio.value,
                "text_state": voicemail.text.value,
                "seconds": voicemail.seconds,
                "language": voicemail.language,
                "promise_id": voicemail.promise,
                "attempts": voicemail.attempts,
                "next_at": voicemail.next_at,
                **({} if voicemail.transcript is None else _columns(voicemail.transcript)),
            },
        )
        return taken == 1

    def get(self, voicemail: VoicemailId) -> Voicemail:
        row = self._link.hot_first(GET, {"voicemail": voicemail})
        if row is None:
            raise NoSuchVoicemail
        return _voicemail(row)

    def by_recording(self, recording: str) -> Voicemail | None:
        row = self._link.hot_first(BY_RECORDING, {"of": recording})
        return None if row is None else _voicemail(row)

    def audio(self, voicemail: VoicemailId, state: AudioState, seconds: float | None) -> None:
        """Where the audio is now; ``seconds`` None leaves the length as it is known."""
        length = {} if seconds is None else {"seconds": seconds}
        self._change(voicemail, {"audio_state": state.value, **length})

    def transcript(self, voicemail: VoicemailId, transcript: Transcript) -> None:
        self._change(voicemail, _columns(transcript))

    def postpone(
        self, voicemail: VoicemailId, attempts: int, next_at: datetime | None, seen: int | None = None
    ) -> bool:
        there = voicemails.c.id == voicemail
        unchanged = there if seen is None else there & (voicemails.c.attempts == seen)
        changed = update(voicemails).where(unchanged).values(attempts=attempts, next_at=next_at)
        return self._link.run(changed) == 1

    def due(self, now: datetime, limit: int) -> Sequence[Voicemail]:
        return [_voicemail(row) for row in self._link.hot_all(DUE, {"now": now, "most": limit})]

    def of(self, customer: CustomerId) -> Sequence[Voicemail]:
        """Oldest first."""
        return self._several(
            select(voicemails)
            .where(voicemails.c.customer_id == customer)
            .order_by(voicemails.c.taken_at, voicemails.c.id)
        )

    def answered(self, voicemail: VoicemailId, by: str, at: datetime) -> bool:
        unanswered = (voicemails.c.id == voicemail) & voicemails.c.answered_at.is_(None)
        return self._link.run(update(voicemails).where(unanswered).values(answered_at=at, answered_by=by)) == 1

    def unanswered(self, limit: int) -> Sequence[Voicemail]:
        return self._several(
            select(voicemails)
            .where(voicemails.c.site_id == SITE, voicemails.c.answered_at.is_(None))
            .order_by(voicemails.c.taken_at, voicemails.c.id)
            .limit(limit)
        )

    def recent(self, limit: int) -> Sequence[Voicemail]:
        return self._several(
            select(voicemails)
            .where(voicemails.c.site_id == SITE)
            .order_by(voicemails.c.taken_at.desc(), voicemails.c.id.desc())
            .limit(limit)
        )

    def _change(self, voicemail: VoicemailId, values: dict[str, Any]) -> None:
        if self._link.run(update(voicemails).where(voicemails.c.id == voicemail).values(values)) == 0:
            raise NoSuchVoicemail

    def _several(self, query: Select[Any]) -> list[Voicemail]:
        return [_voicemail(row) for row in self._link.all(query)]
