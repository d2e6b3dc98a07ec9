"""A leg: one call between a telephone and the network, and the documents that are executed on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlsplit

from ivr.exchange import twiml, verbs
from ivr.exchange.doing import Coming, Doing, Interrupted
from ivr.exchange.phones import Behaviour, Phone, Playing, Rung, behave, country_of
from ivr.exchange.records import CallResource
from ivr.exchange.scheduler import Timer
from ivr.exchange.steps import Document, DocumentFailed, Goto, Outcome, Stop
from ivr.exchange.twiml import TwimlRefused, Verb
from ivr.exchange.webhooks import Answer, Unreached

if TYPE_CHECKING:
    from ivr.exchange.conferences import Seat
    from ivr.exchange.network import Network
    from ivr.exchange.recordings import Tape

LONGEST_CALL = 4 * 3600  # seconds; https://www.twilio.com/docs/voice/api/call-resource (TimeLimit)
MOST_DOCUMENTS_AT_ONCE = 100  # in no time at all: a document that redirects to itself
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
SIP_CODES = {"completed": "200", "busy": "486", "no-answer": "487", "failed": "404", "canceled": "487"}


@dataclass(slots=True)
class Callbacks:
    """Where a leg's progress is told (statusCallback)."""

    url: str
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


@dataclass(slots=True)
class Fallback:
    url: str
    method: str = "POST"


class Bridge:
    """Two legs that hear each other; ``over`` comes with the one that left and why (None: a time limit, a star)."""

    def __init__(self, one: Leg, other: Leg) -> None:
        self.one, self.other = one, other
        self.over: Coming[tuple[Leg | None, str]] = Coming()
        self.since = one.clock()
        one.bridge = other.bridge = self
        for leg in (one, other):
            leg.phone.notice("connected")

    def beside(self, leg: Leg) -> Leg:
        return self.other if leg is self.one else self.one

    def end(self, leaver: Leg | None, why: str) -> None:
        self.one.bridge = self.other.bridge = None
        for leg in (self.one, self.other):
            leg.left_alone()
        self.over.come((leaver, why))


