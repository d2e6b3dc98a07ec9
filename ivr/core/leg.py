"""A leg that we dial: to an agent, or to a customer who is called back. It has turns of its own, as a call has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.words import AgentId, CallbackId, CallId, Language, LegId, PhoneNumber, TicketId


class LegKind(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"  # called back
    COLLEAGUE = "colleague"  # a second agent, asked into a talk
    OUTSIDE = "outside"  # a number that is nobody's of ours, into a talk or in place of its agent


GUESTS = frozenset({LegKind.COLLEAGUE, LegKind.OUTSIDE})
"""In a talk beside its agent, or rung for it."""


class LegState(StrEnum):
    """Where a leg stands; ``ended`` is an end."""

    COMMITTED = "committed"  # on record; the carrier was not asked, or did not answer
    DIALLED = "dialled"  # the carrier has it
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


_RANK = list(LegState)


class LegEnd(StrEnum):
    """How a leg ended, in our words."""

    COMPLETED = "completed"  # it was answered, and hung up
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"  # by us
    FAILED = "failed"  # the carrier cannot reach this address


ENDS: Mapping[str, LegEnd] = {
    "completed": LegEnd.COMPLETED,
    "busy": LegEnd.BUSY,
    "no-answer": LegEnd.NO_ANSWER,
    "canceled": LegEnd.CANCELLED,
    "failed": LegEnd.FAILED,
}
"""The carrier's words for the end of a leg ("Call resource: call status values", twilio.com/docs/voice/api)."""


def later(state: LegState, news: LegState) -> LegState:
    """News may overtake one another: a leg never goes back."""
    return news if _RANK.index(news) > _RANK.index(state) else state


@dataclass(frozen=True)
class Leg:
    """One row of ``legs``; ``turn`` is the lock of its turns, ``says`` the JSON of what the standing turn says."""

    id: LegId
    kind: LegKind
    ticket: TicketId
    to: str  # E.164, sip:… or client:…
    line: str
    language: Language
    made_at: datetime
    rings: timedelta  # then it counts as not answered
    call: CallId | None = None  # of the customer it is for; None: a callback before the customer is reached
    token: str = ""  # of the claim it belongs to
    agent: AgentId | None = None
    callback: CallbackId | None = None
    attempt: int = 0  # of the ticket: its room is `<ticket>-<attempt>`
    shows: PhoneNumber | None = None
    state: LegState = LegState.COMMITTED
    sid: str | None = None  # the carrier's name for it
    unwanted: bool = False  # it is to be hung up, once the carrier has it
    turn: int = 0  # 0: nobody has answered
    door: str = ""
    token_heard: str = ""  # of the request by which `turn` was reached
    stage: str = ""  # what the standing turn asks: whisper, talk, over; or where it stands in the flow
    says: str = "[]"
    ended_at: datetime | None = None
    how: LegEnd | None = None
    version: int = 0

    @property
    def rang(self) -> bool:
        """The phone is known to have rung."""
        return self.state in (LegState.RINGING, LegState.ANSWERED) or self.how in (LegEnd.NO_ANSWER, LegEnd.COMPLETED)

    def unheard(self, how: LegEnd) -> bool:
        """Answered, and its first turn never came to us: our doors were closed."""
        return how is LegEnd.COMPLETED and self.turn == 0


def room(ticket: TicketId, attempt: int) -> str:
    """The room of a talk; never used again (house law: a room's events of the past cannot touch the present)."""
    return f"{ticket}-{attempt}"
