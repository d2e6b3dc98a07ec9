"""Long files are cut at quiet places and cost no more memory than short ones."""

from __future__ import annotations

import audioop
import shutil
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import pytest

from ivr.speech import presence
from ivr.speech.audio import RATE, Prepared, prepare

from .conftest import samples, wav


@pytest.fixture(scope="module")
def two_hours(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours of mu-law: a voicemail across every tenth minute, silence between."""
    voice = audioop.lin2ulaw(samples(shared / "audio" / "synthetic" / "it_217.wav"), 2)
    silence = audioop.lin2ulaw(bytes(2), 2)
    data = bytearray(silence * (2 * 3600 * 8000))
    for border in range(600, 7200, 600):
        begin = (border - 3) * 8000
        data[begin : begin + len(voice)] = voice
    return wav(tmp_path_factory.mktemp("two") / "hours.wav", bytes(data), kind=7, bits=8)


@pytest.fixture(scope="module")
def prepared(two_hours: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(two_hours, tmp_path_factory.mktemp("prepared") / "sound.pcm")


MEASURED = """
import resource, sys
from pathlib import Path
from ivr.speech.audio import prepare
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
prepared = prepare(Path(sys.argv[1]), Path(sys.argv[2]))
parts = prepared.parts()
print(len(parts), prepared.samples, parts[-1].first + parts[-1].samples)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("ffmpeg", ["with ffmpeg", "without"])
def test_two_hours_are_prepared_in_little_memory(
    two_hours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ffmpeg: str
) -> None:
    if ffmpeg == "without":
        monkeypatch.setenv("PATH", str(tmp_path))
    command = [sys.executable, "-W", "ignore", "-c", MEASURED, str(two_hours), str(tmp_path / "sound.pcm")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    count, length, covered, more = (int(word) for word in said)
    assert count == 12
    assert length == covered == pytest.approx(7200 * RATE, abs=RATE)
    assert more < 60_000, "kilobytes: a two-hour file whole would be 230,000"


def test_no_word_is_cut_at_the_border_of_two_parts(prepared: Prepared) -> None:
    parts = prepared.parts()
    assert [round(part.start / 600) for part in parts] == list(range(12))
    for part in parts[1:]:
        assert abs(part.start - 600 * round(part.start / 600)) < 5
        frame = part.first // presence.FRAME
        assert max(prepared.levels(frame - 4, frame + 4)) < presence.QUIETEST


def test_parts_cover_every_sample_once(tmp_path: Path) -> None:
    for count in (0, 1, 319, 320, RATE, 25 * RATE + 7, 31 * RATE):
        (tmp_path / "x").write_bytes(b"\x00\x20" * count)
        parts = Prepared(tmp_path / "x", count).parts(10)
        assert parts[0].first == 0
        assert sum(part.samples for part in parts) == count
        assert all(one.first + one.samples == two.first for one, two in pairwise(parts))
        assert all(part.samples <= 15 * RATE for part in parts)


def test_looking_at_the_beginning_only_finds_the_speech_that_the_whole_has(prepared: Prepared) -> None:
    for part in prepared.parts(97.0):
        first, last = part.first // presence.FRAME, (part.first + part.samples) // presence.FRAME
        whole = presence.first_speech(prepared.levels(first, last))
        assert prepared.first_speech(first, last) == (None if whole is None else first + whole)


def test_a_compressed_long_file_streams_through_ffmpeg(two_hours: Path, tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg on this machine")
    flac = tmp_path / "hours.flac"
    subprocess.run([ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(two_hours), str(flac)], check=True)
    command = [sys.executable, "-W", "ignore", "-c", MEASURED, str(flac), str(tmp_path / "sound.pcm")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) == 12 and int(said[3]) < 60_000


def test_sound_is_16_khz_mono_whatever_comes_in(voice: Path, tmp_path: Path) -> None:
    prepared = prepare(voice, tmp_path / "sound.pcm")
    with wave.open(str(voice)) as told:
        seconds = told.getnframes() / told.getframerate()
    assert prepared.seconds == pytest.approx(seconds, abs=0.01)
    assert prepared.pcm.stat().st_size == 2 * prepared.samples
    assert b"".join(prepared.parts()[0].pieces()) == prepared.pcm.read_bytes()


def test_the_opening_begins_shortly_before_somebody_speaks(spoken: bytes, tmp_path: Path) -> None:
    file = wav(tmp_path / "late.wav", bytes(16000 * 50) + spoken)
    opening = prepare(file, tmp_path / "sound.pcm").opening(30)
    assert 49 < opening.start < 50.2
    assert opening.end <= 54.2
