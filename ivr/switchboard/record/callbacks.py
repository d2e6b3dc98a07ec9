"""Callbacks on record, each with the promise behind it, in one transaction.

What is decided stands in ``core.callbacks``; who dials, and how the ticket moves, is not decided here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from ivr.core import callbacks as decided
from ivr.core.callbacks import (
    HANGS_UP,
    STEP,
    After,
    AskedFor,
    Callback,
    CallbackState,
    Caps,
    NumberCheck,
    Outcome,
    Owed,
    RingsAgain,
    check_number,
    rings_again,
)
from ivr.core.company import Line
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import CallbackTried, PromiseMade
from ivr.core.flow.turn import AskCallback
from ivr.core.leg import LegKind, LegState
from ivr.core.promises import Promise
from ivr.core.ticket import ENDS, Ticket, TicketEvent, TicketKind, TicketState, after
from ivr.core.words import CallbackId, CallerNumber, CallId, CustomerId, PhoneNumber, TicketId
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Numbering
from ivr.switchboard.record import promises

DAY = timedelta(hours=24)


def may_be_called(
    tx: Transaction,
    numbering: Numbering,
    number: PhoneNumber,
    rang_from_it: bool,
    line: Line,
    ours: frozenset[PhoneNumber],
    caps: Caps,
    now: datetime,
) -> NumberCheck:
    """Whether this number may be called, with what was asked for in the last 24 hours; before anything is confirmed."""
    asked = AskedFor(
        number=number,
        country=numbering.country(number),
        kind=numbering.kind(number),
        rang_from_it=rang_from_it,
        today=tx.callbacks.asked_since(now - DAY, number),
        today_in_all=tx.callbacks.asked_since(now - DAY),
    )
    return check_number(asked, line.callable_from, ours, caps)


def ask(tx: Transaction, callback: Callback, promise: Promise, capacity: int, zone: str, now: datetime) -> Callback:
    """Put callback and promise on record; or give back the live one of that number, and nothing is changed.

    ``capacity`` and ``zone`` are the queue's, for a slot. Raises SlotTaken.
    """
    mine = replace(callback, promise=promise.id)
    there = tx.callbacks.ask(mine, capacity, zone)
    if there.id == mine.id:
        _promise(tx, promise, now)
    return there


def _promise(tx: Transaction, promise: Promise, now: datetime) -> None:
    tx.promises.make(promise)
    if promise.call is not None:
        tx.log.add(promise.call, [PromiseMade(promise.id, promise.what, promise.due_at.isoformat())], now)


def owe(tx: Transaction, callback: Callback, promise: Promise, asked: AskCallback, now: datetime) -> None:
    """Promise the call and put its ticket in line, at the place that the call on which it was asked for had.

    Raises SlotTaken, and ChangedMeanwhile where the number has a live callback by now.
    """
    assert callback.ticket is not None
    before = None if callback.call is None else tx.tickets.of_call(callback.call)
    case = None if asked.case is None else tx.cases.by_code(asked.case)
    mine = replace(
        callback,
        arrived_at=now if before is None else before.ticket.arrived_at,
        case=None if case is None else case.id,
    )
    if ask(tx, mine, promise, asked.capacity, asked.zone, now).id != mine.id:
        raise ChangedMeanwhile
    place = Ticket(
        id=callback.ticket,
        kind=TicketKind.CALLBACK,
        queue=mine.queue,
        arrived_at=mine.arrived_at,
        order=tx.tickets.next_order() if before is None else before.ticket.order,
        customer=mine.customer,
        call=mine.call,  # nobody is on the line: it is the call on which it was asked for
        language=mine.language,
        needs=asked.needs,
        not_before=mine.next_at,
    )
    if before is not None and before.ticket.queue == mine.queue:
        waited = before.ticket
        place = replace(
            place,
            needs=waited.needs,
            preferred=waited.preferred,
            relaxations=waited.relaxations,
            boost=waited.boost,
        )
    if not tx.tickets.take(TicketOnRecord(place)):
        raise ChangedMeanwhile


def owe_again(tx: Transaction, callback: Callback, promise: Promise, now: datetime) -> Callback:
    """The line dropped while they talked: they are called once more. The promise is on record; not the callback yet."""
    _promise(tx, promise, now)
    return decided.reopened(callback, promise.id, now + HANGS_UP)


def cancel(tx: Transaction, callback: CallbackId, now: datetime) -> TicketOnRecord | None:
    """The customer rang and wants no call any more: the place that this ends, whose agents are to be let go.

    Raises NoSuchCallback, CallbackEnded, ChangedMeanwhile.
    """
    then = rings_again(tx.callbacks.get(callback), RingsAgain.CANCEL, now)
    settle(tx, then, now)
    if then.callback.ticket is None:
        return None
    place = tx.tickets.get(then.callback.ticket)
    put(tx, moved(away(place), TicketEvent.CANCELLED, then.because, now))
    let_phone_be(tx, place.ticket.id)
    return tx.tickets.get(place.ticket.id)


def will_wait(tx: Transaction, callback: CallbackId, call: CallId, now: datetime) -> None:
    """Whoever rang again wants to wait on the line: their place is this call's, for the queue to find.

    They are called back all the same, until they do stand in line. Raises NoSuchCallback, ChangedMeanwhile where their
    phone rings from us by now.
    """
    standing = tx.callbacks.get(callback)
    if standing.state is not CallbackState.WAITING or standing.ticket is None:
        raise ChangedMeanwhile
    other = tx.tickets.of_call(call)
    if other is not None and other.ticket.id != standing.ticket and other.ticket.state not in ENDS:
        put(tx, moved(other, TicketEvent.LEFT, "goes on at the place of the call back", now))
    place = tx.tickets.get(standing.ticket)
    put(tx, replace(place, ticket=replace(place.ticket, call=call)))


def waits_after_all(tx: Transaction, place: TicketOnRecord, node: str, call: CallId, now: datetime) -> None:
    """Who asked to be called on this call goes on to wait on it, at the same place. Raises ChangedMeanwhile."""
    callback = tx.callbacks.of_ticket(place.ticket.id)
    if callback is not None and callback.state is CallbackState.DIALLING:
        # An agent has taken it and dials: they talk here, and the other phone is let be.
        settle(tx, decided.served(callback, "rang again while we dialled", now), now)
        let_phone_be(tx, place.ticket.id)
    elif callback is not None and callback.live:
        settle(tx, rings_again(callback, RingsAgain.WAIT, now), now)
    put(tx, replace(waiting(place, call), node=node))


def waiting(place: TicketOnRecord, call: CallId) -> TicketOnRecord:
    """The place of a callback, with its customer on the line."""
    return replace(place, ticket=replace(place.ticket, kind=TicketKind.WAITING, call=call, not_before=None), wish="")


def left_the_line(tx: Transaction, place: TicketOnRecord, because: str, now: datetime) -> bool:
    """Who waited on the line at their callback's place hung up, or went another way: they are called from there.

    False: there was no callback. Raises ChangedMeanwhile.
    """
    callback = tx.callbacks.of_ticket(place.ticket.id)
    if callback is None or callback.state is not CallbackState.ON_THE_LINE:
        return False
    again = settle(tx, After(decided.left_the_line(callback, now), Owed.NOTHING_NEW, because), now)
    asked_on = _asked_on(tx, callback, place)
    back = replace(place.ticket, kind=TicketKind.CALLBACK, call=asked_on, not_before=again.next_at)
    put(tx, moved(replace(place, ticket=back, wish=""), TicketEvent.PUT_BACK, "", now))
    return True


def _asked_on(tx: Transaction, callback: Callback, place: TicketOnRecord) -> CallId | None:
    """The call that the place belongs to once nobody is on the line: the one that waited may take another place."""
    if callback.call is None:
        return place.ticket.call
    other = tx.tickets.of_call(callback.call)
    return callback.call if other is None or other.ticket.state in ENDS else place.ticket.call


def served(
    tx: Transaction, place: TicketOnRecord, caller: CallerNumber, because: str, now: datetime
) -> tuple[TicketOnRecord, ...]:
    """End the callbacks of somebody who is answered otherwise: of this place, and of the number they ring from.

    Gives back the other tickets that this ends: whoever is rung for them is to be let go. A phone that rings from us is
    hung up.
    """
    here = tx.callbacks.of_ticket(place.ticket.id)
    there = tx.callbacks.live_of(caller) if isinstance(caller, PhoneNumber) else None
    owed = {each.id: each for each in (here, there) if each is not None and each.live}
    ended = []
    for callback in owed.values():
        settle(tx, decided.served(callback, because, now), now)
        if callback.ticket is None or callback.ticket == place.ticket.id:
            continue
        other = tx.tickets.get(callback.ticket)
        let_phone_be(tx, other.ticket.id)
        put(tx, moved(away(other), TicketEvent.CANCELLED, because, now))
        ended.append(tx.tickets.get(callback.ticket))
    return tuple(ended)


def forward(tx: Transaction, customer: CustomerId, caller: CallerNumber, code: str | None, now: datetime) -> timedelta:
    """What somebody whom we could not reach is worth in line: who rings from that number, or has keyed in the code."""
    mine = [each for each in tx.callbacks.of(customer) if each.number == caller]
    by_code = None if code is None else tx.callbacks.by_code(code, now)
    owed = mine if by_code is None else [*mine, by_code]
    return max((decided.code_boost(each, now) for each in owed), default=timedelta())


def away(place: TicketOnRecord) -> TicketOnRecord:
    """A callback that an agent has taken, and whose customer is not there: nobody talks."""
    if place.ticket.state is not TicketState.TALKING:
        return place
    gone = replace(place.ticket, state=after(place.ticket.state, TicketEvent.WENT_AWAY))
    return replace(place, ticket=gone, agent=None, taken_at=None)


def let_phone_be(tx: Transaction, ticket: TicketId) -> None:
    """The customer's phone is not to ring any more. Raises ChangedMeanwhile."""
    for leg in tx.legs.of_ticket(ticket):
        rings = leg.kind is LegKind.CUSTOMER and leg.state is not LegState.ENDED and not leg.unwanted
        if rings and not tx.legs.change(replace(leg, unwanted=True)):
            raise ChangedMeanwhile


