"""A second agent in the talk: rung into its room, then the three of them, or the caller is left with the second.

The colleague is reserved by their state on record, not by a claim: that stays with who talks to the caller until they
leave. Each step is written first; the legs follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core.agent import AgentEvent
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import Transferred
from ivr.core.flow.steps.queue import TALKING
from ivr.core.flow.turn import Ask, GoOn, HangUp, Heard, Join, Keys, LeftRoom, Speak, Utter, Wording
from ivr.core.leg import Leg, LegEnd, LegKind, room
from ivr.core.whisper import spoken
from ivr.core.words import AgentId, LegId, TicketId
from ivr.switchboard.legs import outside
from ivr.switchboard.legs.leg_turn import Hint, LegStep
from ivr.switchboard.legs.ringing import RINGS, dialled, shown
from ivr.switchboard.ports.queue import ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Flows, Ids, Later
from ivr.switchboard.record import places
from ivr.switchboard.record.talk import TransferRefused, guest_of, hold, resume, talking

ASKED, ASKED_AGAIN, OVER = "whisper", "whisper_again", "over"
TAKE, DECLINE = "1", "2"
PATIENCE = 6  # seconds for a key


def ring(tx: Transaction, flows: Flows, ids: Ids, ticket: TicketId, agent: AgentId, aside: bool, now: datetime) -> None:
    """Ring a second agent into the talk; ``aside``: the caller is on hold until `resume` or `complete`.

    Raises NoSuchTicket, NobodyTalks, NoSuchAgent, TransferRefused.
    """
    place, colleague = talking(tx, ticket), tx.agents.get(agent)
    if not colleague.status.is_free(now) or places.on_the_phone(tx, agent):
        raise TransferRefused(f"{agent} is not free: {colleague.status.wish.value}, {colleague.status.state.value}")
    if guest_of(tx, place) is not None:
        raise TransferRefused("somebody is in this talk already, or being rung for it")
    if place.ticket.call is None:
        raise TransferRefused("nobody knows on which call they talk")
    call = tx.calls.at(place.ticket.call)
    version = flows.version(call.version, tx)
    places.agent_moves(tx, agent, AgentEvent.CLAIMED, f"asked for by {place.agent}", now)
    tx.legs.commit(
        Leg(
            id=LegId(ids.new()),
            kind=LegKind.COLLEAGUE,
            ticket=ticket,
            to=dialled(colleague.record.address),
            line=call.line,
            language=version.flow.languages[0],
            made_at=now,
            rings=RINGS,
            call=call.id,
            agent=agent,
            attempt=place.attempt,
            shows=shown(version.company, call),
        )
    )
    if aside:
        hold(tx, ticket, now)


def complete(tx: Transaction, ticket: TicketId, wrap_up: timedelta, token: str, now: datetime) -> None:
    """Who talked leaves; the colleague, or the number outside, has the caller.

    Raises NoSuchTicket, NobodyTalks, TransferRefused.
    """
    place = talking(tx, ticket)
    leg = guest_of(tx, place)
    if leg is None or leg.stage != TALKING or place.agent is None:
        raise TransferRefused("nobody else is in this talk")
    if leg.agent is None:
        outside.took_over(tx, place, wrap_up, now)
        return
    before = place.agent
    places.agent_done(tx, place, "handed", wrap_up, now)
    fence = place.fence + 1
    claim = ClaimOnRecord(token, leg.agent, ticket, place.attempt, fence, now, now, f"handed over by {before}")
    if not tx.claims.make([claim]) or not tx.claims.accept(token, leg.agent, now):
        raise ChangedMeanwhile
    places.written(tx.legs.change(replace(leg, kind=LegKind.AGENT, token=token)))
    due = now if place.held_at is not None else place.hold_due_at
    theirs = replace(place, agent=leg.agent, taken_at=now, fence=fence, held_at=None, hold_due_at=due)
    places.written(tx.tickets.change(theirs))
    places.note(tx, place, [Transferred(ticket, before, place.ticket.queue, leg.agent, "handed")], now)


def cancel(tx: Transaction, ticket: TicketId, now: datetime) -> None:
    """Whoever was asked in is to go, and the caller is back in the talk. Raises NoSuchTicket, NobodyTalks."""
    talking(tx, ticket)
    places.colleagues_go(tx, ticket)
    resume(tx, ticket, now)


def taken_over(tx: Transaction, place: TicketOnRecord, wrap_up: timedelta, token: str, now: datetime) -> bool:
    """Who talked has hung up: the caller is left with whoever else is in the talk. False: nobody is."""
    leg = guest_of(tx, place)
    if place.agent is None or leg is None or leg.stage != TALKING:
        return False
    complete(tx, place.ticket.id, wrap_up, token, now)
    return True


def ended(tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> None:
    """The colleague's leg is over; one that said no before is free since then."""
    if leg.stage == OVER:
        return
    if leg.stage == TALKING:
        _gone(tx, leg, AgentEvent.TALK_ENDED, "left the talk", now)
    elif how is LegEnd.FAILED:
        _gone(tx, leg, AgentEvent.LOST, "lost", now)
    elif how is LegEnd.CANCELLED or leg.unwanted or leg.unheard(how):
        _gone(tx, leg, AgentEvent.LET_GO, "let_go", now)
    else:
        _gone(tx, leg, AgentEvent.MISSED, "missed", now)


