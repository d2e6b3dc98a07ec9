"""What http nodes asked of other systems, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from ivr.store.link import Link, insert_once
from ivr.store.tables import SITE, fetches
from ivr.switchboard.ports.calls import Fetching

WAITING = (
    select(fetches)
    .where(fetches.c.site_id == bindparam("site"), fetches.c.state == bindparam("state"))
    .order_by(fetches.c.asked_at, fetches.c.key)
    .limit(bindparam("most"))
)


def _fetching(row: Row[Any]) -> Fetching:
    return Fetching(
        key=row.key,
        call=row.call_id,
        node=row.node,
        url=row.url,
        method=row.method,
        body=row.body,
        limit_seconds=row.limit_seconds,
        asked_at=row.asked_at,
        state=row.state,
        answer=row.answer,
    )


class SqlFetches:
    """The port ``Fetches``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def ask(self, fetching: Fetching) -> None:
        """Put it on record; asking again under the same key changes nothing."""
        self._link.run(
            insert_once(fetches, self._link.dialect, "site_id", "key"),
            {
                "key": fetching.key,
                "call_id": fetching.call,
                "node": fetching.node,
                "url": fetching.url,
                "method": fetching.method,
                "body": fetching.body,
                "limit_seconds": fetching.limit_seconds,
                "asked_at": fetching.asked_at,
                "state": fetching.state,
                "answer": fetching.answer,
            },
        )

    def get(self, key: str) -> Fetching | None:
        row = self._link.one(select(fetches).where(fetches.c.site_id == SITE, fetches.c.key == key))
        return None if row is None else _fetching(row)

    def end(self, key: str, state: str, answer: str | None) -> bool:
        """The first end counts; False for a later one, and for an unknown key."""
        ended = self._link.run(
            update(fetches)
            .where(fetches.c.site_id == SITE, fetches.c.key == key, fetches.c.state == "waiting")
            .values(state=state, answer=answer)
        )
        return ended == 1

    def waiting(self, limit: int) -> Sequence[Fetching]:
        """Oldest first."""
        return [
            _fetching(row) for row in self._link.hot_all(WAITING, {"site": SITE, "state": "waiting", "most": limit})
        ]
