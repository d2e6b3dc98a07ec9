"""What we say, as the carrier's document: text built by hand, since it is written on every turn.

Attributes and nesting: the page of each verb under twilio.com/docs/voice/twiml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import quote

from ivr.core.flow.turn import (
    Ask,
    Dial,
    GoOn,
    HangUp,
    Join,
    Park,
    Record,
    Rest,
    Said,
    Sound,
    Speak,
    Utter,
    Utterance,
)
from ivr.core.words import Language

HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'
TAIL = "</Response>"
EMPTY = HEAD + TAIL
LEAVE = f"{HEAD}<Leave/>{TAIL}"
"""Out of the queue; the Enqueue's action follows at once ("TwiML Voice: <Enqueue>")."""

SHORT_ENOUGH = 366  # characters that never need measuring: each at most 12 once quoted
LONGEST_QUOTED = 4400  # of 4500; the rest is for <prosody>
LONGEST_BYTES = 3000
MOST_HINTS = 500
LONGEST_HINT = 100

# XML 1.0 has no place for these, not even escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SENTENCE_END = re.compile(r"(?<=[.!?;:…])\s+")


HOLD_THE_LINE = (
    Utter("Restate in linea, per favore.", Language("it")),
    Utter("Please hold the line.", Language("en")),
)


@dataclass(frozen=True)
class Voice:
    """One of the carrier's voices with its locale; ``ssml`` where it can be told to slow down."""

    name: str
    locale: str
    ssml: bool = True


VOICES: Mapping[Language, Voice] = {
    Language("it"): Voice("Polly.Bianca-Neural", "it-IT"),
    Language("en"): Voice("Polly.Amy-Neural", "en-GB"),
    Language("de"): Voice("Polly.Vicki-Neural", "de-DE"),
    Language("fr"): Voice("Polly.Lea-Neural", "fr-FR"),
    Language("es"): Voice("Polly.Lucia-Neural", "es-ES"),
}
"""Amazon's neural voices take the rate of ``<prosody>``, not its pitch (docs.aws.amazon.com/polly, prosody-tag)."""


def render(
    says: Sequence[Said],
    address: Callable[[str], str],
    sound: Callable[[str], str],
    wait: Callable[[Park], str],
    recording_callback: str,
    voices: Mapping[Language, Voice] = VOICES,
) -> str:
    """A whole TwiML document for a turn.

    ``address``: a door's name to the address it has at the next turn. ``sound``: a sound's name to its address.
    ``wait``: who is parked, to the address of their wait document. ``recording_callback``: where news of recordings go.
    """
    pieces = [HEAD]
    for said in says:
        match said:
            case Speak(utterances):
                pieces.append(_spoken(utterances, sound, voices))
            case Ask():
                pieces.append(_ask(said, address("keys"), sound, voices))
            case Record():
                pieces.append(_record(said, address, recording_callback, sound, voices))
            case Park():
                pieces.append(
                    f'<Enqueue action="{quoted(address("queue_left"))}" method="POST" '
                    f'waitUrl="{quoted(wait(said))}" waitUrlMethod="POST">{escaped(said.queue)}</Enqueue>'
                )
            case Join(room, ends, star):
                # Pressed in a conference, the star ends the Dial and asks its action ("TwiML Voice: <Conference>",
                # leaving by hangupOnStar); no other key is heard there.
                leaves = ' hangupOnStar="true"' if star else ""
                pieces.append(
                    f'<Dial action="{quoted(address("left_room"))}" method="POST"{leaves}>'
                    f'<Conference beep="false" startConferenceOnEnter="true" '
                    f'endConferenceOnExit="{"true" if ends else "false"}">'
                    f"{escaped(room)}</Conference></Dial>"
                )
            case Dial(number, seconds, shows):
                caller_id = f' callerId="{quoted(shows)}"' if shows else ""
                pieces.append(
                    f'<Dial action="{quoted(address("dialled"))}" method="POST" '
                    f'timeout="{min(max(seconds, 1), 600)}"{caller_id}><Number>{escaped(number)}</Number></Dial>'
                )
            case GoOn(after):
                pieces.append(f'{_rest(after)}<Redirect method="POST">{escaped(address("moved"))}</Redirect>')
            case HangUp():
                pieces.append("<Hangup/>")
            case _:
                assert_never(said)
    pieces.append(TAIL)
    return "".join(pieces)


def wait_document(
    utterances: Sequence[Utterance],
    patience: int,
    key: str,
    again: str,
    sound: Callable[[str], str],
    voices: Mapping[Language, Voice] = VOICES,
) -> str:
    """One round of the wait: a key is heard at any time (``key``: where it goes); without one, ``again`` is next.

    "TwiML Voice: <Enqueue>", waitUrl: Play, Say, Gather, Pause, Hangup, Redirect and Leave may stand here. A Gather
    that hears nothing goes on to the next verb ("TwiML Voice: <Gather>").
    """
    return (
        f'{HEAD}<Gather input="dtmf" action="{quoted(key)}" method="POST" timeout="{max(patience, 1)}" '
        f'numDigits="1" finishOnKey="">{_spoken(utterances, sound, voices)}</Gather>'
        f'<Redirect method="POST">{escaped(again)}</Redirect>{TAIL}'
    )


