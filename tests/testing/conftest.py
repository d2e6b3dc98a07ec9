"""A telephone network of strings, for testing the player: a line is a generator of what the caller perceives.

It yields ``("say", text)`` (a second for each three words), ``("ask", seconds)`` and is sent the keys or None,
``("tone", seconds)`` and is sent how long somebody spoke, ``("rest", seconds)``; when it returns the call ends.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ivr.exchange.handset import Perceived
from ivr.exchange.records import CarrierRefused

Line = Callable[[], Generator[tuple[str, Any], Any, None]]


class StringPhone:
    def __init__(self, network: StringNetwork, sid: str, line: Line) -> None:
        self.sid, self._network, self._line = sid, network, line()
        self._perceived: list[Perceived] = []
        self._doing = ("", "")
        self._step = 0
        self._over = False
        network.at(1.0, lambda: (self._notice("answered"), self._go_on(None)))

    def perceived(self, after: int = 0) -> list[Perceived]:
        return self._perceived[after:]

    def press(self, digits: str) -> None:
        if self._doing[0] == "say" and self._doing[1].endswith("…"):  # a sentence that a key may end
            self._notice("said", self._doing[1], cut=True)
            self._go_on(None)
            self._go_on(digits)
        elif self._doing[0] == "ask":
            self._go_on(digits)

    def speak(self, wav: bytes) -> float:
        self._network.at(float(len(wav)), lambda: self._go_on(len(wav)) if self._doing[0] == "tone" else None)
        return float(len(wav))

    def say_words(self, text: str, confidence: float) -> None:
        if self._doing[0] == "ask":
            self._go_on(f"{text} {confidence}")

    def answer(self) -> None: ...

    def reject(self, how: str = "busy") -> None: ...

    def hang_up(self) -> None:
        self._end("caller hung up")

    def _go_on(self, answer: object) -> None:
        if self._over:
            return
        self._step += 1
        try:
            what, more = self._line.send(answer) if self._step > 1 else next(self._line)
        except StopIteration:
            self._end("completed")
            return
        self._doing = (what, more if isinstance(more, str) else "")
        step = self._step
        if what == "say":
            self._network.at(
                len(more.split()) / 3, lambda: step == self._step and (self._notice("said", more), self._go_on(None))
            )
            return
        if what in ("ask", "tone"):
            self._notice("question" if what == "ask" else "tone")
        self._network.at(more, lambda: step == self._step and self._go_on(None))

    def _end(self, why: str) -> None:
        if not self._over:
            self._notice("ended", why)
            self._over = True

    def _notice(self, kind: str, text: str = "", cut: bool = False) -> None:
        if not self._over:
            self._perceived.append(Perceived(len(self._perceived) + 1, self._network.now(), kind, text, cut=cut))


class StringNetwork:
    """Telephones over lines of strings, in virtual time."""

    def __init__(self, lines: dict[str, Line], start: datetime | None = None) -> None:
        self.lines, self.dialled = lines, list[tuple[str, str, datetime]]()
        self._now = start or datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count = itertools.count(1)

    def at(self, seconds: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._due, (self._now + timedelta(seconds=seconds), next(self._count), what))

    def dial(self, from_: str, to: str) -> StringPhone:
        if to not in self.lines:
            raise CarrierRefused(404, 20404, "no such number")
        self.dialled.append((from_, to, self._now))
        return StringPhone(self, f"CA{len(self.dialled)}", self.lines[to])

    def now(self) -> datetime:
        return self._now

    def wait(self, seconds: float) -> None:
        self._until(self._now + timedelta(seconds=seconds), lambda: False)

    def wait_for_news(self, handset: StringPhone, after: int, longest: float) -> bool:
        return self._until(self._now + timedelta(seconds=longest), lambda: bool(handset.perceived(after)))

    def _until(self, end: datetime, enough: Callable[[], bool]) -> bool:
        while self._due and self._due[0][0] <= end and not enough():
            self._now, _, what = heapq.heappop(self._due)
            what()
        if enough():
            return True
        self._now = end
        return False


@pytest.fixture
def string_network() -> type[StringNetwork]:
    return StringNetwork
