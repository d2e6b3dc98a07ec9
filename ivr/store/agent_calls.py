"""Agents who ring us, and where in their menu they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from ivr.core.agent_call import AgentCall
from ivr.core.call import CarrierKey
from ivr.core.errors import NoSuchAgentCall
from ivr.core.words import AgentCallId, AgentId, PhoneNumber
from ivr.store.link import Link, insert_once
from ivr.store.tables import SITE, agent_calls


def _call(row: Row[Any]) -> AgentCall:
    return AgentCall(
        id=row.id,
        key=CarrierKey(row.carrier, row.account, row.sid),
        line=PhoneNumber(row.line),
        rang_at=row.rang_at,
        agent=row.agent,
        stage=row.stage,
        turn=row.turn,
        door=row.door,
        token=row.token,
        says=row.says,
        failures=row.failures,
        unheard=row.unheard,
        version=row.version,
    )


def _columns(call: AgentCall) -> dict[str, Any]:
    return {
        "agent": call.agent,
        "stage": call.stage,
        "turn": call.turn,
        "door": call.door,
        "token": call.token,
        "says": call.says,
        "failures": call.failures,
        "unheard": call.unheard,
    }


class SqlAgentCalls:
    """The port ``AgentCalls``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def find(self, key: CarrierKey) -> AgentCall | None:
        named = (agent_calls.c.account == key.account) & (agent_calls.c.sid == key.sid)
        row = self._link.one(select(agent_calls).where(agent_calls.c.carrier == key.carrier, named))
        return None if row is None else _call(row)

    def get(self, call: AgentCallId) -> AgentCall:
        row = self._link.one(select(agent_calls).where(agent_calls.c.id == call))
        if row is None:
            raise NoSuchAgentCall
        return _call(row)

    def start(self, call: AgentCall) -> bool:
        key = {"carrier": call.key.carrier, "account": call.key.account, "sid": call.key.sid}
        row = {"id": call.id, **key, "line": str(call.line), "rang_at": call.rang_at, "version": call.version}
        once = insert_once(agent_calls, self._link.dialect, "carrier", "account", "sid")
        return self._link.run(once, {**row, **_columns(call)}) == 1

    def change(self, call: AgentCall) -> bool:
        there = (agent_calls.c.id == call.id) & (agent_calls.c.version == call.version)
        return self._link.run(update(agent_calls).where(there).values(version=call.version + 1, **_columns(call))) == 1

    def failures(self, agent: AgentId, since: datetime) -> int:
        theirs = (agent_calls.c.site_id == SITE) & (agent_calls.c.agent == agent) & (agent_calls.c.rang_at >= since)
        row = self._link.one(select(func.coalesce(func.sum(agent_calls.c.failures), 0)).where(theirs))
        return 0 if row is None else int(row[0])
