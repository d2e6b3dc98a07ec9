"""Statements of the busy path: compiled once by SQLAlchemy, then sent straight to the driver.

A turn reads a call, moves it and appends events. Sent through ``Connection.execute`` these three cost more than the
database itself takes for them, so they go past its statement cache and its result rows. So do the statements of a ring,
of a call's end and of the sweep: each takes named values, and is made once, at the top of its module.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeDecorator

from ivr.store.tables import Moment, as_iso

Converter = Callable[[Any], Any]


class Hot:
    """One statement as text of one database; ``values`` puts named values in the driver's order."""

    __slots__ = ("_columns", "_row", "places", "sql", "values")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self.places: tuple[str, ...] = tuple(compiled.positiontup)
        binds = {place: compiled.binds[place] for place in self.places}
        into = {place: convert for place, bind in binds.items() if (convert := _into(bind.type, dialect))}
        fixed = {place: bind.value for place, bind in binds.items() if not bind.required}
        self.values = _in_order(self.places, into, fixed)
        selected = statement.selected_columns if isinstance(statement, Select) else ()
        self._row = _named([str(column.key) for column in selected])
        out = [_out_of(column.type, dialect) for column in selected]
        self._columns = [(place, convert) for place, convert in enumerate(out) if convert]

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[Any]:
        """Raw rows with named fields, their values as the columns' types have them."""
        made = []
        for values in raw:
            row = list(values)
            for place, convert in self._columns:
                row[place] = convert(row[place])
            made.append(self._row(*row))
        return made


def _named(fields: list[str]) -> Callable[..., Any]:
    return namedtuple("Row", fields, rename=True)


def _into(kind: Any, dialect: Dialect) -> Converter | None:
    converter: Converter | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return converter


def _out_of(kind: Any, dialect: Dialect) -> Converter | None:
    if dialect.name == "postgresql" and not isinstance(kind, TypeDecorator):
        return None  # the driver's own types will do
    if isinstance(kind, Moment) and dialect.name == "sqlite":
        return _moment  # as the type has it, by a shorter way
    converter: Converter | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return converter


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _in_order(
    places: tuple[str, ...], converters: Mapping[str, Converter], fixed: Mapping[str, Any]
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """``fixed``: the values that stand in the statement itself, a limit of 1 for one."""
    if converters or fixed:

        def values(named: Mapping[str, Any]) -> tuple[Any, ...]:
            given = {**fixed, **named}
            for place, convert in converters.items():
                given[place] = convert(given[place])
            return tuple([given[place] for place in places])

        return values
    if len(places) == 1:
        (place,) = places
        return lambda named: (named[place],)
    return itemgetter(*places) if places else lambda _: ()


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def into(dialect: Dialect) -> Callable[[datetime], Any]:
    """How a time goes into a raw statement."""
    return as_iso if dialect.name == "sqlite" else _utc


def out_of(dialect: Dialect) -> Callable[[Any], datetime]:
    """How a time comes out of a raw row."""
    return datetime.fromisoformat if dialect.name == "sqlite" else _utc
