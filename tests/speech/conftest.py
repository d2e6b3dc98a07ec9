"""Sound for the speech room's tests: real voicemails from the shared folder, bent into every shape."""

from __future__ import annotations

import audioop
import random
import struct
import wave
from pathlib import Path

import pytest

from ivr.config import BUNDLED_MODELS
from ivr.speech.engine import Engine
from ivr.speech.models import ModelShelf
from ivr.speech.transcriber import VoskTranscriber

SAID_200 = "pronto buongiorno sono un vostro cliente l'armadio è rotto"


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(ModelShelf(BUNDLED_MODELS))


@pytest.fixture(scope="session")
def transcriber(engine: Engine) -> VoskTranscriber:
    return VoskTranscriber(engine)


@pytest.fixture(scope="session")
def voice(shared: Path) -> Path:
    """A voicemail of four seconds, 8 kHz 16 bit, that says SAID_200."""
    return shared / "audio" / "synthetic" / "it_200.wav"


@pytest.fixture(scope="session")
def spoken(voice: Path) -> bytes:
    """Its samples: 8 kHz, mono, 16 bit."""
    return samples(voice)


@pytest.fixture
def without_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def samples(file: Path) -> bytes:
    with wave.open(str(file)) as opened:
        return opened.readframes(opened.getnframes())


def wav(
    file: Path,
    data: bytes,
    *,
    kind: int = 1,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    says: int | None = None,
) -> Path:
    """A WAV file written by hand, as recorders do, with any length in its header."""
    frame = channels * bits // 8
    length = len(data) if says is None else says
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)
    head = b"RIFF" + struct.pack("<I", min(length + 36, 0xFFFFFFFF)) + b"WAVE"
    file.write_bytes(head + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", length) + data)
    return file


def noise(seconds: float, rms: int, rate: int = 8000, seed: int = 7) -> bytes:
    chance = random.Random(seed)
    return b"".join(
        struct.pack("<h", max(-32768, min(32767, round(chance.gauss(0, rms))))) for _ in range(int(seconds * rate))
    )


def two_channels(left: bytes, right: bytes) -> bytes:
    return audioop.add(audioop.tostereo(left, 2, 1, 0), audioop.tostereo(right, 2, 0, 1), 2)