class Leg:
    def __init__(self, network: Network, call: CallResource) -> None:
        self.network, self.call = network, call
        self.phone = Phone(self, network.scheduler)
        self.outbound = call.direction != "inbound"
        self.over = False
        self.machine = False
        self.ended: Coming[str] = Coming()
        self.picked_up: Coming[str] = Coming()  # answered, or the final status
        self.callbacks: Callbacks | None = None
        self.fallback: Fallback | None = None
        self.bridge: Bridge | None = None
        self.seat: Seat | None = None
        self.tapes: list[Tape] = []
        self.spoken: list[tuple[float, bytes]] = []  # by the phone, into the line
        self.heard: list[tuple[float, bytes]] = []  # by the phone
        self.audible_until = 0.0
        self._speaking_until = 0.0
        self.on_key: Callable[[str], None] | None = None
        self.on_words: Callable[[str, float, float], None] | None = None
        self._doing: Doing | None = None
        self._timers: list[Timer] = []
        self._told = 0
        self._documents_at = (0.0, 0)
        self._base = self._standing_params()

    # --- What it is -------------------------------------------------------------------------------------------------

    @property
    def sid(self) -> str:
        return self.call.sid

    @property
    def unanswered(self) -> bool:
        return self.call.start_time is None

    def clock(self) -> float:
        return self.network.clock()

    def params(self) -> dict[str, str]:
        """Twilio's standard request parameters (https://www.twilio.com/docs/voice/twiml#request-parameters)."""
        return {**self._base, "CallStatus": self.call.status}

    def _standing_params(self) -> dict[str, str]:
        call = self.call
        base = {
            "AccountSid": self.network.account.sid,
            "ApiVersion": "2010-04-01",
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Direction": call.direction,
            "From": call.from_,
            "To": call.to,
            "Caller": call.from_,
            "Called": call.to,
        }
        for who, number in (("From", call.from_), ("Caller", call.from_), ("To", call.to), ("Called", call.to)):
            base.update({who + "City": "", who + "State": "", who + "Zip": "", who + "Country": country_of(number)})
        if call.parent_sid is not None:
            base["ParentCallSid"] = call.parent_sid
        if call.forwarded_from is not None:
            base["ForwardedFrom"] = base["CalledVia"] = call.forwarded_from
        return base

    # --- Its life ---------------------------------------------------------------------------------------------------

    def ring(self, timeout: float) -> None:
        """Ring the telephone at the other end (an outgoing leg); one that is engaged or not there does not ring."""
        scheduler = self.network.scheduler
        self.tell("initiated")
        subscriber = self.network.phones.at(self.call.to)
        behaviour = subscriber.next() if isinstance(subscriber, Rung) else subscriber
        if not (isinstance(behaviour, Behaviour) and (behaviour.busy or behaviour.fails)):
            self.call.status = "ringing"
            self.tell("ringing")
            self.phone.notice("ringing", self.call.from_)
        self._timers.append(scheduler.after(timeout, lambda: self.refused("no-answer")))
        if isinstance(subscriber, Rung):
            subscriber.ring(self.phone)
        if isinstance(behaviour, Behaviour):
            behave(self, behaviour, scheduler)
        else:
            behaviour(self.phone)

    def answered(self) -> None:
        """Somebody picked up: the called telephone, or the network for an incoming call."""
        if self.over or not self.unanswered:
            return
        self._cancel_timers()
        self.call.status = "in-progress"
        self.call.start_time = self.network.scheduler.now()
        self.limit(LONGEST_CALL)
        self.phone.notice("answered")
        if self.outbound:
            self.tell("answered")
        self.picked_up.come("answered")

    def left_alone(self) -> None:
        """Nobody else is on the line any more."""
        if not self.over:
            self.phone.notice("alone")

    def limit(self, seconds: float) -> None:
        """End the leg after so many seconds (TimeLimit); the earliest limit counts."""
        self._timers.append(self.network.scheduler.after(seconds, lambda: self.end("completed", "time limit")))

    def refused(self, how: str) -> None:
        """The called telephone is busy, does not answer or cannot be reached."""
        if not self.over and self.unanswered:
            self.end(how, how)

    def phone_hung_up(self) -> None:
        # An incoming call whose caller gives up while it rings: no-answer (the page of the Call resource's statuses).
        self.end("no-answer" if self.unanswered else "completed", "you hung up")

    def end(self, status: str, why: str) -> None:
        """The leg is over: whatever it was doing is ended, then told."""
        if self.over:
            return
        self.over = True
        self._cancel_timers()
        call = self.call
        call.status, call.end_time = status, self.network.scheduler.now()
        call.duration = 0 if call.start_time is None else round((call.end_time - call.start_time).total_seconds())
        call.date_updated = call.end_time
        if status == "busy":
            self.phone.notice("busy")
        self.phone.hears(None)
        self.phone.notice("ended", why)
        if self._doing is not None:
            self._doing.interrupt("hangup")
        if self.bridge is not None:
            self.bridge.end(self, "hangup")
        for tape in list(self.tapes):
            tape.stop()
        self.tell("completed")
        self.picked_up.come(status)
        self.ended.come(status)
        self.network.leg_ended(self)

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def do(self, coroutine: Coroutine[Coming[Any], None, None]) -> None:
        self._doing = Doing(coroutine)
        self._doing.start()

    def join(self, other: Leg) -> Bridge:
        """Let two legs hear each other."""
        return Bridge(self, other)

    def redirect(self, step: Goto | Document) -> None:
        """Leave all it is in and go on with another document (a REST update of the call)."""
        if self._doing is not None:
            self._doing.interrupt("redirected")
        if self.bridge is not None:
            self.bridge.end(self, "redirected")
        self.do(self.live(step))

    def told(self, url: str, method: str, events: Iterable[str]) -> None:
        """From now on, progress is told there."""
        self.callbacks = Callbacks(url, method.upper(), frozenset(events) or frozenset({"completed"}))

    # --- Telling ----------------------------------------------------------------------------------------------------

    def tell(self, event: str) -> None:
        """A status callback (https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent)."""
        callbacks = self.callbacks
        if callbacks is None or event not in callbacks.events:
            return
        params = {**self.params(), **self.progress(event)}
        if event == "initiated":
            params["CallStatus"] = "initiated"
        self.network.courier.tell(callbacks.method, callbacks.url, params)

    def progress(self, event: str) -> dict[str, str]:
        params = {
            "Timestamp": format_datetime(self.network.scheduler.now()),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._told),
        }
        self._told += 1
        if event == "completed":
            seconds = self.call.duration or 0
            params["CallDuration"], params["Duration"] = str(seconds), str(math.ceil(seconds / 60))
            params["SipResponseCode"] = SIP_CODES[self.call.status]
            if self.call.answered_by is not None:
                params["AnsweredBy"] = self.call.answered_by
        return params

    def request(self, goto: Goto) -> None:
        """Ask an action address whose answer nobody executes any more."""
        self.network.courier.tell(goto.method, goto.url, {**self.params(), **goto.params})

    # --- Documents --------------------------------------------------------------------------------------------------

    async def live(self, step: Goto | Document) -> None:
        """Execute documents until there is nothing left to do, then hang up."""
        fallback = self.fallback
        after: Outcome | Document = step
        while isinstance(after, Goto | Document):
            try:
                after = await self.follow(after, "call")
            except DocumentFailed as failure:
                if fallback is None:
                    after = await self._apologise()
                else:
                    params = {"ErrorCode": str(failure.code), "ErrorUrl": failure.url}
                    after = Goto(fallback.url, fallback.method, params)
                    fallback = None
                continue
            fallback = self.fallback
        if not self.over:
            self.answered()
            self.end("completed", "the other side hung up")

    async def _apologise(self) -> Outcome:
        self.answered()
        await self.hear_words(APOLOGY, "en-US", "man", len(APOLOGY) / 15, 1.0)
        return Stop.HANG_UP

    async def follow(self, step: Goto | Document, context: str, extra: Mapping[str, str] | None = None) -> Outcome:
        """One document, asked for if need be, and executed; raises DocumentFailed with where it went wrong."""
        self._count_document()
        url = step.url
        try:
            document = step if isinstance(step, Document) else await self.ask(step, extra)
            if document.source:
                document = Document(twiml.parse(document.source))
            allowed = twiml.CONTEXTS[context]
            for verb in document.verbs:
                if allowed is not None and verb.tag not in allowed:
                    code = 13201 if verb.tag == "Dial" else 12200
                    raise TwimlRefused(code, f"<{verb.tag}> may not stand in a {context} document")
            return await self.perform(document)
        except TwimlRefused as refusal:
            self.network.refusals.append(f"{url or 'twiml'}: {refusal}")
            raise DocumentFailed(refusal.code, url) from refusal

    def _count_document(self) -> None:
        now = self.clock()
        at, count = self._documents_at
        self._documents_at = (now, count + 1 if at == now else 1)
        if self._documents_at[1] > MOST_DOCUMENTS_AT_ONCE:
            raise DocumentFailed(11200, "")

    async def ask(self, goto: Goto, extra: Mapping[str, str] | None = None) -> Document:
        """A document from the outside; raises TwimlRefused."""
        if urlsplit(goto.url).scheme not in ("http", "https"):
            raise TwimlRefused(11100, f"not an absolute address: {goto.url!r}")
        outcome: Coming[Answer | Unreached] = Coming()
        params = {**self.params(), **(extra or {}), **goto.params}
        self.network.courier.send(goto.method, goto.url, params, outcome.come)
        return read(await outcome, goto.url.partition("#")[0])

    async def perform(self, document: Document) -> Outcome:
        for verb in document.verbs:
            if self.unanswered and not _before_answering(verb):
                self.answered()
            outcome: Outcome = await verbs.PERFORM[verb.tag](self, verb, document)
            if outcome is not None:
                return outcome
        return None

    # --- Sound ------------------------------------------------------------------------------------------------------

    async def pause(self, seconds: float) -> None:
        over: Coming[None] = Coming()
        timer = self.network.scheduler.after(seconds, lambda: over.come(None))
        try:
            await over
        finally:
            timer.cancel()

    async def hear_words(
        self, text: str, language: str, voice: str, seconds: float, rate: float, cut: Coming[Any] | None = None
    ) -> None:
        """Say something to the phone, until its end or until ``cut`` comes."""
        voices = self.network.voices
        wav = None if voices is None else voices.speak(text, language=language, voice=voice, rate=rate)
        if wav is not None:
            seconds = self.network.length(wav)
        await self.hear(Playing("said", text, language, voice, rate, self.network.scheduler.now(), seconds, wav), cut)

    async def hear(self, sound: Playing, cut: Coming[Any] | None = None) -> None:
        over: Coming[bool] = Coming()
        timer = self.network.scheduler.after(sound.seconds, lambda: over.come(False))
        if cut is not None:
            cut.then(lambda: over.come(True))
        if sound.wav is not None and self.tapes:
            self.heard.append((self.clock(), self.network.pcm(sound.wav)))
        self.phone.hears(sound)
        try:
            self._heard(sound, cut=await over)
        except Interrupted as stop:
            if stop.why != "hangup":
                self._heard(sound, cut=True)
            raise
        finally:
            timer.cancel()
            self.phone.hears(None)

    def _heard(self, sound: Playing, cut: bool) -> None:
        text = sound.text
        if cut and sound.kind == "said":
            share = (self.network.scheduler.now() - sound.started).total_seconds() / (sound.seconds or 1)
            whole = text[: int(len(text) * min(1.0, share))]
            text = whole if len(whole) == len(text) else whole.rpartition(" ")[0]
        self.phone.notice(sound.kind, text, sound.language, sound.voice, cut)

    def key(self, key: str) -> None:
        """A key was pressed. Nobody listening: it is lost.

        https://support.twilio.com/hc/en-us/articles/223180068-Troubleshooting-issues-with-Gather says that keys
        pressed before a Gather has begun are not collected.
        """
        if not self.over and self.on_key is not None:
            self.on_key(key)

    def says_words(self, text: str, confidence: float, seconds: float) -> None:
        if not self.over and self.on_words is not None:
            self.on_words(text, confidence, seconds)

    def speaks(self, pcm: bytes, heard: tuple[float, float] | None, seconds: float) -> float:
        """The phone speaks into the line, after what it is still saying; how long from now until it is done."""
        now = self.clock()
        start = max(now, self._speaking_until)
        if self.over or self.unanswered:
            return seconds
        self._speaking_until = start + seconds
        if heard is not None:
            self.audible_until = start + heard[1]
        self.spoken.append((start, pcm))
        for other in self.listeners():
            other.heard.append((start, pcm))
        if self.seat is not None and self.seat.audible:
            self.seat.room.spoken.append((start, pcm))
        return start + seconds - now

    def listeners(self) -> list[Leg]:
        """Who hears this phone."""
        if self.bridge is not None:
            return [self.bridge.beside(self)]
        return [] if self.seat is None else self.seat.listeners()


