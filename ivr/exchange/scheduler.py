"""Time inside the network: one loop of callbacks, jumped through or lived through."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
Callback = Callable[[], object]


class Timer:
    """Something due; ``cancel`` forgets it."""

    __slots__ = ("_callback", "due")

    def __init__(self, due: float, callback: Callback | None) -> None:
        self.due, self._callback = due, callback

    def cancel(self) -> None:
        self._callback = None

    @property
    def live(self) -> bool:
        return self._callback is not None

    def ring(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Scheduler(Protocol):
    """The clock and the loop that all of the network runs on."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def after(self, seconds: float, callback: Callback) -> Timer:
        """Call back in so many seconds; those due together are called in the order in which they were asked for."""
        ...

    def post(self, callback: Callback) -> None:
        """Run on the loop as soon as possible; the one method that any thread may call."""
        ...

    def call(self, function: Callable[[], T]) -> T:
        """Run on the loop and hand back its result, or raise what it raised."""
        ...


class _Agenda:
    """What is due, earliest first, in the order of asking where equal."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def add(self, due: float, callback: Callback) -> Timer:
        timer = Timer(due, callback)
        heapq.heappush(self._heap, (due, next(self._order), timer))
        return timer

    def next_due(self) -> float | None:
        while self._heap and not self._heap[0][2].live:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]


class VirtualScheduler:
    """Time that jumps to the next thing due; nothing ever waits for real."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock needs an aware start time")
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._agenda = _Agenda()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def after(self, seconds: float, callback: Callback) -> Timer:
        return self._agenda.add(self._elapsed + max(0.0, seconds), callback)

    def post(self, callback: Callback) -> None:
        self.after(0, callback)

    def call(self, function: Callable[[], T]) -> T:
        return function()

    def run_for(self, seconds: float) -> None:
        """Let so many seconds pass, doing all that is due in them."""
        self._run(self._elapsed + seconds, lambda: False)

    def run_until(self, condition: Callable[[], bool], longest: float) -> bool:
        """Run until the condition holds; False when ``longest`` seconds passed first."""
        return self._run(self._elapsed + longest, condition)

    def next_due(self) -> datetime | None:
        """When something will happen next; None when the network is at rest."""
        due = self._agenda.next_due()
        return None if due is None else self._start + timedelta(seconds=due)

    def _run(self, until: float, condition: Callable[[], bool]) -> bool:
        agenda = self._agenda
        while not condition():
            due = agenda.next_due()
            if due is None or due > until:
                self._elapsed = until
                return condition()
            self._elapsed = max(self._elapsed, due)
            agenda.pop().ring()
        return True


class RealScheduler:
    """One thread that lives through real time; other threads hand it work with ``call`` and ``post``.

    A callback that fails costs itself only: it is logged, the loop goes on, and ``stop`` raises the first failure.
    """

    def __init__(self) -> None:
        self._agenda = _Agenda()
        self._posted: deque[Callback] = deque()
        self._woken = threading.Condition()
        self._stopped = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._loop, name="exchange", daemon=True)

    def start(self) -> RealScheduler:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the loop after what it is doing; waits for it. Raises the first failure of a callback."""
        with self._woken:
            self._stopped = True
            self._woken.notify()
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def now(self) -> datetime:
        return datetime.now(UTC)

    def after(self, seconds: float, callback: Callback) -> Timer:
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return self._agenda.add(time.monotonic() + max(0.0, seconds), callback)
        return self.call(lambda: self.after(seconds, callback))

    def post(self, callback: Callback) -> None:
        with self._woken:
            self._posted.append(callback)
            self._woken.notify()

    def call(self, function: Callable[[], T]) -> T:
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return function()
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except Exception as error:  # noqa: BLE001 handed to the thread that asked
                result.set_exception(error)

        self.post(run)
        return result.result()

    def _loop(self) -> None:
        while not self._stopped:
            self._once()

    def _once(self) -> None:
        with self._woken:
            due = self._agenda.next_due()
            if not self._posted and not self._stopped and (due is None or due > time.monotonic()):
                self._woken.wait(None if due is None else max(0.0, due - time.monotonic()))
            posted, self._posted = self._posted, deque()
        for callback in posted:
            self._run(callback)
        while (due := self._agenda.next_due()) is not None and due <= time.monotonic() and not self._stopped:
            self._run(self._agenda.pop().ring)

    def _run(self, callback: Callback) -> None:
        try:
            callback()
        except Exception as error:
            log.exception("a callback of the exchange failed")
            self._failure = self._failure or error
