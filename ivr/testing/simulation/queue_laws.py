"""The laws of the queue: one ticket, one agent; nobody stuck, nobody lost, nobody passed over without a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ivr.core.agent import SystemState
from ivr.core.callbacks import Callback, CallbackState
from ivr.core.leg import LegState
from ivr.core.promises import PromiseState
from ivr.core.routing.skills import asked_at, place_at, serves
from ivr.core.ticket import ENDS, TicketKind, TicketState
from ivr.core.words import AgentId, CallId, TicketId
from ivr.exchange.handset import Perceived
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState, TicketOnRecord
from ivr.switchboard.ports.records import Records
from ivr.switchboard.record import places
from ivr.switchboard.record.places import stands_in_line
from ivr.testing.simulation.callers import OneCall
from ivr.testing.simulation.laws import Books, Change
from ivr.testing.simulation.line import Line, Wrong

RESERVED = frozenset({SystemState.CLAIMED, SystemState.RINGING, SystemState.TALKING})
ENGAGED = {ClaimState.OFFERED: (SystemState.CLAIMED, SystemState.RINGING), ClaimState.ACCEPTED: (SystemState.TALKING,)}

SETTLES = timedelta(seconds=2)
"""A ticket that stands in SQL is on the floor by then."""

SETTLES_WITH_FAULTS = timedelta(minutes=2)
"""The same, where hints get lost, Redis is gone for a while, and processes die."""

LAST_LEFT = "last-participant-left"

Laws = Iterator[Wrong]


def live(claim: ClaimOnRecord) -> bool:
    return claim.state is not ClaimState.ENDED


def sid_of(books: Books, ticket: TicketId) -> str:
    """The caller's leg, for the dialogue."""
    return _sid(books, books.tickets[ticket].ticket.call)


def _sid(books: Books, call: CallId | None) -> str:
    return books.calls[call].key.sid if call is not None and call in books.calls else ""


# --- At every event ---------------------------------------------------------------------------------------------------


def one_live_claim_an_agent(change: Change) -> Laws:
    held = Counter(claim.agent for claim in change.after.claims.values() if live(claim))
    for agent, count in held.items():
        if count > 1:
            yield Wrong("one live claim an agent", f"{agent} has {count}")


def one_live_claim_a_ticket(change: Change) -> Laws:
    held: dict[TicketId, set[str]] = {}
    for claim in change.after.claims.values():
        if live(claim):
            held.setdefault(claim.ticket, set()).add(claim.token)
    for ticket, tokens in held.items():
        if len(tokens) > 1:
            yield Wrong("one live claim a ticket", f"it has {len(tokens)}", sid_of(change.after, ticket))
        elif change.after.tickets[ticket].ticket.state not in (TicketState.CLAIMED, TicketState.TALKING):
            state = change.after.tickets[ticket].ticket.state
            yield Wrong("a claim is of a ticket that is claimed", f"it is {state}", sid_of(change.after, ticket))


def claimed_tickets_have_a_claim(change: Change) -> Laws:
    claims = [claim for claim in change.after.claims.values() if live(claim)]
    for place in change.after.tickets.values():
        state = place.ticket.state
        if state not in (TicketState.CLAIMED, TicketState.TALKING) or places.outside(place):
            continue
        wanted = ClaimState.OFFERED if state is TicketState.CLAIMED else ClaimState.ACCEPTED
        if not any(claim.ticket == place.ticket.id and claim.state is wanted for claim in claims):
            text = f"it is {state}, and no claim is {wanted}"
            yield Wrong("a claimed ticket has a claim", text, sid_of(change.after, place.ticket.id))


def agents_are_as_their_claims(change: Change) -> Laws:
    held = {claim.agent: claim.state for claim in change.after.claims.values() if live(claim)}
    for agent in change.after.agents.values():
        name, state = agent.record.name, agent.status.state
        claim = held.get(name)
        if claim is None and state in RESERVED:
            yield Wrong("no agent is stuck", f"{name} is {state} without a claim")
        elif claim is not None and state not in ENGAGED[claim]:
            yield Wrong("no agent is stuck", f"{name} is {state} with a claim that is {claim}")


