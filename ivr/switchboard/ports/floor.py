"""The floor (Redis): who waits, who is free and who is claimed, as every process sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ivr.core.routing.decide import FreeAgent, Pair, Waiting
from ivr.core.ticket import Ticket
from ivr.core.words import (
    AgentId,
    TicketId,
)


class FloorAnswer(StrEnum):
    """What the floor says; each is an ordinary answer, and the use case looks again."""

    DONE = "done"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    TICKET_GONE = "ticket_gone"  # not in line: claimed, withdrawn, or before its slot
    AGENT_TAKEN = "agent_taken"  # not free any more, or not for this ticket
    CLAIM_GONE = "claim_gone"  # accepted, released, lapsed or withdrawn; or another token
    FLOOR_LOST = "floor_lost"  # the epoch is another: compare with SQL, rebuild


@dataclass(frozen=True)
class Candidates:
    """The first tickets that somebody free may serve, and those who may: enough to choose as if all were here."""

    waiting: tuple[Waiting, ...]
    free: tuple[FreeAgent, ...]


@dataclass(frozen=True)
class Claim:
    """An answer to a claim. ``fence`` is later for a later claim: SQL refuses an earlier one than it has seen."""

    answer: FloorAnswer
    ticket: TicketId
    agents: tuple[AgentId, ...] = ()
    token: str = ""
    fence: int = 0


@dataclass(frozen=True)
class StandingClaim:
    """A claim that waits for an answer."""

    ticket: TicketId
    agents: tuple[AgentId, ...]
    token: str
    fence: int
    lapses: datetime


@dataclass(frozen=True)
class FloorSnapshot:
    """All that is on the floor; ``resting`` are tickets not in line yet (before a slot).

    ``forms``: of each ticket, claimed ones too, how it was put there last (``Floor.form``).
    """

    forms: Mapping[TicketId, str]
    in_line: frozenset[TicketId]
    resting: frozenset[TicketId]
    free: tuple[FreeAgent, ...]
    claims: tuple[StandingClaim, ...]


class Floor(Protocol):
    """Who waits, who is free and who is claimed, as every process sees it, under one epoch.

    Each method raises FloorUnavailable when Redis cannot be reached; those that answer no FloorAnswer raise FloorLost.
    The callers hold no lock: a claim is one atomic step, and nothing is decided by the floor's own clock.
    """

    @property
    def epoch(self) -> int: ...

    def under(self, epoch: int) -> Floor:
        """The same floor, expected to stand under this epoch."""
        ...

    def put(self, ticket: Ticket, now: datetime) -> FloorAnswer:
        """In line at its place, or moved to its new one. DONE, CLAIMED (a claimed one stays so), FLOOR_LOST."""
        ...

    def withdraw(self, ticket: TicketId, now: datetime) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        """Off the floor, claimed or not, with the agents its claim had reserved: they are not free by themselves.

        DONE, TICKET_GONE, FLOOR_LOST.
        """
        ...

    def agent_free(self, agent: FreeAgent, now: datetime) -> FloorAnswer:
        """Free, with these figures. DONE, CLAIMED (stays so), FLOOR_LOST."""
        ...

    def agent_not_free(self, agent: AgentId, now: datetime) -> FloorAnswer:
        """DONE, CLAIMED (the claim stands), FLOOR_LOST."""
        ...

    def candidates(self, now: datetime, matches: int = 1) -> Candidates:
        """What the choice of the next so many matches needs; may hold fewer, never none while one is possible."""
        ...

    def claim(self, ticket: TicketId, agents: Sequence[AgentId], token: str, now: datetime, lapses: datetime) -> Claim:
        """Reserve; of several agents those still free. CLAIMED, TICKET_GONE, AGENT_TAKEN, FLOOR_LOST."""
        ...

    def claim_first(
        self, choices: Sequence[tuple[Pair, str]], now: datetime, lapses: datetime, at_most: int = 1
    ) -> Sequence[Claim]:
        """Of matches with their tokens, in order, the first so many that still hold, each as by ``claim``.

        A ticket that is gone is passed over; one whose agents are taken ends it.
        """
        ...

    def accept(
        self, ticket: TicketId, agent: AgentId, token: str, now: datetime
    ) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        """The agent takes it, once: it leaves the floor; the others who were rung are free as before, and named.

        ACCEPTED, CLAIM_GONE, FLOOR_LOST.
        """
        ...

    def release(self, ticket: Ticket, token: str, now: datetime, free_again: Sequence[AgentId] = ()) -> FloorAnswer:
        """The claim came to nothing: back at the same place, now with these refusals. DONE, CLAIM_GONE, FLOOR_LOST."""
        ...

    def take_back(self, ticket: TicketId, token: str, now: datetime) -> FloorAnswer:
        """Undo a claim that came on no record: all is as before it. DONE, CLAIM_GONE, FLOOR_LOST."""
        ...

    def lapsed(self, now: datetime) -> Sequence[StandingClaim]:
        """End the claims whose time has come; their tickets are back at their places, their agents not free."""
        ...

    def form(self, ticket: Ticket) -> str:
        """A ticket as it would be put: the same text for all that the floor goes by."""
        ...

    def snapshot(self, now: datetime) -> FloorSnapshot: ...

    def rebuild(
        self,
        epoch: int,
        tickets: Sequence[Ticket],
        agents: Sequence[FreeAgent],
        claims: Sequence[StandingClaim],
        now: datetime,
    ) -> Sequence[Claim]:
        """Begin again under a later epoch, with these in line and free, and these claims, each with a new fence.

        ``tickets`` and ``agents`` hold those of the claims too. Raises FloorLost when it is under such an epoch
        already, and FloorBeingBuilt while somebody else is at that.
        """
        ...