def moved(place: TicketOnRecord, event: TicketEvent, because: str, now: datetime) -> TicketOnRecord:
    """A place after an event; with the time and the reason where that ends it."""
    state = after(place.ticket.state, event)
    place = replace(place, ticket=replace(place.ticket, state=state))
    return replace(place, ended_at=now, because=because) if state in ENDS else place


def change(tx: Transaction, callback: Callback) -> None:
    """Write a callback. Raises ChangedMeanwhile."""
    if not tx.callbacks.change(callback):
        raise ChangedMeanwhile


def put(tx: Transaction, place: TicketOnRecord) -> None:
    """Write a place. Raises ChangedMeanwhile."""
    if not tx.tickets.change(place):
        raise ChangedMeanwhile


def settle(tx: Transaction, after: After, now: datetime) -> Callback:
    """Write what something made of a callback, and of its promise. Raises ChangedMeanwhile."""
    if not tx.callbacks.change(after.callback):
        raise ChangedMeanwhile
    if after.callback.attempts and after.callback.state is not CallbackState.DIALLING:
        _called_off(tx, after.callback, now)
    if after.callback.promise is not None:
        promise = tx.promises.get(after.callback.promise)
        if promise.open:  # a person may have ended it before
            _settle(tx, promise, after, now)
    return tx.callbacks.get(after.callback.id)


def _called_off(tx: Transaction, callback: Callback, now: datetime) -> None:
    """An attempt still under way ends here; one that ended by itself has done so before."""
    ended = tx.callbacks.end(callback.id, callback.attempts, Outcome.CALLED_OFF, now)
    if ended and callback.call is not None:
        tx.log.add(callback.call, [CallbackTried(callback.id, callback.attempts, Outcome.CALLED_OFF, None)], now)


def _settle(tx: Transaction, promise: Promise, after: After, now: datetime) -> None:
    match after.promise:
        case Owed.NOTHING_NEW:
            pass
        case Owed.KEEP:
            promises.keep(tx, promise.id, after.because, now)
        case Owed.WITHDRAW:
            promises.withdraw(tx, promise.id, after.because, now)
        case Owed.BREAK:
            promises.give_up(tx, promise.id, after.because, now)
        case Owed.MOVE:
            again = after.callback.next_at
            assert again is not None, "a callback that goes on has a next attempt"
            due = after.due or again + STEP
            if due > promise.due_at:
                promises.move(tx, promise.id, due, after.because, now)
        case never:
            assert_never(never)
