"""At the statements and commits of the records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from ivr.core.errors import RecordsUnavailable
from ivr.store.link import Compiled
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.world import Clock
from ivr.testing.simulation.faults.fault import Dice, Fault, Killed


class RecordsRefuse(Fault):
    """The database refuses: for some seconds, or a single statement or commit."""

    name = "records_refuse"
    rate = 0.004

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)

    def at_statement(self, what: str) -> None:
        dice = self.dice
        if what == "begin" and dice.clock() < self._until:
            if self._leg[0]:
                self.strikes("still refusing", *self._leg)
            raise RecordsUnavailable
        rate = self.rate / 100 if self._leg[1] == "sweep" else self.rate  # thousands of them look and find nothing
        if what == "committed" or not dice.fall(rate / 4 if what == "statement" else rate):
            return
        self.strikes(f"refused at a {what}", *self._leg)
        if what == "begin":
            self._until = dice.clock() + dice.chance.choice((0.0, 1.0, 8.0, 30.0))
            raise RecordsUnavailable
        raise sqlite3.OperationalError("disk I/O error (simulated)")


class StruckRecords(SqlRecords):
    """The records of one process, with faults at its statements while it works; they lie in memory, behind one
    connection.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        strike: Callable[[str], None],
        at_disk: Callable[[str], None],
        compiled: Compiled,
    ) -> None:
        super().__init__(engine, clock)
        self._strike, self._at_disk, self.compiled = strike, at_disk, compiled
        self._only = engine.connect()

    def put_on_disk(self, waits: bool) -> None:
        self._at_disk("kept" if waits else "not waited for")

    def begun(self, begin: str) -> tuple[Connection, Any]:
        if begin == "BEGIN IMMEDIATE":
            self._at_disk("writes")
        self._strike("begin")
        connection, cursor = self._only, self._only.connection.cursor()
        cursor.execute(begin)
        struck: Any = _StruckConnection(connection, self._strike)
        return struck, _StruckCursor(cursor, self._strike)


class _StruckConnection:
    """SQLAlchemy's way to the database. Struck out here: inside, it would let go of the connection, and of the memory
    in which the database lies.
    """

    def __init__(self, connection: Connection, strike: Callable[[str], None]) -> None:
        self._connection, self._strike = connection, strike

    def close(self) -> None:
        """Nothing: it is the only one, and is gone with the process."""

    def execute(self, *statement: Any, **options: Any) -> Any:
        self._strike("statement")
        return self._connection.execute(*statement, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class _StruckCursor:
    """The driver's cursor of the busy statements, and of COMMIT and ROLLBACK."""

    def __init__(self, cursor: Any, strike: Callable[[str], None]) -> None:
        self._cursor, self._strike = cursor, strike

    def execute(self, sql: str, *values: Any) -> None:
        if sql == "ROLLBACK":
            self._cursor.execute(sql)
        elif sql == "COMMIT":
            self._commit()
        else:
            self._strike("statement")
            self._cursor.execute(sql, *values)

    def _commit(self) -> None:
        try:
            self._strike("commit")
        except Killed:
            self._cursor.execute("ROLLBACK")  # as the database does when its client is gone
            raise
        self._cursor.execute("COMMIT")
        self._strike("committed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
