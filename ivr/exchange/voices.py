"""The voices of the exchange: espeak-ng, out of the library that the wheel ``espeakng-loader`` carries."""

from __future__ import annotations

import audioop
import ctypes
import io
import re
import threading
import wave
from collections import OrderedDict
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_short, c_size_t, c_ubyte, c_uint, c_void_p
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import espeakng_loader

# speak_lib.h of espeak-ng
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 0x01
_POSITION_CHARACTER = 1
_RATE, _RATE_NORMAL = 1, 160  # words a minute; espeak's own 175 is hurried for a telephone
_RATE_MIN, _RATE_MAX = 80, 450
_TELEPHONE = 8000  # samples a second
_XML = "http://www.w3.org/XML/1998/namespace"
_HOME = {"en": "en-gb", "fr": "fr-fr"}  # espeak-ng has no plain voice for these
_PACES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "fast": 1.25, "x-fast": 1.6}
_PAUSES = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 0.75, "x-strong": 1.0}
_WAVS_KEPT, _LENGTHS_KEPT = 200, 50_000

_OnSound = ctypes.CFUNCTYPE(c_int, POINTER(c_short), c_int, c_void_p)


class _Voice(Structure):
    _fields_ = (
        ("name", c_char_p),
        ("languages", POINTER(c_ubyte)),
        ("identifier", c_char_p),
        ("gender", c_ubyte),
        ("age", c_ubyte),
        ("variant", c_ubyte),
        ("xx1", c_ubyte),
        ("score", c_int),
        ("spare", c_void_p),
    )


class NoVoice(Exception):
    """The voices cannot speak: no such language, or the library cannot be loaded."""


class Voices:
    """Texts as speech; the same text always gives the same bytes, whatever was said before it.

    Plain text, or SSML of which breaks, rates, substitutions, languages and spelling out are honoured and the rest is
    read as its words. ``rate`` is a factor: 0.8 speaks slower, 1 as usual. libespeak-ng is not re-entrant: one lock,
    and one load a process.
    """

    def __init__(self) -> None:
        self._wavs: OrderedDict[tuple[str, str, float], bytes] = OrderedDict()
        self._lengths: OrderedDict[tuple[str, str, float], float] = OrderedDict()

    def speak(self, text: str, *, language: str, voice: str = "", rate: float = 1.0) -> bytes:  # noqa: ARG002
        """The text as a WAV file, 8 kHz, 16 bit, mono. Raises NoVoice for a language without a voice.

        Each language has one voice here, whatever the carrier's name of the ``voice``.
        """
        said = (text, language, rate)
        with _LOCK:
            wav = self._wavs.get(said)
            if wav is None:
                wav = _wav(b"".join(_sound(piece) for piece in pieces(text, language, rate)))
            self._remember(said, wav)
        return wav

    def seconds(self, text: str, *, language: str, voice: str = "", rate: float = 1.0) -> float:
        """How long the text takes to say, in seconds. Raises NoVoice for a language without a voice."""
        with _LOCK:
            known = self._lengths.get((text, language, rate))
        return wav_seconds(self.speak(text, language=language, voice=voice, rate=rate)) if known is None else known

    def languages(self) -> list[str]:
        """Every language that can be spoken, as espeak-ng names them (``it``, ``en-gb``)."""
        with _LOCK:
            return sorted(_engine().voices)

    def _remember(self, said: tuple[str, str, float], wav: bytes) -> None:
        self._wavs[said] = wav
        self._lengths[said] = wav_seconds(wav)
        self._wavs.move_to_end(said)
        self._lengths.move_to_end(said)
        while len(self._wavs) > _WAVS_KEPT:
            self._wavs.popitem(last=False)
        while len(self._lengths) > _LENGTHS_KEPT:
            self._lengths.popitem(last=False)


@dataclass(frozen=True)
class Piece:
    """Words to say in one go, or a silence."""

    text: str
    language: str
    rate: float
    pause: float = 0.0  # seconds, after the words


def pieces(text: str, language: str, rate: float) -> list[Piece]:
    """Plain text as it stands; SSML cut where voice, speed or silence change (Twilio docs: Text-to-Speech, SSML)."""
    if "<" not in text:
        return [Piece(text, language, rate)]
    try:
        root = ElementTree.fromstring(f"<speak>{text}</speak>")  # noqa: S314 no DTD can stand inside <speak>
    except ElementTree.ParseError:
        return [Piece(text, language, rate)]
    return [piece for piece in _spoken(root, language, rate) if piece.text.strip() or piece.pause]


def _spoken(element: ElementTree.Element, language: str, rate: float) -> Iterator[Piece]:
    tag = element.tag.rpartition("}")[2]
    language = element.get(f"{{{_XML}}}lang", language)
    rate = rate * _pace(element.get("rate", "")) if tag == "prosody" else rate
    if tag == "break":
        yield Piece("", language, rate, _pause(element))
    elif tag == "sub":
        yield Piece(element.get("alias", ""), language, rate)
    else:
        yield Piece(_spelt(element, element.text or ""), language, rate)
        for child in element:
            yield from _spoken(child, language, rate)
            yield Piece(child.tail or "", language, rate)
    if tag in ("p", "s"):
        yield Piece("", language, rate, 0.4)


def _spelt(element: ElementTree.Element, text: str) -> str:
    spelling = element.get("interpret-as") in ("spell-out", "characters", "digits", "telephone")
    return " ".join(c for c in text if c.isalnum()) if spelling else text


def _pace(rate: str) -> float:
    named = _PACES.get(rate)
    percent = re.fullmatch(r"(\d{1,3})%", rate)
    return named or (int(percent[1]) / 100 if percent else 1.0) or 1.0


