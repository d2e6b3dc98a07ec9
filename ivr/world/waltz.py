"""The house's own hold music: a short waltz in F, written here note by note, so that it belongs to nobody else.

Integer arithmetic only, so that it is the same file byte for byte wherever it is made; its end runs into its beginning.
"""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Iterator
from functools import lru_cache

RATE = 8000  # as telephones have it
BEAT = 3200  # samples: 150 beats a minute
BAR = 3 * BEAT
LOUDEST = 9000  # of 32767: music one can speak above

FULL_TURN = 1 << 32
SINE = tuple(round(16384 * math.sin(2 * math.pi * step / 1024)) for step in range(1024))
PARTIALS = ((1, 16), (2, 5), (3, 2))  # multiple of the pitch, strength of 16
ATTACK, RELEASE = 80, 400  # samples
FADES_EVERY, FADES_BY = 64, 110  # each so many samples a note loses 1/110th: a plucked string, softly

Note = tuple[int, int, int, int]  # first sample, samples, pitch (MIDI: 69 is A, 440 Hz), strength

CHORDS = {
    "F": (41, (57, 60, 65)),
    "Gm": (43, (58, 62, 67)),
    "C7": (36, (58, 60, 64)),
    "Dm": (38, (57, 62, 65)),
}
"""Bass, and what answers it on the second and third beat."""

FIRST = "F F C7 C7 Gm C7 F F"
MIDDLE = "Dm Dm Gm Gm C7 C7 F C7"
HARMONY = f"{FIRST} {FIRST} {MIDDLE} {FIRST}".split()

# Pitches of a bar, each for one beat, or for as many as the dashes after it add; r is a rest.
OPENING = "69 - 72, 77 - 76, 74 - 72, 70 - -, 70 - 74, 72 70 67, 69 - -, r 65 67"
CLOSING = "69 - 72, 77 - 79, 76 - 74, 72 - -, 74 72 70, 67 - 76, 77 - -, - - r"
AWAY = "74 - 69, 77 - 74, 70 - 74, 79 - 77, 76 77 79, 76 - 72, 77 - 72, 70 69 67"
MELODY = " ".join((OPENING, CLOSING, AWAY, CLOSING)).replace(",", "").split()


def waltz() -> bytes:
    """The music as a WAV file: 38.4 s, 16 bit, mono, 8 kHz."""
    length = len(HARMONY) * BAR
    mixed = [0] * length
    for first, samples, pitch, strength in (*_accompaniment(), *_melody()):
        for at, value in enumerate(_tone(pitch, samples), first):
            mixed[at % length] += value * strength
    loudest = max(abs(value) for value in mixed)
    frames = b"".join((value * LOUDEST // loudest).to_bytes(2, "little", signed=True) for value in mixed)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(frames)
    return file.getvalue()


def _accompaniment() -> Iterator[Note]:
    for bar, name in enumerate(HARMONY):
        bass, chord = CHORDS[name]
        yield bar * BAR, 2 * BEAT, bass + 12, 9
        for beat in (1, 2):
            for pitch in chord:
                yield bar * BAR + beat * BEAT, BEAT, pitch, 3


def _melody() -> Iterator[Note]:
    for beat, word in enumerate(MELODY):
        if word.isdigit():
            held = 1
            while beat + held < len(MELODY) and MELODY[beat + held] == "-":
                held += 1
            yield beat * BEAT, held * BEAT + BEAT // 2, int(word), 10


@lru_cache
def _tone(pitch: int, samples: int) -> tuple[int, ...]:
    turn = round(440 * 2 ** ((pitch - 69) / 12) * FULL_TURN / RATE)
    loud = 1 << 12
    values = []
    for at in range(samples):
        if at % FADES_EVERY == 0:
            loud -= loud // FADES_BY
        value = sum(SINE[(at * turn * times % FULL_TURN) >> 22] * strength for times, strength in PARTIALS)
        edge = min(at * RELEASE // ATTACK, samples - at, RELEASE)
        values.append((value * loud >> 16) * edge // RELEASE)
    return tuple(values)
