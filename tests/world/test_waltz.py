"""The hold music is made by us, always the same, and fit for a telephone."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from ivr.world import waltz as music
from ivr.world.waltz import waltz

SHIPPED = Path(__file__).resolve().parents[2] / "call_flows" / "sounds" / "waltz.wav"


def test_the_shipped_waltz_is_the_one_that_is_written_here() -> None:
    assert waltz() == SHIPPED.read_bytes()


def test_it_is_a_telephone_s_mono_in_three_four_time_that_neither_clips_nor_clicks() -> None:
    with wave.open(io.BytesIO(SHIPPED.read_bytes())) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 8000)
        frames = wav.readframes(wav.getnframes())
    samples = [int.from_bytes(frames[at : at + 2], "little", signed=True) for at in range(0, len(frames), 2)]
    assert len(samples) / 8000 == 38.4
    assert 8000 < max(map(abs, samples)) <= 9000
    steps = [abs(one - other) for one, other in zip(samples, [*samples[1:], samples[0]], strict=True)]
    assert steps[-1] <= max(steps[:-1])  # the end runs into the beginning


def test_harmony_and_melody_are_of_one_length() -> None:
    assert len(music.MELODY) == 3 * len(music.HARMONY) == 96
