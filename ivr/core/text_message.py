"""Written messages, by text or by e-mail: what was promised to be sent, to whom, and what became of it.

The carrier has no idempotency key for messages ("Messages resource", twilio.com/docs/messaging/api/message-resource),
so a message is marked ``sending`` before it is handed over, and one whose answer was lost is never handed over again.
What the carrier tells later ("Track the Message Status of Outbound Messages", twilio.com/docs/messaging/guides) says
whether it was received; a text that was not goes by the next way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.words import CallbackId, CallId, CustomerId, TextId

PAUSES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
LONG_PAUSE = timedelta(minutes=30)

GIVEN_UP_AFTER = timedelta(hours=12)
"""A text that somebody asked for on the telephone is of no use much later."""

LEASE = timedelta(minutes=2)
"""So long may the carrier take to answer; after it the answer counts as lost."""

TEXTABLE = frozenset({"mobile", "fixed_or_mobile"})
"""Kinds of numbers (``Numbering.kind``) that can get a text; in some countries a mobile is not told by its number."""


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class SendState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"  # handed to the carrier, which has not answered yet
    SENT = "sent"  # the carrier took it
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # the carrier took it, and could not bring it there
    FAILED = "failed"
    UNKNOWN = "unknown"  # handed to the carrier, and its answer was lost


RECEIVED: Mapping[str, bool] = {"delivered": True, "read": True, "undelivered": False, "failed": False}
"""MessageStatus ("Messages resource", Status) once it is known whether the text was received."""


@dataclass(frozen=True)
class TextMessage:
    """``callback``: of whose miss or new time it tells; ``was_due``: when that call was promised before it."""

    id: TextId
    call: CallId | None
    customer: CustomerId
    to: str  # E.164, or an e-mail address
    sender: str  # a number or a one-way name; of an e-mail its subject
    body: str
    made_at: datetime
    state: SendState = SendState.WAITING
    attempts: int = 0
    next_at: datetime | None = None  # when there is something to do; None once it has ended
    ended_at: datetime | None = None
    because: str | None = None
    carrier_id: str | None = None
    channel: Channel = Channel.SMS
    callback: CallbackId | None = None
    was_due: datetime | None = None

    def __repr__(self) -> str:
        return f"TextMessage({self.id}, {self.state.value}, attempts={self.attempts})"


def gets_no_text(kind: str, country: str | None, countries: tuple[str, ...]) -> str | None:
    """Why a number (its kind and country as ``Numbering`` says) gets no text of a line; None: it can."""
    if kind not in TEXTABLE:
        return f"the number is no mobile ({kind})"
    if country not in countries:
        return f"the number is of {country or 'no country we know'}, and the line texts to {', '.join(countries)}"
    return None


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


def received(text: TextMessage, was_received: bool, carrier_id: str, because: str | None, now: datetime) -> TextMessage:
    """The carrier knows whether it was; also of one whose answer was lost, or has not come yet.

    Late or contradicting news of a text that is known to be delivered, or not to be, changes nothing.
    """
    if text.state not in (SendState.SENDING, SendState.SENT, SendState.UNKNOWN):
        return text
    state = SendState.DELIVERED if was_received else SendState.UNDELIVERED
    return replace(_ended(text, state, because, now), carrier_id=carrier_id or text.carrier_id)


def _ended(text: TextMessage, state: SendState, because: str | None, now: datetime) -> TextMessage:
    return replace(text, state=state, next_at=None, ended_at=now, because=because)
