"""The floor's row: the epoch in SQL, and the lock that chooses the one rebuilder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from ivr.store.link import Link
from ivr.store.tables import SITE, floor_epoch

EPOCH = select(floor_epoch.c.epoch).where(floor_epoch.c.site_id == SITE)


class SqlFloorRow:
    """The port ``FloorRow``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def epoch(self) -> int:
        return self._read(EPOCH)

    def lock(self) -> int:
        # SQLite's BEGIN IMMEDIATE holds everything already, and its compiler leaves the clause out.
        return self._read(EPOCH.with_for_update())

    def set(self, epoch: int, at: datetime) -> None:
        self._link.run(update(floor_epoch).where(floor_epoch.c.site_id == SITE).values(epoch=epoch, set_at=at))

    def _read(self, query: Select[Any]) -> int:
        row = self._link.one(query)
        assert row is not None, "the row is there from the migration on"
        return int(row.epoch)
