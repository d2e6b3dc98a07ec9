"""The emergency switch of each set of hours, and its history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select, update

from ivr.core.company import EmergencyClosing
from ivr.store.link import Link
from ivr.store.tables import SITE, emergency_closings

_CLOSING = emergency_closings.c
EMERGENCY = (
    select(_CLOSING.hours, _CLOSING.since, _CLOSING.until, _CLOSING.because)
    .where(
        _CLOSING.site_id == bindparam("site"),
        _CLOSING.hours == bindparam("hours"),
        _CLOSING.since <= bindparam("now"),
        or_(_CLOSING.until.is_(None), _CLOSING.until > bindparam("now")),
        or_(_CLOSING.opened_again_at.is_(None), _CLOSING.opened_again_at > bindparam("now")),
    )
    .order_by(_CLOSING.id.desc())
    .limit(1)
)


class SqlSwitches:
    """The port ``Switches``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def emergency(self, hours: str, now: datetime) -> EmergencyClosing | None:
        rows = self._link.hot_all(EMERGENCY, {"site": SITE, "hours": hours, "now": now})
        return EmergencyClosing(*rows[0]) if rows else None

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
