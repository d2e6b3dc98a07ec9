"""Agents on record: taken from a file as a whole, and what each of them wishes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.agent import AgentEvent, AgentStatus, SystemState, Wish, happened, wishes
from ivr.core.agent import extend_wrap_up as extended
from ivr.core.errors import ChangedMeanwhile
from ivr.core.pin import pin_hash
from ivr.core.roster import (
    BUSY,
    AgentIsBusy,
    AgentRecord,
    BreakWithoutReason,
    NoSuchAgent,
    NotWrappingUp,
    PinRefused,
)
from ivr.core.words import AgentId
from ivr.switchboard.ports.queue import AgentOnRecord
from ivr.switchboard.ports.records import Transaction

PIN = re.compile(r"[0-9]{4,8}")


@dataclass(frozen=True)
class Loaded:
    """What became of each agent, by name."""

    added: tuple[AgentId, ...]
    changed: tuple[AgentId, ...]
    same: tuple[AgentId, ...]
    removed: tuple[AgentId, ...]


def load(tx: Transaction, agents: Sequence[AgentRecord], now: datetime) -> Loaded:
    """Put exactly these agents on record: new ones are not at work yet, the others keep wish and state.

    All or nothing: raises AgentIsBusy when one who is left out is claimed, rung, talking or wrapping up.
    """
    there = {each.record.name: each for each in tx.agents.all()}
    wanted = {agent.name: agent for agent in agents}
    gone = [there[name] for name in there if name not in wanted]
    _refuse_busy(gone)
    changed = [agent for name, agent in wanted.items() if name in there and there[name].record != agent]
    added = [agent for name, agent in wanted.items() if name not in there]
    for agent in (*added, *changed):
        tx.agents.put(agent, now)
    for each in gone:
        if not tx.agents.remove(each.record.name, each.version, now):
            raise ChangedMeanwhile
    names = {agent.name for agent in (*added, *changed)}
    return Loaded(
        added=tuple(agent.name for agent in added),
        changed=tuple(agent.name for agent in changed),
        same=tuple(name for name in wanted if name not in names),
        removed=tuple(each.record.name for each in gone),
    )


def wish(tx: Transaction, agent: AgentId, wanted: Wish, because: str | None, now: datetime) -> AgentOnRecord:
    """What an agent wishes from now on; no call of theirs is touched. The same wish again changes nothing.

    Raises NoSuchAgent, BreakWithoutReason, ChangedMeanwhile.
    """
    because = (because or "").strip()
    if wanted is Wish.BREAK and not because:
        raise BreakWithoutReason
    before = tx.agents.get(agent)
    return _moved(tx, before, wishes(before.status, wanted, because or "asked for it", now))


def end_wrap_up(tx: Transaction, agent: AgentId, now: datetime) -> AgentOnRecord:
    """The agent needs no more time after the talk. Raises NoSuchAgent, NotWrappingUp, ChangedMeanwhile."""
    before = _wrapping_up(tx, agent)
    return _moved(tx, before, happened(before.status, AgentEvent.WRAPPED_UP, "ended the wrap-up", now))


def extend_wrap_up(tx: Transaction, agent: AgentId, by: timedelta, now: datetime) -> AgentOnRecord:
    """The agent needs so much more time. Raises NoSuchAgent, NotWrappingUp (also once it is due), ChangedMeanwhile."""
    before = _wrapping_up(tx, agent)
    after = extended(before.status, by, now)
    if after == before.status:
        raise NotWrappingUp("the wrap-up is over, or the time is none: nothing was extended")
    return _moved(tx, before, after)


def reachable(tx: Transaction, agent: AgentId, now: datetime) -> AgentOnRecord:
    """An agent who was unreachable can be rung again; for any other nothing changes. Raises as above."""
    before = tx.agents.get(agent)
    return _moved(tx, before, happened(before.status, AgentEvent.RETURNED, "reachable again", now))


def _wrapping_up(tx: Transaction, agent: AgentId) -> AgentOnRecord:
    found = tx.agents.get(agent)
    if found.status.state is not SystemState.WRAP_UP:
        raise NotWrappingUp(f"{agent} is {found.status.state.value.replace('_', ' ')}: there is no wrap-up")
    return found


def _moved(tx: Transaction, before: AgentOnRecord, after: AgentStatus) -> AgentOnRecord:
    if after != before.status and not tx.agents.change(after, before.version):
        raise ChangedMeanwhile
    return tx.agents.get(before.record.name)


def set_pin(tx: Transaction, agent: AgentId, pin: str | None, salt: bytes) -> None:
    """The PIN by which an agent signs in on the telephone; None: none. Raises NoSuchAgent, PinRefused."""
    if pin is not None and not PIN.fullmatch(pin):
        raise PinRefused
    hashed = None if pin is None else pin_hash(pin, salt)
    if not tx.agents.set_pin(agent, hashed):
        raise NoSuchAgent(f"no agent is called '{agent}'")


def _refuse_busy(gone: Sequence[AgentOnRecord]) -> None:
    busy = [f"{each.record.name} is {each.status.state.value}" for each in gone if each.status.state in BUSY]
    if busy:
        words = ", ".join(busy)
        raise AgentIsBusy(f"{words}: nobody was changed; wish them off, and load again once the call is over")
