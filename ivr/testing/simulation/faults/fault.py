"""What every fault is: a name, a rate, and a place at each seam of the line, where it changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.webhooks import Done
from ivr.testing.simulation.diary import Diary


class Killed(BaseException):
    """The process is gone. Not an Exception: nothing in it is left to catch anything."""


class Dice:
    """When a fault strikes: at its own seeded rate, until things are left to calm down."""

    def __init__(self, seed: str, rate: float, scheduler: VirtualScheduler, diary: Diary) -> None:
        self.chance = random.Random(seed)
        self.rate, self.scheduler, self.diary = rate, scheduler, diary
        self.calm = False

    def fall(self, rate: float | None = None) -> bool:
        return not self.calm and self.chance.random() < (self.rate if rate is None else rate)

    def clock(self) -> float:
        return self.scheduler.now().timestamp()


@dataclass(frozen=True)
class Webhook:
    """A request of the carrier, as far as a fault may know it; ``patience`` in seconds."""

    sid: str
    path: str
    patience: float


Ask = Callable[[Done], None]
"""Carries the request on; what comes back goes to the one who is named."""


class Fault:
    """Stands at every seam and changes nothing; each fault changes what its name says."""

    name: ClassVar[str]
    rate: ClassVar[float]

    def __init__(self, dice: Dice) -> None:
        self.dice = dice

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:  # noqa: ARG002
        """A webhook on its way to us."""
        ask(done)

    def refuses(self) -> int | None:
        """The HTTP status with which the carrier turns down what we ask by REST."""
        return None

    def work_begins(self, sid: str, path: str) -> None:
        """The process takes up a request, or (without a leg) a ``job`` or a ``sweep``."""

    def at_statement(self, what: str) -> None:
        """Before ``begin``, a ``statement`` or ``commit``, and when it is ``committed``; may raise."""

    def at_disk(self, what: str) -> None:
        """Before a transaction that ``writes``; when one is ``kept`` on the disk, or ``not waited for``."""

    def died(self) -> None:
        """The process is gone, and all that it had under way."""

    def at_floor(self, what: str) -> None:
        """Before the floor in Redis is ``asked``, and when it has ``answered``; may raise."""

    def loses_hint(self) -> bool:
        """Whether a hint that work is to be done reaches nobody."""
        return False

    def at_rest(self, what: str) -> None:
        """Before the carrier is ``asked`` by REST, and when it has ``answered``; may raise."""

    def work_ended(self) -> None:
        """The process is done with a request or a job; may raise Killed."""

    def strikes(self, what: str, sid: str = "", path: str = "") -> None:
        self.dice.diary.strikes(self.name, what, sid, path)
