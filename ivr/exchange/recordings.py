"""Recordings: tapes that run on a leg or a room, and the Record verb.

Sources: https://www.twilio.com/docs/voice/twiml/record, https://www.twilio.com/docs/voice/api/recording,
https://www.twilio.com/docs/voice/api/call-recording-resource (pause behaviour).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from ivr.exchange import sound
from ivr.exchange.doing import Coming, Interrupted
from ivr.exchange.records import RecordingResource
from ivr.exchange.scheduler import Timer
from ivr.exchange.steps import Document, Outcome
from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg
    from ivr.exchange.network import Network

BEEP = 0.5  # seconds
PROCESSING = 1.0  # seconds until the file is there; the action may be asked before that
Track = list[tuple[float, bytes]]


@dataclass(frozen=True, slots=True)
class Reports:
    """Where a recording's progress is told (recordingStatusCallback)."""

    url: str | None = None
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


def reports(url: str | None, method: str, events: Sequence[str]) -> Reports:
    return Reports(url or None, method.upper(), frozenset(events) or frozenset({"completed"}))


def reports_of(verb: Verb, document: Document) -> Reports:
    url = verb.get("recordingStatusCallback")
    return reports(
        document.address(url) if url else None,
        verb.get("recordingStatusCallbackMethod", "POST"),
        verb.words("recordingStatusCallbackEvent", ""),
    )


class Tape:
    """A recording under way: what its tracks hold between start and stop, but for the pauses."""

    def __init__(
        self,
        network: Network,
        resource: RecordingResource,
        tracks: Callable[[], list[Track]],
        trim: bool,
        told: Reports,
        legs: list[Leg],
    ) -> None:
        self.network, self.resource = network, resource
        self._tracks, self._trim, self._told, self._legs = tracks, trim, told, legs
        self._started = network.clock()
        self._pauses: list[tuple[float, float, str]] = []
        self._paused_at: tuple[float, str] | None = None
        self.seconds = 0.0
        for leg in legs:
            leg.tapes.append(self)
        network.tapes[resource.sid] = self
        self.tell("in-progress")

    @property
    def url(self) -> str:
        return self.network.recording_url(self.resource.sid)

    def pause(self, behaviour: str) -> None:
        """``silence`` keeps the time and loses the sound, ``skip`` loses both."""
        if self._paused_at is None:
            self._paused_at = (self.network.clock(), behaviour)
            self._is("paused")

    def resume(self) -> None:
        if self._paused_at is not None:
            since, behaviour = self._paused_at
            self._pauses.append((since, self.network.clock(), behaviour))
            self._paused_at = None
            self._is("in-progress")

    def stop(self, keep: bool = True) -> None:
        """End it and make the file; not kept, or nothing on it: absent."""
        if self.resource.sid not in self.network.tapes:
            return
        del self.network.tapes[self.resource.sid]
        for leg in self._legs:
            if self in leg.tapes:
                leg.tapes.remove(self)
        self.resume()
        self.seconds = self.network.clock() - self._started
        if not keep or self.seconds <= 0:
            self.resource.duration = -1
            self._is("absent")
            self.tell("absent")
            return
        channels = [self._cut(sound.mixed(self._since(track), self.seconds)) for track in self._tracks()]
        if len(channels) == 2:
            pcm = sound.stereo(*channels)
            self.resource.duration = sound.whole_seconds(sound.seconds_of(channels[0]))
        else:
            pcm = sound.trimmed(channels[0]) or channels[0] if self._trim else channels[0]
            self.resource.duration = sound.whole_seconds(sound.seconds_of(pcm))
        wav = sound.wav_of(pcm, channels=len(channels))
        self._is("processing")
        self.network.scheduler.after(PROCESSING, lambda: self._ready(wav))

    def _ready(self, wav: bytes) -> None:
        self.resource.wav = wav
        self._is("completed")
        self.tell("completed")

    def audible(self) -> bool:
        """Whether anything was said on it yet."""
        until = self.network.clock()
        for track in self._tracks():
            for at, pcm in track:
                heard = sound.audible(pcm)
                if heard is not None and at + heard[1] > self._started and at + heard[0] < until:
                    return True
        return False

    def _since(self, track: Track) -> list[tuple[float, bytes]]:
        return [(at - self._started, pcm) for at, pcm in track if at + sound.seconds_of(pcm) > self._started]

    def _cut(self, pcm: bytes) -> bytes:
        line = bytearray(pcm)
        for since, until, behaviour in reversed(self._pauses):
            start, end = (round((at - self._started) * sound.RATE) * sound.WIDTH for at in (since, until))
            line[start:end] = b"" if behaviour == "skip" else bytes(len(line[start:end]))
        return bytes(line)

    def _is(self, status: str) -> None:
        self.resource.status = status
        self.resource.date_updated = self.network.scheduler.now()

    def tell(self, event: str) -> None:
        if self._told.url is None or event not in self._told.events:
            return
        resource = self.resource
        params = {
            "AccountSid": self.network.account.sid,
            "RecordingSid": resource.sid,
            "RecordingUrl": self.url,
            "RecordingStatus": event,
            "RecordingChannels": str(resource.channels),
            "RecordingSource": resource.source,
            "RecordingStartTime": format_datetime(resource.start_time),
            "RecordingTrack": resource.track,
            "ErrorCode": "0",
        }
        if resource.call_sid is not None:
            params["CallSid"] = resource.call_sid
        if resource.conference_sid is not None:
            params["ConferenceSid"] = resource.conference_sid
        if resource.duration is not None:
            params["RecordingDuration"] = str(resource.duration)
        self.network.courier.tell(self._told.method, self._told.url, params)


