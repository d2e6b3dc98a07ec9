"""Who answers: each agent as the company has put them on record. What they wish and do now is ``core.agent``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.agent import AgentStatus, SystemState, Wish
from ivr.core.errors import IvrError
from ivr.core.routing.skills import Offer
from ivr.core.words import AgentId, QueueName

LEVELS = range(1, 6)
"""Of a skill: 5 is best."""

BUSY = frozenset({SystemState.CLAIMED, SystemState.RINGING, SystemState.TALKING, SystemState.WRAP_UP})
"""In these states somebody waits for the agent, or a call of theirs is not finished."""


class NoSuchAgent(IvrError):
    """No agent has this name."""


class AgentIsBusy(IvrError):
    """An agent who is on a call cannot be taken off the record."""


class BreakWithoutReason(IvrError):
    """A break has a reason: lunch, training, …"""


class NotWrappingUp(IvrError):
    """Only an agent whose talk has just ended has a wrap-up."""


class AddressKind(StrEnum):
    PHONE = "phone"
    SIP = "sip"
    BROWSER = "browser"


@dataclass(frozen=True)
class Address:
    """Where an agent is rung: a number in E.164 form, ``sip:…``, or the name their browser signs in with."""

    kind: AddressKind
    at: str


@dataclass(frozen=True)
class AgentRecord:
    """An agent; the name is who they are, everywhere."""

    name: AgentId
    queues: tuple[QueueName, ...]
    address: Address
    skills: Mapping[str, int] = field(default_factory=dict)  # level 1 to 5
    wrap_up: timedelta | None = None  # None: as the queue has it
    rank: int = 0  # place in the company's list: what "top down" goes by

    def brings(self) -> Offer:
        """What routing compares with what a ticket needs."""
        return Offer(frozenset(self.queues), tuple(sorted(self.skills.items())))


def first_status(agent: AgentId, at: datetime) -> AgentStatus:
    """An agent who was just put on record: not at work."""
    because = "put on record"
    return AgentStatus(agent, Wish.OFF, because, at, SystemState.IDLE, because, at, at)
