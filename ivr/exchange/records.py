"""The resources of the phone network, as Twilio's REST API shows them, and the refusals it answers with.

Times are aware UTC datetimes out of the exchange's own clock; sids are made from its seeded chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Account:
    sid: str
    token: str


@dataclass
class IncomingNumber:
    """A number of the account, and where its calls go (IncomingPhoneNumbers)."""

    sid: str
    number: str
    friendly_name: str
    date_created: datetime
    date_updated: datetime
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    sms_url: str = ""
    sms_method: str = "POST"


@dataclass
class CallResource:
    """One leg. ``status``: queued, ringing, in-progress, completed, busy, failed, no-answer, canceled."""

    sid: str
    parent_sid: str | None
    from_: str
    to: str
    direction: str  # inbound, outbound-api, outbound-dial
    status: str
    date_created: datetime
    date_updated: datetime
    start_time: datetime | None = None  # answered
    end_time: datetime | None = None
    duration: int | None = None  # seconds
    answered_by: str | None = None
    forwarded_from: str | None = None
    number_sid: str | None = None


@dataclass
class QueueResource:
    sid: str
    friendly_name: str
    max_size: int
    date_created: datetime
    date_updated: datetime
    current_size: int = 0
    average_wait_time: int = 0


@dataclass
class MemberResource:
    call_sid: str
    queue_sid: str
    date_enqueued: datetime
    position: int  # from 1
    wait_time: int  # seconds


@dataclass
class ConferenceResource:
    """``status``: init, in-progress, completed."""

    sid: str
    friendly_name: str
    status: str
    date_created: datetime
    date_updated: datetime
    reason_conference_ended: str | None = None
    call_sid_ending_conference: str | None = None


@dataclass
class ParticipantResource:
    """``status``: queued, connecting, ringing, connected, complete, failed."""

    call_sid: str
    conference_sid: str
    label: str | None
    muted: bool
    hold: bool
    coaching: bool
    call_sid_to_coach: str | None
    start_conference_on_enter: bool
    end_conference_on_exit: bool
    status: str
    date_created: datetime
    date_updated: datetime


@dataclass
class RecordingResource:
    """``status``: in-progress, paused, stopped, processing, completed, absent."""

    sid: str
    call_sid: str | None
    conference_sid: str | None
    status: str
    source: str  # RecordVerb, DialVerb, Conference, OutboundAPI, StartCallRecordingAPI, …
    channels: int
    track: str
    date_created: datetime
    date_updated: datetime
    start_time: datetime
    duration: int | None = None  # seconds
    wav: bytes = field(default=b"", repr=False)


@dataclass
class MessageResource:
    sid: str
    from_: str
    to: str
    body: str
    status: str
    direction: str
    date_created: datetime
    date_updated: datetime
    date_sent: datetime | None = None
    error_code: int | None = None


class CarrierRefused(Exception):
    """The answer Twilio gives to what it will not do: HTTP status, Twilio's error code, message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
