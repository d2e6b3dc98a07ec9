"""Conferences: rooms, who sits in them, and what is told of it.

Sources: https://www.twilio.com/docs/voice/twiml/conference, https://www.twilio.com/docs/voice/api/conference-resource,
https://www.twilio.com/docs/voice/api/conference-participant-resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from ivr.exchange import recordings
from ivr.exchange.doing import Coming, Doing, Interrupted
from ivr.exchange.music import play_music, wait_document
from ivr.exchange.records import ConferenceResource, ParticipantResource
from ivr.exchange.steps import Document, DocumentFailed, Goto, Outcome, hung_up
from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg
    from ivr.exchange.network import Network

# Event asked for -> the events told (statusCallbackEvent).
EVENTS: Mapping[str, tuple[str, ...]] = {
    "start": ("conference-start",),
    "end": ("conference-end",),
    "join": ("participant-join",),
    "leave": ("participant-leave",),
    "mute": ("participant-mute", "participant-unmute"),
    "hold": ("participant-hold", "participant-unhold"),
    "modify": ("participant-modify",),
    "speaker": ("participant-speech-start", "participant-speech-stop"),
    "announcement": ("announcement-end", "announcement-fail"),
}


@dataclass(slots=True)
class RoomWishes:
    """What the first to come wishes for the whole room; later wishes are ignored."""

    status_callback: str | None = None
    status_callback_method: str = "POST"
    events: frozenset[str] = frozenset()
    record: bool = False
    trim: bool = True
    recording: recordings.Reports = field(default_factory=recordings.Reports)


@dataclass(slots=True)
class Manner:
    """How somebody sits in a room."""

    label: str | None = None
    muted: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    coach: str | None = None
    wait: Goto | None = None  # None: the network's own music
    most: int = 250


class Refused(Exception):
    """The room does not take this participant: Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Seat:
    """A participant; ``out`` comes with why they are no longer in the room while their call goes on."""

    def __init__(self, room: Room, leg: Leg, manner: Manner, at: datetime) -> None:
        self.room, self.leg, self.manner = room, leg, manner
        self.muted, self.hold, self.coach = manner.muted, False, manner.coach
        self.since = self.updated = at
        self.wait = manner.wait
        self.out: Coming[str] = Coming()
        self.in_company = False
        self._sound: Doing | None = None

    @property
    def audible(self) -> bool:
        return not self.muted and not self.hold and self.room.started and self.coach is None

    def meets(self, other: Seat) -> bool:
        """Whether this participant notices the other: not who listens in, nor who coaches somebody else."""
        listens_in = other.manner.muted and other.muted
        return other is not self and not listens_in and other.coach in (None, self.leg.sid)

    def listeners(self) -> list[Leg]:
        """Who hears this participant (https://www.twilio.com/docs/voice/api/conference-participant-resource)."""
        if self.muted or self.hold or not self.room.started:
            return []
        others = [seat for seat in self.room.seats.values() if seat is not self and not seat.hold]
        return [seat.leg for seat in others if self.coach is None or seat.leg.sid == self.coach]

    def plays(self, goto: Goto | None) -> None:
        """Music or a document until something else; silence when it runs out."""
        self.quiet()
        room = self.room
        params = {"ConferenceSid": room.sid, "FriendlyName": room.name}
        self._sound = Doing(
            play_music(self.leg, goto, "conference-wait", lambda: params, again=False, out=self._not_had)
        )
        self._sound.start()

    def _not_had(self, why: str) -> None:
        if why == "error" and not self.room.started:
            self.out.come("failed")

    def announce(self, goto: Goto, told: bool) -> None:
        """Play a document to this participant, once."""

        async def run() -> None:
            step: Outcome = goto
            event, reason = "announcement-end", {}
            try:
                while isinstance(step, Goto):
                    step = await self.leg.follow(step, "conference-wait")
            except DocumentFailed as failure:
                event, reason = "announcement-fail", {"ReasonAnnouncementFailed": f"error {failure.code}"}
            if told:
                self.room.tell(event, self, {"AnnounceUrl": goto.url, **reason})

        self.quiet()
        self._sound = Doing(run()).start()

    def quiet(self) -> None:
        if self._sound is not None:
            self._sound.interrupt("redirected")
            self._sound = None

    def resource(self) -> ParticipantResource:
        return ParticipantResource(
            call_sid=self.leg.sid,
            conference_sid=self.room.sid,
            label=self.manner.label,
            muted=self.muted,
            hold=self.hold,
            coaching=self.coach is not None,
            call_sid_to_coach=self.coach,
            start_conference_on_enter=self.manner.start_on_enter,
            end_conference_on_exit=self.manner.end_on_exit,
            status="connected",
            date_created=self.since,
            date_updated=self.updated,
        )


@dataclass(slots=True)
class Expected:
    """Somebody who is being rung for the room (created by REST)."""

    leg: Leg
    manner: Manner
    since: datetime


