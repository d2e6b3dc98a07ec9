"""What was promised: to whom, by when, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ivr.core.words import CallId, CustomerId, PromiseId


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    LATE = "late"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Promise:
    id: PromiseId
    what: str  # answer_voicemail, callback, appointment, follow_up
    customer: CustomerId
    call: CallId | None
    made_at: datetime
    due_at: datetime  # UTC
    zone: str  # the zone it was said in
    owner: str  # a queue or an agent
    state: PromiseState = PromiseState.OPEN
    ended_at: datetime | None = None
    because: str | None = None
