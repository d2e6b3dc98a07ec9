"""The process dies, or the machine with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Protocol

from ivr.testing.simulation.faults.fault import Dice, Fault, Killed

ON_DISK_WITHIN = 1.0
"""Seconds: Redis syncs once in each, and we ask SQLite's log to be synced at once."""


class ProcessKilled(Fault):
    """The process dies: at any statement, before a commit or right after it, around a REST request, or between two
    events. All it held in memory is gone; it is started again some seconds later on the same database.
    """

    name = "process_killed"
    rate = 0.004

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._fuse: int | None = None
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)
        # Jobs are few and hold the messages; sweeps are many, and most find nothing to do.
        if self.dice.fall(self.rate * {"job": 3.0, "sweep": 0.02}.get(path, 1.0)):
            self._fuse = self.dice.chance.randrange(16)

    def at_statement(self, what: str) -> None:
        self._burns(what)

    def at_rest(self, what: str) -> None:
        self._burns(f"rest {what}")

    def at_floor(self, what: str) -> None:
        self._burns(f"floor {what}")

    def work_ended(self) -> None:
        if self._fuse is not None:
            self._dies("between two events")

    def _burns(self, what: str) -> None:
        if self._fuse is None:
            return
        self._fuse -= 1
        if self._fuse < 0:
            self._dies(f"at: {what}")

    def _dies(self, where: str) -> None:
        self._fuse = None
        self.strikes(f"killed {where}", *self._leg)
        raise Killed


class Disk(Protocol):
    """What outlives the machine."""

    def records(self) -> sqlite3.Connection:
        """All that is on record."""
        ...

    def floor(self) -> Mapping[str, bytes]:
        """All that Redis holds."""
        ...

    def put_back(self, records: sqlite3.Connection | None, floor: Mapping[str, bytes]) -> None:
        """Make them what they were; None: the records are what they are."""
        ...


class PowerCut(Fault):
    """The machine loses its power, and starts again a while later. What was committed within the last second without
    waiting for the disk is gone, unless a later commit waited; so is what Redis heard in that second, or all of it.
    """

    name = "power_cut"
    rate = 0.005
    disk: Disk

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._fuse: int | None = None
        self._before = 0.0
        self._records: sqlite3.Connection | None = None
        self._floor: Mapping[str, bytes] = {}
        self._cut = False
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)
        self._burns()

    def at_disk(self, what: str) -> None:
        if what == "writes" and self._fuse is None and self.dice.fall():
            self._fuse, self._before = self.dice.chance.randrange(1, 12), self.dice.clock()
            self._records, self._floor = self.disk.records(), self.disk.floor()
        elif what == "kept":
            self._records = None
        self._burns()

    def at_rest(self, what: str) -> None:  # noqa: ARG002
        self._burns()

    def at_floor(self, what: str) -> None:  # noqa: ARG002
        self._burns()

    def died(self) -> None:
        """Whatever it died of: the power is off now."""
        if self._cut:
            self.disk.put_back(self._records, self._floor)
        self._cut, self._fuse, self._records = False, None, None

    def _burns(self) -> None:
        if self._fuse is None:
            return
        if self.dice.clock() - self._before > ON_DISK_WITHIN:
            self._fuse = self._records = None
            return
        self._fuse -= 1
        if self._fuse > 0:
            return
        lost = "some of the records" if self._records is not None else "none of the records"
        if self.dice.chance.random() < 0.3:
            self._floor = {}
        self._cut = True
        self.strikes(f"takes {lost}, and {'some' if self._floor else 'all'} of the floor", *self._leg)
        raise Killed
