"""Chance out of one seed: the same seed and script give the same run, byte for byte."""

from __future__ import annotations

import random


class Chance:
    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def sid(self, prefix: str) -> str:
        """A Twilio identifier: two letters and 32 hex digits."""
        return f"{prefix}{self._random.getrandbits(128):032x}"

    def token(self) -> str:
        """An idempotency token, shaped like a version 4 UUID."""
        bits = self._random.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
