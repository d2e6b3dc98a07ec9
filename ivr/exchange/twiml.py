"""TwiML documents: what may stand in one, and what Twilio answers to one that breaks the rules.

Sources: https://www.twilio.com/docs/voice/twiml and the page of each verb below it; error codes
https://www.twilio.com/docs/api/errors (12100 not well-formed, 12200 against the schema, 12300 type, 11750 size).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

LONGEST_DOCUMENT = 64 * 1024
LONGEST_SPEECH = 4096


class TwimlRefused(Exception):
    """A document that the carrier does not execute: Twilio's error code and why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(slots=True)
class Verb:
    """An element: ``content`` in its order, ``text`` all of its own text, stripped."""

    tag: str
    attributes: Mapping[str, str]
    content: list[str | Verb]
    text: str = ""

    @property
    def children(self) -> list[Verb]:
        return [one for one in self.content if isinstance(one, Verb)]

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def number(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))

    def yes(self, name: str, default: bool) -> bool:
        value = self.attributes.get(name)
        return default if value is None else value.lower() == "true"

    def words(self, name: str, default: str) -> tuple[str, ...]:
        return tuple(self.attributes.get(name, default).split())


@dataclass(frozen=True, slots=True)
class _Rule:
    attributes: Mapping[str, re.Pattern[str]]
    children: frozenset[str]
    text: bool


ANY = re.compile(r".*", re.DOTALL)
URL = re.compile(r"[^\s<>\"{}|\\^`]+")
URL_OR_NOTHING = re.compile(r"[^\s<>\"{}|\\^`]*")
METHOD = re.compile(r"GET|POST", re.IGNORECASE)
TRUTH = re.compile(r"true|false", re.IGNORECASE)
WHOLE = re.compile(r"[0-9]{1,6}")
POSITIVE = re.compile(r"0*[1-9][0-9]{0,5}")
FALSE = re.compile(r"false", re.IGNORECASE)


def _rule(attributes: Mapping[str, re.Pattern[str] | str], children: str = "", text: bool = False) -> _Rule:
    patterns = {name: re.compile(kind) if isinstance(kind, str) else kind for name, kind in attributes.items()}
    return _Rule(patterns, frozenset(children.split()), text)


def _several(one: str) -> str:
    return rf"(?:{one})(?: +(?:{one}))*"


RECORDING: Mapping[str, re.Pattern[str] | str] = {
    "recordingStatusCallback": URL,
    "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": _several("in-progress|completed|absent"),
    "trim": "trim-silence|do-not-trim",
}
CALLBACK: Mapping[str, re.Pattern[str] | str] = {
    "statusCallback": URL,
    "statusCallbackMethod": METHOD,
    "statusCallbackEvent": _several("initiated|ringing|answered|completed"),
    "url": URL,
    "method": METHOD,
}
SSML = "break emphasis lang p phoneme prosody s say-as sub w"
SSML_INLINE = "break emphasis phoneme prosody say-as sub w"

