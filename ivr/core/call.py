"""A call's life: its states, the moves between them, and the row that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ivr.core.words import CallerNumber, CallId, CustomerId, FlowVersionId, PhoneNumber


class CallState(StrEnum):
    IN_FLOW = "in_flow"
    WAITING = "waiting"
    TALKING = "talking"
    ENDED = "ended"


class Sure(StrEnum):
    """How sure we are who calls; caller id alone never makes it ``known``."""

    KNOWN = "known"  # proven on this call
    MAYBE = "maybe"  # the number belongs to exactly one customer
    SHARED = "shared"  # the number belongs to several
    SIMILAR = "similar"  # only the number's end matches
    NEW = "new"  # a prospect made at this call
    WITHHELD = "withheld"


@dataclass(frozen=True)
class CarrierKey:
    """A call as the carrier names it; unique."""

    carrier: str
    account: str
    sid: str


@dataclass(frozen=True)
class CallRecord:
    """One row of ``calls``. ``cursor`` and ``says`` are JSON text; ``turn`` is the lock."""

    id: CallId
    key: CarrierKey
    line: str
    caller: CallerNumber
    called: PhoneNumber
    customer: CustomerId
    sure: Sure
    version: FlowVersionId
    state: CallState
    turn: int
    door: str  # the door and token by which `turn` was reached
    token: str
    cursor: str
    says: str
    next_seq: int  # of the call's events
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
