"""The emergency switch of each set of hours, and its history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, or_, select, update

from ivr.core.company import EmergencyClosing
from ivr.store.link import Link
from ivr.store.tables import SITE, emergency_closings


class SqlSwitches:
    """The port ``Switches``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def emergency(self, hours: str, now: datetime) -> EmergencyClosing | None:
        closing = emergency_closings.c
        row = self._link.one(
            select(closing.hours, closing.since, closing.until, closing.because)
            .where(
                closing.site_id == SITE,
                closing.hours == hours,
                closing.since <= now,
                or_(closing.until.is_(None), closing.until > now),
                or_(closing.opened_again_at.is_(None), closing.opened_again_at > now),
            )
            .order_by(closing.id.desc())
            .limit(1)
        )
        return None if row is None else EmergencyClosing(row.hours, row.since, row.until, row.because)

    def close_now(self, closing: EmergencyClosing) -> None:
        self._link.run(
            insert(emergency_closings).values(
                hours=closing.hours, since=closing.since, until=closing.until, because=closing.because
            )
        )

    def open_again(self, hours: str, at: datetime) -> None:
        """End every closing of these hours that still holds."""
        closing = emergency_closings.c
        self._link.run(
            update(emergency_closings)
            .where(closing.site_id == SITE, closing.hours == hours, closing.opened_again_at.is_(None))
            .values(opened_again_at=at)
        )
