"""Audio of any kind to what the recogniser wants: 16 kHz, mono, 16 bit, on disk, cut at quiet places.

WAV with PCM, mu-law or A-law is read here and prepared with pydub, a minute at a time, so that a two-hour file costs no
more memory than a short one and needs no ffmpeg. Everything else, and sampling rates above 16 kHz (which want a real
low-pass filter), streams through ffmpeg when there is one.
"""

from __future__ import annotations

import audioop
import shutil
import struct
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

from ivr.core.errors import IvrError
from ivr.speech import presence

with warnings.catch_warnings():
    # pydub looks for ffmpeg when it is imported and warns without; we say so ourselves, when it matters.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="pydub")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from pydub import AudioSegment

RATE = presence.RATE
WIDTH = 2  # bytes a sample
PART_SECONDS = 600.0
NEAR = 5.0  # seconds around a border in which a quiet place is looked for
MARGIN = RATE  # samples
LOOK_FRAMES = 10 * presence.FRAMES_A_SECOND  # how much is looked at first for somebody who speaks
BLOCK_SECONDS = 60
BLOCK_LIMIT = 64 << 20  # bytes: absurd formats get shorter blocks

PCM, MULAW, ALAW, EXTENSIBLE = 0x0001, 0x0007, 0x0006, 0xFFFE
OURS = {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (MULAW, 8), (ALAW, 8)}

FORMATS = "aac,aiff,amr,amrnb,amrwb,asf,au,caf,flac,gsm,m4a,matroska,mov,mp3,mp4,ogg,w64,wav,webm"
"""What ffmpeg may take a file for: none of its playlists, which would fetch other files and addresses."""

CONTAINERS: tuple[tuple[int, bytes], ...] = (
    (0, b"ID3"),
    (0, b"\xff\xfb"),
    (0, b"\xff\xf3"),
    (0, b"\xff\xf2"),
    (0, b"\xff\xfa"),
    (0, b"\xff\xf1"),
    (0, b"\xff\xf9"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"\x1a\x45\xdf\xa3"),
    (4, b"ftyp"),
    (0, b"#!AMR"),
    (0, b"RF64"),
    (0, b"FORM"),
    (0, b".snd"),
    (0, b"caff"),
    (0, b"\x30\x26\xb2\x75"),
)
"""How sound files begin that only ffmpeg reads: mp3, aac, ogg, flac, webm, m4a, amr, big WAV, aiff, au, caf, wma."""


class Unreadable(IvrError):
    """The file is broken, or no sound."""


class NeedsFfmpeg(IvrError):
    """ffmpeg is needed for this kind of file and is not installed."""


class PartUnreadable(IvrError):
    """The recogniser cannot get through this part."""


@dataclass(frozen=True)
class Part:
    """A stretch of a prepared file, in samples of 16 kHz; small enough to travel, unlike its sound.

    It is heard with a second more on both sides, so that a word at its border is whole; the words that have their
    middle inside are its own.
    """

    pcm: Path
    first: int
    samples: int

    @property
    def start(self) -> float:
        return self.first / RATE

    @property
    def end(self) -> float:
        return (self.first + self.samples) / RATE

    @property
    def heard_from(self) -> int:
        return max(0, self.first - MARGIN)

    def pieces(self, seconds: float = 0.25) -> Iterator[bytes]:
        """Its sound with the margins, a piece at a time."""
        size = int(seconds * RATE) * WIDTH
        left = (self.first + self.samples + MARGIN - self.heard_from) * WIDTH
        with self.pcm.open("rb") as sound:
            sound.seek(self.heard_from * WIDTH)
            while left and (piece := sound.read(min(size, left))):
                left -= len(piece)
                yield piece

    def owns(self, begin: float, end: float) -> bool:
        """Whether a word between these seconds of the file is this part's."""
        return self.start <= (begin + end) / 2 < self.end


