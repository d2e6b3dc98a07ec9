"""The verbs that speak, listen and lead on; each page: https://www.twilio.com/docs/voice/twiml/<verb>."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ivr.exchange import dialling, queues, recordings
from ivr.exchange.doing import Coming
from ivr.exchange.phones import BETWEEN_KEYS, KEY_PAUSE, Playing
from ivr.exchange.sound import spoken
from ivr.exchange.steps import Document, Goto, Outcome, Stop
from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg

FOREVER = 1000  # loop="0"
AUTO_SPEECH_END = 1.0  # seconds of silence that end words with speechTimeout="auto"; an assumption


async def say(leg: Leg, verb: Verb, _: Document, cut: Coming[Any] | None = None) -> Outcome:
    words = spoken(verb)
    language, voice = verb.get("language", "en-US"), verb.get("voice", "man")
    for _time in range(verb.number("loop", 1) or FOREVER):
        if not words.text or (cut is not None and cut.here):
            break
        await leg.hear_words(words.text, language, voice, words.seconds, words.rate, cut)
    return None


async def play(leg: Leg, verb: Verb, document: Document, cut: Coming[Any] | None = None) -> Outcome:
    digits = verb.get("digits")
    if digits:
        seconds = sum(KEY_PAUSE if one in "wW" else BETWEEN_KEYS for one in digits)
        now = leg.network.scheduler.now()
        await leg.hear(Playing("played", f"keys {digits}", "", "", 1.0, now, seconds), cut)
        return None
    url = document.address(verb.text)
    seconds, wav = await leg.network.media(url)
    for _time in range(verb.number("loop", 1) or FOREVER):
        if cut is not None and cut.here:
            break
        now = leg.network.scheduler.now()
        await leg.hear(Playing("played", url, "", "", 1.0, now, seconds, wav), cut)
        if seconds <= 0:
            break
    return None


async def pause(leg: Leg, verb: Verb, _: Document, cut: Coming[Any] | None = None) -> Outcome:
    over: Coming[None] = Coming()
    timer = leg.network.scheduler.after(verb.number("length", 1), lambda: over.come(None))
    if cut is not None:
        cut.then(lambda: over.come(None))
    try:
        await over
    finally:
        timer.cancel()
    return None


PROMPTS: dict[str, Callable[[Leg, Verb, Document, Coming[Any]], Awaitable[Outcome]]] = {
    "Say": say,
    "Play": play,
    "Pause": pause,
}


class _Listening:
    """What a Gather has collected so far, and when it is enough."""

    def __init__(self, leg: Leg, verb: Verb) -> None:
        self._leg = leg
        kinds = verb.words("input", "dtmf")
        self.keys, self.words = "dtmf" in kinds, "speech" in kinds
        self.timeout = verb.number("timeout", 5)
        self._finish = verb.get("finishOnKey", "#")
        self._most = verb.number("numDigits", 0)
        end = verb.get("speechTimeout") or str(self.timeout)
        self._speech_end = AUTO_SPEECH_END if end == "auto" else float(end)
        self.began: Coming[None] = Coming()  # the caller began: a prompt stops
        self.over: Coming[dict[str, str]] = Coming()
        self.digits = ""
        self._timer = leg.network.scheduler.after(0, lambda: None)
        self._language = verb.get("language", "en-US")

    def key(self, key: str) -> None:
        if self.over.here:
            return
        if self._finish and key == self._finish:
            self._keys_end(key)
        else:
            self.digits += key
            if self._most and len(self.digits) >= self._most:
                self._keys_end("")
            else:
                self.wait()
        self.began.come(None)

    def said(self, text: str, confidence: float, seconds: float) -> None:
        if self.over.here or self.digits:
            return
        self._timer.cancel()
        result = {"SpeechResult": text, "Confidence": str(confidence), "Language": self._language}
        self._timer = self._leg.network.scheduler.after(seconds + self._speech_end, lambda: self.over.come(result))
        self.began.come(None)

    def wait(self) -> None:
        """(Re)start the time-out."""
        self._timer.cancel()
        self._timer = self._leg.network.scheduler.after(self.timeout, lambda: self._keys_end(""))

    def stop(self) -> None:
        self._timer.cancel()
        self._leg.on_key = self._leg.on_words = None

    def _keys_end(self, finished_on: str) -> None:
        self._timer.cancel()
        self.over.come({"Digits": self.digits, "FinishedOnKey": finished_on, "msg": "Gather End"})


async def gather(leg: Leg, verb: Verb, document: Document) -> Outcome:
    """https://www.twilio.com/docs/voice/twiml/gather"""
    listening = _Listening(leg, verb)
    leg.on_key = listening.key if listening.keys else None
    leg.on_words = listening.said if listening.words else None
    cut = listening.began if verb.yes("bargeIn", default=True) else Coming[None]()
    try:
        for child in verb.children:
            if not cut.here:
                await PROMPTS[child.tag](leg, child, document, cut)
        if not listening.began.here:
            leg.phone.notice("question")
            listening.wait()
        got = await listening.over
    finally:
        listening.stop()
    if "SpeechResult" in got or got["Digits"] or verb.yes("actionOnEmptyResult", default=False):
        return document.action(verb, got)
    return None


async def redirect(_: Leg, verb: Verb, document: Document) -> Outcome:
    return Goto(document.address(verb.text), verb.get("method", "POST").upper())


async def hangup(_leg: Leg, _verb: Verb, _document: Document) -> Outcome:
    return Stop.HANG_UP


async def leave(_leg: Leg, _verb: Verb, _document: Document) -> Outcome:
    return Stop.LEAVE


async def reject(leg: Leg, verb: Verb, _: Document) -> Outcome:
    """Without answering when it comes first; later it hangs up.

    https://www.twilio.com/docs/voice/twiml/reject; that `rejected` ends as no-answer is an assumption.
    """
    if leg.unanswered and not leg.outbound:
        status = "busy" if verb.get("reason", "rejected") == "busy" else "no-answer"
        leg.end(status, verb.get("reason", "rejected"))
    return Stop.HANG_UP


PERFORM: dict[str, Callable[[Leg, Verb, Document], Awaitable[Outcome]]] = {
    "Say": say,
    "Play": play,
    "Pause": pause,
    "Gather": gather,
    "Record": recordings.record,
    "Dial": dialling.dial,
    "Enqueue": queues.enqueue,
    "Redirect": redirect,
    "Hangup": hangup,
    "Leave": leave,
    "Reject": reject,
}
