"""What the carrier told us, each thing once; and how often it told us something that moves nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ivr.core.words import CallId
from ivr.store.link import Link, inserting, inserts_once
from ivr.store.tables import SITE, carrier_facts, odd_counts

KEEP = inserts_once(carrier_facts, "site_id", "key")


class SqlFacts:
    """The port ``Facts``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def keep(self, key: str, kind: str, body: Mapping[str, str], at: datetime, call: CallId | None) -> bool:
        kept = self._link.hot_change(
            KEEP[self._link.dialect.name],
            {
                "site_id": SITE,
                "key": key,
                "kind": kind,
                "call_id": call,
                "kept_at": at,
                "body": json.dumps(dict(body), ensure_ascii=False),
            },
        )
        return kept == 1

    def count_odd(self, what: str, at: datetime) -> None:
        once = inserting(odd_counts, self._link.dialect).values(
            site_id=SITE, day=at.astimezone(UTC).date(), what=what, times=1, last_at=at
        )
        self._link.run(
            once.on_conflict_do_update(
                index_elements=["site_id", "day", "what"],
                set_={"times": odd_counts.c.times + 1, "last_at": once.excluded.last_at},
            )
        )
