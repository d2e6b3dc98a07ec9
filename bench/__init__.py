"""Benchmarks: `ivr bench NAME`. Each module has `run(emit)`; a ratio above 1 beats the peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One measured figure beside its peer's, taken in the same run; ``ratio`` above 1 means better than the peer."""

    bench: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float
    aim: float | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Emit = Callable[[Entry], None]
NAMES = ("turns", "speech", "exchange", "claims", "waits", "simulate", "reach")
