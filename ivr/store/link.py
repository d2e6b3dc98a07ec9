"""One transaction's way to the database: SQLAlchemy for most statements, the driver's cursor for the busy ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Executable, Row, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from ivr.store.hot import Hot, into, out_of

_COUNTED = {"preserve_rowcount": True}


class Compiled:
    """The busy statements as one database's text, each compiled at its first use."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.put_moment: Callable[[datetime], Any] = into(dialect)
        self.moment: Callable[[Any], datetime] = out_of(dialect)
        self._hot: dict[ClauseElement, Hot] = {}

    def hot(self, statement: ClauseElement) -> Hot:
        hot = self._hot.get(statement)
        if hot is None:
            hot = self._hot[statement] = Hot(statement, self.dialect)
        return hot


class Link:
    """What the ports of one transaction write and read through."""

    __slots__ = ("_compiled", "_connection", "_cursor", "dialect", "moment", "put_moment", "waits", "writes")

    def __init__(self, connection: Connection, cursor: Any, compiled: Compiled, writes: bool) -> None:
        self._connection, self._cursor, self._compiled = connection, cursor, compiled
        self.writes, self.waits = writes, True
        self.dialect = compiled.dialect
        self.moment, self.put_moment = compiled.moment, compiled.put_moment

    def commit_soon(self) -> None:
        """The commit does not wait for the disk (postgresql.org/docs/current/wal-async-commit.html).

        On SQLite it never does: whoever commits asks for the sync.
        """
        if self.waits and self.dialect.name == "postgresql":
            self._cursor.execute("SET LOCAL synchronous_commit TO OFF")
        self.waits = False

    def hot_one(self, statement: ClauseElement, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """The raw row, or None."""
        hot = self._compiled.hot(statement)
        self._cursor.execute(hot.sql, hot.values(values))
        row: Sequence[Any] | None = self._cursor.fetchone()
        return row

    def hot_first(self, statement: ClauseElement, values: Mapping[str, Any]) -> Any | None:
        """The first row as ``hot_all`` has it, or None."""
        hot = self._compiled.hot(statement)
        self._cursor.execute(hot.sql, hot.values(values))
        row: Sequence[Any] | None = self._cursor.fetchone()
        return None if row is None else hot.rows([row])[0]

    def hot_change(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        hot = self._compiled.hot(statement)
        self._cursor.execute(hot.sql, hot.values(values))
        return int(self._cursor.rowcount)

    def hot_all(self, statement: ClauseElement, values: Mapping[str, Any]) -> list[Any]:
        """The rows, their fields named and of their columns' types."""
        hot = self._compiled.hot(statement)
        self._cursor.execute(hot.sql, hot.values(values))
        return hot.rows(self._cursor.fetchall())

    def hot_rows(self, statement: ClauseElement, values: Sequence[Any]) -> None:
        """Send a statement whose values stand in its own order already."""
        self._cursor.execute(self._compiled.hot(statement).sql, values)

    def run(self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """How many rows were changed."""
        # Without the option SQLAlchemy keeps no count for an INSERT.
        return self._connection.execute(statement, values, execution_options=_COUNTED).rowcount

    def all(self, statement: Executable) -> Sequence[Row[Any]]:
        return self._connection.execute(statement).all()

    def one(self, statement: Executable) -> Row[Any] | None:
        return self._connection.execute(statement).first()


def to_set(columns: Iterable[str]) -> Mapping[str, BindParameter[Any]]:
    """What a busy UPDATE sets: each column to the value named as ``named_to_set`` names it."""
    return {column: bindparam(f"to_{column}") for column in columns}


def named_to_set(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The values of columns as ``to_set`` asks for them: SQLAlchemy keeps the columns' own names for itself."""
    return {f"to_{column}": value for column, value in columns.items()}


Insert = sqlite.Insert | postgresql.Insert


def inserting(table: Table, dialect: Dialect) -> Insert:
    """An INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


def inserts_once(table: Table, *unique: str) -> Mapping[str, Insert]:
    """For the busy path: the same for each database, with a value for every column."""
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(index_elements=list(unique)),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(index_elements=list(unique)),
    }


def insert_once(table: Table, dialect: Dialect, *unique: str) -> Insert:
    """An INSERT that changes nothing where these columns are on record already."""
    return inserting(table, dialect).on_conflict_do_nothing(index_elements=list(unique))
