"""The legs of a ticket, pointed to where the record says that they belong: dialled, moved, hung up.

Everything to do stands in SQL, so that it can be done again by anybody: a step that lost its hint, or whose process
died, is found by the sweep. The carrier is asked outside of transactions, and a dial is on record before it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from ivr.core.call import CallRecord, CallState
from ivr.core.errors import AnswerLost, CarrierUnavailable, NoSuchTicket, RefusedByCarrier
from ivr.core.events import OddFact
from ivr.core.flow import cursor as cursors
from ivr.core.flow.steps.queue import PARKED, TALKING
from ivr.core.leg import Leg, LegEnd, LegKind, LegState
from ivr.core.ticket import TicketKind, TicketState
from ivr.core.words import AgentId, LegId, TicketId
from ivr.switchboard.calls.call_status import end
from ivr.switchboard.legs.leg_news import LegNews
from ivr.switchboard.legs.offer import ASKED, ASKED_AGAIN, OVER
from ivr.switchboard.legs.talk_keys import STAGES
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Later
from ivr.switchboard.record import places
from ivr.switchboard.recording import recording_tape

UNHEARD_AFTER = timedelta(seconds=30)
"""A dial that the carrier did not answer, and of which nobody told us since, has not come about."""

TOLD_WITHIN = timedelta(minutes=1)
"""An offer and the words that it is gone take less than this; a leg that still stands then is hung up."""

TOLD = frozenset({ASKED, ASKED_AGAIN, OVER}) | STAGES
"""In these stages somebody of ours listens to words."""

MOVES = 3
MOVED_WITHIN = timedelta(seconds=5)
"""Moved so often, each time with so long to get on, a caller is not to be had: the flow, or its door, is broken."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Steer:
    """The use case behind a hint that legs are to be moved."""

    records: Records
    telephone: Telephone
    news: LegNews
    public_url: str
    later: Later
    clock: Clock
    hears: Callable[[], bool]  # whether our own doors answer: nobody is dialled or moved to closed ones

    def __call__(self, ticket: TicketId) -> None:
        """Do what is to be done for the legs of a ticket. Raises CarrierUnavailable where it cannot be asked."""
        with self.records.read() as tx:
            try:
                place = tx.tickets.get(ticket)
            except NoSuchTicket:
                return
            legs = tx.legs.of_ticket(ticket)
            let_go_at = _let_go_at(tx, ticket) if any(leg.unwanted for leg in legs) else {}
            tapes = recording_tape.to_do(tx, place, self.clock.now())
            call = tx.calls.at(place.ticket.call) if place.ticket.call is not None else None
            newest = tx.tickets.of_call(call.id) if call is not None else None
            if newest is not None and newest.ticket.id != ticket:
                call = None  # it has gone on to another place, whose legs are not these
        for tape in tapes:
            self.later.record(tape)
        if call is not None and _out_of_the_room(place, legs) and self._gone_unheard(call):
            return
        if self.hears():
            if call is not None:
                self._call_belongs(place, call)
            self._hold(place, call, legs)
        self.legs([leg for leg in legs if leg.state is not LegState.ENDED], place, let_go_at)

    def _gone_unheard(self, call: CallRecord) -> bool:
        """The caller has hung up, and that news has not come: no agent is led back into a room that ended with them."""
        how = self.telephone.how_ended(call.key.sid)
        if how is None:
            return False
        with self.records.write() as tx:
            ticket = end(tx, tx.calls.at(call.id), how.value, None, self.news.flows, self.clock)
        if ticket is not None:
            self.later.line_up(ticket)
            self.later.steer(ticket)
        return ticket is not None

    def _hold(self, place: TicketOnRecord, call: CallRecord | None, legs: Sequence[Leg]) -> None:
        """The customer on hold or in the talk, as it stands on record; not in the room yet: with the next look."""
        room = places.room_of(place)
        sid = _customers_leg(place, call, legs)
        if place.hold_due_at is None or room is None or sid is None:
            return
        url = f"{self.public_url}/voice/hold/{place.ticket.id}" if place.held_at is not None else None
        if self.telephone.hold(room, sid, url):
            places.retried(lambda: self._held(place))

    def _held(self, seen: TicketOnRecord) -> None:
        with self.records.write() as tx:
            place = tx.tickets.get(seen.ticket.id)
            if place.hold_due_at is not None and place.held_at == seen.held_at:
                places.written(tx.tickets.change(replace(place, hold_due_at=None)))

    def legs(self, legs: Sequence[Leg], place: TicketOnRecord, let_go_at: Mapping[LegId, datetime]) -> None:
        hears = self.hears()
        for leg in legs:
            if leg.state is LegState.COMMITTED and self._waits_in_vain(leg):
                self.news.ended(leg.id, LegEnd.CANCELLED)
            elif leg.state is LegState.COMMITTED:
                if hears or leg.unwanted:
                    self._dial(leg)
            elif leg.unwanted and leg.sid is not None:
                self._let_go(leg, leg.sid, let_go_at.get(leg.id, leg.made_at))
            elif _misplaced(leg, place) and leg.sid is not None:
                self._leg_belongs(place, leg, leg.sid)
            elif leg.sid is None and abs(self.clock.now() - leg.made_at) > UNHEARD_AFTER:
                self.news.ended(leg.id, LegEnd.CANCELLED)

    def _waits_in_vain(self, leg: Leg) -> bool:
        """A caller is on hold for a number that the carrier takes no call to: they are not to wait for that."""
        return leg.kind is LegKind.OUTSIDE and abs(self.clock.now() - leg.made_at) > UNHEARD_AFTER

    def _let_go(self, leg: Leg, sid: str, since: datetime) -> None:
        """Who listens to an offer, or to what the star key offers, is told that it is over, and left to hear it."""
        told_by_now = self.clock.now() - since > TOLD_WITHIN
        if told_by_now or leg.state is not LegState.ANSWERED or leg.stage not in TOLD:
            self.telephone.hang_up(sid)
        elif leg.stage != OVER:
            self.telephone.move(sid, self.leg_address(leg.id, leg.turn, "moved"))

    def _leg_belongs(self, place: TicketOnRecord, leg: Leg, sid: str) -> None:
        """A customer's leg of ours: out of a talk that is over, into the next one; hung up where that does not help."""
        before = place.moves if place.moved_turn == leg.turn else 0
        fresh = self._fresh(place)
        if before >= MOVES and not fresh:
            log.error("steer.leg_given_up", leg=leg.id, turn=leg.turn)
            self.telephone.hang_up(sid)
            return
        self.telephone.move(sid, self.leg_address(leg.id, leg.turn, "moved"))
        if before == 0 or not fresh:
            places.retried(lambda: self._note_move(place.ticket.id, leg.turn))

    def leg_address(self, leg: LegId, turn: int, door: str) -> str:
        return f"{self.public_url}/voice/legs/{leg}/turns/{turn}/{door}"

    def _call_belongs(self, place: TicketOnRecord, call: CallRecord) -> None:
        """The caller's leg: into the room once an agent took the call, out of it once the talk is over."""
        if call.state is CallState.ENDED:
            return
        stage = cursors.from_json(call.cursor).stage
        talks = place.ticket.state is TicketState.TALKING
        if (stage == PARKED and talks) or (stage == TALKING and not talks):
            before = _moves(place, call)
            if before >= MOVES and not self._fresh(place):
                if before == MOVES:
                    self._give_up(place.ticket.id, call)
                return
            moved = self.telephone.move(
                call.key.sid, f"{self.public_url}/voice/calls/{call.id}/turns/{call.turn}/moved"
            )
            if not moved:
                log.info("steer.call_over", call=call.id)  # its end is on its way to us, or lost: then this is the last
            if before == 0 or not self._fresh(place):
                places.retried(lambda: self._note_move(place.ticket.id, call.turn))

    def _fresh(self, place: TicketOnRecord) -> bool:
        """The last move that was counted may still be under way; of a clock that was put back nothing is known."""
        return place.moved_at is not None and timedelta() <= self.clock.now() - place.moved_at < MOVED_WITHIN

    def _note_move(self, ticket: TicketId, turn: int) -> None:
        """Count it, after the carrier was told, so that nobody waits for this."""
        now = self.clock.now()
        with self.records.write() as tx:
            place = tx.tickets.get(ticket)
            tx.witnessed()
            moves = (place.moves if place.moved_turn == turn else 0) + 1
            places.written(tx.tickets.change(replace(place, moves=moves, moved_turn=turn, moved_at=now)))

    def _give_up(self, ticket: TicketId, call: CallRecord) -> None:
        log.error("steer.given_up", call=call.id, turn=call.turn)
        places.retried(lambda: self._given_up(ticket, call))
        self.later.line_up(ticket)
        self.later.steer(ticket)

    def _given_up(self, ticket: TicketId, call: CallRecord) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            place = places.hold(tx, ticket)
            if tx.calls.at(call.id).turn != call.turn or _moves(place, call) != MOVES:
                return
            odd = OddFact(f"turn {call.turn} by moved", f"moved there {MOVES} times, and it did not come about")
            tx.log.add(call.id, [odd], now)
            marked = replace(place, moves=MOVES + 1)
            places.written(tx.tickets.change(marked))
            if places.live(place):
                places.not_put_through(tx, tx.tickets.get(ticket), now)

    def _dial(self, leg: Leg) -> None:
        if leg.unwanted:
            self.news.ended(leg.id, LegEnd.CANCELLED)
            return
        with self.records.write() as tx:
            standing = tx.legs.get(leg.id)
            if leg.kind is LegKind.AGENT:
                tx.witnessed()
            mine = standing.state is LegState.COMMITTED and tx.legs.change(replace(standing, state=LegState.DIALLED))
        if not mine or leg.shows is None:
            return
        try:
            sid = self.telephone.dial(
                leg.to,
                leg.shows,
                self.leg_address(leg.id, 0, "answered"),
                f"{self.public_url}/voice/legs/{leg.id}/status",
                int(leg.rings.total_seconds()),
            )
        except AnswerLost:
            log.warning("leg.unheard", leg=leg.id)  # nobody knows whether it rings: its own news will tell
        except CarrierUnavailable:  # it made no call: it may be asked again
            self.news.known_as(leg.id, None, LegState.COMMITTED)
            raise
        except RefusedByCarrier as refusal:
            log.error("leg.refused", leg=leg.id, because=str(refusal))  # the carrier's code: whom, or what we show
            self.news.ended(leg.id, LegEnd.FAILED)
        else:
            self.news.known_as(leg.id, sid, LegState.DIALLED)


