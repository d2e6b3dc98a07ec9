"""The phone network in the box: numbers, calls, queues, rooms, recordings and messages of one account.

Every method runs on the scheduler's loop (from another thread: ``scheduler.call(lambda: network.…)``), and raises
CarrierRefused where Twilio's REST API would answer with an error.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from ivr.exchange import conferences, recordings, sound
from ivr.exchange.chance import Chance
from ivr.exchange.conferences import Expected, Manner, Room, RoomWishes, Seat
from ivr.exchange.doing import Coming
from ivr.exchange.legs import Fallback, Leg
from ivr.exchange.phones import Phone, PhoneBook, address, e164
from ivr.exchange.queues import DEFAULT_SIZE, CallQueue, Place
from ivr.exchange.records import (
    Account,
    CallResource,
    CarrierRefused,
    ConferenceResource,
    IncomingNumber,
    MemberResource,
    MessageResource,
    ParticipantResource,
    QueueResource,
    RecordingResource,
)
from ivr.exchange.scheduler import Scheduler
from ivr.exchange.steps import Document, Goto
from ivr.exchange.twiml import TwimlRefused
from ivr.exchange.webhooks import Answer, Courier, Outside, Unreached

T = TypeVar("T")
LARGEST_QUEUE = 5000
VERDICT_AFTER = {"Enable": 3.0, "DetectMessageEnd": 8.0}  # seconds of listening; an assumption
MP3_BYTES_A_SECOND = 8000  # 64 kbit/s: the length of audio that this network does not decode is estimated
MESSAGE_STEPS = (("sent", 1.0), ("delivered", 2.0))
LOST_MESSAGE_STEPS = (("sent", 1.0), ("undelivered", 2.0))
UNREACHABLE = "30003"  # twilio.com/docs/api/errors/30003: the handset is off, or gone


class Voices(Protocol):
    """Text to sound."""

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> bytes:
        """A WAV file, 8 kHz 16 bit mono; ``rate`` 0.8 is slower."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Detection:
    """Answering machine detection (https://www.twilio.com/docs/voice/answering-machine-detection)."""

    kind: str
    seconds: float
    told_later: bool = False
    url: str | None = None
    method: str = "POST"