def _pause(element: ElementTree.Element) -> float:
    time = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)(ms|s)", element.get("time", ""))
    if time:
        return min(float(time[1]) / (1000 if time[2] == "ms" else 1), 10.0)
    return _PAUSES.get(element.get("strength", "medium"), _PAUSES["medium"])


def _sound(piece: Piece) -> bytes:
    said = _engine().say(piece.text, piece.language, piece.rate) if piece.text.strip() else b""
    return said + bytes(2 * round(piece.pause * _TELEPHONE))


def wav_seconds(wav: bytes) -> float:
    """How long a PCM WAV file is, in seconds. Raises wave.Error or EOFError if it is none."""
    with wave.open(io.BytesIO(wav)) as opened:
        return float(opened.getnframes() / opened.getframerate())


class _Engine:
    """The one libespeak-ng of this process. Everything here is called under the lock."""

    def __init__(self) -> None:
        try:
            self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
            self._data = Path(espeakng_loader.get_data_path())
        except (OSError, RuntimeError) as problem:
            raise NoVoice(
                f"the speech library of the wheel espeakng-loader does not load ({problem}); "
                "install it for this machine: pip install --force-reinstall espeakng-loader"
            ) from problem
        self._declare()
        self.frequency: int = self._lib.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, str(self._data).encode(), _DONT_EXIT
        )
        if self.frequency <= 0:
            raise NoVoice(
                f"espeak-ng found no voices under {self._data}; "
                "install them again: pip install --force-reinstall espeakng-loader"
            )
        self._folder = TemporaryDirectory(prefix="exchange_voices_")
        self._heard = bytearray()
        self._on_sound = _OnSound(self._keep)  # held here: C keeps no reference of its own
        self._lib.espeak_SetSynthCallback(self._on_sound)
        self.voices = self._list_voices()

    def say(self, text: str, language: str, rate: float) -> bytes:
        voice = self._voice_for(language)
        if self._lib.espeak_ng_SetVoiceByFile(str(self._steady(voice)).encode()) != 0:
            raise NoVoice(f"espeak-ng cannot load its voice {voice!r}")
        self._lib.espeak_SetParameter(_RATE, round(min(max(_RATE_NORMAL * rate, _RATE_MIN), _RATE_MAX)), 0)
        encoded = text.replace("\0", " ").encode() + b"\0"
        self._heard.clear()
        problem = self._lib.espeak_Synth(encoded, len(encoded), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
        if problem != 0:
            raise NoVoice(f"espeak-ng could not speak in {voice!r} (its error {problem})")
        return _telephone(bytes(self._heard), self.frequency)

    def _voice_for(self, language: str) -> str:
        """``it-IT`` is spoken by ``it``; ``en-US`` by ``en-us``."""
        wanted = language.lower().replace("_", "-")
        plain = wanted.partition("-")[0]
        for name in (wanted, plain, _HOME.get(plain, plain)):
            if name in self.voices:
                return self.voices[name]
        raise NoVoice(f"no voice speaks {language!r}; there are {', '.join(sorted(self.voices))}")

    def _steady(self, voice: str) -> Path:
        """The voice without flutter and roughness: espeak-ng keeps both going from one text to the next (measured:
        the same sentence came out in six lengths), and a call in virtual time has to be the same each time.
        """
        file = Path(self._folder.name) / re.sub("[^a-z0-9]", "_", voice.lower())  # en-US is not found under capitals
        if not file.exists():
            shipped = (self._data / "lang" / voice).read_text(encoding="utf-8")
            file.write_text(f"{shipped}\nflutter 0\nroughness 0\n", encoding="utf-8")
        return file

    def _keep(self, samples: ctypes._Pointer[c_short] | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._heard += ctypes.string_at(samples, count * 2)
        return 0  # go on

    def _declare(self) -> None:
        lib = self._lib
        lib.espeak_Initialize.argtypes = (c_int, c_int, c_char_p, c_int)
        lib.espeak_SetSynthCallback.argtypes = (_OnSound,)
        lib.espeak_ng_SetVoiceByFile.argtypes = (c_char_p,)
        lib.espeak_SetParameter.argtypes = (c_int, c_int, c_int)
        lib.espeak_Synth.argtypes = (c_char_p, c_size_t, c_uint, c_int, c_uint, c_uint, POINTER(c_uint), c_void_p)
        lib.espeak_ListVoices.argtypes = (c_void_p,)
        lib.espeak_ListVoices.restype = POINTER(POINTER(_Voice))

    def _list_voices(self) -> dict[str, str]:
        found: dict[str, str] = {}
        listed = self._lib.espeak_ListVoices(None)
        n = 0
        while listed[n]:
            voice = listed[n].contents
            # A priority byte, then the language's name; the first of several is the one a voice is made for.
            language = ctypes.string_at(ctypes.addressof(voice.languages.contents) + 1).decode()
            found.setdefault(language, (voice.identifier or voice.name).decode())
            n += 1
        return found


_LOCK = threading.RLock()
_LOADED: list[_Engine] = []


def _engine() -> _Engine:
    """The library keeps its state in globals of its own, so it is loaded once a process, at the first word."""
    if not _LOADED:
        _LOADED.append(_Engine())
    return _LOADED[0]


def _telephone(samples: bytes, frequency: int) -> bytes:
    """As a telephone carries it, at 8 kHz; what lies above is dulled first, so that it does not fold back."""
    for _ in range(4):
        samples, _state = audioop.ratecv(samples, 2, 1, frequency, frequency, None, 1, 1)
    return audioop.ratecv(samples, 2, 1, frequency, _TELEPHONE, None)[0]


def _wav(samples: bytes) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(_TELEPHONE)
        wav.writeframes(samples)
    return made.getvalue()
