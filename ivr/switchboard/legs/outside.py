"""A number outside in a talk: beside its agent, or in the agent's place; it rings by itself, and nobody waits alone.

Beside the agent it comes in as soon as it is picked up: the agent hears who that is. Where the agent has left, whoever
picks up is asked for 1 first, so that no machine gets a caller, and a caller whom nobody takes is back in line for the
agent who sent them. Either way it is a leg of ours into the room of the talk, and the caller never leaves that room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core.callbacks import AskedFor, Caps, check_number
from ivr.core.company import Company
from ivr.core.events import TransferBegan, TransferConnected, TransferEnded
from ivr.core.flow.steps.queue import TALKING
from ivr.core.flow.turn import Ask, HangUp, Heard, Join, Keys, Speak, Utter, Wording
from ivr.core.leg import Leg, LegEnd, LegKind, room
from ivr.core.whisper import spoken
from ivr.core.words import LegId, PhoneNumber, TicketId
from ivr.switchboard.legs.leg_turn import Hint, LegStep
from ivr.switchboard.legs.ringing import shown
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Flows, Ids, Later, Numbering
from ivr.switchboard.record import places
from ivr.switchboard.record.talk import TransferRefused, guest_of, hold, resume, talking

RINGS = timedelta(seconds=30)
"""So long a phone outside rings; the flow's own step has its limit in the flow."""

ASKED, ASKED_AGAIN, OVER = "whisper", "whisper_again", "over"
TAKE, DECLINE = "1", "2"
PATIENCE = 6  # seconds for a key

HOW = {LegEnd.BUSY: "busy", LegEnd.FAILED: "failed", LegEnd.CANCELLED: "failed"}
"""As the flow's transfer tells it; whatever else rang and was not taken is no answer."""


@dataclass(frozen=True)
class Dialling:
    """What an outside number is checked and dialled with."""

    flows: Flows
    numbering: Numbering
    ids: Ids


def ring(tx: Transaction, tools: Dialling, ticket: TicketId, to: str, aside: bool, now: datetime) -> None:
    """Ring a number into the talk; ``aside``: the caller is on hold until `resume` or `complete`.

    Raises NoSuchTicket, NobodyTalks, TransferRefused.
    """
    place = talking(tx, ticket)
    leg = _leg(tx, tools, place, to, now)
    if guest_of(tx, place) is not None:
        raise TransferRefused("somebody is in this talk already, or being rung for it")
    _dialled(tx, place, leg, now)
    if aside:
        hold(tx, ticket, now)


def send(tx: Transaction, tools: Dialling, ticket: TicketId, to: str, wrap_up: timedelta, now: datetime) -> None:
    """The agent leaves, and the number is rung for the caller; who comes back is first offered to that agent.

    Raises NoSuchTicket, NobodyTalks, TransferRefused.
    """
    place = talking(tx, ticket)
    leg = _leg(tx, tools, place, to, now)
    places.agent_done(tx, place, "handed", wrap_up, now)
    places.colleagues_go(tx, ticket)
    _dialled(tx, place, leg, now)
    _left(tx, replace(place, held_at=now, hold_due_at=now))


def took_over(tx: Transaction, place: TicketOnRecord, wrap_up: timedelta, now: datetime) -> None:
    """The agent leaves the caller with the number that is in the talk."""
    places.agent_done(tx, place, "handed", wrap_up, now)
    places.note(tx, place, [TransferConnected(place.node)], now)
    _left(tx, replace(place, held_at=None, hold_due_at=now if place.held_at is not None else place.hold_due_at))


