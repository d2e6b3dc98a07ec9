"""Ids (UUIDv7 as text) and codes, by real chance or by a seed."""

from __future__ import annotations

import random
import secrets
from datetime import datetime
from typing import Protocol


class Now(Protocol):
    def now(self) -> datetime: ...


class Chance:
    """The `Ids` port. ``seed`` None: from the system's chance; a number: the same ids in every run.

    Layout of a UUIDv7: RFC 9562, section 5.7 (48 bits of milliseconds, version, 74 bits of chance).
    """

    def __init__(self, clock: Now, seed: int | None = None) -> None:
        self._clock = clock
        self._random: random.Random = secrets.SystemRandom() if seed is None else random.Random(seed)

    def new(self) -> str:
        """A UUIDv7 of the clock's present millisecond."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        chance = self._random.getrandbits(74)
        high, low = chance >> 62, chance & ((1 << 62) - 1)
        value = milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def code(self, length: int) -> str:
        """So many digits, the first not 0."""
        return str(self._random.randrange(10 ** (length - 1), 10**length))
