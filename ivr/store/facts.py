"""What the carrier told us, each thing once; and how often it told us something that moves nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, update

from ivr.core.words import CallId
from ivr.store.link import Link, inserting, inserts_once
from ivr.store.tables import SITE, carrier_facts, odd_counts
from ivr.switchboard.ports.calls import UnclaimedRecording

UNCLAIMED = "recording.unclaimed"
"""The kind of a fact about a recording whose call is not on record."""

KEEP = inserts_once(carrier_facts, "site_id", "key")
OLDEST_UNCLAIMED = (
    select(carrier_facts.c.key, carrier_facts.c.body)
    .where(carrier_facts.c.kind == UNCLAIMED)
    .order_by(carrier_facts.c.kept_at)
    .limit(bindparam("most"))
)


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

    def unclaimed(self, limit: int) -> Sequence[UnclaimedRecording]:
        rows = self._link.hot_all(OLDEST_UNCLAIMED, {"most": limit})
        return [_unclaimed(row.key, json.loads(row.body)) for row in rows]

    def claim(self, key: str, call: CallId | None) -> None:
        self._link.run(
            update(carrier_facts)
            .where(carrier_facts.c.key == key, carrier_facts.c.kind == UNCLAIMED)
            .values(kind="recording.status", call_id=call)
        )

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


def _unclaimed(key: str, body: Mapping[str, str]) -> UnclaimedRecording:
    seconds = body.get("RecordingDuration", "")
    return UnclaimedRecording(
        fact=key,
        carrier="twilio",
        account=body.get("AccountSid", ""),
        sid=body.get("CallSid", ""),
        recording=body.get("RecordingSid", ""),
        url=body.get("RecordingUrl", ""),
        seconds=int(seconds) if seconds.isdecimal() else None,
    )