class Room:
    def __init__(self, network: Network, resource: ConferenceResource, wishes: RoomWishes) -> None:
        self.network, self.resource, self.wishes = network, resource, wishes
        self.seats: dict[str, Seat] = {}
        self.expected: dict[str, Expected] = {}
        self.spoken: list[tuple[float, bytes]] = []
        self.tape: recordings.Tape | None = None
        self._told = 0
        self._events = {event for wish in wishes.events for event in EVENTS[wish]}

    @property
    def sid(self) -> str:
        return self.resource.sid

    @property
    def name(self) -> str:
        return self.resource.friendly_name

    @property
    def started(self) -> bool:
        return self.resource.status == "in-progress"

    @property
    def over(self) -> bool:
        return self.resource.status == "completed"

    def seat(self, call_sid_or_label: str) -> Seat | None:
        found = self.seats.get(call_sid_or_label)
        return found or next((s for s in self.seats.values() if s.manner.label == call_sid_or_label), None)

    def enter(self, leg: Leg, manner: Manner) -> Seat:
        """Take a seat; raises Refused. The room starts with two, one of whom starts it."""
        if manner.label is not None and self.seat(manner.label) is not None:
            raise Refused(16025, f"label {manner.label!r} is taken")
        if len(self.seats) >= manner.most:
            raise Refused(13227, "the room is full")
        if manner.coach is not None and manner.coach not in self.seats:
            raise Refused(13240, "nobody to coach under that sid")
        seat = Seat(self, leg, manner, self.network.scheduler.now())
        self.expected.pop(leg.sid, None)
        self.seats[leg.sid] = seat
        leg.seat = seat
        self.tell("participant-join", seat)
        if not self.started:
            if len(self.seats) > 1 and any(one.manner.start_on_enter for one in self.seats.values()):
                self._start()
            else:
                seat.plays(seat.wait)
        self._company()
        return seat

    def _start(self) -> None:
        self._is("in-progress")
        for seat in self.seats.values():
            seat.quiet()
        self.tell("conference-start")
        if self.wishes.record:
            resource = self.network.new_recording(None, self.sid, "Conference", 1, "both")
            self.tape = recordings.Tape(
                self.network, resource, lambda: [self.spoken], self.wishes.trim, self.wishes.recording, []
            )

    def leave(self, seat: Seat, reason: str, kicked: bool = False) -> None:
        """Somebody is no longer in the room; the last one, or one who ends it, ends it."""
        if self.seats.pop(seat.leg.sid, None) is None:
            return
        seat.quiet()
        seat.leg.seat = None
        self._company(seat)
        left = {"ParticipantCallStatus": seat.leg.call.status, "ReasonParticipantLeft": reason}
        self.tell("participant-leave", seat, left)
        how = "kicked" if kicked else "left"
        if seat.manner.end_on_exit:
            self.end(f"participant-with-end-conference-on-exit-{how}", seat, "moderator_ended_conference")
        elif not self.seats and not self.expected:
            self.end(f"last-participant-{how}", seat, "moderator_ended_conference")
        seat.out.come("left")

    def end(self, reason: str, by: Seat | None, others: str) -> None:
        if self.over:
            return
        self._is("completed")
        self.resource.reason_conference_ended = reason
        self.resource.call_sid_ending_conference = None if by is None else by.leg.sid
        for seat in list(self.seats.values()):
            self.leave_ended(seat, others)
        for waiting in list(self.expected.values()):
            waiting.leg.end("canceled", "the conference ended")
        if self.tape is not None:
            self.tape.stop()
        params = {"ReasonConferenceEnded": reason, "Reason": reason.replace("-", " ")}
        if by is not None:
            params["CallSidEndingConference"] = by.leg.sid
            if by.manner.label is not None:
                params["ParticipantLabelEndingConference"] = by.manner.label
        self.tell("conference-end", None, params)

    def leave_ended(self, seat: Seat, reason: str) -> None:
        del self.seats[seat.leg.sid]
        seat.quiet()
        seat.leg.seat = None
        self._company(seat)
        left = {"ParticipantCallStatus": seat.leg.call.status, "ReasonParticipantLeft": reason}
        self.tell("participant-leave", seat, left)
        seat.out.come("ended")

    def _company(self, *left: Seat) -> None:
        """Let everybody notice who is no longer alone, or is now."""
        for seat in (*left, *self.seats.values()):
            others = self.seats.values() if seat not in left and self.started else ()
            in_company = any(seat.meets(other) for other in others)
            if in_company == seat.in_company:
                continue
            seat.in_company = in_company
            if in_company:
                seat.leg.phone.notice("connected")
            else:
                seat.leg.left_alone()

    def not_added(self, leg: Leg) -> None:
        """Somebody rung for the room did not come."""
        waiting = self.expected.pop(leg.sid, None)
        if waiting is None:
            return
        seat = Seat(self, leg, waiting.manner, waiting.since)
        left = {"ParticipantCallStatus": leg.call.status, "ReasonParticipantLeft": "participant_add_failed"}
        self.tell("participant-leave", seat, left)
        if not self.seats and not self.expected:
            self.end("last-participant-left", None, "moderator_ended_conference")

    # --- Changes by REST --------------------------------------------------------------------------------------------

    def mute(self, seat: Seat, muted: bool) -> None:
        if muted != seat.muted:
            seat.muted = muted
            self._changed(seat, "participant-mute" if muted else "participant-unmute")

    def put_on_hold(self, seat: Seat, hold: bool, goto: Goto | None) -> None:
        """Hold music, or a document; no keys can be pressed there, only Say, Play, Pause and Redirect are legal."""
        if hold:
            seat.plays(goto)
        if hold != seat.hold:
            seat.hold = hold
            if not hold:
                seat.quiet()
            self._changed(seat, "participant-hold" if hold else "participant-unhold")

    def modify(self, seat: Seat) -> None:
        self._changed(seat, "participant-modify")

    def _changed(self, seat: Seat, event: str) -> None:
        seat.updated = self.network.scheduler.now()
        self._company()
        self.tell(event, seat)

    # --- Telling ----------------------------------------------------------------------------------------------------

    def _is(self, status: str) -> None:
        self.resource.status = status
        self.resource.date_updated = self.network.scheduler.now()

    def tell(self, event: str, seat: Seat | None = None, more: Mapping[str, str] | None = None) -> None:
        if self.wishes.status_callback is None or event not in self._events:
            return
        self._told += 1
        params = {
            "AccountSid": self.network.account.sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self._told),
            "Timestamp": format_datetime(self.network.scheduler.now()),
        }
        if seat is not None:
            params |= {
                "CallSid": seat.leg.sid,
                "Muted": _word(seat.muted),
                "Hold": _word(seat.hold),
                "Coaching": _word(seat.coach is not None),
                "EndConferenceOnExit": _word(seat.manner.end_on_exit),
                "StartConferenceOnEnter": _word(seat.manner.start_on_enter),
            }
            if seat.manner.label is not None:
                params["ParticipantLabel"] = seat.manner.label
        self.network.courier.tell(
            self.wishes.status_callback_method, self.wishes.status_callback, {**params, **(more or {})}
        )


