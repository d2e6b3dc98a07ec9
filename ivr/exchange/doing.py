"""What a leg does, written as a coroutine and stepped by the loop: no thread a call, and it can be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Interrupted(BaseException):
    """Thrown into a coroutine whose leg hung up or was sent elsewhere; ``why`` is ``hangup`` or ``redirected``.

    Not an Exception, so that nobody keeps it by accident; whoever catches it may still act, but no longer wait.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Coming(Generic[T]):
    """A value that comes later; the first to come counts."""

    __slots__ = ("_value", "_waiting", "here")

    def __init__(self) -> None:
        self.here = False
        self._waiting: list[Callable[[], object]] = []

    def come(self, value: T) -> None:
        if self.here:
            return
        self.here, self._value = True, value
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    @property
    def value(self) -> T:
        """What came; only once it is ``here``."""
        return self._value

    def then(self, callback: Callable[[], object]) -> None:
        if self.here:
            callback()
        else:
            self._waiting.append(callback)

    def __await__(self) -> Generator[Coming[Any], None, T]:
        if not self.here:
            yield self
        return self._value


class Doing:
    """A coroutine on its way; ``over`` when it has returned, raised or been interrupted."""

    __slots__ = ("_coroutine", "_interrupt", "_running", "over")

    def __init__(self, coroutine: Coroutine[Coming[Any], None, None]) -> None:
        self._coroutine = coroutine
        self._interrupt: Interrupted | None = None
        self._running = False
        self.over = False

    def start(self) -> Doing:
        self._step()
        return self

    def interrupt(self, why: str) -> None:
        """End it where it waits; from within itself, at its next wait."""
        if self.over:
            return
        self._interrupt = Interrupted(why)
        if not self._running:
            self._advance(lambda: self._coroutine.throw(self._interrupt))  # type: ignore[arg-type]

    def _step(self) -> None:
        if not self.over and not self._running:
            self._advance(lambda: self._coroutine.send(None))

    def _advance(self, move: Callable[[], Coming[Any]]) -> None:
        self._running = True
        try:
            waiting = move()
            if self._interrupt is not None:
                self._coroutine.throw(self._interrupt)
                self._coroutine.close()
                self.over = True
                return
        except (StopIteration, Interrupted):
            self.over = True
            return
        except BaseException:
            self.over = True
            raise
        finally:
            self._running = False
        waiting.then(self._step)