class Network:
    def __init__(
        self,
        account: Account,
        scheduler: Scheduler,
        outside: Outside,
        chance: Chance,
        voices: Voices | None = None,
        api_url: str = "https://api.twilio.com",
    ) -> None:
        self.account, self.scheduler, self.chance, self.voices = account, scheduler, chance, voices
        self.phones = PhoneBook()
        self.courier = Courier(account.token, outside, scheduler, chance)
        self.verified: set[str] = set()  # OutgoingCallerIds: numbers that may be shown
        self.no_texts: set[str] = set()  # numbers at which no text arrives
        self.refusals: deque[str] = deque(maxlen=1000)  # documents that were not executed, and why
        self.tapes: dict[str, recordings.Tape] = {}
        self._began = scheduler.now()
        self._api_url = api_url
        self._numbers: dict[str, IncomingNumber] = {}
        self._owned: dict[str, IncomingNumber] = {}
        self._calls: dict[str, CallResource] = {}
        self._legs: dict[str, Leg] = {}
        self._queues: dict[str, CallQueue] = {}
        self._rooms: dict[str, Room] = {}
        self._live_rooms: dict[str, Room] = {}
        self._recordings: dict[str, RecordingResource] = {}
        self._messages: dict[str, MessageResource] = {}
        self._media: dict[str, tuple[float, bytes | None]] = {}

    def dial(self, from_: str, to: str) -> Phone:
        """Somebody rings a number of the account; raises CarrierRefused when it has no such number."""
        number = self._owned.get(e164(to) or "")
        if number is None:
            raise CarrierRefused(404, 21404, f"The number {to} is not one of this network")
        leg = self.new_leg(e164(from_) or from_, number.number, "inbound", None, number.sid)
        if number.status_callback:
            leg.told(number.status_callback, number.status_callback_method, ["completed"])
        if number.voice_fallback_url:
            leg.fallback = Fallback(number.voice_fallback_url, number.voice_fallback_method)
        leg.phone.notice("ringback")
        leg.do(leg.live(Goto(number.voice_url, number.voice_method)))
        return leg.phone

    # --- What legs, queues and rooms ask of the network ---------------------------------------------------------------

    def clock(self) -> float:
        """Seconds since the network began."""
        return (self.scheduler.now() - self._began).total_seconds()

    def new_leg(self, from_: str, to: str, direction: str, parent: Leg | None, number_sid: str | None = None) -> Leg:
        now = self.scheduler.now()
        call = CallResource(
            sid=self.chance.sid("CA"),
            parent_sid=None if parent is None else parent.sid,
            from_=from_,
            to=to,
            direction=direction,
            status="ringing" if direction == "inbound" else "queued",
            date_created=now,
            date_updated=now,
            number_sid=number_sid,
        )
        leg = Leg(self, call)
        self._calls[call.sid] = call
        self._legs[call.sid] = leg
        return leg

    def shut(self) -> None:
        """Everybody hangs up: what legs do ends in order, not as Python happens to throw an abandoned network away."""
        for leg in list(self._legs.values()):
            leg.end("completed", "the network was shut")

    def leg_ended(self, leg: Leg) -> None:
        self._legs.pop(leg.sid, None)

    def live_phone(self, sid: str) -> Phone | None:
        """The handset of a live leg."""
        leg = self._legs.get(sid)
        return None if leg is None else leg.phone

    def may_show(self, number: str) -> bool:
        """Whether a number may be shown as the caller: owned, or verified."""
        return number in self._owned or number in self.verified

    def queue_named(self, name: str) -> CallQueue:
        return self.find_queue(name) or self._open_queue(name, DEFAULT_SIZE)

    def find_queue(self, name: str) -> CallQueue | None:
        return next((queue for queue in self._queues.values() if queue.resource.friendly_name == name), None)

    def room_named(self, name: str, wishes: RoomWishes) -> Room:
        """The live room of that name, or a new one with these wishes."""
        room = self._live_rooms.get(name)
        if room is None or room.over:
            now = self.scheduler.now()
            room = Room(self, ConferenceResource(self.chance.sid("CF"), name, "init", now, now), wishes)
            self._rooms[room.sid] = self._live_rooms[name] = room
        return room

    def new_recording(
        self, call_sid: str | None, conference_sid: str | None, source: str, channels: int, track: str
    ) -> RecordingResource:
        now = self.scheduler.now()
        sid = self.chance.sid("RE")
        resource = RecordingResource(
            sid, call_sid, conference_sid, "in-progress", source, channels, track, now, now, now
        )
        self._recordings[sid] = resource
        return resource

    def recording_url(self, sid: str) -> str:
        return f"{self._api_url}/2010-04-01/Accounts/{self.account.sid}/Recordings/{sid}"

    def pcm(self, wav: bytes) -> bytes:
        return sound.pcm_of(wav)

    def length(self, wav: bytes) -> float:
        return sound.seconds_of(sound.pcm_of(wav))

    async def media(self, url: str) -> tuple[float, bytes | None]:
        """How long an audio file is, and the file when it is one we read; asked for once, as Twilio caches it.

        Raises TwimlRefused: https://www.twilio.com/docs/voice/twiml/play, errors 11200 and 12300.
        """
        known = self._media.get(url)
        if known is not None:
            return known
        if urlsplit(url).scheme not in ("http", "https"):
            raise TwimlRefused(11100, f"not an absolute address: {url!r}")
        outcome: Coming[Answer | Unreached] = Coming()
        self.courier.send("GET", url, {}, outcome.come)
        answer = await outcome
        if isinstance(answer, Unreached) or not 200 <= answer.status < 300:
            raise TwimlRefused(11200, "the audio file cannot be had")
        if not answer.headers.get("content-type", "").startswith("audio/"):
            raise TwimlRefused(12300, "not an audio file")
        try:
            found: tuple[float, bytes | None] = (self.length(answer.body), answer.body)
        except sound.WavUnreadable:
            found = (len(answer.body) / MP3_BYTES_A_SECOND, None)
        self._media[url] = found
        return found

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
        source, number = self._parties(to, from_, caller_id)
        step = self._first_step(url, method, twiml)
        detection = self._detection(
            machine_detection,
            machine_detection_timeout,
            async_amd,
            async_amd_status_callback,
            async_amd_status_callback_method,
        )
        told = recordings.reports(
            recording_status_callback, recording_status_callback_method, recording_status_callback_event
        )
        _addresses(fallback_url, status_callback, recording_status_callback, async_amd_status_callback)
        leg = self.new_leg(source, number, "outbound-api", None)
        if fallback_url:
            leg.fallback = Fallback(fallback_url, fallback_method.upper())
        if status_callback:
            leg.told(status_callback, status_callback_method, status_callback_event)

        def picked_up() -> None:
            if leg.picked_up.value != "answered":
                return
            if time_limit is not None:
                leg.limit(time_limit)
            if record:
                channels = 2 if recording_channels == "dual" else 1
                recordings.tape_call(leg, "OutboundAPI", channels, "both", trim == "trim-silence", told)
            if send_digits:
                leg.phone.notice("played", f"keys {send_digits}")
            leg.do(self._answered(leg, step, detection))

        leg.picked_up.then(picked_up)
        self.scheduler.after(0, lambda: None if leg.over else leg.ring(timeout))
        return leg.call

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
        leg = self._legs.get(sid)
        if leg is None:
            self.call(sid)
            raise _not_in_progress()
        if status not in (None, "completed", "canceled"):
            raise CarrierRefused(400, 20001, f"Invalid value for Status: {status}")
        step = self._first_step(url, method, twiml) if url or twiml else None
        if step is not None and leg.unanswered:
            raise _not_in_progress()
        _addresses(status_callback, fallback_url)
        if status_callback:
            leg.told(status_callback, status_callback_method or "POST", ())
        if fallback_url:
            leg.fallback = Fallback(fallback_url, fallback_method or "POST")
        if time_limit is not None:
            leg.limit(time_limit)
        leg.call.date_updated = self.scheduler.now()
        if status is not None and leg.unanswered:
            leg.end("canceled", "canceled")
        elif status == "completed":
            leg.end("completed", "the other side hung up")
        elif step is not None:
            leg.redirect(step)
        return leg.call

    def call(self, sid: str) -> CallResource:
        return _found(self._calls, sid, "Calls")

    def calls(
        self,
        *,
        to: str | None = None,
        from_: str | None = None,
        parent_sid: str | None = None,
        status: str | None = None,
    ) -> list[CallResource]:
        """Newest first, as Twilio lists them."""
        wanted = {"to": to, "from_": from_, "parent_sid": parent_sid, "status": status}
        return _matching(self._calls, wanted)

    def delete_call(self, sid: str) -> None:
        self.call(sid)
        if sid in self._legs:
            raise CarrierRefused(409, 20009, "Cannot delete call because it is still in progress.")
        del self._calls[sid]

    # --- Queues -----------------------------------------------------------------------------------------------------

    def create_queue(self, friendly_name: str, max_size: int = 1000) -> QueueResource:
        if not 1 <= len(friendly_name) <= 64:
            raise CarrierRefused(400, 22001, "FriendlyName must have 1 to 64 characters")
        if self.find_queue(friendly_name) is not None:
            raise CarrierRefused(400, 22003, f"The queue {friendly_name} already exists")
        return self._open_queue(friendly_name, _size(max_size)).shown()

    def update_queue(self, sid: str, *, friendly_name: str | None = None, max_size: int | None = None) -> QueueResource:
        queue = self._queue(sid)
        if friendly_name is not None and friendly_name != queue.resource.friendly_name:
            if not 1 <= len(friendly_name) <= 64:
                raise CarrierRefused(400, 22001, "FriendlyName must have 1 to 64 characters")
            if self.find_queue(friendly_name) is not None:
                raise CarrierRefused(400, 22003, f"The queue {friendly_name} already exists")
            queue.resource.friendly_name = friendly_name
        if max_size is not None:
            queue.resource.max_size = _size(max_size)
        queue.resource.date_updated = self.scheduler.now()
        return queue.shown()

    def queue(self, sid: str) -> QueueResource:
        return self._queue(sid).shown()

    def queues(self) -> list[QueueResource]:
        return [queue.shown() for queue in reversed(self._queues.values())]

    def delete_queue(self, sid: str) -> None:
        """Refused (21640-like) while calls wait in it."""
        if self._queue(sid).places:
            raise CarrierRefused(400, 22002, "Queue is not empty")
        del self._queues[sid]

    def members(self, queue_sid: str) -> list[MemberResource]:
        queue = self._queue(queue_sid)
        return [queue.member(place) for place in queue.places]

    def member(self, queue_sid: str, call_sid: str) -> MemberResource:
        """``call_sid`` may be ``Front``."""
        place = self._place(queue_sid, call_sid)
        return place.queue.member(place)

    def dequeue(self, queue_sid: str, call_sid: str, url: str, method: str = "POST") -> MemberResource:
        """Send a waiting call (or ``Front``) to another document."""
        place = self._place(queue_sid, call_sid)
        member = place.queue.member(place)
        place.leg.redirect(Goto(_address(url), method.upper()))
        return member

    # --- Conferences ------------------------------------------------------------------------------------------------

    def conferences(self, *, friendly_name: str | None = None, status: str | None = None) -> list[ConferenceResource]:
        wanted = {"friendly_name": friendly_name, "status": status}
        return _matching({sid: room.resource for sid, room in self._rooms.items()}, wanted)

    def conference(self, sid: str) -> ConferenceResource:
        return _found(self._rooms, sid, "Conferences").resource

    def update_conference(
        self, sid: str, *, status: str | None = None, announce_url: str | None = None, announce_method: str = "POST"
    ) -> ConferenceResource:
        room = _found(self._rooms, sid, "Conferences")
        if status not in (None, "completed"):
            raise CarrierRefused(400, 20001, f"Invalid value for Status: {status}")
        if announce_url:
            goto = Goto(_address(announce_url), announce_method.upper())
            for n, seat in enumerate(list(room.seats.values())):
                seat.announce(goto, told=n == 0)
        if status == "completed":
            room.end("conference-ended-via-api", None, "conference_ended_via_api")
        return room.resource

    def participants(
        self,
        conference: str,
        *,
        muted: bool | None = None,
        hold: bool | None = None,
        coaching: bool | None = None,
    ) -> list[ParticipantResource]:
        """``conference``: sid, or the friendly name of a live one."""
        room = self._room(conference)
        now = [seat.resource() for seat in reversed(room.seats.values())]
        now += [_expected(room, waiting) for waiting in reversed(room.expected.values())]
        wanted = {"muted": muted, "hold": hold, "coaching": coaching}
        return [one for one in now if _matches(one, wanted)]

    def participant(self, conference: str, call_sid_or_label: str) -> ParticipantResource:
        room = self._room(conference)
        waiting = room.expected.get(call_sid_or_label)
        if waiting is not None:
            return _expected(room, waiting)
        return self._seat(room, call_sid_or_label).resource()

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
        beep: str = "true",  # noqa: ARG002 nobody hears it here
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
        source, number = self._parties(to, from_, caller_id)
        _addresses(status_callback, wait_url, conference_status_callback, conference_recording_status_callback)
        _addresses(recording_status_callback)
        told = recordings.reports(
            conference_recording_status_callback,
            conference_recording_status_callback_method,
            conference_recording_status_callback_event,
        )
        wishes = conferences.wishes(
            conference_status_callback,
            conference_status_callback_method,
            conference_status_callback_event,
            conference_record in ("true", "record-from-start"),
            True,
            told,
        )
        room = self._rooms[conference] if conference in self._rooms else self.room_named(conference, wishes)
        if room.over:
            raise _no_such("Conferences", conference)
        leg = self.new_leg(source, number, "outbound-api", None)
        if status_callback:
            leg.told(status_callback, status_callback_method, status_callback_event)
        wait = None if wait_url is None else Goto(wait_url, wait_method.upper())
        coach = call_sid_to_coach if coaching else None
        manner = Manner(label, muted, start_conference_on_enter, end_conference_on_exit, coach, wait, max_participants)
        room.expected[leg.sid] = Expected(leg, manner, self.scheduler.now())
        call_told = recordings.reports(
            recording_status_callback, recording_status_callback_method, recording_status_callback_event
        )

        def picked_up() -> None:
            if leg.picked_up.value != "answered":
                room.not_added(leg)
                return
            if time_limit is not None:
                leg.limit(time_limit)
            if machine_detection:
                leg.call.answered_by = "machine_start" if leg.machine else "human"
            if record:
                channels = 2 if recording_channels == "dual" else 1
                recordings.tape_call(leg, "OutboundAPI", channels, "both", True, call_told)
            leg.do(_sit(leg, room, manner))

        leg.picked_up.then(picked_up)
        self.scheduler.after(0, lambda: None if leg.over else leg.ring(timeout))
        return _expected(room, room.expected[leg.sid])

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
        room = self._room(conference)
        seat = self._seat(room, call_sid_or_label)
        _addresses(hold_url, announce_url, wait_url)
        if call_sid_to_coach is not None and call_sid_to_coach not in room.seats:
            raise CarrierRefused(400, 16026, "CallSidToCoach is not in the conference")
        if muted is not None:
            room.mute(seat, muted)
        if hold is not None:
            room.put_on_hold(seat, hold, Goto(hold_url, hold_method.upper()) if hold_url else None)
        if announce_url:
            seat.announce(Goto(announce_url, announce_method.upper()), told=True)
        if wait_url is not None:
            seat.wait = Goto(wait_url, wait_method.upper())
            if not room.started:
                seat.plays(seat.wait)
        if end_conference_on_exit is not None:
            seat.manner.end_on_exit = end_conference_on_exit
        if call_sid_to_coach is not None or coaching is not None:
            seat.coach = (call_sid_to_coach or seat.coach) if coaching is not False else None
        changes = (wait_url, beep_on_exit, end_conference_on_exit, coaching, call_sid_to_coach)
        if any(change is not None for change in changes):
            room.modify(seat)
        return seat.resource()

    def remove_participant(self, conference: str, call_sid_or_label: str) -> None:
        room = self._room(conference)
        waiting = room.expected.get(call_sid_or_label)
        if waiting is not None:
            waiting.leg.end("canceled", "canceled")
            return
        room.leave(self._seat(room, call_sid_or_label), "participant_updated_via_api", kicked=True)

    # --- Recordings -------------------------------------------------------------------------------------------------

    def recordings(self, *, call_sid: str | None = None, conference_sid: str | None = None) -> list[RecordingResource]:
        return _matching(self._recordings, {"call_sid": call_sid, "conference_sid": conference_sid})

    def recording(self, sid: str) -> RecordingResource:
        return _found(self._recordings, sid, "Recordings")

    def delete_recording(self, sid: str) -> None:
        self.recording(sid)
        if sid in self.tapes:
            raise CarrierRefused(409, 20009, "Cannot delete a recording that is in progress.")
        del self._recordings[sid]

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
        leg = self._legs.get(call_sid)
        if leg is None or leg.unanswered:
            self.call(call_sid)
            raise CarrierRefused(400, 21220, "Requested resource is not eligible for recording")
        told = recordings.reports(
            recording_status_callback and _address(recording_status_callback),
            recording_status_callback_method,
            recording_status_callback_event,
        )
        channels = 2 if recording_channels == "dual" else 1
        tape = recordings.tape_call(
            leg, "StartCallRecordingAPI", channels, recording_track, trim == "trim-silence", told
        )
        return tape.resource

    def update_recording(
        self,
        call_sid: str | None,
        sid: str,
        status: str,
        pause_behavior: str = "silence",
        conference_sid: str | None = None,
    ) -> RecordingResource:
        """``status`` paused, in-progress or stopped; ``sid`` may be ``Twilio.CURRENT``."""
        if sid == "Twilio.CURRENT":
            running = [
                tape
                for tape in self.tapes.values()
                if (tape.resource.call_sid, tape.resource.conference_sid) == (call_sid, conference_sid)
            ]
            sid = running[-1].resource.sid if running else sid
        tape = self.tapes.get(sid)
        if tape is None:
            self.recording(sid)
            raise CarrierRefused(400, 21220, "Recording is not in progress")
        if status == "paused":
            if pause_behavior not in ("skip", "silence"):
                raise CarrierRefused(400, 20001, f"Invalid value for PauseBehavior: {pause_behavior}")
            tape.pause(pause_behavior)
        elif status == "in-progress":
            tape.resume()
        elif status == "stopped":
            tape.stop()
        else:
            raise CarrierRefused(400, 20001, f"Invalid value for Status: {status}")
        return tape.resource

    # --- Messages ---------------------------------------------------------------------------------------------------

    def send_message(self, to: str, from_: str, body: str, status_callback: str | None = None) -> MessageResource:
        number = e164(to)
        if number is None:
            raise CarrierRefused(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        if not self.may_show(e164(from_) or "") and e164(from_) is not None:
            raise CarrierRefused(400, 21606, f"The 'From' phone number {from_} is not a number of this account")
        if not 1 <= len(body) <= 1600:
            code, why = (
                (21602, "Message body is required.") if not body else (21617, "The body has over 1600 characters.")
            )
            raise CarrierRefused(400, code, why)
        now = self.scheduler.now()
        message = MessageResource(
            self.chance.sid("SM"), e164(from_) or from_, number, body, "queued", "outbound-api", now, now
        )
        self._messages[message.sid] = message
        url = _address(status_callback) if status_callback else None
        for status, seconds in LOST_MESSAGE_STEPS if number in self.no_texts else MESSAGE_STEPS:
            self.scheduler.after(seconds, lambda status=status: self._message_is(message, status, url))  # type: ignore[misc]
        return message

    def message(self, sid: str) -> MessageResource:
        return _found(self._messages, sid, "Messages")

    def messages(self, *, to: str | None = None, from_: str | None = None) -> list[MessageResource]:
        return _matching(self._messages, {"to": to, "from_": from_})

    def delete_message(self, sid: str) -> None:
        self.message(sid)
        del self._messages[sid]

    # --- Numbers ----------------------------------------------------------------------------------------------------

    def numbers(self, *, number: str | None = None, friendly_name: str | None = None) -> list[IncomingNumber]:
        return _matching(self._numbers, {"number": number, "friendly_name": friendly_name})

    def number(self, sid: str) -> IncomingNumber:
        return _found(self._numbers, sid, "IncomingPhoneNumbers")

    def add_number(self, number: str, **fields: str) -> IncomingNumber:
        """``fields``: friendly_name, voice_url, voice_method, … of IncomingNumber."""
        text = e164(number)
        if text is None:
            raise CarrierRefused(400, 21421, f"PhoneNumber is invalid: {number}")
        if text in self._owned:
            raise CarrierRefused(400, 21422, f"PhoneNumber is not available: {number}")
        now = self.scheduler.now()
        owned = IncomingNumber(self.chance.sid("PN"), text, text, now, now)
        _set(owned, fields)
        self._numbers[owned.sid] = self._owned[text] = owned
        return owned

    def update_number(self, sid: str, **fields: str) -> IncomingNumber:
        owned = self.number(sid)
        _set(owned, fields)
        owned.date_updated = self.scheduler.now()
        return owned

    def remove_number(self, sid: str) -> None:
        owned = self.number(sid)
        del self._numbers[sid], self._owned[owned.number]

    # --- Parts ------------------------------------------------------------------------------------------------------

    def _parties(self, to: str, from_: str, caller_id: str | None) -> tuple[str, str]:
        """Who is shown and who is rung; raises CarrierRefused (errors 21201, 21211, 21212, 21210)."""
        if not to:
            raise CarrierRefused(400, 21201, "No 'To' number is specified")
        number = address(to)
        if number is None:
            raise CarrierRefused(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        shown = caller_id or from_
        source = address(shown)
        if source is None:
            raise CarrierRefused(400, 21212, f"The source phone number provided, {shown}, is not valid.")
        if source.startswith("+") and not self.may_show(source):
            raise CarrierRefused(
                400, 21210, f"The source phone number provided, {shown}, is not yet verified for your account."
            )
        return source, number

    def _first_step(self, url: str | None, method: str, twiml: str | None) -> Goto | Document:
        if twiml:
            return Document([], source=twiml.encode())
        if not url:
            raise CarrierRefused(400, 21205, "Url parameter is required.")
        return Goto(_address(url), method.upper())

    def _detection(
        self, kind: str | None, longest: float, later: bool, url: str | None, method: str
    ) -> Detection | None:
        if kind is None or kind == "none":
            return None
        if kind not in VERDICT_AFTER:
            raise CarrierRefused(400, 20001, f"Invalid value for MachineDetection: {kind}")
        return Detection(kind, min(VERDICT_AFTER[kind], longest), later, url, method)

    async def _answered(self, leg: Leg, step: Goto | Document, detection: Detection | None) -> None:
        if detection is not None and detection.told_later:
            self.scheduler.after(detection.seconds, lambda: self._tell_verdict(leg, detection))
        elif detection is not None:
            await leg.pause(detection.seconds)
            leg.call.answered_by = _verdict(leg, detection)
            if isinstance(step, Goto):
                step = Goto(step.url, step.method, {"AnsweredBy": leg.call.answered_by})
        await leg.live(step)

    def _tell_verdict(self, leg: Leg, detection: Detection) -> None:
        if leg.over:
            return
        leg.call.answered_by = _verdict(leg, detection)
        params = {
            "AccountSid": self.account.sid,
            "CallSid": leg.sid,
            "AnsweredBy": leg.call.answered_by,
            "MachineDetectionDuration": str(round(detection.seconds * 1000)),
        }
        if detection.url:
            self.courier.tell(detection.method.upper(), detection.url, params)

    def _message_is(self, message: MessageResource, status: str, url: str | None) -> None:
        if message.sid not in self._messages:
            return
        message.status = status
        message.date_updated = self.scheduler.now()
        if status == "sent":
            message.date_sent = message.date_updated
        if url is not None:
            params = {
                "AccountSid": self.account.sid,
                "ApiVersion": "2010-04-01",
                "MessageSid": message.sid,
                "SmsSid": message.sid,
                "MessageStatus": status,
                "SmsStatus": status,
                "From": message.from_,
                "To": message.to,
            }
            if status == "undelivered":
                params["ErrorCode"] = UNREACHABLE
            if status == "delivered":
                params["RawDlrDoneDate"] = message.date_updated.strftime("%y%m%d%H%M")
            self.courier.tell("POST", url, params)

    def _open_queue(self, name: str, size: int) -> CallQueue:
        now = self.scheduler.now()
        queue = CallQueue(QueueResource(self.chance.sid("QU"), name, size, now, now))
        self._queues[queue.resource.sid] = queue
        return queue

    def _queue(self, sid: str) -> CallQueue:
        return _found(self._queues, sid, "Queues")

    def _place(self, queue_sid: str, call_sid: str) -> Place:
        places = self._queue(queue_sid).places
        found = places[:1] if call_sid == "Front" else [one for one in places if one.leg.sid == call_sid]
        if not found:
            raise _no_such(f"Queues/{queue_sid}/Members", call_sid)
        return found[0]

    def _room(self, conference: str) -> Room:
        room = self._rooms.get(conference) or self._live_rooms.get(conference)
        if room is None:
            raise _no_such("Conferences", conference)
        return room

    def _seat(self, room: Room, call_sid_or_label: str) -> Seat:
        seat = room.seat(call_sid_or_label)
        if seat is None:
            raise _no_such(f"Conferences/{room.sid}/Participants", call_sid_or_label)
        return seat


async def _sit(leg: Leg, room: Room, manner: Manner) -> None:
    """A participant created by REST has no document: out of the room the call is over."""
    if not room.over:
        try:
            await conferences.sit(leg, room, manner)
        except conferences.Refused:
            room.not_added(leg)
    leg.end("completed", "the other side hung up")


def _expected(room: Room, waiting: Expected) -> ParticipantResource:
    seat = Seat(room, waiting.leg, waiting.manner, waiting.since)
    return dataclasses.replace(seat.resource(), status="ringing" if waiting.leg.call.status == "ringing" else "queued")


def _verdict(leg: Leg, detection: Detection) -> str:
    if detection.seconds < VERDICT_AFTER[detection.kind]:
        return "unknown"
    if not leg.machine:
        return "human"
    return "machine_start" if detection.kind == "Enable" else "machine_end_beep"


def _found(all_of_them: dict[str, T], sid: str, where: str) -> T:
    try:
        return all_of_them[sid]
    except KeyError:
        raise _no_such(where, sid) from None


def _matching(all_of_them: dict[str, T], wanted: Mapping[str, object]) -> list[T]:
    """Those with these values (None: any), newest first."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [one for one in reversed(all_of_them.values()) if _matches(one, asked)]


def _size(size: int) -> int:
    if not 1 <= size <= LARGEST_QUEUE:
        raise CarrierRefused(400, 20001, f"MaxSize must lie between 1 and {LARGEST_QUEUE}")
    return size


def _address(url: str) -> str:
    """An http(s) address; refused with error 21205."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CarrierRefused(400, 21205, f"Url is not a valid URL: {url}")
    return url


def _addresses(*urls: str | None) -> None:
    """All of them, where given, are addresses."""
    for url in urls:
        if url:
            _address(url)


def _no_such(where: str, sid: str) -> CarrierRefused:
    return CarrierRefused(404, 20404, f"The requested resource /2010-04-01/{where}/{sid} was not found")


def _not_in_progress() -> CarrierRefused:
    return CarrierRefused(400, 21220, "Call is not in-progress. Cannot redirect.")


def _set(number: IncomingNumber, fields: dict[str, str]) -> None:
    settable = {one.name for one in dataclasses.fields(number)} - {"sid", "number", "date_created", "date_updated"}
    for name, value in fields.items():
        if name not in settable:
            raise TypeError(f"a number has no {name}")
        setattr(number, name, value)


def _matches(one: object, wanted: Mapping[str, object]) -> bool:
    return all(value is None or getattr(one, name) == value for name, value in wanted.items())
