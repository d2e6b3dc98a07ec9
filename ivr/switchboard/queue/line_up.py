"""The floor brought up to what is on record: one ticket, one agent, or all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ivr.core.agent import AgentEvent, AgentStatus, SystemState
from ivr.core.errors import NoSuchTicket
from ivr.core.roster import NoSuchAgent
from ivr.core.routing.decide import FreeAgent
from ivr.core.ticket import Ticket, TicketState
from ivr.core.words import AgentId, TicketId
from ivr.switchboard.ports.floor import Floor, FloorAnswer, FloorSnapshot, StandingClaim
from ivr.switchboard.ports.queue import AgentOnRecord, ClaimState, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Later
from ivr.switchboard.queue.standing_floor import StandingFloor, free_agent, on_the_phone
from ivr.switchboard.record import places

LAPSES = timedelta(seconds=35)
"""So long an offer stands: the ringing, the whisper, and time for the carrier to tell us."""

ON_RECORD_WITHIN = timedelta(seconds=5)
"""A claim on the floor that stands on no record after so long never will: whoever made it died over it, or was refused
by SQL. (SQL gives up on a statement after half of it.)"""

AHEAD = timedelta(minutes=1)
"""What began so far ahead began before the clock was put back: a wrap-up is over, and an arrival is now."""


@dataclass(frozen=True)
class LineUp:
    """The use case behind a hint that a ticket changed."""

    records: Records
    floor: StandingFloor
    clock: Clock

    def __call__(self, ticket: TicketId) -> None:
        """Off the floor or on it, as the record says, with the agents who had to do with it.

        Reading and writing are two steps, so a late one may put back what is over: a claim of it is refused by SQL, and
        it is lined up again. Raises FloorUnavailable.
        """
        with self.records.read() as tx:
            try:
                place = tx.tickets.get(ticket)
            except NoSuchTicket:
                return
            claims = tx.claims.of_ticket(ticket)
        if places.stands_in_line(place):
            token = claims[-1].token if claims else None
            self.floor.ask(lambda floor: self._in_line(floor, place.ticket, token))
        elif place.ticket.state is not TicketState.CLAIMED:
            self.floor.ask(lambda floor: floor.withdraw(ticket, self.clock.now()))
        self.agents(dict.fromkeys(claim.agent for claim in claims))

    def agents(self, names: Iterable[AgentId]) -> None:
        """Free on the floor, or not, as the record says; who is still told something on the phone is not yet."""
        wanted = sorted(set(names))
        if not wanted:
            return
        now = self.clock.now()
        with self.records.read() as tx:
            busy = on_the_phone(tx)
            free = {name: None if name in busy else _as_free(tx, name, now) for name in wanted}
        for name, agent in free.items():
            if agent is not None:
                self.floor.ask(lambda floor, agent=agent: floor.agent_free(agent, now))  # type: ignore[misc]
            else:
                self.floor.ask(lambda floor, name=name: floor.agent_not_free(name, now))  # type: ignore[misc]

    def give_back(self, ticket: TicketId, token: str, agents: Iterable[AgentId]) -> None:
        """A claim on the floor that stands on no record comes to nothing, and what is true is lined up."""
        now = self.clock.now()
        try:
            with self.records.read() as tx:
                place = tx.tickets.get(ticket)
                recorded = any(claim.state is ClaimState.OFFERED for claim in tx.claims.under(token))
        except NoSuchTicket:
            self.floor.ask(lambda floor: floor.withdraw(ticket, now))
        else:
            if recorded:
                return
            self.floor.ask(lambda floor: floor.release(place.ticket, token, now))
            if place.ticket.state is TicketState.CLAIMED:  # for others: whoever looks next shall not find it in line
                self.floor.ask(lambda floor: floor.withdraw(ticket, now))
            self(ticket)
        self.agents(agents)

    def _in_line(self, floor: Floor, ticket: Ticket, token: str | None) -> FloorAnswer:
        now = self.clock.now()
        if token is not None and (answer := floor.release(ticket, token, now)) is not FloorAnswer.CLAIM_GONE:
            return answer
        return floor.put(ticket, now)


@dataclass(frozen=True)
class Rested:
    """How many wrap-ups have ended, and when the next one does."""

    agents: int
    next_at: datetime | None


@dataclass(frozen=True)
class FloorCare:
    """What the sweep does for the floor: claims that lapsed, and whatever differs from the record."""

    records: Records
    floor: StandingFloor
    line_up: LineUp
    later: Later
    clock: Clock
    free_before: set[AgentId] = field(default_factory=set)  # as the last round saw it: only saves asking

    def lapse(self) -> None:
        """End the offers whose time has come: the agents missed them, the callers keep their places."""
        now = self.clock.now()
        ended = list(self.floor.ask(lambda floor: floor.lapsed(now)))
        with self.records.read() as tx:
            overdue = [c for c in tx.claims.live() if c.state is ClaimState.OFFERED and c.lapses_at <= now]
        known = {claim.token for claim in ended}
        for row in overdue:
            if row.token not in known:
                known.add(row.token)
                agents = tuple(each.agent for each in overdue if each.token == row.token)
                ended.append(StandingClaim(row.ticket, agents, row.token, row.fence, row.lapses_at))
        for claim in ended:
            places.retried(lambda claim=claim: self._lapsed(claim))  # type: ignore[misc]
            self.line_up(claim.ticket)
            self.line_up.agents(claim.agents)
            self.later.steer(claim.ticket)

    def _lapsed(self, lapsed: StandingClaim) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            places.hold(tx, lapsed.ticket)
            for claim in tx.claims.under(lapsed.token):
                if claim.state is ClaimState.OFFERED:
                    rang = any(leg.agent == claim.agent and leg.rang for leg in tx.legs.under(claim.token))
                    event = AgentEvent.MISSED if rang else AgentEvent.LET_GO
                    places.refused(tx, claim, event, "lapsed" if rang else "let_go", now)

    def compare(self) -> int:
        """Set right what differs between the floor and the record, if only in what was changed since; how much did."""
        now = self.clock.now()
        seen = self.floor.ask(lambda floor: floor.snapshot(now))
        with self.records.read() as tx:
            live = tx.tickets.live()
            agents, phoning = tx.agents.all(), on_the_phone(tx)
            offered = {claim.token for claim in tx.claims.live() if claim.state is ClaimState.OFFERED}
        in_line = [place.ticket for place in live if places.stands_in_line(place)]
        forms = self.floor.ask(lambda floor: {ticket.id: floor.form(ticket) for ticket in in_line})
        dead = [claim for claim in seen.claims if claim.token not in offered and not _young(claim, now)]
        for claim in dead:
            self.line_up.give_back(claim.ticket, claim.token, claim.agents)
        ahead = _put_back([place.ticket for place in live], now)
        for ticket, at in ahead.items():
            places.retried(lambda ticket=ticket, at=at: self._arrived(ticket, at))  # type: ignore[misc]
        differ = _wrong_tickets(seen, forms, live) | ahead.keys()
        for ticket in sorted(differ):
            self.line_up(ticket)
        rested = {each.record.name for each in agents if _rested(each.status, now)}
        for name in rested:
            places.retried(lambda name=name: self._idle(name))  # type: ignore[misc]
        wrong = _wrong_agents(seen, agents, phoning, now) | rested
        self.line_up.agents(wrong)
        return len(dead) + len(differ) + len(wrong)

    def _arrived(self, ticket: TicketId, at: datetime) -> None:
        with self.records.write() as tx:
            places.arrived_before(tx, places.hold(tx, ticket), at)

    def rested(self) -> Rested:
        """Agents whose wrap-up is due are idle, on record and on the floor."""
        now = self.clock.now()
        with self.records.read() as tx:
            resting = tx.agents.resting()
        due = [name for name, until in resting.items() if until <= now]
        for name in due:
            places.retried(lambda name=name: self._idle(name))  # type: ignore[misc]
        self.line_up.agents(due)
        return Rested(len(due), min((until for until in resting.values() if until > now), default=None))

    def signed(self) -> bool:
        """Whoever signed in or off since the last round is so on the floor; whether anybody did."""
        now = self.clock.now()
        with self.records.read() as tx:
            free = {each.record.name for each in tx.agents.all() if each.status.is_free(now)}
        changed = free ^ self.free_before
        self.line_up.agents(changed)
        self.free_before.clear()
        self.free_before.update(free)
        return bool(changed)

    def _idle(self, name: AgentId) -> None:
        now = self.clock.now()
        with self.records.write() as tx:
            try:
                agent = tx.agents.get(name)
            except NoSuchAgent:
                return
            if _rested(agent.status, now):
                tx.witnessed()  # the time tells it again
                places.agent_moves(tx, name, AgentEvent.WRAPPED_UP, "the wrap-up ended", now)


def _as_free(tx: Transaction, name: AgentId, now: datetime) -> FreeAgent | None:
    """None: not free, or not on record."""
    try:
        agent = tx.agents.get(name)
    except NoSuchAgent:
        return None
    return free_agent(agent) if agent.status.is_free(now) else None


def _young(claim: StandingClaim, now: datetime) -> bool:
    """It may still come on record."""
    return LAPSES - ON_RECORD_WITHIN < claim.lapses - now <= LAPSES + AHEAD


def _wrong_tickets(seen: FloorSnapshot, forms: Mapping[TicketId, str], live: Iterable[TicketOnRecord]) -> set[TicketId]:
    """Those whom the floor lacks, has in another form, or has though they are not in line; who is held is settled."""
    held = {claim.ticket for claim in seen.claims}
    changed = {ticket for ticket, form in forms.items() if ticket not in held and seen.forms.get(ticket) != form}
    claimed = {place.ticket.id for place in live if place.ticket.state is TicketState.CLAIMED}
    return changed | ((seen.in_line | seen.resting | held) - forms.keys() - claimed)


def _wrong_agents(
    seen: FloorSnapshot, agents: Iterable[AgentOnRecord], phoning: Set[AgentId], now: datetime
) -> set[AgentId]:
    """Those who are free and not so on the floor, or with other figures or skills; or free there alone."""
    held = {agent for claim in seen.claims for agent in claim.agents}
    there = {agent.agent: agent for agent in seen.free}
    free = {each.record.name: free_agent(each) for each in agents if each.status.is_free(now)}
    changed = {name for name, agent in free.items() if name not in held | phoning and there.get(name) != agent}
    return changed | {name for name in there if name not in free or name in phoning}


def _put_back(live: Iterable[Ticket], now: datetime) -> dict[TicketId, datetime]:
    """Of those in line who arrived before the clock was put back, when they shall have: before all who came after."""
    at, arrived = now, dict[TicketId, datetime]()
    for ticket in sorted(live, key=lambda ticket: ticket.order, reverse=True):
        at = min(at, ticket.arrived_at)
        if ticket.state is TicketState.IN_LINE and ticket.arrived_at > now + AHEAD:
            arrived[ticket.id] = at
    return arrived


def _rested(status: AgentStatus, now: datetime) -> bool:
    if status.state is not SystemState.WRAP_UP or status.wrap_up_until is None:
        return False
    return status.wrap_up_until <= now or status.state_since > now + AHEAD
