"""Statements of the busy path: compiled once by SQLAlchemy, then sent straight to the driver.

A turn reads a call, moves it and appends events. Sent through ``Connection.execute`` these three cost more than the
database itself takes for them, so they go past its statement cache and its result rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement

from ivr.store.tables import as_iso


class Hot:
    """One statement as text of one database; ``values`` puts named values in the driver's order."""

    __slots__ = ("places", "sql", "values")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self.places: tuple[str, ...] = tuple(compiled.positiontup)
        self.values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
        if len(self.places) == 1:
            (place,) = self.places
            self.values = lambda named: (named[place],)
        else:
            self.values = itemgetter(*self.places)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def into(dialect: Dialect) -> Callable[[datetime], Any]:
    """How a time goes into a raw statement."""
    return as_iso if dialect.name == "sqlite" else _utc


def out_of(dialect: Dialect) -> Callable[[Any], datetime]:
    """How a time comes out of a raw row."""
    return datetime.fromisoformat if dialect.name == "sqlite" else _utc
