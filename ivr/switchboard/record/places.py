"""Places in line, in one transaction with whatever moves them: taken, kept, given up, served.

SQL decides; the floor in Redis is brought up to it after the commit (``line_up``). Each function reads, asks
``core.ticket`` what an event leads to, and writes guarded by the version: who loses such a race looks again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from ivr.core.agent import AgentEvent, happened
from ivr.core.call import CallRecord, CallState
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import (
    AgentJoined,
    AgentOffered,
    CallEvent,
    OfferEnded,
    QueueJoined,
    QueueLeft,
    TalkEnded,
    TransferEnded,
    Transferred,
)
from ivr.core.flow.steps.queue import PARKED, TALKING
from ivr.core.flow.turn import TakePlace
from ivr.core.leg import GUESTS, Leg, LegEnd, LegKind, LegState, room
from ivr.core.roster import NoSuchAgent
from ivr.core.routing.decide import Pair
from ivr.core.routing.skills import LAST_AGENT_FIRST
from ivr.core.ticket import ENDS, Relaxation, Ticket, TicketEvent, TicketKind, TicketState, after
from ivr.core.words import AgentId, CallbackId, CustomerId, TicketId
from ivr.switchboard.ports.floor import Claim
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState, TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.record import callbacks

T = TypeVar("T")

AWAY_FOR = timedelta(minutes=15)
"""So long a dropped caller's place is kept."""

REFUSED_FOR = timedelta(seconds=45)
"""So long somebody who declined or missed a caller is not rung for them again: there may be nobody else."""

HANDED_FOR = timedelta(seconds=20)
"""So long a caller who was transferred waits for that agent to be free; then they are back with who did it."""

HANDED_SLACK = timedelta(seconds=10)
"""So much longer nobody else is offered them, so that the sweep comes first."""

WAITING = frozenset({TicketState.IN_LINE, TicketState.CLAIMED})


def stands_in_line(place: TicketOnRecord) -> bool:
    """To be offered to agents: not one who has chosen another way and is leaving."""
    return place.ticket.state is TicketState.IN_LINE and not place.wish


def live(place: TicketOnRecord) -> bool:
    return place.ticket.state not in ENDS


def hold(tx: Transaction, ticket: TicketId) -> TicketOnRecord:
    """A place, its call held until the commit: so begins what changes a place, its legs or its agents.

    A turn holds its call before all else; two who hold the same rows in another order wait for one another.
    """
    place = tx.tickets.get(ticket)
    if place.ticket.call is not None:
        tx.calls.at(place.ticket.call)
    return place


# --- The caller's side ------------------------------------------------------------------------------------------------


def take(tx: Transaction, call: CallRecord, customer: CustomerId, deed: TakePlace, now: datetime) -> None:
    """A place in line for a call: the one that was kept for them, or a new one.

    None for a call that has ended: its last words were late, and what it left is kept as it is.
    """
    if call.state is CallState.ENDED:
        return
    owed = tx.tickets.of_call(call.id)
    if owed is not None and owed.ticket.id == deed.ticket:
        callbacks.waits_after_all(tx, owed, deed.node, call.id, now)
        tx.log.add(call.id, [QueueJoined(deed.ticket, owed.ticket.queue, again=True)], now)
        return
    kept = tx.tickets.away_of(customer, now - AWAY_FOR)
    if kept is not None and kept.ticket.id == deed.ticket:
        ticket = replace(kept.ticket, state=after(kept.ticket.state, TicketEvent.CAME_BACK), call=call.id)
        _write(tx, replace(kept, ticket=ticket, node=deed.node, away_at=None, wish=""))
        tx.log.add(call.id, [QueueJoined(deed.ticket, kept.ticket.queue, again=True)], now)
        return
    last = tx.tickets.last_agent_of(customer) if deed.last_agent else None
    ticket = Ticket(
        id=TicketId(deed.ticket),
        kind=TicketKind.WAITING,
        queue=deed.queue,
        arrived_at=min(deed.since or now, now),
        order=tx.tickets.next_order(),
        customer=customer,
        call=call.id,
        language=deed.language,
        needs=deed.needs,
        preferred=deed.preferred,
        relaxations=tuple(Relaxation(length, skills) for length, skills in deed.relax),
        boost=deed.boost + callbacks.forward(tx, customer, call.caller, deed.code, now),
        last_agent=last,
        last_agent_until=now + LAST_AGENT_FIRST if last else None,
    )
    place = TicketOnRecord(ticket, node=deed.node)
    if owed is not None and deed.since is not None and owed.ticket.queue == deed.queue:
        # The place they had before: what was said of it aloud still holds.
        place = replace(place, told_position=owed.told_position, told_at=owed.told_at)
        place = replace(place, told_low=owed.told_low, told_high=owed.told_high)
    if not tx.tickets.take(place):
        raise ChangedMeanwhile
    tx.log.add(call.id, [QueueJoined(deed.ticket, deed.queue, again=deed.since is not None)], now)


