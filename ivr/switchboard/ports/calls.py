"""What is on record of calls: events, messages, talks on tape, texts, answers, and the flows they went through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.company import EmergencyClosing
from ivr.core.events import CallEvent
from ivr.core.recording import TalkRecording
from ivr.core.survey import SurveyAnswer
from ivr.core.text_message import TextMessage
from ivr.core.voicemail import AudioState, Transcript, Voicemail
from ivr.core.words import (
    CallId,
    CustomerId,
    FlowVersionId,
    RecordingId,
    TextId,
    TicketId,
    VoicemailId,
)


@dataclass(frozen=True)
class StoredEvent:
    """An event as it lies in ``call_events``."""

    call: CallId
    seq: int
    kind: str
    schema: int
    happened_at: datetime
    recorded_at: datetime
    customer: CustomerId | None
    data: Mapping[str, Any]


class Calls(Protocol):
    def find(self, key: CarrierKey) -> CallRecord | None: ...

    def at(self, call: CallId) -> CallRecord:
        """Raises NoSuchCall."""
        ...

    def start(self, call: CallRecord) -> bool:
        """Insert; False when the carrier key is on record already (somebody won the race)."""
        ...

    def move(self, call: CallRecord, from_turn: int) -> bool:
        """Write turn, door, token, cursor, says, state, next_seq WHERE turn = from_turn; False: somebody was first.

        One statement.
        """
        ...

    def recognise(self, call: CallId, customer: CustomerId, sure: Sure) -> None: ...

    def end(self, call: CallId, state: CallState, outcome: str, at: datetime) -> bool:
        """False when it had ended already."""
        ...

    def set_outcome(self, call: CallId, outcome: str) -> None:
        """Of an ended call, whose last message came in late."""
        ...

    def recent(self, limit: int, before: datetime | None = None) -> Sequence[CallRecord]: ...

    def of(self, customer: CustomerId) -> Sequence[CallRecord]: ...

    def unfinished(self) -> Sequence[CallRecord]: ...

    def ended_between(self, after: datetime, until: datetime) -> Sequence[CallRecord]:
        """Those that ended after one moment and no later than the other; the first to end first."""
        ...


class CallLog(Protocol):
    def append(
        self,
        call: CallId,
        first_seq: int,
        events: Sequence[CallEvent],
        happened_at: datetime,
        customer: CustomerId | None,
    ) -> None:
        """Append events with seq ``first_seq`` and on, in one statement."""
        ...

    def add(self, call: CallId, events: Sequence[CallEvent], happened_at: datetime) -> None:
        """Append from outside a turn: reserves seq numbers on the call's row first."""
        ...

    def of_call(self, call: CallId) -> Sequence[StoredEvent]: ...

    def kinds_of(self, call: CallId) -> frozenset[str]:
        """The kinds of a call's events."""
        ...

    def of_customer(self, customer: CustomerId) -> Sequence[StoredEvent]: ...

    def of_kinds(self, kinds: Iterable[str], since: datetime, until: datetime) -> Sequence[StoredEvent]:
        """Those of calls that rang in ``[since, until)``, as they happened."""
        ...


@dataclass(frozen=True)
class UnclaimedRecording:
    """A recording that the carrier told of, whose call is not on record; ``fact`` is the key it is kept under."""

    fact: str
    carrier: str
    account: str
    sid: str
    recording: str
    url: str
    seconds: int | None


class Facts(Protocol):
    def keep(self, key: str, kind: str, body: Mapping[str, str], at: datetime, call: CallId | None) -> bool:
        """Store a carrier callback once under the carrier's own key; False for a repeat."""
        ...

    def unclaimed(self, limit: int) -> Sequence[UnclaimedRecording]:
        """Completed recordings without a call, oldest first."""
        ...

    def claim(self, key: str, call: CallId | None) -> None:
        """A recording's fact belongs to this call from now on, or to nobody for good."""
        ...

    def count_odd(self, what: str, at: datetime) -> None:
        """Count something that moved nothing and belongs to no call of ours."""
        ...


