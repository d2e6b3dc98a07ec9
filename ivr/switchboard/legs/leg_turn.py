"""A leg of ours answered, or was pressed a key on: its next turn; the carrier says how it stands: a fact, kept once.

Legs have turns as calls have: the turn in the address is the lock, and a repeat gets the stored answer. What a leg says
and does is its kind's business: an agent's in ``offer``, a customer's who is called back in ``call_back``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from ivr.core.errors import ChangedMeanwhile
from ivr.core.flow import says as sayings
from ivr.core.flow.turn import HangUp, Heard, LeftQueue, Said
from ivr.core.leg import Leg, LegEnd, LegKind, LegState, later
from ivr.core.words import LegId
from ivr.switchboard.calls.take_turn import MOVES_NOTHING
from ivr.switchboard.ports.queue import ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock

Hint = Callable[[], None]

TRIES = 5
"""Somebody else may change the same at the same moment: then it is worked out again."""


@dataclass(frozen=True)
class LegStep:
    """What a leg's turn comes to: what it says, the stage it then stands at, and the hints to give after the commit."""

    says: tuple[Said, ...]
    stage: str
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True)
class LegAnswer:
    """What a leg's door says back: the turn it leads to and the words."""

    leg: LegId
    turn: int
    says: tuple[Said, ...]


class CallsBack(Protocol):
    """What becomes of a callback once an agent has taken it (``call_back``)."""

    def begin(self, tx: Transaction, place: TicketOnRecord, claim: ClaimOnRecord, now: datetime) -> Leg | None:
        """Commit the leg to the customer; None where they are not to be dialled now."""
        ...

    def agent_gone(self, tx: Transaction, leg: Leg, now: datetime) -> bool:
        """The agent hung up while the customer's phone rang; False: that was not so."""
        ...

    def ended(self, tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> object:
        """The customer's leg ended before they pressed 1: what becomes of callback and ticket."""
        ...


class LegTurns(Protocol):
    """What a kind of leg says and does."""

    def __call__(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep: ...


@dataclass(frozen=True)
class LegTurn:
    """The use case behind every door of a leg that we dialled."""

    records: Records
    agent: LegTurns
    customer: LegTurns
    colleague: LegTurns
    outside: LegTurns
    clock: Clock

    def __call__(self, leg: LegId, turn: int, door: str, heard: Heard, token: str, sid: str) -> LegAnswer:
        """The answer to what was heard at a turn; whoever comes late or twice gets the stored one.

        ``sid``: the carrier's name of the leg, which may not have come to us in any other way. Raises NoSuchLeg and
        RecordsUnavailable.
        """
        for _ in range(TRIES - 1):
            try:
                return self._taken(leg, turn, door, heard, token, sid)
            except ChangedMeanwhile:
                continue
        return self._taken(leg, turn, door, heard, token, sid)

    def _taken(self, name: LegId, turn: int, door: str, heard: Heard, token: str, sid: str) -> LegAnswer:
        now = self.clock.now()
        with self.records.write() as tx:
            leg = held(tx, name)
            if leg.state is LegState.ENDED and leg.turn == 0:
                return LegAnswer(name, turn, self._too_late(tx, leg, heard, now))
            ours = isinstance(heard, LeftQueue) and heard.how in MOVES_NOTHING
            # A phone that is ahead of us has heard a turn which a power cut took: it is taken from where we stand.
            if turn < leg.turn or leg.state is LegState.ENDED or ours:
                return LegAnswer(name, leg.turn, sayings.from_json(leg.says))
            step = self._kind(leg)(tx, leg, heard, now)
            standing = tx.legs.get(name)  # the step may have marked it unwanted
            moved = replace(
                standing,
                turn=turn + 1,
                door=door,
                token_heard=token,
                stage=step.stage,
                says=sayings.as_json(step.says),
                state=later(standing.state, LegState.ANSWERED),
                sid=standing.sid or sid or None,
            )
            if not tx.legs.change(moved):
                raise ChangedMeanwhile
        for hint in step.hints:
            hint()
        return LegAnswer(name, turn + 1, step.says)

    def _too_late(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> tuple[Said, ...]:
        """Over on record before it ever spoke: should somebody be there after all, they hear so; nothing is written."""
        says = self._kind(leg)(tx, leg, heard, now).says
        return says if HangUp() in says else (HangUp(),)

    def _kind(self, leg: Leg) -> LegTurns:
        match leg.kind:
            case LegKind.AGENT:
                return self.agent
            case LegKind.CUSTOMER:
                return self.customer
            case LegKind.COLLEAGUE:
                return self.colleague
            case LegKind.OUTSIDE:
                return self.outside


def held(tx: Transaction, name: LegId) -> Leg:
    """A leg, the call it is for held until the commit (``places.hold`` says why). Raises NoSuchLeg."""
    leg = tx.legs.get(name)
    if leg.call is not None:
        tx.calls.at(leg.call)
    return leg
