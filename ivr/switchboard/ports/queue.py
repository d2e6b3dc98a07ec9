"""What is on record of the queue: agents, places in line, claims, legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ivr.core.agent import AgentStatus
from ivr.core.agent_call import AgentCall
from ivr.core.call import CarrierKey
from ivr.core.leg import Leg
from ivr.core.roster import Address, AgentRecord
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.words import (
    AgentCallId,
    AgentId,
    CallId,
    CustomerId,
    LegId,
    QueueName,
    TicketId,
)


@dataclass(frozen=True)
class AgentOnRecord:
    """An agent as the company has them, and as they are now; ``version`` tells apart two who change that at once."""

    record: AgentRecord
    status: AgentStatus
    version: int


@dataclass(frozen=True)
class AgentChange:
    """One line of an agent's log: ``what`` is ``wish`` or ``state``."""

    agent: AgentId
    at: datetime
    what: str
    value: str
    because: str


class Agents(Protocol):
    def all(self) -> Sequence[AgentOnRecord]:
        """By name."""
        ...

    def get(self, agent: AgentId) -> AgentOnRecord:
        """Raises NoSuchAgent."""
        ...

    def edition(self) -> int:
        """A number that grows with every change of anybody: the same number, the same agents."""
        ...

    def resting(self) -> Mapping[AgentId, datetime]:
        """Who wraps up, and until when; the earliest first."""
        ...

    def put(self, record: AgentRecord, at: datetime) -> None:
        """Put on record, or change who they are and leave wish and state; one taken off before begins anew."""
        ...

    def remove(self, agent: AgentId, version: int, at: datetime) -> bool:
        """Take off the record; False when they have been changed since that version."""
        ...

    def change(self, status: AgentStatus, version: int) -> bool:
        """Write wish and state, and log what is new of them; False when changed since that version."""
        ...

    def history(self, agent: AgentId, limit: int) -> Sequence[AgentChange]:
        """The newest first."""
        ...

    def at(self, address: Address) -> AgentOnRecord | None:
        """Who is rung there."""
        ...

    def pin_hash(self, agent: AgentId) -> str | None: ...

    def set_pin(self, agent: AgentId, hashed: str | None) -> bool:
        """None takes it away; False where nobody has this name."""
        ...


class AgentCalls(Protocol):
    """Agents who ring us."""

    def find(self, key: CarrierKey) -> AgentCall | None: ...

    def get(self, call: AgentCallId) -> AgentCall:
        """Raises NoSuchAgentCall."""
        ...

    def start(self, call: AgentCall) -> bool:
        """Insert; False when the carrier key is on record already."""
        ...

    def change(self, call: AgentCall) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def failures(self, agent: AgentId, since: datetime) -> int:
        """Wrong PINs of calls that began since then."""
        ...


@dataclass(frozen=True)
class TicketOnRecord:
    """A place in line as it is written: the ticket, and what became of it so far.

    ``version`` tells apart two who change it at once; ``attempt`` grows with its claims (the room of each is another);
    ``fence`` is that of its last claim: an earlier one is refused.
    """

    ticket: Ticket
    version: int = 0
    attempt: int = 0
    fence: int = 0
    wish: str = ""  # chosen while waiting, once: callback, voicemail, overflow_1, …
    agent: AgentId | None = None  # who took it
    node: str = ""  # of the flow it waits for
    taken_at: datetime | None = None  # by the agent
    away_at: datetime | None = None
    ended_at: datetime | None = None
    because: str | None = None  # of the end
    told_position: int | None = None  # the last that was said aloud; never a worse one after it
    told_low: timedelta | None = None  # the first range for the wait that was said aloud, and when
    told_high: timedelta | None = None
    told_at: datetime | None = None
    load: float | None = None  # what it met on arrival: callers ahead for each agent at work
    handed_by: AgentId | None = None  # transferred by them, until somebody takes it
    handed_to: AgentId | None = None  # to this agent; None: to a queue, or back to who transferred it
    held_at: datetime | None = None  # the caller is to be on hold since then; None: in the talk
    hold_due_at: datetime | None = None  # the carrier is to be told so; None: it was
    moves: int = 0  # so often the caller's leg was pointed to its turn ``moved_turn``, and did not get on
    moved_turn: int = 0
    moved_at: datetime | None = None


@dataclass(frozen=True)
class AnsweredTicket:
    """What an answered ticket tells of waits and talks; ``load`` is the one it met when it came."""

    kind: TicketKind
    queue: QueueName
    needs: Mapping[str, int]
    arrived_at: datetime
    taken_at: datetime
    ended_at: datetime | None
    load: float | None