class Voicemails(Protocol):
    def take(self, voicemail: Voicemail) -> bool:
        """Insert; False when this recording is on record already."""
        ...

    def get(self, voicemail: VoicemailId) -> Voicemail:
        """Raises NoSuchVoicemail."""
        ...

    def by_recording(self, recording: str) -> Voicemail | None: ...

    def audio(self, voicemail: VoicemailId, state: AudioState, seconds: float | None) -> None: ...

    def transcript(self, voicemail: VoicemailId, transcript: Transcript) -> None: ...

    def postpone(
        self, voicemail: VoicemailId, attempts: int, next_at: datetime | None, seen: int | None = None
    ) -> bool:
        """Set both; with ``seen`` only where ``attempts`` still stands at it (False: another worker was first)."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Voicemail]:
        """Those with a step to do (``next_at`` passed), oldest first."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Voicemail]: ...

    def answered(self, voicemail: VoicemailId, by: str, at: datetime) -> bool:
        """Put on record that it is answered; False when it was already, or is not there."""
        ...

    def unanswered(self, limit: int) -> Sequence[Voicemail]:
        """Oldest first."""
        ...

    def recent(self, limit: int) -> Sequence[Voicemail]:
        """Newest first."""
        ...


@dataclass(frozen=True)
class Fetching:
    """An http node's request, in the worker's hands."""

    key: str
    call: CallId
    node: str
    url: str
    method: str
    body: str
    limit_seconds: float
    asked_at: datetime
    state: str = "waiting"  # waiting, success, failure, timeout
    answer: str | None = None


class Fetches(Protocol):
    def ask(self, fetching: Fetching) -> None: ...

    def get(self, key: str) -> Fetching | None: ...

    def end(self, key: str, state: str, answer: str | None) -> bool: ...

    def waiting(self, limit: int) -> Sequence[Fetching]: ...


class Answers(Protocol):
    """What callers answered to surveys; nothing is ever changed."""

    def keep(self, answer: SurveyAnswer) -> int:
        """Put it on record with the next number of its call and question (its own is not looked at): that number."""
        ...

    def of_call(self, call: CallId) -> Sequence[SurveyAnswer]:
        """In the order given."""
        ...

    def between(self, since: datetime, until: datetime) -> Sequence[SurveyAnswer]:
        """Those given in ``[since, until)``, later answers to the same question among them."""
        ...


class Texts(Protocol):
    def promise(self, text: TextMessage) -> None: ...

    def get(self, text: TextId) -> TextMessage:
        """Raises NoSuchText."""
        ...

    def change(self, text: TextMessage, seen: TextMessage) -> bool:
        """Write what became of it; False when it is not as it was seen any more."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[TextMessage]:
        """Those with something to do (``next_at`` passed), the longest due first."""
        ...

    def of(self, customer: CustomerId) -> Sequence[TextMessage]:
        """Oldest first."""
        ...


class Recordings(Protocol):
    """Talks on tape."""

    def want(self, recording: TalkRecording) -> bool:
        """Insert; False when this leg has one at this place in line already."""
        ...

    def get(self, recording: RecordingId) -> TalkRecording:
        """Raises NoSuchRecording."""
        ...

    def change(self, recording: TalkRecording) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[TalkRecording]:
        """Oldest first."""
        ...

    def of_call(self, call: CallId) -> Sequence[TalkRecording]:
        """Oldest first."""
        ...

    def by_recording(self, recording: str) -> TalkRecording | None:
        """By the carrier's key."""
        ...

    def live(self) -> Sequence[TalkRecording]:
        """Those that the carrier is to begin, or has begun and not ended, oldest first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[TalkRecording]:
        """Those that are not live any more with a step to do (``next_at`` passed), the longest due first."""
        ...


class FlowVersions(Protocol):
    def published(self, flow: str) -> FlowVersionId | None: ...

    def text(self, version: FlowVersionId) -> Mapping[str, str] | None:
        """File name -> text of the closure; immutable."""
        ...

    def keep(self, version: FlowVersionId, flow: str, files: Mapping[str, str], at: datetime) -> None:
        """Store once; keeping the same version again changes nothing."""
        ...

    def publish(self, flow: str, version: FlowVersionId, by: str, why: str, at: datetime) -> None:
        """Move the alias."""
        ...

    def history(self, flow: str) -> Sequence[Mapping[str, Any]]: ...


class Switches(Protocol):
    def emergency(self, hours: str, now: datetime) -> EmergencyClosing | None: ...

    def close_now(self, closing: EmergencyClosing) -> None: ...

    def open_again(self, hours: str, at: datetime) -> None: ...