def ended(tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> None:
    """The leg outside is over: the caller is back with their agent, back in line, or goes on with the flow."""
    place = tx.tickets.get(leg.ticket)
    if leg.unwanted or places.room_of(place) != room(leg.ticket, leg.attempt):
        return
    if leg.stage != TALKING:
        _not_taken(tx, place, leg, HOW.get(how, "no_answer"), now)
    elif places.outside(place):
        places.end_talk(tx, place, "agent", timedelta(), now)
    else:
        places.note(tx, place, [TransferEnded(place.node, "completed")], now)
        resume(tx, leg.ticket, now)


def _not_taken(tx: Transaction, place: TicketOnRecord, leg: Leg, how: str, now: datetime) -> None:
    if places.outside(place):
        places.back_from_outside(tx, place, leg.to, how, now)
    else:
        places.note(tx, place, [TransferEnded(place.node, how)], now)
        resume(tx, leg.ticket, now)


def _left(tx: Transaction, place: TicketOnRecord) -> None:
    places.written(tx.tickets.change(replace(place, agent=None, handed_by=place.agent, handed_to=None)))


def _dialled(tx: Transaction, place: TicketOnRecord, leg: Leg, now: datetime) -> None:
    tx.legs.commit(leg)
    places.note(tx, place, [TransferBegan(place.node, leg.to)], now)


def _leg(tx: Transaction, tools: Dialling, place: TicketOnRecord, to: str, now: datetime) -> Leg:
    if place.ticket.call is None:
        raise TransferRefused("nobody knows on which call they talk")
    call = tx.calls.at(place.ticket.call)
    version = tools.flows.version(call.version, tx)
    return Leg(
        id=LegId(tools.ids.new()),
        kind=LegKind.OUTSIDE,
        ticket=place.ticket.id,
        to=_checked(tools.numbering, version.company, call.line, to),
        line=call.line,
        language=version.flow.languages[0],
        made_at=now,
        rings=RINGS,
        call=call.id,
        attempt=place.attempt,
        shows=shown(version.company, call),
    )


def _checked(numbering: Numbering, company: Company, line: str, to: str) -> PhoneNumber:
    """The number in E.164 form, where the line may call it: the same countries and kinds as for callbacks."""
    try:
        number = numbering.number(to, company.country)
    except ValueError as problem:
        raise TransferRefused(f"'{to}': {problem}") from None
    lines = company.lines.values()
    ours = {said for each in lines for said in (each.number, each.shows, each.staff) if said is not None}
    asked = AskedFor(number, numbering.country(number), numbering.kind(number), False, today=0, today_in_all=0)
    known = company.lines.get(line)
    check = check_number(asked, known.callable_from if known else (company.country,), frozenset(ours), Caps())
    if not check.allowed:
        raise TransferRefused(f"'{to}': {check.because}")
    return number


@dataclass(frozen=True)
class Outside:
    """The turns of a leg to a number outside."""

    flows: Flows
    wording: Wording
    later: Later

    def __call__(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep:
        place = tx.tickets.get(leg.ticket)
        here = places.room_of(place) == room(leg.ticket, leg.attempt)
        if leg.stage == TALKING:
            return self._over(tx, leg, now, TALKING)
        if leg.unwanted or not here:
            return self._over(tx, leg, now, OVER)
        if not places.outside(place):
            return self._in(leg)
        match heard:
            case Keys(digits) if digits.startswith(TAKE) and leg.stage:
                places.note(tx, place, [TransferConnected(place.node)], now)
                places.written(tx.tickets.change(replace(place, held_at=None, hold_due_at=now)))
                return self._in(leg)
            case Keys(digits) if digits.startswith(DECLINE) and leg.stage:
                return self._back(tx, leg, place, now)
            case _ if leg.stage == ASKED_AGAIN:
                return self._back(tx, leg, place, now)
            case _:
                words = self._words(tx, leg, "outside_asked", now)
                stage = ASKED_AGAIN if leg.stage == ASKED else ASKED
                return LegStep((Ask((words,), 1, "", PATIENCE, leg.language),), stage)

    def _in(self, leg: Leg) -> LegStep:
        return LegStep((Join(room(leg.ticket, leg.attempt), ends=False),), TALKING, self._hints(leg))

    def _back(self, tx: Transaction, leg: Leg, place: TicketOnRecord, now: datetime) -> LegStep:
        places.back_from_outside(tx, place, leg.to, "no_answer", now)
        return self._over(tx, leg, now, OVER)

    def _over(self, tx: Transaction, leg: Leg, now: datetime, stage: str) -> LegStep:
        return LegStep((Speak((self._words(tx, leg, "goodbye", now),)), HangUp()), stage, self._hints(leg))

    def _hints(self, leg: Leg) -> tuple[Hint, ...]:
        return (lambda: self.later.steer(leg.ticket), lambda: self.later.line_up(leg.ticket))

    def _words(self, tx: Transaction, leg: Leg, sentence: str, now: datetime) -> Utter:
        assert leg.call is not None, "a number outside is rung for a call"
        company = self.flows.version(tx.calls.at(leg.call).version, tx).company
        return spoken(company, self.wording, leg.language, now, sentence, us=company.name)
