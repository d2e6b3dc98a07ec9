"""Arrival held against service: whoever was served before somebody who came earlier, and why.

An agent who takes a ticket passes over everybody who arrived before it and was in line when it was claimed. Each of
them is a difference, and has a reason that stands on record, or none: then the house broke its own law.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.routing.decide import Rules
from ivr.core.routing.skills import Offer, asked_at, lacks, place_at
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.words import AgentId, QueueName, TicketId

SETTLES = timedelta(seconds=5)
"""A ticket that stands in SQL is on the floor by then: by its hint, or at the latest by the sweep."""

LEAVES = timedelta(seconds=10)
"""Whoever chose another way while waiting has left by then: the carrier takes them out of its queue, and tells us."""

NOT_REACHED = "not_reached"
"""How the claim of a callback ends whose customer did not answer."""

LET_GO = "let_go"
"""How a claim ends without the agent's doing."""


class Why(StrEnum):
    """What let somebody go before."""

    AWAY = "away"  # the line was dropped, or the caller was elsewhere in the flow
    LEAVING = "leaving"  # had chosen another way than to wait
    BEING_OFFERED = "being_offered"  # an agent was rung for the earlier one at that moment
    NOT_BEFORE = "not_before"  # a callback whose time had not come
    REFUSED = "refused"  # declined or missed by this very agent
    SKILLS = "skills"
    KEPT = "kept"  # for the agent of last time
    BOOST = "boost"
    JUST_BACK = "just_back"  # in line for less than SETTLES
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Offered:
    """An agent reserved for the ticket, as it stands on record."""

    agent: AgentId
    made_at: datetime
    because: str
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    how: str | None = None


@dataclass(frozen=True)
class Absence:
    """A time in which the ticket was not to be served; ``until`` None: it has not come back."""

    since: datetime
    until: datetime | None
    because: str


@dataclass(frozen=True)
class Stood:
    """A ticket as it stood in line.

    ``slot_at``: what a callback was booked for, before its first attempt. ``wish``: the other way that was chosen.
    """

    ticket: Ticket
    offers: tuple[Offered, ...] = ()  # the earliest first
    ended_at: datetime | None = None
    absences: tuple[Absence, ...] = ()
    slot_at: datetime | None = None
    wish: str = ""

    @property
    def served(self) -> Offered | None:
        """The first time somebody took it; who comes back to the line afterwards has been served."""
        return next((offer for offer in self.offers if offer.accepted_at is not None), None)

    def came(self) -> tuple[datetime, int]:
        """The order of arrival."""
        return self.ticket.arrived_at, self.ticket.order


@dataclass(frozen=True)
class Overtaking:
    """``passed`` came earlier and was in line when ``agent`` was given ``first``."""

    passed: TicketId
    first: TicketId
    agent: AgentId
    at: datetime
    why: Why
    because: str


@dataclass(frozen=True)
class Row:
    """One ticket: its place by arrival and by service among those of its queue who were served, and the reasons."""

    ticket: TicketId
    kind: TicketKind
    queue: QueueName
    arrived_at: datetime
    served_at: datetime | None
    agent: AgentId | None
    by_arrival: int | None
    by_service: int | None
    chosen_because: str | None  # as the claim has it
    went_before: tuple[Overtaking, ...]
    was_passed: tuple[Overtaking, ...]

    @property
    def waited(self) -> timedelta | None:
        """From arrival to the agent, whatever the boost."""
        return None if self.served_at is None else max(self.served_at - self.arrived_at, timedelta())

    @property
    def unexplained(self) -> bool:
        return any(one.why is Why.UNEXPLAINED for one in (*self.went_before, *self.was_passed))


@dataclass(frozen=True)
class House:
    """What the choice went by: what each agent brings, as far as it is known, the rules, and how long whoever refused
    a ticket is not rung for it again (None: for good).
    """

    offers: Mapping[AgentId, Offer]
    rules: Rules
    refused_for: timedelta | None = None


