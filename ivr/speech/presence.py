"""Is anybody there? Energy only, no recogniser: models are sure of themselves on noise too.

Speech rises and falls with its syllables; silence, hum, hiss and tones stay level. So a frame of 20 ms *stands out*
when it is above the quietest loudness we count at all and clearly above the floor of a steady stretch around it, and
somebody speaks where enough frames within 1.5 s do. Only the band around 1 kHz counts, where voices are strong and hum,
rumble and hiss are weak. On the 66 test recordings under white noise as loud as the voice (0 dB), 19 frames stood out
in the worst, against 1 in minutes of white and brown noise; 8 are asked for.
"""

from __future__ import annotations

import audioop
import math
from collections.abc import Iterable, Sequence

RATE = 16_000
FRAME = 320  # samples: 20 ms
FRAMES_A_SECOND = RATE // FRAME
NOTHING = -100.0  # dB, digital silence
QUIETEST = -62.0  # dB under full scale: below it nobody is meant to be heard
RISE = 4.0  # dB above the floor
WINDOW, HOP = 75, 25  # frames: 1.5 s, every 0.5 s
LEAST = 8  # frames in a window: 0.16 s, shorter than a spoken "no"
SURE = 2 * WINDOW  # frames from a first speech on: those that tell it, and those of the last window around them
QUIET_FRAMES = 15  # 0.3 s
DIFFERENCE, MEANS = 8, (2, 1)  # samples
LOOK_BACK = DIFFERENCE + sum(MEANS)  # samples that the band filter needs of what came before


def levels(pcm: bytes, before: bytes = b"") -> list[float]:
    """Loudness around 1 kHz of each whole 20 ms frame of 16 kHz mono, in dB; ``before`` are the samples before it."""
    pcm = pcm[: len(pcm) // (2 * FRAME) * 2 * FRAME]
    before = before[-2 * LOOK_BACK :].rjust(2 * LOOK_BACK, b"\0")
    band = memoryview(_band(before + pcm))
    return [_decibel(audioop.rms(band[i : i + 2 * FRAME], 2)) for i in range(0, len(pcm), 2 * FRAME)]


def standing_out(heard: Sequence[float]) -> list[int]:
    """Indexes of the frames that stand out, in order."""
    return [i for i, (level, floor) in enumerate(zip(heard, _floors(heard), strict=True)) if _stands(level, floor)]


def first_speech(heard: Sequence[float]) -> int | None:
    """The frame at which somebody begins to speak; None only when it is as good as sure that nobody does."""
    out = standing_out(heard)
    return next((one for one, last in zip(out, out[LEAST - 1 :], strict=False) if last - one < WINDOW), None)


def quietest(heard: Sequence[float], first: int, last: int, width: int = QUIET_FRAMES) -> int:
    """The middle of the quietest 0.3 s that begins between two frames: a place to cut without cutting a word."""
    first, last = max(0, first), min(last, len(heard) - width)
    if last <= first:
        return max(0, min(first, len(heard)))
    loudness = sum(heard[first : first + width])
    best, least = first, loudness
    for i in range(first + 1, last):
        loudness += heard[i + width - 1] - heard[i - 1]
        if loudness < least - 1e-6:
            best, least = i, loudness
    return best + width // 2


def _stands(level: float, floor: float) -> bool:
    return level > QUIETEST and level > floor + RISE


def _floors(heard: Sequence[float]) -> Iterable[float]:
    """For each frame the highest floor (10th percentile) of the windows it lies in: noise is steady once begun."""
    floors = [NOTHING] * len(heard)
    for begin in range(0, max(1, len(heard) - WINDOW + HOP), HOP):
        window = sorted(heard[begin : begin + WINDOW])
        if not window:
            continue
        floor = window[len(window) // 10]
        for i in range(begin, min(begin + WINDOW, len(heard))):
            floors[i] = max(floors[i], floor)
    return floors


def _band(pcm: bytes) -> bytes:
    """Combs: the difference at 0.5 ms (nothing left at 0 and 2 kHz), then two means (nothing at 4 and 8 kHz).

    The first LOOK_BACK samples are used up. Views, not copies: the filter is most of what preparing costs.
    """
    half = memoryview(audioop.mul(pcm, 2, 0.5))
    risen = audioop.add(half[2 * DIFFERENCE :], audioop.mul(half[: -2 * DIFFERENCE], 2, -1.0), 2)
    for lag in MEANS:
        halved = memoryview(audioop.mul(risen, 2, 0.5))
        risen = audioop.add(halved[2 * lag :], halved[: -2 * lag], 2)
    return risen


def _decibel(rms: int) -> float:
    return 20 * math.log10(rms / 32768) if rms else NOTHING