class Tickets(Protocol):
    """``SqlTickets``: places in line."""

    def next_order(self) -> int:
        """The next number of the stored counter that breaks ties of arrival."""
        ...

    def take(self, ticket: TicketOnRecord) -> bool:
        """Insert; False when this call, or this callback, has a live one already."""
        ...

    def get(self, ticket: TicketId) -> TicketOnRecord:
        """Raises NoSuchTicket."""
        ...

    def of_call(self, call: CallId) -> TicketOnRecord | None:
        """The newest of a call, ended or not."""
        ...

    def away_of(self, customer: CustomerId, since: datetime) -> TicketOnRecord | None:
        """The newest of a customer that went away no earlier than ``since`` and is still away."""
        ...

    def change(self, ticket: TicketOnRecord) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def live(self, queue: QueueName | None = None) -> Sequence[TicketOnRecord]:
        """Every one that has not ended, by arrival and order."""
        ...

    def versions(self) -> Mapping[TicketId, int]:
        """Of all that have not ended: what has changed since is told by it."""
        ...

    def ahead(self, ticket: Ticket, now: datetime) -> int:
        """How many of the same queue stand in line before it (boosts counted), itself not counted.

        Those who are not to be called before a later moment than ``now`` do not count.
        """
        ...

    def lengths(self) -> Mapping[QueueName, int]:
        """How many stand in line, or are being offered, in each queue where anybody does."""
        ...

    def answered_since(self, moment: datetime) -> Sequence[AnsweredTicket]:
        """Those an agent took who talk now, or whose talk has ended since; in no order."""
        ...

    def refused(self, limit: int) -> Sequence[TicketOnRecord]:
        """Those in line that somebody refused or missed, the first to arrive first."""
        ...

    def handed(self, limit: int) -> Sequence[TicketOnRecord]:
        """Those in line that were transferred to an agent, the first to arrive first."""
        ...

    def talking(self) -> Sequence[TicketOnRecord]:
        """The earliest talk first."""
        ...

    def last_agent_of(self, customer: CustomerId) -> AgentId | None:
        """Who served this customer last."""
        ...

    def away_before(self, moment: datetime, limit: int) -> Sequence[TicketOnRecord]:
        """Those still away that went before a moment, the longest away first."""
        ...

    def left_behind(self) -> Sequence[TicketId]:
        """Those nobody talks to any more, while their caller is still where they talked."""
        ...

    def ended_between(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        """By the time of their end, in ``[since, until)``."""
        ...

    def standing(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        """Every one that stood at some moment of ``[since, until)``, by arrival and order."""
        ...


class ClaimState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"  # until the talk ends
    ENDED = "ended"


@dataclass(frozen=True)
class ClaimOnRecord:
    """One agent reserved for one ticket; where several are rung at once, a row each under one token."""

    token: str
    agent: AgentId
    ticket: TicketId
    attempt: int
    fence: int
    made_at: datetime
    lapses_at: datetime
    because: str  # why this ticket, and why this agent
    state: ClaimState = ClaimState.OFFERED
    how: str | None = None  # of the end: declined, missed, lapsed, let_go, lost, talked
    accepted_at: datetime | None = None
    ended_at: datetime | None = None


class Claims(Protocol):
    def make(self, claims: Sequence[ClaimOnRecord]) -> bool:
        """Insert all or none; False when the ticket or one of the agents has a live claim, by unique constraints."""
        ...

    def under(self, token: str) -> Sequence[ClaimOnRecord]: ...

    def of_agent(self, agent: AgentId) -> ClaimOnRecord | None:
        """The live one."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[ClaimOnRecord]:
        """All of them, the earliest first."""
        ...

    def live(self) -> Sequence[ClaimOnRecord]: ...

    def of_standing(self, since: datetime, until: datetime) -> Sequence[ClaimOnRecord]:
        """All claims of the tickets that stood at some moment of ``[since, until)``, the earliest first."""
        ...

    def last_talk(self, agent: AgentId) -> ClaimOnRecord | None:
        """The claim behind the talk that an agent was the last to end."""
        ...

    def accept(self, token: str, agent: AgentId, at: datetime) -> bool:
        """False unless it stands offered."""
        ...

    def end(self, token: str, agent: AgentId, how: str, at: datetime) -> bool:
        """False when it has ended already."""
        ...


class Legs(Protocol):
    def commit(self, leg: Leg) -> None:
        """On record before the carrier is asked."""
        ...

    def get(self, leg: LegId) -> Leg:
        """Raises NoSuchLeg."""
        ...

    def under(self, token: str) -> Sequence[Leg]:
        """Those of a claim."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[Leg]:
        """The earliest first."""
        ...

    def of_agent(self, agent: AgentId) -> Sequence[Leg]:
        """An agent's own that have not ended, the earliest first; not those to customers they wait for."""
        ...

    def change(self, leg: Leg) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def unfinished(self) -> Sequence[Leg]:
        """Every one that has not ended, the earliest first."""
        ...


class FloorRow(Protocol):
    """One row: the epoch under which the floor stands; locked, it chooses the one rebuilder."""

    def epoch(self) -> int: ...

    def lock(self) -> int:
        """Hold the row until the transaction ends; the epoch."""
        ...

    def set(self, epoch: int, at: datetime) -> None: ...