def order_proof(stood: Iterable[Stood], house: House) -> tuple[Row, ...]:
    """A row a ticket, by arrival."""
    line = sorted(stood, key=Stood.came)
    served = sorted((one for one in line if one.served), key=_served_at)
    went_before: dict[TicketId, list[Overtaking]] = {}
    was_passed: dict[TicketId, list[Overtaking]] = {}
    to_come = list(line)
    for one in served:
        for earlier in to_come:
            if earlier.came() >= one.came():
                break
            overtaking = _overtaking(earlier, one, house)
            if overtaking is not None:
                went_before.setdefault(one.ticket.id, []).append(overtaking)
                was_passed.setdefault(earlier.ticket.id, []).append(overtaking)
        to_come.remove(one)
    by_arrival = _places(one for one in line if one.served)
    by_service = _places(served)
    return tuple(
        Row(
            ticket=one.ticket.id,
            kind=one.ticket.kind,
            queue=one.ticket.queue,
            arrived_at=one.ticket.arrived_at,
            served_at=one.served.accepted_at if one.served else None,
            agent=one.served.agent if one.served else None,
            by_arrival=by_arrival.get(one.ticket.id),
            by_service=by_service.get(one.ticket.id),
            chosen_because=one.served.because if one.served else None,
            went_before=tuple(went_before.get(one.ticket.id, ())),
            was_passed=tuple(was_passed.get(one.ticket.id, ())),
        )
        for one in line
    )


def overtaken(rows: Iterable[Row]) -> tuple[Overtaking, ...]:
    """Every difference once, in the order of service."""
    return tuple(each for row in sorted(rows, key=_served_row) for each in row.went_before)


def _served_row(row: Row) -> tuple[bool, datetime]:
    return row.served_at is None, row.served_at or row.arrived_at


def _served_at(one: Stood) -> tuple[datetime, datetime, int]:
    taken = one.served
    assert taken is not None and taken.accepted_at is not None, "only who was served is asked"
    return taken.accepted_at, *one.came()


def _places(ordered: Iterable[Stood]) -> dict[TicketId, int]:
    counts: dict[QueueName, int] = {}
    places = {}
    for one in ordered:
        counts[one.ticket.queue] = counts.get(one.ticket.queue, 0) + 1
        places[one.ticket.id] = counts[one.ticket.queue]
    return places


def _overtaking(passed: Stood, first: Stood, house: House) -> Overtaking | None:
    """None where the earlier one had left by then, or stood in a queue that this agent does not serve."""
    given = first.served
    assert given is not None, "only who was served goes before anybody"
    at, agent = given.made_at, given.agent
    if passed.ended_at is not None and passed.ended_at <= at:
        return None
    brings = house.offers.get(agent)
    if passed.ticket.queue != first.ticket.queue and (brings is None or passed.ticket.queue not in brings.queues):
        return None
    why, because = _reason(passed, first, given, house)
    return Overtaking(passed.ticket.id, first.ticket.id, agent, at, why, because)


