"""The queue as a worker holds it: the use cases of the floor, put together, and what the sweep does for them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.errors import CarrierUnavailable, FloorUnavailable
from ivr.core.words import LegId, TicketId
from ivr.switchboard.legs.leg_news import LegNews
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock
from ivr.switchboard.queue.line_up import FloorCare, LineUp
from ivr.switchboard.queue.match import Match
from ivr.switchboard.queue.steer import Steer
from ivr.switchboard.record import places

AT_ONCE = 100

LISTED_AFTER = timedelta(seconds=3)
"""A leg that the carrier has named to us is known there by then; where its list is behind, it is asked by its name."""

ONE_BY_ONE = 20
"""So many legs are asked for by their names: the carrier's list holds everybody who waits as well."""


@dataclass(frozen=True)
class Queueing:
    """``records`` and ``clock`` for what comes due by itself; the rest are the use cases behind the hints."""

    records: Records
    telephone: Telephone
    line_up: LineUp
    match: Match
    steer: Steer
    care: FloorCare
    news: LegNews
    clock: Clock

    def tend(self) -> None:
        """One round: what lapsed, who has wrapped up, who did not come back, whom nobody hinted at.

        Without Redis or the carrier callers wait on, and the next round tries again.
        """
        self._forget_the_away()
        try:
            self.care.lapse()
            self.care.rested()
            self.care.signed()
            self._back_to_who_handed()
            self._forgive()
            self.match()
        except FloorUnavailable:
            pass  # counted by the callers' wait; nothing is lost, since SQL holds the places
        self._steer_everybody()

    def rest(self) -> datetime | None:
        """Who has wrapped up is free, and matched at once; when the next wrap-up ends.

        Raises FloorUnavailable, RecordsUnavailable.
        """
        rested = self.care.rested()
        if rested.agents:
            self.match()
        return rested.next_at

    def compare(self) -> bool:
        """Set the floor right against the record; False where it could not be asked. Raises RecordsUnavailable."""
        try:
            if self.care.compare():
                self.match()
        except FloorUnavailable:
            return False
        return True

    def _forget_the_away(self) -> None:
        now = self.clock.now()
        with self.records.read() as tx:
            gone = tx.tickets.away_before(now - places.AWAY_FOR, AT_ONCE)
        for place in gone:
            places.retried(lambda place=place: self._give_up(place.ticket.id))  # type: ignore[misc]

    def _back_to_who_handed(self) -> None:
        """Callers transferred to an agent who was not free in time."""
        with self.records.read() as tx:
            handed = tx.tickets.handed(AT_ONCE)
        for place in handed:
            if places.retried(lambda place=place: self._unanswered(place.ticket.id)):  # type: ignore[misc]
                self.line_up(place.ticket.id)

    def _unanswered(self, ticket: TicketId) -> bool:
        with self.records.write() as tx:
            return places.unanswered(tx, places.hold(tx, ticket), self.clock.now())

    def _forgive(self) -> None:
        with self.records.read() as tx:
            refused = tx.tickets.refused(AT_ONCE)
        for place in refused:
            if places.retried(lambda place=place: self._forgiven(place.ticket.id)):  # type: ignore[misc]
                self.line_up(place.ticket.id)

    def _forgiven(self, ticket: TicketId) -> bool:
        with self.records.write() as tx:
            return places.forgiven(tx, tx.tickets.get(ticket), self.clock.now())

    def _give_up(self, ticket: TicketId) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            place = places.hold(tx, ticket)
            if place.away_at is not None and now - place.away_at >= places.AWAY_FOR:
                places.given_up(tx, place, now)

    def _steer_everybody(self) -> None:
        """Tickets with legs, and callers who talk or have talked: whatever lost its hint."""
        with self.records.read() as tx:
            with_legs = [leg.ticket for leg in tx.legs.unfinished()]
            tickets = dict.fromkeys((*with_legs, *tx.tickets.left_behind()))
        for ticket in tickets:
            try:
                self.steer(ticket)
            except CarrierUnavailable:
                continue  # the next round asks again

    def compare_legs(self) -> None:
        """A leg that the carrier does not list is over, whether or not anybody told us: its agent is free again.

        By the distance in time: one that seems to be made in an hour was made before the clock was put back.
        """
        now = self.clock.now()
        with self.records.read() as tx:
            legs = [
                leg for leg in tx.legs.unfinished() if leg.sid is not None and abs(now - leg.made_at) > LISTED_AFTER
            ]
        if not legs:
            return
        live: Set[str] = frozenset(self.telephone.live_calls()) if len(legs) > ONE_BY_ONE else frozenset()
        for leg in legs:
            if leg.sid is None or leg.sid in live:
                continue
            how = self.telephone.how_ended(leg.sid)
            if how is not None and self._still_unfinished(leg.id):
                self.news.ended(leg.id, how)

    def _still_unfinished(self, leg: LegId) -> bool:
        """Its end may have come to us while the carrier was asked."""
        with self.records.read() as tx:
            return tx.legs.get(leg).ended_at is None
