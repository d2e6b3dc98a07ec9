"""Stored events to events of today: what was written under an old schema is read as if it were written now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ivr.core.errors import IvrError
from ivr.core.events import KINDS, CallEvent

Upcaster = Callable[[Mapping[str, Any]], dict[str, Any]]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""(kind, schema) -> its data as schema + 1 has it. All events are at their first schema so far."""


class EventUnreadable(IvrError):
    """An event is of an unknown kind, from a newer version, or incomplete."""


def event_of(
    kind: str,
    schema: int,
    data: Mapping[str, Any],
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
    kinds: Mapping[str, type[CallEvent]] = KINDS,
) -> CallEvent:
    """The event that was stored, brought to its present schema one step at a time; raises EventUnreadable."""
    wanted = kinds.get(kind)
    if wanted is None:
        raise EventUnreadable(f"no version up to this one knows an event {kind!r}")
    if schema > wanted.schema:
        raise EventUnreadable(f"{kind!r} of schema {schema} was written by a newer version")
    for step in range(schema, wanted.schema):
        if (kind, step) not in upcasters:
            raise EventUnreadable(f"nothing reads {kind!r} of schema {step}")
        data = upcasters[kind, step](data)
    names = {field.name for field in fields(wanted)}
    try:
        return wanted(**{name: value for name, value in data.items() if name in names})
    except TypeError as incomplete:
        raise EventUnreadable(f"{kind!r} of schema {schema} lacks a field") from incomplete
