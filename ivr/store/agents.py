"""Agents: who they are, what they wish and do now, and every change of that, which is only added to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from ivr.core.agent import AgentStatus, SystemState, Wish
from ivr.core.roster import Address, AddressKind, AgentRecord, NoSuchAgent, first_status
from ivr.core.words import AgentId, QueueName
from ivr.store.link import Link, insert_once, named_to_set, to_set
from ivr.store.tables import SITE, agent_states, agents
from ivr.switchboard.ports.queue import AgentChange, AgentOnRecord

_CHANGING = (
    "wish",
    "wish_because",
    "wish_since",
    "state",
    "state_because",
    "state_since",
    "idle_since",
    "misses",
    "wrap_up_until",
    "calls",
    "last_offer",
)

_HERE = (agents.c.site_id == SITE) & agents.c.removed_at.is_(None)
ALL = select(agents).where(_HERE).order_by(agents.c.name)
GET = select(agents).where(_HERE, agents.c.name == bindparam("agent"))
# Every change adds one to somebody's version, and a row once made stays.
EDITION = select(func.sum(agents.c.version + 1)).where(agents.c.site_id == SITE)
RESTING = (
    select(agents.c.name, agents.c.wrap_up_until)
    .where(_HERE, agents.c.state == SystemState.WRAP_UP.value, agents.c.wrap_up_until.is_not(None))
    .order_by(agents.c.wrap_up_until)
)
CHANGE = (
    update(agents)
    .where(_HERE, agents.c.name == bindparam("agent"), agents.c.version == bindparam("seen"))
    .values(version=agents.c.version + 1, **to_set(_CHANGING))
)


def _on_record(row: Row[Any]) -> AgentOnRecord:
    wrap_up = row.wrap_up_seconds
    name = AgentId(row.name)
    return AgentOnRecord(
        AgentRecord(
            name=name,
            queues=tuple(QueueName(queue) for queue in json.loads(row.queues)),
            address=Address(AddressKind(row.address_kind), row.address),
            skills=json.loads(row.skills),
            wrap_up=None if wrap_up is None else timedelta(seconds=wrap_up),
            rank=row.rank,
        ),
        AgentStatus(
            agent=name,
            wish=Wish(row.wish),
            wish_because=row.wish_because,
            wish_since=row.wish_since,
            state=SystemState(row.state),
            state_because=row.state_because,
            state_since=row.state_since,
            idle_since=row.idle_since,
            misses=row.misses,
            wrap_up_until=row.wrap_up_until,
            calls=row.calls,
            last_offer=row.last_offer,
        ),
        row.version,
    )


def _who(record: AgentRecord) -> dict[str, Any]:
    return {
        "skills": json.dumps(dict(record.skills)),
        "queues": json.dumps(record.queues),
        "address_kind": record.address.kind.value,
        "address": record.address.at,
        "wrap_up_seconds": None if record.wrap_up is None else record.wrap_up.total_seconds(),
        "rank": record.rank,
    }


def _now(status: AgentStatus) -> dict[str, Any]:
    return {
        "wish": status.wish.value,
        "wish_because": status.wish_because,
        "wish_since": status.wish_since,
        "state": status.state.value,
        "state_because": status.state_because,
        "state_since": status.state_since,
        "idle_since": status.idle_since,
        "misses": status.misses,
        "wrap_up_until": status.wrap_up_until,
        "calls": status.calls,
        "last_offer": status.last_offer,
    }


class SqlAgents:
    """The port ``Agents``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def all(self) -> Sequence[AgentOnRecord]:
        """By name."""
        return [_on_record(row) for row in self._link.hot_all(ALL, {})]

    def get(self, agent: AgentId) -> AgentOnRecord:
        row = self._link.hot_first(GET, {"agent": agent})
        if row is None:
            raise NoSuchAgent(f"no agent is called '{agent}'")
        return _on_record(row)

    def edition(self) -> int:
        row = self._link.hot_one(EDITION, {})
        return 0 if row is None or row[0] is None else int(row[0])

    def resting(self) -> Mapping[AgentId, datetime]:
        return {AgentId(row.name): row.wrap_up_until for row in self._link.hot_all(RESTING, {})}

    def put(self, record: AgentRecord, at: datetime) -> None:
        status = first_status(record.name, at)
        made = {"name": record.name, "version": 0, **_who(record), **_now(status)}
        if self._link.run(insert_once(agents, self._link.dialect, "site_id", "name"), made) == 1:
            self._log(status)
            return
        there = _is(record.name)
        back = {**_who(record), **_now(status), "removed_at": None, "pin_hash": None, "version": agents.c.version + 1}
        if self._link.run(update(agents).where(there, agents.c.removed_at.is_not(None)).values(back)) == 1:
            self._log(status)
            return
        self._link.run(update(agents).where(there).values(**_who(record), version=agents.c.version + 1))

    def remove(self, agent: AgentId, version: int, at: datetime) -> bool:
        gone = update(agents).where(_is(agent), agents.c.version == version, agents.c.removed_at.is_(None))
        if self._link.run(gone.values(removed_at=at, version=version + 1)) == 0:
            return False
        self._add(agent, at, "wish", Wish.OFF.value, "taken off the record")
        return True

    def change(self, status: AgentStatus, version: int) -> bool:
        row = self._link.hot_first(GET, {"agent": status.agent})
        if row is None or row.version != version:
            return False
        before = _on_record(row).status
        changed = {"agent": status.agent, "seen": version, **named_to_set(_now(status))}
        if self._link.hot_change(CHANGE, changed) == 0:
            return False
        if (before.wish, before.wish_since) != (status.wish, status.wish_since):
            self._add(status.agent, status.wish_since, "wish", status.wish.value, status.wish_because)
        if (before.state, before.state_since) != (status.state, status.state_since):
            self._add(status.agent, status.state_since, "state", status.state.value, status.state_because)
        return True

    def history(self, agent: AgentId, limit: int) -> Sequence[AgentChange]:
        query = select(agent_states).where(agent_states.c.site_id == SITE, agent_states.c.agent == agent)
        rows = self._link.all(query.order_by(agent_states.c.id.desc()).limit(limit))
        return [AgentChange(agent, row.at, row.what, row.value, row.because) for row in rows]

    def at(self, address: Address) -> AgentOnRecord | None:
        there = (agents.c.address_kind == address.kind.value) & (agents.c.address == address.at)
        row = self._link.one(select(agents).where(agents.c.site_id == SITE, there, agents.c.removed_at.is_(None)))
        return None if row is None else _on_record(row)

    def pin_hash(self, agent: AgentId) -> str | None:
        row = self._link.one(select(agents.c.pin_hash).where(_is(agent), agents.c.removed_at.is_(None)))
        return None if row is None else row.pin_hash

    def set_pin(self, agent: AgentId, hashed: str | None) -> bool:
        there = update(agents).where(_is(agent), agents.c.removed_at.is_(None))
        return self._link.run(there.values(pin_hash=hashed)) == 1

    def _log(self, status: AgentStatus) -> None:
        self._add(status.agent, status.wish_since, "wish", status.wish.value, status.wish_because)
        self._add(status.agent, status.state_since, "state", status.state.value, status.state_because)

    def _add(self, agent: AgentId, at: datetime, what: str, value: str, because: str) -> None:
        self._link.run(insert(agent_states).values(agent=agent, at=at, what=what, value=value, because=because))


def _is(agent: AgentId) -> Any:
    return (agents.c.site_id == SITE) & (agents.c.name == agent)