def _before_answering(verb: Verb) -> bool:
    """Verbs that leave an incoming call ringing.

    Reject: https://www.twilio.com/docs/voice/twiml/reject; a Pause at the beginning waits before picking up:
    https://www.twilio.com/docs/voice/twiml/pause; answerOnBridge: https://www.twilio.com/docs/voice/twiml/dial.
    """
    return verb.tag in ("Reject", "Pause", "Redirect") or (
        verb.tag == "Dial" and verb.yes("answerOnBridge", default=False)
    )


def read(outcome: Answer | Unreached, url: str) -> Document:
    """What came back as a document; raises TwimlRefused.

    Types: https://www.twilio.com/docs/voice/twiml#twilios-request-to-your-application (MIME types).
    """
    match outcome:
        case Unreached.CONNECT:
            raise TwimlRefused(11205, "nobody there")
        case Unreached.READ:
            raise TwimlRefused(11200, "no answer in time")
        case Answer(status, headers, body):
            if not 200 <= status < 300:
                raise TwimlRefused(11200, f"HTTP {status}")
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in ("text/xml", "application/xml", "text/html"):
                return Document(twiml.parse(body), url)
            if kind.startswith("audio/"):
                return Document([Verb("Play", {}, [url], url)], url)
            if kind == "text/plain":
                text = body.decode("utf-8", "replace")
                return Document([Verb("Say", {}, [text], text.strip())], url)
            raise TwimlRefused(12300, f"content type {kind!r}")
        case _ as never:
            assert_never(never)