def _gone(tx: Transaction, leg: Leg, event: AgentEvent, because: str, now: datetime) -> None:
    if leg.agent is not None:
        places.agent_moves(tx, leg.agent, event, because, now)
        if event is AgentEvent.TALK_ENDED:
            places.agent_moves(tx, leg.agent, AgentEvent.WRAPPED_UP, "nothing to wrap up", now)
    place = tx.tickets.get(leg.ticket)
    if places.room_of(place) == room(leg.ticket, leg.attempt):
        resume(tx, leg.ticket, now)


def _in_talk(leg: Leg, place: TicketOnRecord) -> bool:
    return not leg.unwanted and places.room_of(place) == room(leg.ticket, leg.attempt)


@dataclass(frozen=True)
class Consult:
    """The turns of a colleague's leg: who asks for them, and 1 to come in."""

    flows: Flows
    wording: Wording
    later: Later

    def __call__(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep:
        place = tx.tickets.get(leg.ticket)
        if leg.stage == TALKING and _in_talk(leg, place):  # the star is for whose talk it is; a moment, as in talk_keys
            return LegStep((GoOn(1),), TALKING) if isinstance(heard, LeftRoom) else self._in(leg)
        if leg.stage == TALKING:
            return self._over(tx, leg, "talk_over", now, TALKING)
        if not _in_talk(leg, place):
            return self._over(tx, leg, "offer_gone", now, leg.stage)
        match heard:
            case Keys(digits) if digits.startswith(TAKE) and leg.stage:
                if leg.agent is not None:
                    places.agent_moves(tx, leg.agent, AgentEvent.ACCEPTED, "joined a talk", now)
                return self._in(leg)
            case Keys(digits) if digits.startswith(DECLINE) and leg.stage:
                _gone(tx, leg, AgentEvent.DECLINED, "declined", now)
                return self._over(tx, leg, "offer_declined", now, OVER)
            case _ if leg.stage == ASKED_AGAIN:
                _gone(tx, leg, AgentEvent.MISSED, "missed", now)
                return self._over(tx, leg, "offer_gone", now, OVER)
            case _:
                again = leg.stage == ASKED
                name = "whisper_again" if again else "whisper_consult"
                words = self._words(tx, leg, name, now, agent=place.agent or "")
                return LegStep((Ask((words,), 1, "", PATIENCE, leg.language),), ASKED_AGAIN if again else ASKED)

    def _in(self, leg: Leg) -> LegStep:
        return LegStep((Join(room(leg.ticket, leg.attempt), ends=False, star=True),), TALKING, self._hints(leg))

    def _over(self, tx: Transaction, leg: Leg, sentence: str, now: datetime, stage: str) -> LegStep:
        return LegStep((Speak((self._words(tx, leg, sentence, now),)), HangUp()), stage, self._hints(leg))

    def _hints(self, leg: Leg) -> tuple[Hint, ...]:
        agent = leg.agent
        assert agent is not None, "a colleague has a name"
        return (lambda: self.later.steer(leg.ticket), lambda: self.later.at_work(agent))

    def _words(self, tx: Transaction, leg: Leg, sentence: str, now: datetime, **slots: str) -> Utter:
        assert leg.call is not None, "a colleague is rung for a call"
        company = self.flows.version(tx.calls.at(leg.call).version, tx).company
        return spoken(company, self.wording, leg.language, now, sentence, **slots)