def leave(tx: Transaction, ticket: TicketId, how: str, now: datetime) -> None:
    """The caller gives the place up by a way out of the node; agents who were rung for it are let go."""
    place = tx.tickets.get(ticket)
    if place.ticket.state not in WAITING:
        return
    let_agents_go(tx, place, now)
    note(tx, place, [QueueLeft(ticket, place.ticket.queue, how, _waited(place, now))], now)
    if not callbacks.left_the_line(tx, place, how, now):
        _end(tx, place, TicketEvent.LEFT, how, now)


def caller_gone(tx: Transaction, place: TicketOnRecord, wrap_up: timedelta, now: datetime) -> None:
    """The caller's line is gone: a place in line is kept for a while, a talk is over."""
    state = place.ticket.state
    if place.ticket.kind is TicketKind.CALLBACK:
        return  # the call on which it was asked for is over, as it should be
    if state is TicketState.TALKING:
        end_talk(tx, place, "customer", wrap_up, now)
        return
    if state not in WAITING:
        return
    let_agents_go(tx, place, now)
    if callbacks.left_the_line(tx, place, "hung up while waiting", now):
        note(tx, place, [QueueLeft(place.ticket.id, place.ticket.queue, "hung_up", _waited(place, now))], now)
        return
    gone = replace(place.ticket, state=after(state, TicketEvent.WENT_AWAY))
    _write(tx, replace(place, ticket=gone, away_at=now))
    note(tx, place, [QueueLeft(gone.id, gone.queue, "hung_up", _waited(place, now))], now)


