"""Text messages: what was promised to be sent, to whom, and what became of it.

The carrier has no idempotency key for messages ("Messages resource", twilio.com/docs/messaging/api/message-resource),
so a message is marked ``sending`` before it is handed over, and one whose answer was lost is never handed over again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.words import CallId, CustomerId, PhoneNumber, TextId

PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
LONG_PAUSE = timedelta(minutes=30)

GIVEN_UP_AFTER = timedelta(hours=12)
"""A text that somebody asked for on the telephone is of no use much later."""

LEASE = timedelta(minutes=2)
"""So long may the carrier take to answer; after it the answer counts as lost."""

TEXTABLE = frozenset({"mobile", "fixed_or_mobile"})
"""Kinds of numbers (``Numbering.kind``) that can get a text; in some countries a mobile is not told by its number."""


class SendState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"  # handed to the carrier, which has not answered yet
    SENT = "sent"  # the carrier took it
    FAILED = "failed"
    UNKNOWN = "unknown"  # handed to the carrier, and its answer was lost


@dataclass(frozen=True)
class TextMessage:
    id: TextId
    call: CallId | None
    customer: CustomerId
    to: PhoneNumber
    sender: str
    body: str
    made_at: datetime
    state: SendState = SendState.WAITING
    attempts: int = 0
    next_at: datetime | None = None  # when there is something to do; None once it has ended
    ended_at: datetime | None = None
    because: str | None = None
    carrier_id: str | None = None

    def __repr__(self) -> str:
        return f"TextMessage({self.id}, {self.state.value}, attempts={self.attempts})"


def handed_over(text: TextMessage, now: datetime) -> TextMessage:
    """About to be handed to the carrier."""
    return replace(text, state=SendState.SENDING, attempts=text.attempts + 1, next_at=now + LEASE)


def sent(text: TextMessage, carrier_id: str, now: datetime) -> TextMessage:
    return replace(_ended(text, SendState.SENT, None, now), carrier_id=carrier_id)


def refused(text: TextMessage, because: str, now: datetime) -> TextMessage:
    """The carrier will not have it."""
    return _ended(text, SendState.FAILED, because, now)


def answer_lost(text: TextMessage, because: str, now: datetime) -> TextMessage:
    """It may have been sent; it is not sent again."""
    return _ended(text, SendState.UNKNOWN, because, now)


def not_taken(text: TextMessage, because: str, now: datetime) -> TextMessage:
    """The carrier could not take it: to be tried again later, or given up when it is too old."""
    pause = PAUSES[text.attempts - 1] if text.attempts <= len(PAUSES) else LONG_PAUSE
    if now + pause - text.made_at > GIVEN_UP_AFTER:
        return _ended(text, SendState.FAILED, because, now)
    return replace(text, state=SendState.WAITING, next_at=now + pause)


def _ended(text: TextMessage, state: SendState, because: str | None, now: datetime) -> TextMessage:
    return replace(text, state=state, next_at=None, ended_at=now, because=because)
