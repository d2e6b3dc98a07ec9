"""Sound on the line: 16 bit mono PCM at 8 kHz, how long words take, silence, and WAV files."""

from __future__ import annotations

import io
import math
import re
import warnings
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ivr.exchange.twiml import Verb

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 8000
WIDTH = 2
SILENT_BELOW = 200  # root mean square of a 20 ms window, of 32768
WINDOW = RATE // 50 * WIDTH
CHARACTERS_A_SECOND = 15.0
PAUSE_AFTER = {".": 0.5, "!": 0.5, "?": 0.5, ";": 0.3, ":": 0.3, ",": 0.2}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.0}
_PUNCTUATION = re.compile(r"[.!?;:,](?=\s|$)")
_SPACE = re.compile(r"\s+")


class WavUnreadable(ValueError):
    """Not a WAV file of 8 or 16 bit PCM, or mu-law or A-law."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is to be said, how slow, and about how long it takes."""

    text: str
    seconds: float
    rate: float = 1.0


def words_take(text: str, rate: float = 1.0) -> float:
    """About how many seconds a voice takes for a text."""
    pauses = sum(PAUSE_AFTER[mark] for mark in _PUNCTUATION.findall(text))
    return (len(text) / CHARACTERS_A_SECOND + pauses) / rate


def spoken(say: Verb) -> Spoken:
    """The words of a Say with its SSML (https://www.twilio.com/docs/voice/twiml/say/text-speech#ssml)."""
    pieces: list[tuple[str, float]] = []
    breaks = _gather(say, 1.0, pieces)
    text = _SPACE.sub(" ", "".join(piece for piece, _ in pieces)).strip()
    seconds = breaks + sum(words_take(_SPACE.sub(" ", piece).strip(), rate) for piece, rate in pieces)
    slowest = min((rate for piece, rate in pieces if piece.strip()), default=1.0)
    return Spoken(text, seconds, slowest)


def _gather(element: Verb, rate: float, pieces: list[tuple[str, float]]) -> float:
    breaks = 0.0
    for one in element.content:
        if isinstance(one, str):
            pieces.append((one, rate))
        elif one.tag == "break":
            breaks += _break(one)
        elif one.tag == "sub":
            pieces.append((one.get("alias") or one.text, rate))
        elif one.tag == "prosody":
            breaks += _gather(one, rate * speed(one.get("rate", "medium")), pieces)
        else:
            breaks += _gather(one, rate, pieces)
            if one.tag in ("p", "s"):
                breaks += 0.5
                pieces.append((" ", rate))
    return breaks


def _break(element: Verb) -> float:
    time = element.get("time")
    if time:
        return float(time[:-2]) / 1000 if time.endswith("ms") else float(time[:-1])
    return BREAKS[element.get("strength", "medium")]


def speed(text: str) -> float:
    """A prosody rate: a word or a percentage."""
    if text in RATES:
        return RATES[text]
    try:
        return min(4.0, max(0.2, float(text.removesuffix("%")) / 100))
    except ValueError:
        return 1.0


@lru_cache(maxsize=64)
def pcm_of(wav: bytes) -> bytes:
    """A WAV file of any common kind, as the line carries it; raises WavUnreadable."""
    pcm, width, channels, rate = _decode(wav)
    if width == 1:
        pcm, width = audioop.bias(pcm, 1, -128), 1
    if width != WIDTH:
        pcm = audioop.lin2lin(pcm, width, WIDTH)
    if channels == 2:
        pcm = audioop.tomono(pcm, WIDTH, 0.5, 0.5)
    elif channels != 1:
        raise WavUnreadable(f"{channels} channels")
    if rate != RATE:
        pcm, _ = audioop.ratecv(pcm, WIDTH, 1, rate, RATE, None)
    return pcm


def _decode(wav: bytes) -> tuple[bytes, int, int, int]:
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise WavUnreadable("not a WAV file")
    at, form, data = 12, b"", b""
    while at + 8 <= len(wav):
        name, size = wav[at : at + 4], int.from_bytes(wav[at + 4 : at + 8], "little")
        chunk = wav[at + 8 : at + 8 + size]
        form, data = (chunk, data) if name == b"fmt " else (form, chunk) if name == b"data" else (form, data)
        at += 8 + size + size % 2
    if len(form) < 16:
        raise WavUnreadable("no format in the WAV file")
    kind, channels = int.from_bytes(form[:2], "little"), int.from_bytes(form[2:4], "little")
    rate, bits = int.from_bytes(form[4:8], "little"), int.from_bytes(form[14:16], "little")
    if kind == 0xFFFE and len(form) >= 26:
        kind = int.from_bytes(form[24:26], "little")
    if not channels or not rate:
        raise WavUnreadable("an impossible format in the WAV file")
    if kind == 7:
        return audioop.ulaw2lin(data, WIDTH), WIDTH, channels, rate
    if kind == 6:
        return audioop.alaw2lin(data, WIDTH), WIDTH, channels, rate
    if kind != 1 or bits not in (8, 16, 24, 32):
        raise WavUnreadable(f"WAV format {kind} with {bits} bits")
    return data[: len(data) // (bits // 8 * channels) * (bits // 8 * channels)], bits // 8, channels, rate


def wav_of(pcm: bytes, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(WIDTH)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return out.getvalue()


def seconds_of(pcm: bytes) -> float:
    return len(pcm) / (RATE * WIDTH)


@lru_cache(maxsize=64)
def audible(pcm: bytes) -> tuple[float, float] | None:
    """From when to when (seconds) something can be heard; None when all is silence."""
    windows = [at for at in range(0, len(pcm), WINDOW) if audioop.rms(pcm[at : at + WINDOW], WIDTH) >= SILENT_BELOW]
    if not windows:
        return None
    return windows[0] / (RATE * WIDTH), min(len(pcm), windows[-1] + WINDOW) / (RATE * WIDTH)


def trimmed(pcm: bytes) -> bytes:
    """Without the silence at both ends."""
    heard = audible(pcm)
    if heard is None:
        return b""
    start, end = (round(second * RATE) * WIDTH for second in heard)
    return pcm[start:end]


def mixed(pieces: Iterable[tuple[float, bytes]], seconds: float) -> bytes:
    """A stretch of line of so many seconds, with pieces of sound at their offsets (negative: begun before it)."""
    line = bytearray(round(seconds * RATE) * WIDTH)
    for offset, pcm in pieces:
        start = round(offset * RATE) * WIDTH
        if start < 0:
            pcm, start = pcm[-start:], 0
        pcm = pcm[: max(0, len(line) - start)]
        if pcm:
            line[start : start + len(pcm)] = audioop.add(bytes(line[start : start + len(pcm)]), pcm, WIDTH)
    return bytes(line)


def stereo(left: bytes, right: bytes) -> bytes:
    return audioop.add(audioop.tostereo(left, WIDTH, 1, 0), audioop.tostereo(right, WIDTH, 0, 1), WIDTH)


def whole_seconds(seconds: float) -> int:
    """A recording's duration as Twilio shows it: whole seconds, at least one of what is not empty."""
    return max(1, math.floor(seconds + 0.5)) if seconds > 0 else 0
