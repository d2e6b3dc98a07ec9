"""The carrier's words to ours. Total functions: missing, repeated, enormous or mangled fields never raise.

Parameters: "TwiML Voice: request parameters" (twilio.com/docs/voice/twiml) and the page of each verb.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs

from ivr.core.call import CarrierKey
from ivr.core.flow.turn import (
    CameBack,
    DialEnded,
    Heard,
    Keys,
    LeftQueue,
    LeftRoom,
    NothingRecorded,
    Recorded,
    Silence,
    Words,
)
from ivr.core.words import CallerNumber, PhoneNumber
from ivr.switchboard.ports.world import Numbering
from ivr.twilio.signature import Form, Headers

FORM_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 500

IDEMPOTENCY = "I-Twilio-Idempotency-Token"

DOORS = ("keys", "recorded", "empty", "queue_left", "joined", "left_room", "moved", "dialled")
"""The ways into a turn."""

LEG_DOORS = ("answered", "keys", "moved", "left_room", "queue_left")
"""The ways into a turn of a leg that we dialled."""

AGENT_CALL_DOORS = ("keys",)
"""The ways into a turn of an agent who rang us."""

HANG_UP = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>'

MOST_DIGITS = 100
MOST_WORDS = 1000  # characters of speech
LONGEST_URL = 2000

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_A_KEY = re.compile(r"[^0-9*#A-D]")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TELLS_APART = (
    "CallSid",
    "Digits",
    "SpeechResult",
    "RecordingSid",
    "RecordingUrl",
    "QueueResult",
    "QueueSid",
    "DialCallSid",
    "DialCallStatus",
)
_DIALLED = {
    "completed": "completed",
    "answered": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "canceled": "no_answer",
}
_QUEUE_RESULTS = frozenset(
    {
        "bridged",
        "bridging-in-process",
        "error",
        "hangup",
        "leave",
        "redirected",
        "redirected-from-bridged",
        "queue-full",
        "system-error",
    }
)


@dataclass(frozen=True)
class Incoming:
    """A call that came in. ``key.sid`` is "" when the carrier sent none; ``called`` None when it is no number."""

    key: CarrierKey
    caller: CallerNumber
    called: PhoneNumber | None
    token: str


@dataclass(frozen=True)
class CallStatus:
    """What the carrier says of a leg; ``status`` in its words. ``sid`` is "" when it names none.

    ``parent`` is the leg that dialled this one: then ``sid`` is not the caller's. ``fact_key`` is the same for each
    repeat of the same news and differs between news.
    """

    sid: str
    status: str
    seconds: int | None
    sequence: int | None
    fact_key: str
    parent: str | None = None


@dataclass(frozen=True)
class RecordingFact:
    """What the carrier says of a recording: ``status`` completed, absent or failed; ``sid`` "" in a conference."""

    sid: str
    recording: str
    url: str
    status: str
    length: timedelta | None
    fact_key: str


def form(body: bytes, content_type: str) -> Form:
    """The fields of a posted body, each with all its values; none where it is no form, or an endless one."""
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        return {}
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}


def incoming(form: Form, numbering: Numbering, headers: Headers | None = None, carrier: str = "twilio") -> Incoming:
    """Who calls which number, and how the carrier names the call."""
    called = numbering.caller(_text(form, "To") or _text(form, "Called"))
    return Incoming(
        key=CarrierKey(carrier, _sid(form, "AccountSid"), _sid(form, "CallSid")),
        caller=numbering.caller(_text(form, "From") or _text(form, "Caller")),
        called=called if isinstance(called, PhoneNumber) else None,
        token=token(headers, form),
    )


def heard(door: str, form: Form) -> Heard:
    """What the caller did, by the door it came in through; an unknown door is a bare coming back."""
    match door:
        case "keys":
            return _answer(form)
        case "recorded":
            return _recorded(form)
        case "empty":
            return NothingRecorded()
        case "queue_left":
            how = _text(form, "QueueResult")
            return LeftQueue(how if how in _QUEUE_RESULTS else "unknown")
        case "left_room":
            return LeftRoom()
        case "dialled":
            return _dialled(form)
        case _:
            return CameBack()


def token(headers: Headers | None, form: Form) -> str:
    """What makes a repeat of this request known: the carrier's token, or else a digest of what it says.

    "Webhooks: connection overrides" (twilio.com/docs/usage/webhooks/webhooks-connection-overrides): the same on each
    retry, and not covered by the signature.
    """
    given = headers.get(IDEMPOTENCY, "") if headers is not None else ""
    if given and _SID.fullmatch(given):
        return given
    said = [f"{name}={value}" for name in _TELLS_APART for value in form.get(name, ())]
    return "said:" + _digest(said)


def status(form: Form) -> CallStatus:
    """A call's news out of a status callback. Times: CallDuration is in seconds (Duration in minutes)."""
    sid, news, sequence = _sid(form, "CallSid"), _word(form, "CallStatus"), _number(form, "SequenceNumber")
    return CallStatus(
        sid=sid,
        status=news,
        seconds=_number(form, "CallDuration"),
        sequence=sequence,
        fact_key=f"status:{sid}:{news}:{'' if sequence is None else sequence}",
        parent=_sid(form, "ParentCallSid") or None,
    )


