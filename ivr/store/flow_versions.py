"""Flow versions, which never change, and the alias that says which one callers get."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select

from ivr.core.errors import NoSuchFlow
from ivr.core.words import FlowVersionId
from ivr.store.link import Link, insert_once, inserting
from ivr.store.tables import SITE, flow_aliases, flow_publications, flow_versions

PUBLISHED = select(flow_aliases.c.version).where(
    flow_aliases.c.site_id == bindparam("site"), flow_aliases.c.flow == bindparam("flow")
)


class SqlFlowVersions:
    """The port ``FlowVersions``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def published(self, flow: str) -> FlowVersionId | None:
        row = self._link.hot_one(PUBLISHED, {"site": SITE, "flow": flow})
        return None if row is None else FlowVersionId(row[0])

    def text(self, version: FlowVersionId) -> Mapping[str, str] | None:
        row = self._link.one(
            select(flow_versions.c.files).where(flow_versions.c.site_id == SITE, flow_versions.c.id == version)
        )
        if row is None:
            return None
        files: dict[str, str] = json.loads(row.files)
        return files

    def keep(self, version: FlowVersionId, flow: str, files: Mapping[str, str], at: datetime) -> None:
        self._link.run(
            insert_once(flow_versions, self._link.dialect, "site_id", "id"),
            {"id": version, "flow": flow, "files": json.dumps(dict(files), ensure_ascii=False), "kept_at": at},
        )

    def publish(self, flow: str, version: FlowVersionId, by: str, why: str, at: datetime) -> None:
        """Move the alias and write down who did; raises NoSuchFlow for a version that was never kept."""
        if self.text(version) is None:
            raise NoSuchFlow(f"there is no version {version} to publish")
        alias = inserting(flow_aliases, self._link.dialect).values(site_id=SITE, flow=flow, version=version)
        self._link.run(
            alias.on_conflict_do_update(index_elements=["site_id", "flow"], set_={"version": alias.excluded.version})
        )
        self._link.run(insert(flow_publications).values(flow=flow, version=version, by=by, why=why, at=at))

    def history(self, flow: str) -> Sequence[Mapping[str, Any]]:
        """Each publication (flow, version, by, why, at), the newest first."""
        told = flow_publications.c
        query = (
            select(told.flow, told.version, told.by, told.why, told.at)
            .where(told.site_id == SITE, told.flow == flow)
            .order_by(told.id.desc())
        )
        return [dict(row._mapping) for row in self._link.all(query)]