def _customers_leg(place: TicketOnRecord, call: CallRecord | None, legs: Sequence[Leg]) -> str | None:
    """The carrier's name of the leg that the customer talks on."""
    if place.ticket.kind is TicketKind.CALLBACK:
        talking = (leg for leg in legs if leg.kind is LegKind.CUSTOMER and leg.attempt == place.attempt)
        return next((leg.sid for leg in talking if leg.state is not LegState.ENDED), None)
    return call.key.sid if call is not None else None


def _moves(place: TicketOnRecord, call: CallRecord) -> int:
    """So often the call was moved to the turn at which it stands."""
    return place.moves if place.moved_turn == call.turn else 0


def _misplaced(leg: Leg, place: TicketOnRecord) -> bool:
    """A customer's leg that is in a talk which is over, or waits while there is a talk, or has no place any more."""
    if leg.kind is not LegKind.CUSTOMER or leg.stage not in (TALKING, PARKED):
        return False
    talks = place.ticket.state is TicketState.TALKING and (leg.stage == PARKED or place.attempt != leg.attempt)
    waits = place.ticket.state in places.WAITING and leg.stage == PARKED
    return talks or (place.ticket.state is not TicketState.TALKING and not waits)


def _out_of_the_room(place: TicketOnRecord, legs: Sequence[Leg]) -> bool:
    """The agent of a talk is at what the star key offers: they pressed it, or the room has ended under them."""
    talks = place.ticket.state is TicketState.TALKING
    return talks and any(leg.stage in STAGES and leg.state is LegState.ANSWERED for leg in legs)


def _let_go_at(tx: Transaction, ticket: TicketId) -> Mapping[LegId, datetime]:
    """When the claims behind the legs of a ticket ended; a leg without one: not known."""
    ended = {(claim.token, claim.agent): claim.ended_at for claim in tx.claims.of_ticket(ticket)}
    legs = ((leg.id, ended.get((leg.token, leg.agent or AgentId("")))) for leg in tx.legs.of_ticket(ticket))
    return {leg: at for leg, at in legs if at is not None}