def rooms_are_never_used_twice(change: Change) -> Laws:
    for place in change.after.tickets.values():
        was = change.before.tickets.get(place.ticket.id)
        if was is not None and place.attempt < was.attempt:
            text = f"attempt {place.attempt} after {was.attempt}"
            yield Wrong("a room is never used twice", text, sid_of(change.after, place.ticket.id))
    tokens: dict[tuple[TicketId, int], str] = {}
    for claim in change.after.claims.values():
        if tokens.setdefault((claim.ticket, claim.attempt), claim.token) != claim.token:
            text = f"attempt {claim.attempt} has two claims"
            yield Wrong("a room is never used twice", text, sid_of(change.after, claim.ticket))


def arrival_never_changes(change: Change) -> Laws:
    for place in change.after.tickets.values():
        was = change.before.tickets.get(place.ticket.id)
        if was is None or was is place:
            continue
        if (was.ticket.arrived_at, was.ticket.order) != (place.ticket.arrived_at, place.ticket.order):
            text = f"{was.ticket.arrived_at:%H:%M:%S} became {place.ticket.arrived_at:%H:%M:%S}"
            yield Wrong("the place in line is kept", text, sid_of(change.after, place.ticket.id))
        if was.ticket.state in ENDS and place.ticket.state is not was.ticket.state:
            text = f"{was.ticket.state} became {place.ticket.state}"
            yield Wrong("a ticket that has ended stays ended", text, sid_of(change.after, place.ticket.id))


def told_place_never_gets_worse(change: Change) -> Laws:
    for place in change.after.tickets.values():
        was = change.before.tickets.get(place.ticket.id)
        if was is None or was.told_position is None or place.told_position is None:
            continue
        if place.told_position > was.told_position:
            text = f"{was.told_position} became {place.told_position}"
            yield Wrong("the place that is told never gets worse", text, sid_of(change.after, place.ticket.id))


def nobody_is_passed_over(change: Change) -> Laws:
    """A claim that is new: nobody who could have been served by this agent stood before its ticket.

    Not counted, with faults: who is held on the floor by a claim that never came on record, since whoever made it died
    over it or lost Redis; the sweep finds it (``FloorCare.compare``), and tests/switchboard says how soon.
    """
    now = change.line.scheduler.now()
    settles = SETTLES_WITH_FAULTS if change.line.faults else SETTLES
    fresh = [claim for key, claim in change.after.claims.items() if key not in change.before.claims]
    chosen = {claim.ticket for claim in fresh}
    for claim in fresh:
        if claim.state is not ClaimState.OFFERED or claim.agent not in change.after.agents:
            continue
        first = change.after.tickets[claim.ticket]
        for other in change.before.tickets.values():
            if other.ticket.id in chosen or not stands_in_line(change.after.tickets.get(other.ticket.id, other)):
                continue  # or they left the line with the same event: whether before the claim, nobody can tell
            if _goes_before(other, first, claim.agent, change, now):
                since = change.line.in_line_since.get(other.ticket.id, now)
                if now - since > settles and not (change.line.faults and _held_by_no_record(other.ticket.id, change)):
                    text = f"{claim.agent} was given another ticket, in line since {since:%H:%M:%S}"
                    yield Wrong("nobody is passed over", text, sid_of(change.after, other.ticket.id))


def _goes_before(one: TicketOnRecord, other: TicketOnRecord, agent: AgentId, change: Change, now: datetime) -> bool:
    ticket = one.ticket
    if not stands_in_line(one) or (ticket.not_before is not None and now < ticket.not_before):
        return False
    if one.wish:  # they chose another way and are leaving: not to be offered
        return False
    asked, starving = asked_at(ticket, now), change.line.rules.starving_after
    if not asked.allows(agent) or not serves(change.after.agents[agent].record.brings(), asked.need):
        return False
    return place_at(ticket, now, starving) < place_at(other.ticket, now, starving)


