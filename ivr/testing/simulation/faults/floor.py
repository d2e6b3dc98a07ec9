"""At the floor in Redis, and on the way of a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from ivr.testing.simulation.faults.fault import Dice, Fault


class RedisWiped(Fault):
    """Redis forgets everything: before a question, between two of them, or after an answer."""

    name = "redis_wiped"
    rate = 0.001

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self.wipe: Callable[[], object] = _nothing

    def at_floor(self, what: str) -> None:
        if self.dice.fall():
            self.strikes(f"when it is {what}")
            self.wipe()


class RedisGone(Fault):
    """Redis does not answer: before it acts, or after it has; once, or for a while."""

    name = "redis_gone"
    rate = 0.001

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def at_floor(self, what: str) -> None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                return
            self._until = dice.clock() + dice.chance.choice((0.0, 0.0, 4.0, 40.0))
            self.strikes(f"when it is {what}")
        raise redis.ConnectionError("nobody there (simulated)")


class HintLost(Fault):
    """Somebody is told that there is work, and dies or forgets it: the sweep is to find it."""

    name = "hint_lost"
    rate = 0.03

    def loses_hint(self) -> bool:
        lost = self.dice.fall()
        if lost:
            self.strikes("a hint reaches nobody")
        return lost


def _nothing() -> None: ...


class StruckRedis(redis.Redis):
    """A client of the floor's server, with faults at each script that is run.

    Whether the server knows a script from an earlier day is no difference: the repetition once it was loaded counts as
    the same question.
    """

    strike: Callable[[str], None]
    _unknown = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] != "EVALSHA":
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        again, self._unknown = self._unknown, False
        if not again:
            self.strike("asked")
        try:
            answer: Any = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.exceptions.NoScriptError:
            self._unknown = True
            raise
        self.strike("answered")
        return answer