# What this network executes. An element or attribute that is not here is refused with 12200, as Twilio's schema does.
RULES: Mapping[str, _Rule] = {
    "Response": _rule({}, "Say Play Pause Gather Record Dial Enqueue Leave Redirect Reject Hangup"),
    "Say": _rule({"language": ANY, "voice": ANY, "loop": WHOLE}, SSML, text=True),
    "Play": _rule({"digits": r"[0-9*#wWA-D]+", "loop": WHOLE}, text=True),
    "Pause": _rule({"length": WHOLE}),
    "Gather": _rule(
        {
            "action": URL,
            "method": METHOD,
            "actionOnEmptyResult": TRUTH,
            "bargeIn": TRUTH,
            "debug": TRUTH,
            "enhanced": TRUTH,
            "finishOnKey": r"[0-9*#]?",
            "hints": ANY,
            "input": r"dtmf|speech|dtmf +speech|speech +dtmf",
            "language": ANY,
            "maxSpeechTime": WHOLE,
            "numDigits": POSITIVE,
            "profanityFilter": TRUTH,
            "speechModel": ANY,
            "speechTimeout": r"auto|0*[1-9][0-9]*",
            "timeout": WHOLE,
        },
        "Say Play Pause",
    ),
    "Record": _rule(
        {
            "action": URL,
            "method": METHOD,
            "finishOnKey": r"[0-9*#]+",
            "maxLength": POSITIVE,
            "playBeep": TRUTH,
            "timeout": WHOLE,
            "transcribe": FALSE,
            **RECORDING,
        }
    ),
    "Dial": _rule(
        {
            "action": URL,
            "method": METHOD,
            "answerOnBridge": TRUTH,
            "callerId": r"\S+",
            "callReason": ANY,
            "hangupOnStar": TRUTH,
            "record": "true|false|do-not-record|record-from-(?:answer|ringing)(?:-dual)?",
            "recordingTrack": "both|inbound|outbound",
            "ringTone": r"[a-z-]+",
            "sequential": TRUTH,
            "timeLimit": POSITIVE,
            "timeout": POSITIVE,
            **RECORDING,
        },
        "Number Client Conference Queue",
        text=True,
    ),
    "Number": _rule({**CALLBACK, "sendDigits": r"[0-9*#wW,]+"}, text=True),
    "Client": _rule(CALLBACK, "Identity Parameter", text=True),
    "Identity": _rule({}, text=True),
    "Parameter": _rule({"name": ANY, "value": ANY}),
    "Conference": _rule(
        {
            "beep": "true|false|onEnter|onExit",
            "coach": "CA[0-9a-f]{32}",
            "endConferenceOnExit": TRUTH,
            "jitterBufferSize": "large|medium|small|off",
            "maxParticipants": POSITIVE,
            "muted": TRUTH,
            "participantLabel": r".{1,128}",
            "record": "do-not-record|record-from-start",
            "region": r"[a-z]{2}[0-9]",
            "startConferenceOnEnter": TRUTH,
            "statusCallback": URL,
            "statusCallbackMethod": METHOD,
            "statusCallbackEvent": _several("start|end|join|leave|mute|hold|modify|speaker|announcement"),
            "waitUrl": URL_OR_NOTHING,
            "waitMethod": METHOD,
            **RECORDING,
        },
        text=True,
    ),
    "Queue": _rule({"url": URL, "method": METHOD}, text=True),
    "Enqueue": _rule(
        {
            "action": URL,
            "method": METHOD,
            "maxQueueSize": POSITIVE,
            "waitUrl": URL_OR_NOTHING,
            "waitUrlMethod": METHOD,
        },
        text=True,
    ),
    "Leave": _rule({}),
    "Redirect": _rule({"method": METHOD}, text=True),
    "Reject": _rule({"reason": "rejected|busy"}),
    "Hangup": _rule({}),
    "break": _rule({"strength": r"none|x?-?weak|medium|x?-?strong", "time": r"[0-9.]+m?s"}),
    "emphasis": _rule({"level": "strong|moderate|reduced"}, SSML_INLINE + " lang", text=True),
    "lang": _rule({"xml:lang": r"[A-Za-z-]+"}, SSML, text=True),
    "p": _rule({}, SSML_INLINE + " lang s", text=True),
    "phoneme": _rule({"alphabet": ANY, "ph": ANY}, text=True),
    "prosody": _rule({"pitch": ANY, "rate": ANY, "volume": ANY}, SSML, text=True),
    "s": _rule({}, SSML_INLINE + " lang", text=True),
    "say-as": _rule({"interpret-as": ANY, "format": ANY}, text=True),
    "sub": _rule({"alias": ANY}, text=True),
    "w": _rule({"role": ANY}, "break emphasis phoneme prosody say-as sub", text=True),
}

# Where a document is executed -> the verbs it may hold; None: all.
CONTEXTS: Mapping[str, frozenset[str] | None] = {
    "call": frozenset(RULES["Response"].children - {"Leave"}),
    "whisper": frozenset(RULES["Response"].children - {"Dial", "Leave", "Enqueue", "Reject"}),
    "queue-wait": frozenset(["Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"]),
    "conference-wait": frozenset(["Play", "Say", "Pause", "Redirect"]),
    "queue-url": frozenset(["Play", "Say", "Pause", "Redirect"]),
}