def tape_call(
    leg: Leg, source: str, channels: int, track: str, trim: bool, told: Reports, legs: Sequence[Leg] = ()
) -> Tape:
    """Record a leg: what its phone says (inbound) and hears (outbound)."""
    resource = leg.network.new_recording(leg.sid, None, source, channels, track)

    def tracks() -> list[Track]:
        if channels == 2:
            return [leg.spoken, leg.heard]
        inbound = leg.spoken if track in ("both", "inbound") else []
        return [inbound + (leg.heard if track in ("both", "outbound") else [])]

    return Tape(leg.network, resource, tracks, trim, told, [leg, *legs])


async def record(leg: Leg, verb: Verb, document: Document) -> Outcome:
    """The Record verb: from the beep until silence, a key, its length or the end of the call."""
    if verb.yes("playBeep", default=True):
        await leg.pause(BEEP)
        leg.phone.notice("tone")
    scheduler, timeout = leg.network.scheduler, verb.number("timeout", 5)
    finish = verb.get("finishOnKey", "1234567890*#")
    over: Coming[str] = Coming()
    started = leg.clock()
    silence = Timer(0.0, None)
    resource = leg.network.new_recording(leg.sid, None, "RecordVerb", 1, "both")
    trim = verb.get("trim", "trim-silence") == "trim-silence"
    tape = Tape(leg.network, resource, lambda: [leg.spoken], trim, reports_of(verb, document), [leg])

    def quiet() -> None:
        nonlocal silence
        left = max(started, leg.audible_until) + timeout - leg.clock()
        if left <= 1e-6:
            over.come("")
        else:
            silence = scheduler.after(left, quiet)

    def key(pressed: str) -> None:
        if pressed in finish:
            over.come(pressed)

    silence = scheduler.after(timeout, quiet)
    longest = scheduler.after(verb.number("maxLength", 3600), lambda: over.come(""))
    leg.on_key = key
    try:
        digits = await over
    except Interrupted as stop:
        if _finish(tape) and stop.why == "hangup":
            leg.request(document.action(verb, {**_recorded(tape), "Digits": "hangup"}))
        raise
    finally:
        leg.on_key = None
        silence.cancel()
        longest.cancel()
    if not _finish(tape):
        return None
    return document.action(verb, {**_recorded(tape), "Digits": digits})


def _finish(tape: Tape) -> bool:
    """Whether there is something on it: an empty recording asks no action (the page of Record)."""
    keep = tape.audible()
    tape.stop(keep)
    return keep


def _recorded(tape: Tape) -> dict[str, str]:
    return {
        "RecordingSid": tape.resource.sid,
        "RecordingUrl": tape.url,
        "RecordingDuration": str(sound.whole_seconds(tape.seconds)),
    }