@dataclass(frozen=True)
class Prepared:
    """A file as 16 kHz mono 16 bit PCM without a header; ``missing`` says what of it could not be read."""

    pcm: Path
    samples: int
    missing: str | None = None

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    def parts(self, length: float = PART_SECONDS) -> list[Part]:
        """The whole, in parts of about ``length`` seconds, cut where it is quiet."""
        near = min(NEAR, length / 4)
        borders = [0]
        while self.seconds > (middle := len(borders) * length) + near:
            first, last = (int(at * presence.FRAMES_A_SECOND) for at in (middle - near, middle + near))
            quiet = first + presence.quietest(self.levels(first, last + presence.QUIET_FRAMES), 0, last - first)
            borders.append(quiet * presence.FRAME)
        return [Part(self.pcm, begin, end - begin) for begin, end in pairwise([*borders, self.samples])]

    def somebody_speaks(self, part: Part) -> bool:
        return (
            self.first_speech(part.first // presence.FRAME, (part.first + part.samples) // presence.FRAME) is not None
        )

    def opening(self, seconds: float) -> Part:
        """The first ``seconds`` from shortly before somebody begins to speak."""
        first = (self.first_speech(0, self.samples // presence.FRAME) or 0) * presence.FRAME
        begin = max(0, first - RATE // 2)
        return Part(self.pcm, begin, min(int(seconds * RATE), self.samples - begin))

    def levels(self, first: int, last: int) -> list[float]:
        """Loudness of the frames from ``first`` to before ``last``, as ``presence.levels`` says."""
        begin = max(0, first * presence.FRAME - presence.LOOK_BACK)
        with self.pcm.open("rb") as sound:
            sound.seek(begin * WIDTH)
            before = sound.read((first * presence.FRAME - begin) * WIDTH)
            return presence.levels(sound.read((last - first) * presence.FRAME * WIDTH), before)

    def first_speech(self, first: int, last: int) -> int | None:
        """The frame between these two at which somebody begins to speak; in most recordings seconds are looked at.

        What comes after a frame can still drown it, as far as ``presence.SURE`` says.
        """
        heard: list[float] = []
        while first + len(heard) < last:
            more = min(max(LOOK_FRAMES, len(heard)), BLOCK_SECONDS * presence.FRAMES_A_SECOND)
            heard += self.levels(first + len(heard), min(last, first + len(heard) + more))
            found = presence.first_speech(heard)
            if found is not None and (found + presence.SURE <= len(heard) or first + len(heard) >= last):
                return first + found
        return None


@dataclass(frozen=True)
class _Form:
    """How samples lie in a WAV file."""

    kind: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        return self.channels * self.bits // 8


def prepare(path: Path, pcm: Path) -> Prepared:
    """Write the sound of ``path`` to ``pcm``.

    Raises Unreadable and NeedsFfmpeg for what is in the file, OSError for what is wrong with the disk under ``pcm``.
    """
    with _opened(path) as wave, pcm.open("wb") as out:
        for block in wave.blocks():
            out.write(_mono(_sixteen_bits(block, wave.form), wave.form))
    return Prepared(pcm, pcm.stat().st_size // WIDTH, wave.missing)


class _Wave:
    """A WAV file being read from start to end, from disk or from ffmpeg."""

    def __init__(self, stream: BinaryIO, form: _Form, declared: int | None) -> None:
        self._stream, self.form, self._declared = stream, form, declared
        self.missing: str | None = None

    def blocks(self) -> Iterator[bytes]:
        """Whole frames, about a minute at a time."""
        size = min(BLOCK_SECONDS * self.form.rate * self.form.frame, BLOCK_LIMIT)
        size -= size % self.form.frame
        got = 0
        while block := self._stream.read(size if self._declared is None else min(size, self._declared - got)):
            got += len(block)
            if whole := block[: len(block) // self.form.frame * self.form.frame]:
                yield whole
        a_second = self.form.rate * self.form.frame
        if self._declared is not None and self._declared - got > a_second / 10:
            self.missing = (
                f"the file ends after {got / a_second:.1f} s, but says that it holds {self._declared / a_second:.1f} s"
            )


@contextmanager
def _opened(path: Path) -> Iterator[_Wave]:
    try:
        regular, begin = path.is_file(), b""
        if regular:
            with path.open("rb") as content:
                begin = content.read(16)
    except OSError as why:
        raise Unreadable(f"the file cannot be opened: {why.strerror}") from why
    if not regular:
        raise Unreadable("there is no such file")
    if not begin:
        raise Unreadable("the file is empty")
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        with path.open("rb") as stream:
            form, declared = _header(stream)
            readable = (form.kind, form.bits) in OURS
            if readable and (form.rate <= RATE or not shutil.which("ffmpeg")):
                yield _Wave(stream, form, declared)
                return
        known = True
    else:
        known = any(begin[at:].startswith(mark) for at, mark in CONTAINERS)
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        if known:
            raise NeedsFfmpeg
        raise Unreadable("the file is not sound, or of a kind we do not know")
    with _decoded(path, ffmpeg) as wave:
        yield wave


@contextmanager
def _decoded(path: Path, ffmpeg: str) -> Iterator[_Wave]:
    """The file's first sound track, as ffmpeg decodes it."""
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-protocol_whitelist", "file,pipe"]
    command += ["-format_whitelist", FORMATS, "-i", f"file:{path}", "-map", "0:a:0", "-vn"]
    command += ["-ar", str(RATE), "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        stream = cast(BinaryIO, process.stdout)
        try:
            form, _ = _header(stream)
        except Unreadable as why:
            raise Unreadable("the file is broken: ffmpeg finds no sound in it") from why
        wave = _Wave(stream, form, None)
        yield wave
    if process.returncode:
        wave.missing = "the file breaks off: ffmpeg could not decode it to the end"


def _header(stream: BinaryIO) -> tuple[_Form, int | None]:
    """The form of the samples and how many bytes of them are declared, the stream then standing at the first.

    None: not known, as recorders write that cannot go back to fill in a length.
    """
    stream.read(12)
    form: _Form | None = None
    while len(head := stream.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            if form is None:
                break
            return form, (size if 0 < size < 0x7FFF0000 else None)
        size += size % 2
        body = stream.read(min(size, 64))
        for left in range(size - len(body), 0, -BLOCK_LIMIT):
            stream.read(min(left, BLOCK_LIMIT))
        if name == b"fmt ":
            form = _form(body)
    raise Unreadable("the WAV header is broken")


def _form(body: bytes) -> _Form:
    if len(body) < 16:
        raise Unreadable("the WAV header is broken")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind == EXTENSIBLE and len(body) >= 26:
        (kind,) = struct.unpack_from("<H", body, 24)
    if not (1 <= channels <= 32 and 1000 <= rate <= 768_000):
        raise Unreadable(f"the WAV header is broken: {channels} channels, {rate} samples a second")
    return _Form(kind, channels, rate, bits)


def _sixteen_bits(block: bytes, form: _Form) -> bytes:
    if form.kind == MULAW:
        return audioop.ulaw2lin(block, WIDTH)
    if form.kind == ALAW:
        return audioop.alaw2lin(block, WIDTH)
    if form.bits == 8:  # the only PCM without a sign
        return audioop.lin2lin(audioop.bias(block, 1, -128), 1, WIDTH)
    return audioop.lin2lin(block, form.bits // 8, WIDTH)


def _mono(block: bytes, form: _Form) -> bytes:
    """One channel at 16 kHz out of all that carry something; the loudest alone where they cancel one another."""
    sound = AudioSegment(block, sample_width=WIDTH, frame_rate=form.rate, channels=form.channels)
    voices = sound.split_to_mono() if form.channels > 1 else [sound]
    loudest = max(voices, key=lambda voice: int(voice.rms))
    heard = [voice for voice in voices if voice.rms * 10 >= loudest.rms]
    if len(heard) > 1:
        mixed = audioop.mul(heard[0].raw_data, WIDTH, 1 / len(heard))
        for voice in heard[1:]:
            mixed = audioop.add(mixed, audioop.mul(voice.raw_data, WIDTH, 1 / len(heard)), WIDTH)
        if audioop.rms(mixed, WIDTH) * 2 >= loudest.rms:
            loudest = AudioSegment(mixed, sample_width=WIDTH, frame_rate=form.rate, channels=1)
    return bytes(loudest.set_frame_rate(RATE).raw_data)