@dataclass(frozen=True)
class TextStatus:
    """What became of a text message."""

    sid: str
    status: str
    error: str
    fact_key: str


def text_status(form: Form) -> TextStatus:
    """A text's news ("Track the Message Status of Outbound Messages", twilio.com/docs/messaging/guides)."""
    sid, news, error = _sid(form, "MessageSid"), _word(form, "MessageStatus"), _number(form, "ErrorCode")
    return TextStatus(sid, news, "" if error is None else str(error), f"text:{sid}:{news}")


def recording(form: Form) -> RecordingFact:
    """A recording's news. The length may be missing or -1 (``absent``)."""
    url = _text(form, "RecordingUrl", LONGEST_URL)
    key, news, seconds = _recording_key(form, url), _word(form, "RecordingStatus"), _number(form, "RecordingDuration")
    return RecordingFact(
        sid=_sid(form, "CallSid"),
        recording=key,
        url=url,
        status=news,
        length=None if seconds is None else timedelta(seconds=seconds),
        fact_key=f"recording:{key}:{news}",
    )


def _answer(form: Form) -> Heard:
    """Keys before words before silence. FinishedOnKey and ``msg=Gather End`` come too, undocumented: never read."""
    if digits := _NOT_A_KEY.sub("", _text(form, "Digits", MOST_DIGITS)):
        return Keys(digits)
    if words := _text(form, "SpeechResult", MOST_WORDS).strip():
        return Words(words, _confidence(form))
    return Silence()


def _recorded(form: Form) -> Heard:
    """``Digits=hangup`` means hung up ("TwiML Voice: <Record>"; RecordingSid is not in its table)."""
    url = _text(form, "RecordingUrl", LONGEST_URL)
    key = _recording_key(form, url)
    if not key:
        return NothingRecorded()
    seconds = _number(form, "RecordingDuration")
    gone = _text(form, "Digits") == "hangup" or _text(form, "CallStatus") == "completed"
    return Recorded(key, url, None if seconds is None else timedelta(seconds=seconds), hung_up=gone)


def _dialled(form: Form) -> DialEnded:
    """Answered but not bridged (a whisper was declined) is no answer: nobody spoke ("TwiML Voice: <Dial>")."""
    how = _DIALLED.get(_text(form, "DialCallStatus"), "failed")
    if how == "completed" and _text(form, "DialBridged") == "false":
        how = "no_answer"
    return DialEnded(how)


def _recording_key(form: Form, url: str) -> str:
    """RecordingSid, or where it is missing the last part of the recording's address; "" when there is neither."""
    last = url.partition("?")[0].rstrip("/").rpartition("/")[2].partition(".")[0]
    return _sid(form, "RecordingSid") or (last if _SID.fullmatch(last) else "")


def _confidence(form: Form) -> float | None:
    """From above 0 to 1. Some of the carrier's speech models send 0 for "not known", or nothing."""
    try:
        value = float(_text(form, "Confidence"))
    except ValueError:
        return None
    return value if 0 < value <= 1 else None


def _text(form: Form, name: str, longest: int = 100) -> str:
    """The first value, clipped, without control characters and halves of surrogate pairs: no database takes those."""
    values = form.get(name)
    if not values:
        return ""
    text = (values if isinstance(values, str) else values[0])[:longest]
    return text if text.isprintable() else _UNSPEAKABLE.sub("", text)


def _word(form: Form, name: str) -> str:
    text = _text(form, name, 40)
    return text if _SID.fullmatch(text) else "unknown"


def _sid(form: Form, name: str) -> str:
    text = _text(form, name, 65)
    return text if _SID.fullmatch(text) else ""


def _number(form: Form, name: str) -> int | None:
    text = _text(form, name, 10)
    return int(text) if text.isascii() and text.isdecimal() else None


def _digest(pieces: Iterable[str]) -> str:
    return sha256("\0".join(pieces).encode("utf-8", "surrogatepass")).hexdigest()[:32]