def _word(value: bool) -> str:
    return "true" if value else "false"


def wishes(
    url: str | None, method: str, events: Iterable[str], record: bool, trim: bool, told: recordings.Reports
) -> RoomWishes:
    return RoomWishes(url, method.upper(), frozenset(events), record, trim, told)


async def sit(leg: Leg, room: Room, manner: Manner) -> str:
    """In the room until out of it; why. Raises Refused, Interrupted."""
    seat = room.enter(leg, manner)
    try:
        why = await seat.out
    except Interrupted as stop:
        room.leave(seat, "participant_hung_up" if stop.why == "hangup" else "participant_updated_via_api")
        raise
    room.leave(seat, "participant_add_failed")  # only who never got in is still there
    return why


async def dial_room(leg: Leg, verb: Verb, noun: Verb, document: Document) -> dict[str, str]:
    """Dial's Conference; the parameters of Dial's action."""
    url = noun.get("statusCallback")
    room = leg.network.room_named(
        noun.text,
        wishes(
            document.address(url) if url else None,
            noun.get("statusCallbackMethod", "POST"),
            noun.words("statusCallbackEvent", ""),
            noun.get("record") == "record-from-start",
            noun.get("trim", "trim-silence") == "trim-silence",
            recordings.reports_of(noun, document),
        ),
    )
    manner = Manner(
        label=noun.attributes.get("participantLabel"),
        muted=noun.yes("muted", default=False),
        start_on_enter=noun.yes("startConferenceOnEnter", default=True),
        end_on_exit=noun.yes("endConferenceOnExit", default=False),
        coach=noun.attributes.get("coach"),
        wait=wait_document(noun, document, "waitUrl", "waitMethod"),
        most=noun.number("maxParticipants", 250),
    )
    scheduler = leg.network.scheduler
    timer = scheduler.after(verb.number("timeLimit", 14400), lambda: _out(leg))
    if verb.yes("hangupOnStar", default=False):
        leg.on_key = lambda key: _out(leg) if key == "*" else None
    try:
        why = await sit(leg, room, manner)
    except Refused:
        return {"DialCallStatus": "failed"}
    except Interrupted as stop:
        if stop.why == "hangup":
            hung_up(leg, verb, document, {"DialCallStatus": "answered"})
        raise
    finally:
        timer.cancel()
        leg.on_key = None
    return {"DialCallStatus": "failed" if why == "failed" else "answered"}


def _out(leg: Leg) -> None:
    """Leaves the room by a key or a time limit, the call goes on."""
    if leg.seat is not None:
        leg.seat.room.leave(leg.seat, "participant_hung_up")