def hung_up_in_line(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    """A customer who was called back waited to be transferred, and their line is gone: the place is kept for a while.

    They have had their call: whoever rings again stands there as any caller does.
    """
    if place.ticket.state not in WAITING:
        return
    let_agents_go(tx, place, now)
    place = tx.tickets.get(place.ticket.id)
    gone = replace(place.ticket, kind=TicketKind.WAITING, state=after(place.ticket.state, TicketEvent.WENT_AWAY))
    _write(tx, replace(place, ticket=gone, away_at=now))
    note(tx, place, [QueueLeft(gone.id, gone.queue, "hung_up", _waited(place, now))], now)


def forgiven(tx: Transaction, place: TicketOnRecord, now: datetime) -> bool:
    """Those who refused are asked again, once the last refusal is old enough; False where it is not."""
    ended = [claim.ended_at for claim in tx.claims.of_ticket(place.ticket.id) if claim.ended_at is not None]
    if place.ticket.state is not TicketState.IN_LINE or (ended and timedelta() <= now - max(ended) < REFUSED_FOR):
        return False
    _write(tx, replace(place, ticket=replace(place.ticket, refused_by=frozenset())))
    return True


def arrived_before(tx: Transaction, place: TicketOnRecord, at: datetime) -> None:
    """The clock was put back behind an arrival: what is to come so long after it would be late by as much."""
    ticket = place.ticket
    if ticket.state is TicketState.IN_LINE and ticket.arrived_at > at:
        until = ticket.last_agent_until and min(ticket.last_agent_until, at + LAST_AGENT_FIRST)
        _write(tx, replace(place, ticket=replace(ticket, arrived_at=at, last_agent_until=until)))


def given_up(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    """Nobody came back to a place that was kept."""
    _end(tx, place, TicketEvent.ABANDONED, "nobody came back", now)


# --- The agent's side -------------------------------------------------------------------------------------------------


def claimed(
    tx: Transaction, claim: Claim, pair: Pair, lapses: datetime, now: datetime
) -> tuple[TicketOnRecord, tuple[ClaimOnRecord, ...]] | None:
    """Put on record what the floor has claimed; None: the record knows better, and nothing is written."""
    place = tx.tickets.get(claim.ticket)
    if not stands_in_line(place) or claim.fence <= place.fence:
        return None
    attempt, because = _next_attempt(place, now), f"{pair.ticket_because}; {pair.agent_because}"
    rows = tuple(
        ClaimOnRecord(claim.token, agent, claim.ticket, attempt, claim.fence, now, lapses, because)
        for agent in claim.agents
    )
    for row in rows:
        if not _agent_claimed(tx, row, now):
            return None
    if not tx.claims.make(rows):
        return None
    taken = replace(
        place,
        ticket=replace(place.ticket, state=after(place.ticket.state, TicketEvent.CLAIMED)),
        attempt=attempt,
        fence=claim.fence,
    )
    if not tx.tickets.change(taken):
        return None
    note(tx, taken, [AgentOffered(claim.ticket, row.agent, because) for row in rows], now)
    return tx.tickets.get(claim.ticket), rows


def _next_attempt(place: TicketOnRecord, now: datetime) -> int:
    """Its room is no other's: nor that of a claim which a power cut took, where the agent may still sit."""
    return max(place.attempt + 1, int((now - place.ticket.arrived_at).total_seconds()))


def _agent_claimed(tx: Transaction, row: ClaimOnRecord, now: datetime) -> bool:
    try:
        agent = tx.agents.get(row.agent)
    except NoSuchAgent:
        return False
    if not agent.status.is_free(now) or on_the_phone(tx, row.agent):
        return False
    status = happened(agent.status, AgentEvent.CLAIMED, "an offer", now, offer=tx.tickets.next_order())
    return tx.agents.change(status, agent.version)


def accepted(tx: Transaction, claim: ClaimOnRecord, now: datetime) -> TicketOnRecord | None:
    """The agent takes it, once: the others who were rung are let go. None: it is gone."""
    place = tx.tickets.get(claim.ticket)
    if place.ticket.state is not TicketState.CLAIMED or place.attempt != claim.attempt or place.wish:
        return None
    if not tx.claims.accept(claim.token, claim.agent, now):
        return None
    agent_moves(tx, claim.agent, AgentEvent.ACCEPTED, "took a call", now)
    for other in tx.claims.under(claim.token):
        if other.agent != claim.agent:
            let_go(tx, other, AgentEvent.LET_GO, "let_go", now)
    talking = replace(
        place,
        ticket=replace(place.ticket, state=after(place.ticket.state, TicketEvent.CONNECTED)),
        agent=claim.agent,
        taken_at=now,
        handed_by=None,
        handed_to=None,
    )
    _write(tx, talking)
    note(tx, talking, [AgentJoined(claim.ticket, claim.agent, _waited(place, now))], now)
    if place.ticket.kind is TicketKind.WAITING and place.ticket.call is not None:
        _owes_no_call(tx, talking, claim.agent, now)
    return tx.tickets.get(claim.ticket)


def _owes_no_call(tx: Transaction, place: TicketOnRecord, agent: AgentId, now: datetime) -> None:
    """Whoever is answered is not called back any more, whether they waited at the callback's place or at another."""
    assert place.ticket.call is not None
    for other in callbacks.served(tx, place, tx.calls.at(place.ticket.call).caller, f"answered by {agent}", now):
        _called_off(tx, other, f"answered by {agent}", now)


def cancel_callback(tx: Transaction, callback: CallbackId, now: datetime) -> None:
    """A customer wants no call any more. Raises NoSuchCallback, CallbackEnded, ChangedMeanwhile."""
    ended = callbacks.cancel(tx, callback, now)
    if ended is not None:
        _called_off(tx, ended, "the customer cancelled the call back", now)


def _called_off(tx: Transaction, place: TicketOnRecord, because: str, now: datetime) -> None:
    """Nobody is owed a call any more: who was rung for it, or waited for the customer to answer, is let go."""
    let_agents_go(tx, place, now)
    _waits_in_vain(tx, place.ticket.id, "not_reached", because, now)


def refused(
    tx: Transaction, claim: ClaimOnRecord, event: AgentEvent, how: str, now: datetime, ours: bool = False
) -> None:
    """An agent declined, missed, or was not reached: the ticket is back at its place once nobody is rung for it.

    ``ours``: the fault was ours, so they may be rung for this caller again at once.
    """
    if not let_go(tx, claim, event, how, now):
        return
    place = tx.tickets.get(claim.ticket)
    note(tx, place, [OfferEnded(claim.ticket, claim.agent, how)], now)
    if place.ticket.state is not TicketState.CLAIMED or place.attempt != claim.attempt:
        return
    by = place.ticket.refused_by if ours else place.ticket.refused_by | {claim.agent}
    if not any(other.state is ClaimState.OFFERED for other in tx.claims.under(claim.token)):
        back = replace(place.ticket, state=after(place.ticket.state, TicketEvent.PUT_BACK), refused_by=by)
    else:
        back = replace(place.ticket, refused_by=by)
    back_on_record = replace(place, ticket=back)
    if place.handed_to == claim.agent and back.state is TicketState.IN_LINE:
        back_on_record = to_who_handed(tx, back_on_record, "refused", now)
    _write(tx, back_on_record)


def to_who_handed(
    tx: Transaction, place: TicketOnRecord, because: str, now: datetime, from_: str = ""
) -> TicketOnRecord:
    """Nobody took a caller who was transferred: back to the agent who did it, who need not wrap up first.

    ``from_``: the number outside they were sent to.
    """
    if place.handed_by is None:
        return replace(place, handed_to=None)
    agent_moves(tx, place.handed_by, AgentEvent.WRAPPED_UP, "the caller they transferred comes back", now)
    told = Transferred(place.ticket.id, from_ or place.handed_to or "", place.ticket.queue, place.handed_by, because)
    note(tx, place, [told], now)
    ticket = replace(place.ticket, last_agent=place.handed_by, last_agent_until=now + LAST_AGENT_FIRST)
    return replace(place, ticket=ticket, handed_to=None)


def unanswered(tx: Transaction, place: TicketOnRecord, now: datetime) -> bool:
    """The agent a caller was transferred to was not free in time; False where that is not so."""
    until = place.ticket.last_agent_until
    if place.ticket.state is not TicketState.IN_LINE or place.handed_to is None or until is None:
        return False
    if now < until - HANDED_SLACK:
        return False
    _write(tx, to_who_handed(tx, place, "unanswered", now))
    return True


def let_go(tx: Transaction, claim: ClaimOnRecord, event: AgentEvent, how: str, now: datetime) -> bool:
    """One agent's claim comes to nothing, and their phone is to stop ringing; False when it had ended."""
    if not tx.claims.end(claim.token, claim.agent, how, now):
        return False
    agent_moves(tx, claim.agent, event, how, now)
    for leg in tx.legs.under(claim.token):
        if leg.agent == claim.agent and leg.state is not LegState.ENDED and not leg.unwanted:
            written(tx.legs.change(replace(leg, unwanted=True)))
    return True


def let_agents_go(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    """Everybody who is rung for a ticket."""
    for claim in tx.claims.of_ticket(place.ticket.id):
        if claim.state is ClaimState.OFFERED and let_go(tx, claim, AgentEvent.LET_GO, "let_go", now):
            note(tx, place, [OfferEnded(claim.ticket, claim.agent, "let_go")], now)


# --- The talk ---------------------------------------------------------------------------------------------------------


def end_talk(tx: Transaction, place: TicketOnRecord, how: str, wrap_up: timedelta, now: datetime) -> None:
    """The talk is over: the agent wraps up. ``how``: agent, customer, or lost: then the caller is back in line.

    ``wrap_up`` is the queue's; an agent's own goes before it. Once only: a ticket that does not talk is left as it is.
    """
    if outside(place):
        _over_outside(tx, place, now)
        return
    if place.ticket.state is not TicketState.TALKING or place.agent is None or place.taken_at is None:
        return
    agent_done(tx, place, how, wrap_up, now)
    colleagues_go(tx, place.ticket.id)
    place = replace(place, held_at=None, hold_due_at=None)
    if how == "lost":
        back = replace(
            place.ticket,
            state=after(place.ticket.state, TicketEvent.PUT_BACK),
            last_agent=place.agent,
            last_agent_until=now + LAST_AGENT_FIRST,
        )
        _write(tx, replace(place, ticket=back, agent=None, taken_at=None))
    else:
        _end(tx, place, TicketEvent.SERVED, f"talked to {place.agent}", now)


def agent_done(tx: Transaction, place: TicketOnRecord, how: str, wrap_up: timedelta, now: datetime) -> None:
    """The agent of a talk has nothing to do with it any more: they wrap up, and their leg is hung up."""
    assert place.agent is not None and place.taken_at is not None, "somebody talks"
    for claim in tx.claims.of_ticket(place.ticket.id):
        if claim.state is ClaimState.ACCEPTED and tx.claims.end(claim.token, claim.agent, "talked", now):
            agent_moves(tx, claim.agent, AgentEvent.TALK_ENDED, "the talk ended", now, wrap_up)
            if how == "lost":  # the caller waits for them: the talk is not over
                agent_moves(tx, claim.agent, AgentEvent.WRAPPED_UP, "their line dropped", now)
    for leg in tx.legs.of_ticket(place.ticket.id):
        if leg.kind is LegKind.AGENT and leg.state is not LegState.ENDED and not leg.unwanted:
            written(tx.legs.change(replace(leg, unwanted=True)))
    seconds = int((now - place.taken_at).total_seconds())
    note(tx, place, [TalkEnded(place.ticket.id, place.agent, seconds, how)], now)


def outside(place: TicketOnRecord) -> bool:
    """An agent has left this caller with a number outside: it rings, or they talk, and nobody of ours is with them."""
    return place.ticket.state is TicketState.TALKING and place.agent is None


def _over_outside(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    """The customer has gone, or is to go on with the flow: it was served by the agent who sent them there."""
    talked = any(leg.stage == TALKING and leg.attempt == place.attempt for leg in _outside_legs(tx, place))
    colleagues_go(tx, place.ticket.id)
    note(tx, place, [TransferEnded(place.node, "completed" if talked else "no_answer")], now)
    sent = replace(place, agent=place.handed_by, handed_by=None, held_at=None, hold_due_at=None)
    _end(tx, sent, TicketEvent.SERVED, f"put through to a number by {place.handed_by}", now)


def back_from_outside(tx: Transaction, place: TicketOnRecord, number: str, how: str, now: datetime) -> None:
    """A number outside did not take the caller: at the head of the line, for the agent who sent them there first."""
    note(tx, place, [TransferEnded(place.node, how)], now)
    back = replace(place.ticket, state=after(place.ticket.state, TicketEvent.PUT_BACK))
    there = replace(place, ticket=back, taken_at=None, held_at=None, hold_due_at=None)
    _write(tx, to_who_handed(tx, there, "unanswered", now, number))


RETURNED = {LegEnd.BUSY: "busy", LegEnd.FAILED: "failed", LegEnd.CANCELLED: "failed"}


def returned(tx: Transaction, place: TicketOnRecord) -> str:
    """How the number outside failed that this caller in line comes back from; "" for any other."""
    if place.handed_by is None or place.handed_to is not None or place.ticket.state is TicketState.TALKING:
        return ""
    claims = tx.claims.of_ticket(place.ticket.id)
    last_talk = max((claim.attempt for claim in claims if claim.accepted_at is not None), default=0)
    legs = [leg for leg in _outside_legs(tx, place) if leg.attempt >= last_talk]
    if not legs or place.ticket.last_agent != place.handed_by:
        return ""
    return RETURNED.get(legs[-1].how or LegEnd.NO_ANSWER, "no_answer")


def _outside_legs(tx: Transaction, place: TicketOnRecord) -> list[Leg]:
    legs = tx.legs.of_ticket(place.ticket.id)
    return [leg for leg in legs if leg.kind is LegKind.OUTSIDE and not leg.unwanted]


def colleagues_go(tx: Transaction, ticket: TicketId) -> None:
    """Whoever was asked into the talk, or is in it beside its agent, is to be hung up."""
    for leg in tx.legs.of_ticket(ticket):
        if leg.kind in GUESTS and leg.state is not LegState.ENDED and not leg.unwanted:
            written(tx.legs.change(replace(leg, unwanted=True)))


def not_put_through(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    """The caller's leg does not get to where it belongs: the place is given up, and whoever waits for them is free."""
    let_agents_go(tx, place, now)
    _waits_in_vain(tx, place.ticket.id, "failed", "the caller could not be put through", now)
    note(tx, place, [QueueLeft(place.ticket.id, place.ticket.queue, "failed", _waited(place, now))], now)
    _end(tx, place, TicketEvent.LEFT, "failed", now)


def agent_waits_no_longer(tx: Transaction, ticket: TicketId, now: datetime) -> None:
    """An agent took a callback, and the customer was not reached: free again at once, and their phone is hung up."""
    place = tx.tickets.get(ticket)
    if place.ticket.state is TicketState.TALKING:
        return
    _waits_in_vain(tx, ticket, "not_reached", "the customer was not reached", now)


def _waits_in_vain(tx: Transaction, ticket: TicketId, how: str, because: str, now: datetime) -> None:
    for claim in tx.claims.of_ticket(ticket):
        if claim.state is ClaimState.ACCEPTED and tx.claims.end(claim.token, claim.agent, how, now):
            agent_moves(tx, claim.agent, AgentEvent.TALK_ENDED, because, now, timedelta())
            agent_moves(tx, claim.agent, AgentEvent.WRAPPED_UP, "nothing to wrap up", now)
            for leg in tx.legs.under(claim.token):
                if leg.kind is LegKind.AGENT and leg.state is not LegState.ENDED and not leg.unwanted:
                    written(tx.legs.change(replace(leg, unwanted=True)))


# --- Between them -----------------------------------------------------------------------------------------------------


def room_of(place: TicketOnRecord) -> str | None:
    """The room of the talk that is on; None: nobody talks."""
    return room(place.ticket.id, place.attempt) if place.ticket.state is TicketState.TALKING else None


def on_our_leg(tx: Transaction, place: TicketOnRecord) -> Leg | None:
    """The leg of a customer who was called back, talked, and waits on the line to be transferred."""
    if place.ticket.kind is not TicketKind.CALLBACK:
        return None
    callback = tx.callbacks.of_ticket(place.ticket.id)
    if callback is None or callback.live:
        return None
    legs = [leg for leg in tx.legs.of_ticket(place.ticket.id) if leg.kind is LegKind.CUSTOMER]
    there = (leg for leg in reversed(legs) if leg.state is not LegState.ENDED and leg.stage in (TALKING, PARKED))
    return next(there, None)


def on_the_phone(tx: Transaction, agent: AgentId) -> bool:
    """A leg of theirs has not ended: they talk, or are told that an offer is gone, and cannot be rung on it."""
    return bool(tx.legs.of_agent(agent))


def agent_moves(
    tx: Transaction,
    agent: AgentId,
    event: AgentEvent,
    because: str,
    now: datetime,
    wrap_up: timedelta = timedelta(),
) -> None:
    """What an event makes of an agent, on record; one who was taken off the record meanwhile is nobody's any more."""
    try:
        before = tx.agents.get(agent)
    except NoSuchAgent:
        return
    wrap_up = wrap_up if before.record.wrap_up is None else before.record.wrap_up
    changed = happened(before.status, event, because, now, wrap_up=wrap_up)
    if changed != before.status and not tx.agents.change(changed, before.version):
        raise ChangedMeanwhile


def note(tx: Transaction, place: TicketOnRecord, events: list[CallEvent], now: datetime) -> None:
    """In the log of the call that waits; a callback's ticket belongs to the call on which it was asked for."""
    if place.ticket.call is not None and events:
        tx.log.add(place.ticket.call, events, now)


def retried(work: Callable[[], T], times: int = 5) -> T:
    """Do it, and again where somebody changed the same at the same moment: whoever was first is looked at then."""
    for _ in range(times - 1):
        try:
            return work()
        except ChangedMeanwhile:
            continue
    return work()


def _waited(place: TicketOnRecord, now: datetime) -> int:
    return int(place.ticket.waited(now).total_seconds())


def _end(tx: Transaction, place: TicketOnRecord, event: TicketEvent, because: str, now: datetime) -> None:
    ended = replace(place.ticket, state=after(place.ticket.state, event))
    _write(tx, replace(place, ticket=ended, ended_at=now, because=because))


def written(changed: bool) -> None:
    """Raises ChangedMeanwhile where a guarded write met somebody else's."""
    if not changed:
        raise ChangedMeanwhile


def _write(tx: Transaction, place: TicketOnRecord) -> None:
    written(tx.tickets.change(place))
