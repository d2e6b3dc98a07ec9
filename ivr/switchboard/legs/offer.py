"""An agent's phone was answered: the whisper, and 1 to take the call, so that a voicemail never answers for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ivr.core.agent import AgentEvent
from ivr.core.customer import Customer
from ivr.core.events import NodeLeft
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.steps.queue import TALKING
from ivr.core.flow.turn import Ask, HangUp, Heard, Join, Keys, Said, Speak, Utter, Wording
from ivr.core.leg import Leg, room
from ivr.core.ticket import TicketKind
from ivr.core.whisper import last_choice, spoken, title, whisper
from ivr.core.words import PhoneNumber
from ivr.switchboard.legs.leg_news import claim_of
from ivr.switchboard.legs.leg_turn import CallsBack, Hint, LegStep
from ivr.switchboard.legs.talk_keys import STAGES, TalkKeys
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState, TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Flows, Later
from ivr.switchboard.record import places
from ivr.switchboard.record.places import on_our_leg

OVER = "over"
ASKED, ASKED_AGAIN = "whisper", "whisper_again"
TAKE, DECLINE = "1", "2"
PATIENCE = 6  # seconds for a key


@dataclass(frozen=True)
class Offer:
    """The turns of an agent's leg."""

    flows: Flows
    wording: Wording
    call_back: CallsBack
    keys: TalkKeys
    later: Later

    def __call__(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep:
        claim = claim_of(tx, leg)
        if leg.stage == TALKING or leg.stage in STAGES:
            place = tx.tickets.get(leg.ticket)
            if _talks(leg, claim, place):
                return self.keys(tx, leg, place, self._version(tx, leg), heard, now)
            return self._over(tx, leg, "talk_over", now)
        if claim is None or claim.state is not ClaimState.OFFERED:
            return self._over(tx, leg, "offer_gone", now)
        match heard:
            case Keys(digits) if digits.startswith(TAKE) and leg.stage:
                return self._taken(tx, leg, claim, now)
            case Keys(digits) if digits.startswith(DECLINE) and leg.stage:
                places.refused(tx, claim, AgentEvent.DECLINED, "declined", now)
                return self._over(tx, leg, "offer_declined", now)
            case _ if leg.stage == ASKED_AGAIN:
                places.refused(tx, claim, AgentEvent.MISSED, "missed", now)
                return self._over(tx, leg, "offer_gone", now)
            case _:
                return self._asked(tx, leg, now)

    def _asked(self, tx: Transaction, leg: Leg, now: datetime) -> LegStep:
        tx.witnessed()
        again = leg.stage == ASKED
        place, version = tx.tickets.get(leg.ticket), self._version(tx, leg)
        if place.ticket.kind is TicketKind.CALLBACK and not again and not on_our_leg(tx, place):
            words = spoken(
                version.company,
                self.wording,
                leg.language,
                now,
                "whisper_callback",
                queue=title(version.company, place.ticket.queue, leg.language),
                caller=self._who(tx, place, version, leg, now),
            )
        else:
            words = whisper(
                version.company,
                self.wording,
                leg.language,
                place.ticket.queue,
                self._who(tx, place, version, leg, now),
                place.ticket.waited(now),
                again,
                now,
                None if again else _reason(tx, leg, version),
            )
        from_ = [spoken(version.company, self.wording, leg.language, now, "whisper_from", agent=place.handed_by or "")]
        ask = Ask((*(from_ if place.handed_by and not again else ()), words), 1, "", PATIENCE, leg.language)
        return LegStep((ask,), ASKED_AGAIN if again else ASKED)

    def _taken(self, tx: Transaction, leg: Leg, claim: ClaimOnRecord, now: datetime) -> LegStep:
        tx.witnessed()  # the caller hears nothing of it before their own turn, which waits for the disk
        place = places.accepted(tx, claim, now)
        if place is None:
            return self._over(tx, leg, "offer_gone", now)
        says: list[Said] = []
        if place.ticket.kind is TicketKind.CALLBACK and not on_our_leg(tx, place):
            if self.call_back.begin(tx, place, claim, now) is None:
                places.agent_waits_no_longer(tx, leg.ticket, now)
                return self._over(tx, leg, "offer_gone", now)
            says.append(Speak((self._words(tx, leg, "calling_them", now),)))
        says.append(Join(room(leg.ticket, leg.attempt), ends=False, star=True))
        return LegStep(tuple(says), TALKING, self._hints(leg))

    def _over(self, tx: Transaction, leg: Leg, sentence: str, now: datetime) -> LegStep:
        return LegStep((Speak((self._words(tx, leg, sentence, now),)), HangUp()), OVER, self._hints(leg))

    def _hints(self, leg: Leg) -> tuple[Hint, ...]:
        return (lambda: self.later.steer(leg.ticket), lambda: self.later.line_up(leg.ticket))

    def _words(self, tx: Transaction, leg: Leg, sentence: str, now: datetime) -> Utter:
        return spoken(self._version(tx, leg).company, self.wording, leg.language, now, sentence)

    def _version(self, tx: Transaction, leg: Leg) -> FlowVersion:
        assert leg.call is not None, "an agent is rung for a call"
        return self.flows.version(tx.calls.at(leg.call).version, tx)

    def _who(self, tx: Transaction, place: TicketOnRecord, version: FlowVersion, leg: Leg, now: datetime) -> str:
        """The customer by name, else by number; caller id is only a "maybe", but the agent is one of us."""
        customer: Customer = tx.customers.get(place.ticket.customer)
        if customer.name:
            return customer.name
        caller = tx.calls.at(leg.call).caller if leg.call else None
        if isinstance(caller, PhoneNumber):
            return self.wording.spoken(str(caller), "phone_number", leg.language, now)
        return spoken(version.company, self.wording, leg.language, now, "someone").text


def _talks(leg: Leg, claim: ClaimOnRecord | None, place: TicketOnRecord) -> bool:
    """This is the leg of whose talk it is, and the talk is on."""
    accepted = claim is not None and claim.state is ClaimState.ACCEPTED
    return accepted and place.agent == leg.agent and places.room_of(place) == room(leg.ticket, leg.attempt)


def _reason(tx: Transaction, leg: Leg, version: FlowVersion) -> str | None:
    """Why they ring, by the last menu they answered."""
    if leg.call is None:
        return None
    left = [event for event in tx.log.of_call(leg.call) if event.kind == NodeLeft.kind]
    return last_choice(version, ((each.data["node"], each.data["exit"]) for each in reversed(left)), leg.language)