def _reason(passed: Stood, first: Stood, given: Offered, house: House) -> tuple[Why, str]:
    """The first that holds; each of them alone is enough."""
    at, agent = given.made_at, given.agent
    if absence := next((each for each in passed.absences if _covers(each, at)), None):
        return Why.AWAY, absence.because
    if passed.wish and (passed.ended_at is None or passed.ended_at - at <= LEAVES):
        return Why.LEAVING, f"it was leaving by {passed.wish}"
    if offered := next((each for each in passed.offers if _stands(each, at)), None):
        return Why.BEING_OFFERED, f"{offered.agent} was being rung for it{_outcome(offered, at)}"
    if wait := _not_before(passed, at):
        return Why.NOT_BEFORE, wait
    refused = _refused(passed, at, house.refused_for)
    if agent in refused:
        return Why.REFUSED, f"{agent} had been offered it: {refused[agent]}"
    then = replace(passed.ticket, refused_by=frozenset(refused))
    asked = asked_at(then, at)
    if asked.only is not None and asked.only != agent:
        return Why.KEPT, f"it was kept for {asked.only}, who served them last"
    starving = house.rules.starving_after
    if place_at(first.ticket, at, starving) < place_at(then, at, starving):
        more = first.ticket.boost - passed.ticket.boost
        return Why.BOOST, f"its priority counts as {_seconds(more)} more of waiting"
    brings = house.offers.get(agent)
    if brings is None:
        return Why.UNEXPLAINED, f"{agent} is not on record any more, and nobody knows what they could do"
    if short := [each for each in lacks(brings, asked.need) if not each.startswith("queue ")]:
        return Why.SKILLS, f"{agent} lacks {', '.join(short)}"
    if at - _in_line_since(passed, at) < SETTLES:
        return Why.JUST_BACK, f"it had been in line for {_seconds(at - _in_line_since(passed, at))} only"
    return Why.UNEXPLAINED, f"{agent} could have taken it"


def _covers(absence: Absence, at: datetime) -> bool:
    return absence.since <= at and (absence.until is None or at < absence.until)


def _stands(offer: Offered, at: datetime) -> bool:
    return offer.made_at <= at and (offer.ended_at is None or at < offer.ended_at)


def _refused(passed: Stood, at: datetime, lasts: timedelta | None) -> dict[AgentId, str]:
    """Who had refused it and was not to be rung for it again yet, with how.

    All of them are forgiven together, once nobody has been rung for so long; the next sweep does it.
    """
    refused: dict[AgentId, str] = {}
    last: datetime | None = None
    for offer in passed.offers:
        if offer.ended_at is None or offer.ended_at > at:
            continue
        if _forgiven(last, offer.made_at, lasts):
            refused.clear()
        last = offer.ended_at if last is None else max(last, offer.ended_at)
        if offer.accepted_at is None and offer.how is not None and not _gone(passed, offer):
            refused[offer.agent] = offer.how
    return {} if _forgiven(last, at, lasts) else refused


def _forgiven(last: datetime | None, at: datetime, lasts: timedelta | None) -> bool:
    return last is not None and lasts is not None and at - last >= lasts + SETTLES


def _gone(passed: Stood, offer: Offered) -> bool:
    """It was no refusal: the customer did not answer, or the caller's line dropped while the agent was rung."""
    dropped = offer.how == LET_GO and any(absence.since == offer.ended_at for absence in passed.absences)
    return offer.how == NOT_REACHED or dropped


def _outcome(offer: Offered, at: datetime) -> str:
    if offer.accepted_at is not None:
        return f", and took it {_seconds(offer.accepted_at - at)} later"
    return f" ({offer.how})" if offer.how else ""


def _not_before(passed: Stood, at: datetime) -> str:
    """What stands on the ticket is as its last attempt left it; before that one it was a slot, or another pause."""
    missed = [each.ended_at for each in passed.offers if each.how == NOT_REACHED and each.ended_at is not None]
    before, later = [each for each in missed if each <= at], [each for each in missed if each > at]
    if later:
        if before:
            return "nobody answered there, and the next attempt was to come"
        return f"its slot began {_seconds(passed.slot_at - at)} later" if passed.slot_at and at < passed.slot_at else ""
    stated = passed.ticket.not_before
    return f"it was not to be called for another {_seconds(stated - at)}" if stated and at < stated else ""


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.3g} s" if length < timedelta(seconds=10) else f"{length.total_seconds():.0f} s"


def _in_line_since(passed: Stood, at: datetime) -> datetime:
    turns: Sequence[datetime | None] = (
        *(absence.until for absence in passed.absences),
        *(offer.ended_at for offer in passed.offers),
        passed.ticket.not_before,
        passed.slot_at,
    )
    return max((each for each in turns if each is not None and each <= at), default=passed.ticket.arrived_at)
