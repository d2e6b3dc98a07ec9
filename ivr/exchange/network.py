"""The phone network in the box: numbers, calls, queues, rooms, recordings and messages of one account.

Every method runs on the scheduler's loop (from another thread: ``scheduler.call(lambda: network.…)``), and raises
CarrierRefused where Twilio's REST API would answer with an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ivr.exchange.chance import Chance
from ivr.exchange.records import (
    Account,
    CallResource,
    ConferenceResource,
    IncomingNumber,
    MemberResource,
    MessageResource,
    ParticipantResource,
    QueueResource,
    RecordingResource,
)
from ivr.exchange.scheduler import Scheduler


class Voices(Protocol):
    """Text to sound."""

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> bytes:
        """A WAV file, 8 kHz 16 bit mono; ``rate`` 0.8 is slower."""
        ...


class Network:
    def __init__(
        self, account: Account, scheduler: Scheduler, outside: object, chance: Chance, voices: Voices | None = None
    ) -> None:
        self.account, self.scheduler, self.chance = account, scheduler, chance

    # --- Calls ------------------------------------------------------------------------------------------------------

    def create_call(
        self,
        to: str,
        from_: str,
        *,
        url: str | None = None,
        method: str = "POST",
        twiml: str | None = None,
        fallback_url: str | None = None,
        fallback_method: str = "POST",
        status_callback: str | None = None,
        status_callback_event: Sequence[str] = (),
        status_callback_method: str = "POST",
        timeout: int = 60,
        record: bool = False,
        recording_channels: str = "mono",
        recording_status_callback: str | None = None,
        recording_status_callback_method: str = "POST",
        recording_status_callback_event: Sequence[str] = (),
        trim: str = "trim-silence",
        send_digits: str | None = None,
        machine_detection: str | None = None,
        machine_detection_timeout: int = 30,
        async_amd: bool = False,
        async_amd_status_callback: str | None = None,
        async_amd_status_callback_method: str = "POST",
        time_limit: int | None = None,
        caller_id: str | None = None,
    ) -> CallResource:
        """Twilio: Call resource, create. Dials ``to``; the document is asked for when it is answered."""
        raise NotImplementedError

    def update_call(
        self,
        sid: str,
        *,
        url: str | None = None,
        method: str = "POST",
        twiml: str | None = None,
        status: str | None = None,
        fallback_url: str | None = None,
        fallback_method: str | None = None,
        status_callback: str | None = None,
        status_callback_method: str | None = None,
        time_limit: int | None = None,
    ) -> CallResource:
        """Twilio: Call resource, update. ``status`` completed or canceled; a redirect ends what the leg is in."""
        raise NotImplementedError

    def call(self, sid: str) -> CallResource:
        raise NotImplementedError

    def calls(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        parent_sid: str | None = None,
        status: str | None = None,
    ) -> list[CallResource]:
        """Newest first, as Twilio lists them."""
        raise NotImplementedError

    def delete_call(self, sid: str) -> None:
        raise NotImplementedError

    # --- Queues -----------------------------------------------------------------------------------------------------

    def create_queue(self, friendly_name: str, max_size: int = 100) -> QueueResource:
        raise NotImplementedError

    def update_queue(self, sid: str, *, friendly_name: str | None = None, max_size: int | None = None) -> QueueResource:
        raise NotImplementedError

    def queue(self, sid: str) -> QueueResource:
        raise NotImplementedError

    def queues(self) -> list[QueueResource]:
        raise NotImplementedError

    def delete_queue(self, sid: str) -> None:
        """Refused (21640-like) while calls wait in it."""
        raise NotImplementedError

    def members(self, queue_sid: str) -> list[MemberResource]:
        raise NotImplementedError

    def member(self, queue_sid: str, call_sid: str) -> MemberResource:
        """``call_sid`` may be ``Front``."""
        raise NotImplementedError

    def dequeue(self, queue_sid: str, call_sid: str, url: str, method: str = "POST") -> MemberResource:
        """Send a waiting call (or ``Front``) to another document."""
        raise NotImplementedError

    # --- Conferences ------------------------------------------------------------------------------------------------

    def conferences(self, *, friendly_name: str | None = None, status: str | None = None) -> list[ConferenceResource]:
        raise NotImplementedError

    def conference(self, sid: str) -> ConferenceResource:
        raise NotImplementedError

    def update_conference(
        self, sid: str, *, status: str | None = None, announce_url: str | None = None, announce_method: str = "POST"
    ) -> ConferenceResource:
        raise NotImplementedError

    def participants(
        self,
        conference: str,
        *,
        muted: bool | None = None,
        hold: bool | None = None,
        coaching: bool | None = None,
    ) -> list[ParticipantResource]:
        """``conference``: sid, or the friendly name of a live one."""
        raise NotImplementedError

    def participant(self, conference: str, call_sid_or_label: str) -> ParticipantResource:
        raise NotImplementedError

    def create_participant(
        self,
        conference: str,
        from_: str,
        to: str,
        *,
        label: str | None = None,
        muted: bool = False,
        start_conference_on_enter: bool = True,
        end_conference_on_exit: bool = False,
        beep: str = "true",
        wait_url: str | None = None,
        wait_method: str = "POST",
        max_participants: int = 250,
        coaching: bool = False,
        call_sid_to_coach: str | None = None,
        timeout: int = 60,
        time_limit: int | None = None,
        status_callback: str | None = None,
        status_callback_method: str = "POST",
        status_callback_event: Sequence[str] = (),
        conference_status_callback: str | None = None,
        conference_status_callback_method: str = "POST",
        conference_status_callback_event: Sequence[str] = (),
        conference_record: str | None = None,
        conference_recording_status_callback: str | None = None,
        conference_recording_status_callback_method: str = "POST",
        conference_recording_status_callback_event: Sequence[str] = (),
        record: bool = False,
        recording_channels: str = "mono",
        recording_status_callback: str | None = None,
        recording_status_callback_method: str = "POST",
        recording_status_callback_event: Sequence[str] = (),
        machine_detection: str | None = None,
        caller_id: str | None = None,
    ) -> ParticipantResource:
        """``conference``: sid, or a friendly name (the room is opened if there is none)."""
        raise NotImplementedError

    def update_participant(
        self,
        conference: str,
        call_sid_or_label: str,
        *,
        muted: bool | None = None,
        hold: bool | None = None,
        hold_url: str | None = None,
        hold_method: str = "POST",
        announce_url: str | None = None,
        announce_method: str = "POST",
        wait_url: str | None = None,
        wait_method: str = "POST",
        beep_on_exit: bool | None = None,
        end_conference_on_exit: bool | None = None,
        coaching: bool | None = None,
        call_sid_to_coach: str | None = None,
    ) -> ParticipantResource:
        raise NotImplementedError

    def remove_participant(self, conference: str, call_sid_or_label: str) -> None:
        raise NotImplementedError

    # --- Recordings -------------------------------------------------------------------------------------------------

    def recordings(self, *, call_sid: str | None = None, conference_sid: str | None = None) -> list[RecordingResource]:
        raise NotImplementedError

    def recording(self, sid: str) -> RecordingResource:
        raise NotImplementedError

    def delete_recording(self, sid: str) -> None:
        raise NotImplementedError

    def start_recording(
        self,
        call_sid: str,
        *,
        recording_channels: str = "mono",
        recording_track: str = "both",
        trim: str = "do-not-trim",
        recording_status_callback: str | None = None,
        recording_status_callback_method: str = "POST",
        recording_status_callback_event: Sequence[str] = (),
    ) -> RecordingResource:
        raise NotImplementedError

    def update_recording(
        self,
        call_sid: str | None,
        sid: str,
        status: str,
        pause_behavior: str = "silence",
        conference_sid: str | None = None,
    ) -> RecordingResource:
        """``status`` paused, in-progress or stopped; ``sid`` may be ``Twilio.CURRENT``."""
        raise NotImplementedError

    # --- Messages ---------------------------------------------------------------------------------------------------

    def send_message(self, to: str, from_: str, body: str, status_callback: str | None = None) -> MessageResource:
        raise NotImplementedError

    def message(self, sid: str) -> MessageResource:
        raise NotImplementedError

    def messages(self, *, to: str | None = None, from_: str | None = None) -> list[MessageResource]:
        raise NotImplementedError

    def delete_message(self, sid: str) -> None:
        raise NotImplementedError

    # --- Numbers ----------------------------------------------------------------------------------------------------

    def numbers(self, *, number: str | None = None, friendly_name: str | None = None) -> list[IncomingNumber]:
        raise NotImplementedError

    def number(self, sid: str) -> IncomingNumber:
        raise NotImplementedError

    def add_number(self, number: str, **fields: str) -> IncomingNumber:
        """``fields``: friendly_name, voice_url, voice_method, … of IncomingNumber."""
        raise NotImplementedError

    def update_number(self, sid: str, **fields: str) -> IncomingNumber:
        raise NotImplementedError

    def remove_number(self, sid: str) -> None:
        raise NotImplementedError
