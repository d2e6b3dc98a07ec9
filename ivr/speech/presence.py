"""Is anybody there? Energy only, no recogniser: models are sure of themselves on noise too.

Speech rises and falls with its syllables; silence, hum, hiss and tones stay level. So a frame of 20 ms *stands out*
when it is above the quietest loudness we count at all and clearly above the floor of a steady stretch around it.
Measured on a first difference of the samples, which takes hum and rumble away.
"""

from __future__ import annotations

import audioop
import math
from collections.abc import Iterable, Sequence

RATE = 16_000
FRAME = 320  # samples: 20 ms
FRAMES_A_SECOND = RATE // FRAME
NOTHING = -100.0  # dB, digital silence
QUIETEST = -62.0  # dB under full scale, of the difference: below it nobody is meant to be heard
RISE = 6.0  # dB above the floor
WINDOW, HOP = 75, 25  # frames: 1.5 s, every 0.5 s
LEAST = 8  # frames: 0.16 s, shorter than a spoken "no"


def levels(pcm: bytes, before: bytes = b"\0\0") -> list[float]:
    """Loudness of each whole 20 ms frame of 16 kHz mono, in dB under full scale; ``before`` is the sample before it."""
    pcm = pcm[: len(pcm) // (2 * FRAME) * 2 * FRAME]
    earlier = (before[-2:] + pcm)[: len(pcm)]
    steps = audioop.add(pcm, audioop.mul(earlier, 2, -1.0), 2)
    return [_decibel(audioop.rms(steps[i : i + 2 * FRAME], 2)) for i in range(0, len(steps), 2 * FRAME)]


def standing_out(heard: Sequence[float]) -> list[int]:
    """Indexes of the frames that stand out, in order."""
    return [i for i, (level, floor) in enumerate(zip(heard, _floors(heard), strict=True)) if _stands(level, floor)]


def somebody_speaks(heard: Sequence[float]) -> bool:
    """False only when it is as good as sure that there is nothing but silence, steady noise or a tone."""
    return len(standing_out(heard)) >= LEAST


def quietest(heard: Sequence[float], first: int, last: int, width: int = 15) -> int:
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


def _decibel(rms: int) -> float:
    return 20 * math.log10(rms / 32768) if rms else NOTHING
