"""The Dial verb: ring others, and let two legs hear each other.

Sources: https://www.twilio.com/docs/voice/twiml/dial, https://www.twilio.com/docs/voice/twiml/number,
https://www.twilio.com/docs/voice/twiml/client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ivr.exchange import conferences, queues, recordings
from ivr.exchange.doing import Coming, Interrupted
from ivr.exchange.phones import e164
from ivr.exchange.steps import Document, DocumentFailed, Goto, Outcome, Stop, go_on, hung_up
from ivr.exchange.twiml import TwimlRefused, Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg

TIMEOUT = 30  # seconds
TIME_LIMIT = 14400  # seconds


@dataclass(slots=True)
class Result:
    """How a Dial ended, as its action is told."""

    status: str
    sid: str | None = None
    seconds: float | None = None
    recording: recordings.Tape | None = None

    def params(self) -> dict[str, str]:
        params = {"DialCallStatus": self.status, "DialBridged": "false" if self.seconds is None else "true"}
        if self.sid is not None:
            params["DialCallSid"] = self.sid
        if self.seconds is not None:
            params["DialCallDuration"] = str(round(self.seconds))
        if self.recording is not None:
            params["RecordingUrl"] = self.recording.url
            params["RecordingSid"] = self.recording.resource.sid
            params["RecordingDuration"] = str(round(self.recording.seconds))
        return params


async def dial(leg: Leg, verb: Verb, document: Document) -> Outcome:
    nouns = verb.children
    if nouns and nouns[0].tag == "Conference":
        params = await conferences.dial_room(leg, verb, nouns[0], document)
        return go_on(verb, document, params)
    if nouns and nouns[0].tag == "Queue":
        params = await queues.dial_queue(leg, verb, nouns[0], document)
        return go_on(verb, document, params)
    targets = nouns or [Verb("Number", {}, [verb.text], verb.text)]
    caller = _caller_id(leg, verb)
    result = Result("failed")
    for group in [[one] for one in targets] if verb.yes("sequential", default=False) else [targets]:
        result = await _Ringing(leg, verb, document, caller).ring(group)
        if result.status == "completed":
            break
    return go_on(verb, document, result.params())


def _caller_id(leg: Leg, verb: Verb) -> str:
    given = verb.get("callerId")
    if not given:
        return leg.call.from_
    number = given if given.startswith("client:") else e164(given) or ""
    known = number.startswith("client:") or number in (leg.call.from_, leg.call.to) or leg.network.may_show(number)
    if not known:
        raise TwimlRefused(13214, f"callerId {given!r} is neither owned nor verified")
    return number


def address(noun: Verb) -> str | None:
    """Whom a noun rings; None for what is no number."""
    if noun.tag == "Client":
        identity = next((child.text for child in noun.children if child.tag == "Identity"), noun.text)
        return f"client:{identity}"
    return e164(noun.text)


class _Ringing:
    def __init__(self, leg: Leg, verb: Verb, document: Document, caller: str) -> None:
        self.leg, self.verb, self.document, self.caller = leg, verb, document, caller

    async def ring(self, nouns: Sequence[Verb]) -> Result:
        """Ring all of them; the first to pick up is connected, the others are hung up (the page of Number)."""
        leg = self.leg
        children = {child.sid: (child, noun) for noun in nouns if (child := self._child(noun)) is not None}
        if not children:
            return Result("failed")
        picked: Coming[Leg | None] = Coming()
        left = len(children)

        def heard_of(child: Leg, status: str) -> None:
            nonlocal left
            left -= 1
            if status == "answered":
                picked.come(child)
            elif left == 0:
                picked.come(None)

        leg.phone.notice("ringback")
        for child, _ in children.values():
            child.picked_up.then(lambda child=child: heard_of(child, child.picked_up.value))  # type: ignore[misc]
        for child, _ in children.values():
            child.ring(self.verb.number("timeout", TIMEOUT))
        self._star(lambda: picked.come(None))
        try:
            winner = await picked
        except Interrupted as stop:
            for child, _ in children.values():
                child.end("canceled", "canceled")
            if stop.why == "hangup":
                last = next(reversed(children))
                hung_up(leg, self.verb, self.document, Result("canceled", last).params())
            raise
        finally:
            leg.on_key = None
        for child, _ in children.values():
            if child is not winner:
                child.end("canceled", "canceled")
        if winner is None:
            child, _ = next(reversed(children.values()))
            return Result(child.call.status, child.sid)
        return await self._connect(winner, children[winner.sid][1])

    def _child(self, noun: Verb) -> Leg | None:
        to = address(noun)
        if to is None:
            return None
        child = self.leg.network.new_leg(self.caller, to, "outbound-dial", self.leg)
        url = noun.get("statusCallback")
        if url:
            child.told(
                self.document.address(url),
                noun.get("statusCallbackMethod", "POST"),
                noun.words("statusCallbackEvent", "completed"),
            )
        return child

    async def _connect(self, child: Leg, noun: Verb) -> Result:
        leg = self.leg
        if noun.get("sendDigits"):
            child.phone.notice("played", f"keys {noun.get('sendDigits')}")
        if noun.get("url"):
            agreed = Coming[bool]()
            child.ended.then(lambda: agreed.come(False))
            child.do(_whisper(child, Goto(self.document.address(noun.get("url")), noun.get("method", "POST")), agreed))
            try:
                yes = await agreed
            except Interrupted as stop:
                child.end("completed", "the other side hung up")
                if stop.why == "hangup":
                    hung_up(leg, self.verb, self.document, Result("completed", child.sid).params())
                raise
            if not yes:
                return Result("completed", child.sid)
        leg.answered()
        return await self._talk(child)

    async def _talk(self, child: Leg) -> Result:
        leg, since = self.leg, self.leg.clock()
        bridge = leg.join(child)
        tape = self._tape(child)
        limit = self.verb.number("timeLimit", TIME_LIMIT)
        timer = leg.network.scheduler.after(limit, lambda: bridge.end(None, "time limit"))
        self._star(lambda: bridge.end(None, "star"))
        try:
            _, why = await bridge.over
        except Interrupted as stop:
            child.end("completed", "the other side hung up")
            if stop.why == "hangup":
                _stop(tape)
                result = Result("completed", child.sid, leg.clock() - since, tape)
                hung_up(leg, self.verb, self.document, result.params())
            raise
        finally:
            timer.cancel()
            leg.on_key = None
            _stop(tape)
        if why == "redirected":
            return Result("answered", child.sid, leg.clock() - since, tape)
        child.end("completed", "the other side hung up")
        return Result("completed", child.sid, leg.clock() - since, tape)

    def _tape(self, child: Leg) -> recordings.Tape | None:
        record = self.verb.get("record", "do-not-record")
        if record in ("do-not-record", "false"):
            return None
        trim = self.verb.get("trim", "do-not-trim") == "trim-silence"
        told = recordings.reports_of(self.verb, self.document)
        track = self.verb.get("recordingTrack", "both")
        channels = 2 if record.endswith("-dual") else 1
        return recordings.tape_call(self.leg, "DialVerb", channels, track, trim, told, [child])

    def _star(self, then: Callable[[], None]) -> None:
        if self.verb.yes("hangupOnStar", default=False):
            self.leg.on_key = lambda key: then() if key == "*" else None


def _stop(tape: recordings.Tape | None) -> None:
    if tape is not None:
        tape.stop()


async def _whisper(child: Leg, goto: Goto, agreed: Coming[bool]) -> None:
    """The document of a noun's url, to the called party alone; Hangup in it declines."""
    step: Outcome = goto
    try:
        while isinstance(step, Goto):
            step = await child.follow(step, "whisper")
    except DocumentFailed:
        step = Stop.HANG_UP
    if step is None:
        agreed.come(True)
    else:
        child.end("completed", "the other side hung up")