def parse(body: bytes) -> list[Verb]:
    """The verbs of a document, all of it checked; raises TwimlRefused."""
    if len(body) > LONGEST_DOCUMENT:
        raise TwimlRefused(11750, f"the document has {len(body)} bytes, at most {LONGEST_DOCUMENT} are taken")
    root = _read(body)
    if root.tag != "Response":
        raise TwimlRefused(12100, f"the root is <{root.tag}>, not <Response>")
    _check(root)
    return root.children


def _read(body: bytes) -> Verb:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    roots: list[Verb] = []
    stack: list[Verb] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        verb = Verb(tag, attributes, [])
        if stack:
            stack[-1].content.append(verb)
        else:
            roots.append(verb)
        stack.append(verb)

    def end(_: str) -> None:
        verb = stack.pop()
        verb.text = "".join([one for one in verb.content if isinstance(one, str)]).strip()

    def data(text: str) -> None:
        stack[-1].content.append(text)

    def doctype(*_: Any) -> None:
        raise TwimlRefused(12100, "a document type has no place in TwiML")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise TwimlRefused(12100, f"not well-formed: {error}") from None
    return roots[0]


def _check(verb: Verb) -> None:
    rule = RULES[verb.tag]
    for name, value in verb.attributes.items():
        pattern = rule.attributes.get(name)
        if pattern is None:
            raise TwimlRefused(12200, f"<{verb.tag}> has no attribute {name}")
        if pattern.fullmatch(value) is None:
            raise TwimlRefused(12200, f"{name} of <{verb.tag}> is {value!r}")
    if verb.text and not rule.text:
        raise TwimlRefused(12200, f"<{verb.tag}> holds no text")
    for child in verb.content:
        if isinstance(child, Verb):
            if child.tag not in rule.children:
                raise TwimlRefused(12200, f"<{child.tag}> may not stand inside <{verb.tag}>")
            _check(child)
    special = _SPECIAL.get(verb.tag)
    if special is not None:
        special(verb)


def _say(verb: Verb) -> None:
    if sum(len(one) for one in verb.content if isinstance(one, str)) > LONGEST_SPEECH:
        raise TwimlRefused(13520, f"<Say> holds more than {LONGEST_SPEECH} characters")


def _play(verb: Verb) -> None:
    if verb.text and URL.fullmatch(verb.text) is None:
        raise TwimlRefused(12200, f"the text of <Play> is not an address: {verb.text[:60]!r}")
    if not verb.text and "digits" not in verb.attributes:
        raise TwimlRefused(13420, "<Play> names no file")


def _dial(verb: Verb) -> None:
    nouns = [child.tag for child in verb.children]
    if bool(verb.text) == bool(nouns):
        raise TwimlRefused(12200, "<Dial> needs either a number or nouns")
    if len(nouns) > 1 and ("Conference" in nouns or "Queue" in nouns):
        raise TwimlRefused(12200, "<Conference> or <Queue> must be the only noun")
    if len(nouns) > 10 and not verb.yes("sequential", default=False):
        raise TwimlRefused(13233, "<Dial> rings more than ten parties at once")


def _named(verb: Verb) -> None:
    if not 1 <= len(verb.text) <= 64:
        raise TwimlRefused(12200, f"the name in <{verb.tag}> needs 1 to 64 characters")


def _room(verb: Verb) -> None:
    if not 1 <= len(verb.text) <= 128:
        raise TwimlRefused(13224, "<Conference> needs a name")


def _redirect(verb: Verb) -> None:
    if verb.text and URL.fullmatch(verb.text) is None:
        raise TwimlRefused(13610, "the text of <Redirect> is not an address")


_SPECIAL = {
    "Say": _say,
    "Play": _play,
    "Dial": _dial,
    "Queue": _named,
    "Enqueue": _named,
    "Conference": _room,
    "Redirect": _redirect,
}