def _held_by_no_record(ticket: TicketId, change: Change) -> bool:
    """Also where the floor is lost: then nobody is in line on it."""
    claims = change.line.claims_on_the_floor()
    on_record = {claim.token for claim in change.after.claims.values()}
    return claims is None or any(claim.ticket == ticket and claim.token not in on_record for claim in claims)


def note_who_is_in_line(change: Change) -> Laws:
    """Since when each ticket has stood in line as it stands; no law."""
    now, since = change.line.scheduler.now(), change.line.in_line_since
    for place in change.after.tickets.values():
        was = change.before.tickets.get(place.ticket.id)
        if was is place:
            continue
        if not stands_in_line(place):
            since.pop(place.ticket.id, None)
        elif was is None or not stands_in_line(was) or was.ticket.not_before != place.ticket.not_before:
            since[place.ticket.id] = max(now, place.ticket.not_before or now)
    yield from ()


AT_EVERY_EVENT: tuple[Callable[[Change], Laws], ...] = (
    one_live_claim_an_agent,
    one_live_claim_a_ticket,
    claimed_tickets_have_a_claim,
    agents_are_as_their_claims,
    rooms_are_never_used_twice,
    arrival_never_changes,
    told_place_never_gets_worse,
    nobody_is_passed_over,
    note_who_is_in_line,
)


# --- When a caller hears something ------------------------------------------------------------------------------------

NEXT = re.compile("Siete i prossimi|You are next")
ONE = re.compile("Prima di voi c'è una persona|There is one person ahead")
SEVERAL = re.compile(r"(?:Prima di voi ci sono|There are) (\d+) (?:persone|people)")
CALLBACK_PROMISED = re.compile("Siamo d'accordo: vi richiamiamo|It is agreed: we will call you back")


def place_aloud_never_gets_worse(call: OneCall, said: Perceived, books: Books, _: Records) -> Laws:
    ahead = _ahead(said.text)
    if ahead is None:
        return
    record = books.of_sid(call.sid)
    places = [one for one in books.tickets.values() if record and one.ticket.call == record.id]
    stand = next((one.ticket for one in places if one.ticket.state not in ENDS), None)
    place = f"{stand.queue} {stand.arrived_at}" if stand else ""
    if ahead > call.told_ahead.get(place, ahead):
        text = f"{call.told_ahead[place]} ahead became {ahead}"
        yield Wrong("the place that is told never gets worse", text, call.sid)
    call.told_ahead[place] = ahead


def _ahead(text: str) -> int | None:
    if NEXT.search(text):
        return 0
    if ONE.search(text):
        return 1
    several = SEVERAL.search(text)
    return int(several[1]) if several else None


def callback_aloud_is_on_record(call: OneCall, said: Perceived, books: Books, _: Records) -> Laws:
    record = books.of_sid(call.sid)
    if CALLBACK_PROMISED.search(said.text) and not any(
        record is not None and one.call == record.id for one in books.callbacks.values()
    ):
        yield Wrong("what was promised aloud is on record", "a callback was promised and is not on record", call.sid)


AT_EVERY_WORD: tuple[Callable[[OneCall, Perceived, Books, Records], Laws], ...] = (
    place_aloud_never_gets_worse,
    callback_aloud_is_on_record,
)


# --- At the end of the day --------------------------------------------------------------------------------------------


def no_ticket_is_left_live(_: Line, __: list[OneCall], books: Books) -> Laws:
    for place in books.tickets.values():
        ticket = place.ticket
        if ticket.state in ENDS:
            continue
        if ticket.kind is TicketKind.CALLBACK and ticket.state is TicketState.IN_LINE and _owed(books, ticket.id):
            continue
        yield Wrong("no ticket is lost", f"its {ticket.kind} is {ticket.state} at the end", sid_of(books, ticket.id))


def _owed(books: Books, ticket: TicketId) -> bool:
    return any(callback.ticket == ticket and callback.live for callback in books.callbacks.values())