def hold_document(
    utterances: Sequence[Utterance],
    again: str,
    sound: Callable[[str], str],
    voices: Mapping[Language, Voice] = VOICES,
) -> str:
    """One round of a hold. Say, Play, Pause and Redirect may stand in it ("Conference participant": HoldUrl)."""
    redirect = f'<Redirect method="POST">{escaped(again)}</Redirect>'
    return f"{HEAD}{_spoken(utterances, sound, voices)}{redirect}{TAIL}"


def static_wait(again: str) -> str:
    """The wait document for when nothing of ours works: words, silence, and another try; the place is kept."""
    words = "".join(say(utter) for utter in HOLD_THE_LINE)
    return f'{HEAD}{words}{_rest(20)}<Redirect method="POST">{escaped(again)}</Redirect>{TAIL}'


def say(utter: Utter, voices: Mapping[Language, Voice] = VOICES) -> str:
    """A sentence as one Say, or several where it is too long for one.

    A language without a voice is spoken by the carrier's own default: a strange accent is better than silence.
    """
    voice = voices.get(utter.language)
    opening = f'<Say voice="{voice.name}" language="{voice.locale}">' if voice else "<Say>"
    closing = "</Say>"
    if utter.slow and voice and voice.ssml:
        opening, closing = opening + '<prosody rate="85%">', "</prosody></Say>"
    text = utter.text if utter.text.isprintable() else _UNWRITABLE.sub("", utter.text)
    if not text or text.isspace():
        return ""
    if len(text) <= SHORT_ENOUGH:
        return opening + escaped(text) + closing
    return "".join(opening + escaped(part) + closing for part in _parts(text))


def _spoken(utterances: Sequence[Utterance], sound: Callable[[str], str], voices: Mapping[Language, Voice]) -> str:
    pieces = []
    for utterance in utterances:
        match utterance:
            case Utter():
                pieces.append(say(utterance, voices))
            case Sound(name):
                pieces.append(f"<Play>{escaped(sound(name))}</Play>")
            case Rest(seconds):
                pieces.append(_rest(seconds))
            case _:
                assert_never(utterance)
    return "".join(pieces)


def _rest(seconds: int) -> str:
    return f'<Pause length="{seconds}"/>' if seconds > 0 else ""


def _ask(ask: Ask, action: str, sound: Callable[[str], str], voices: Mapping[Language, Voice]) -> str:
    """Nothing follows a Gather: with actionOnEmptyResult it always asks its action, silence included.

    ``finishOnKey`` is always written, since leaving it out means ``#`` ("TwiML Voice: <Gather>").
    """
    listening = 'input="dtmf"'
    if ask.hints:
        voice = voices.get(ask.language)
        language = f' language="{voice.locale}"' if voice else ""
        listening = f'input="dtmf speech"{language} hints="{quoted(_hints(ask.hints))}"'
    digits = f' numDigits="{max(ask.digits, 1)}"' if ask.digits is not None else ""
    return (
        f'<Gather {listening} action="{quoted(action)}" method="POST" actionOnEmptyResult="true" '
        f'timeout="{max(ask.patience, 1)}" finishOnKey="{quoted(ask.finish)}"{digits}>'
        f"{_spoken(ask.utterances, sound, voices)}</Gather>"
    )


def _record(
    record: Record,
    address: Callable[[str], str],
    callback: str,
    sound: Callable[[str], str],
    voices: Mapping[Language, Voice],
) -> str:
    """The Redirect is for the empty recording: that one asks no action, the document goes on ("TwiML Voice: <Record>").

    ``trim`` stays off: a trimmed message may lose its first word.
    """
    return (
        f"{_spoken(record.utterances, sound, voices)}"
        f'<Record action="{quoted(address("recorded"))}" method="POST" finishOnKey="#" '
        f'timeout="{max(record.silence, 1)}" maxLength="{min(max(record.longest, 2), 86400)}" '
        f'trim="do-not-trim" playBeep="true" recordingStatusCallback="{quoted(callback)}" '
        f'recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed absent"/>'
        f'<Redirect method="POST">{escaped(address("empty"))}</Redirect>'
    )


def _hints(hints: Sequence[str]) -> str:
    """At most 500 phrases of at most 100 characters, parted by commas."""
    return ",".join(hint.replace(",", " ")[:LONGEST_HINT] for hint in hints[:MOST_HINTS])


def _parts(text: str) -> Iterator[str]:
    """A long text cut where a sentence ends, else between words, else anywhere.

    Error 13521 (twilio.com/docs/api/errors/13521): 3000 bytes for Amazon's voices, 4500 characters once quoted.
    """
    part = ""
    for sentence in _SENTENCE_END.split(text):
        for piece in _pieces(sentence):
            longer = f"{part} {piece}" if part else piece
            if _fits(longer):
                part = longer
            else:
                yield part
                part = piece
    if part.strip():
        yield part


def _pieces(sentence: str) -> Iterator[str]:
    if _fits(sentence):
        yield sentence
        return
    for word in sentence.split():
        for at in range(0, len(word), SHORT_ENOUGH):
            yield word[at : at + SHORT_ENOUGH]


def _fits(text: str) -> bool:
    return len(text) <= SHORT_ENOUGH or (
        len(text.encode()) <= LONGEST_BYTES and len(quote(text, safe="")) <= LONGEST_QUOTED
    )


def escaped(text: str) -> str:
    if not text.isprintable():
        text = _UNWRITABLE.sub("", text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text


def quoted(text: str) -> str:
    return escaped(text).replace('"', "&quot;")