def no_agent_is_left_busy(line: Line, _: list[OneCall], books: Books) -> Laws:
    for agent in books.agents.values():
        if agent.status.state in RESERVED:
            yield Wrong("no agent is stuck", f"{agent.record.name} is {agent.status.state} at the end")
    for claim in books.claims.values():
        if live(claim):
            yield Wrong("no agent is stuck", f"{claim.agent} has a claim at the end", sid_of(books, claim.ticket))
    for leg in books.legs.values():
        if leg.state is not LegState.ENDED:
            yield Wrong("no leg is left open", f"a leg to {leg.agent} is {leg.state}", leg.sid or "")
    for call in line.network.calls():
        if call.end_time is None:
            yield Wrong("nobody is left on the line", f"a leg ({call.direction}) is {call.status}", call.sid)


def rooms_of_the_carrier_are_used_once(line: Line, _: list[OneCall], books: Books) -> Laws:
    """Not counted: an agent back from the star key, alone, since nobody could be asked whether the caller was there."""
    agents = {leg.sid for leg in books.legs.values() if leg.agent is not None}
    rooms = line.network.conferences()
    alone = {room.sid for room in rooms if room.reason_conference_ended == LAST_LEFT} if line.faults else set()
    used = [room for room in rooms if room.sid not in alone or room.call_sid_ending_conference not in agents]
    for name, count in Counter(room.friendly_name for room in used).items():
        if count > 1:
            yield Wrong("a room is never used twice", f"the carrier opened {name} {count} times")


def phones_ring_for_one_ticket(line: Line, _: list[OneCall], books: Books) -> Laws:
    of_sid = {leg.sid: leg for leg in books.legs.values() if leg.sid}
    for at, agent, sids in line.rung_twice_by:
        if not line.faults:
            tickets = sorted({str(of_sid[sid].ticket) for sid in sids if sid in of_sid})
            text = f"{agent} was rung at {at:%H:%M:%S} while another call was on their phone: {tickets}"
            yield Wrong("a phone rings for one ticket at a time", text, sids[-1])


def callbacks_are_owed_or_ended(line: Line, _: list[OneCall], books: Books) -> Laws:
    now = line.scheduler.now()
    for callback in books.callbacks.values():
        sid = _sid(books, callback.call)
        promise = books.promises.get(callback.promise) if callback.promise else None
        if callback.state is not CallbackState.DIALLING and _rings(line, callback):
            yield Wrong("every attempt ends", f"the callback is {callback.state}, and its phone still rings", sid)
        if callback.live:
            place = books.tickets.get(callback.ticket) if callback.ticket else None
            if place is None or place.ticket.state in ENDS:
                yield Wrong("no callback is lost", f"it is {callback.state}, and its ticket is gone", sid)
            if promise is None or not promise.open:
                yield Wrong("a promise is never silently closed", f"the callback is {callback.state}", sid)
            elif promise.due_at <= now and promise.late_at is None:
                yield Wrong("a late promise is escalated", f"the callback was due {promise.due_at:%d %H:%M}", sid)
        elif promise is not None and promise.open:
            text = f"the callback is {callback.state}, and its promise is {promise.state}"
            yield Wrong("every promise ends", text, sid)
        elif promise is not None and promise.state is PromiseState.KEPT and not _talked_to(books, callback):
            yield Wrong("a promise is kept by keeping it", "nobody talked to them", sid)


def _rings(line: Line, callback: Callback) -> bool:
    with line.records.read() as tx:
        return any(attempt.ended_at is None for attempt in tx.callbacks.attempts(callback.id))


def _talked_to(books: Books, callback: Callback) -> bool:
    """On the call we owed them; or, where that ended it, at another place at that moment."""
    accepted = [claim for claim in books.claims.values() if claim.accepted_at]
    if callback.state is CallbackState.SERVED:
        return any(claim.accepted_at == callback.ended_at for claim in accepted)
    return any(claim.ticket == callback.ticket for claim in accepted)


AT_THE_END: tuple[Callable[[Line, list[OneCall], Books], Laws], ...] = (
    no_ticket_is_left_live,
    no_agent_is_left_busy,
    rooms_of_the_carrier_are_used_once,
    phones_ring_for_one_ticket,
    callbacks_are_owed_or_ended,
)
