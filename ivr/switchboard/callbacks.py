"""Callbacks on record, each with the promise behind it, in one transaction.

What is decided stands in ``core.callbacks``; who dials, and how the ticket moves, is not decided here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from ivr.core.callbacks import (
    STEP,
    After,
    AskedFor,
    Callback,
    CallbackState,
    Caps,
    NumberCheck,
    Owed,
    RingsAgain,
    check_number,
    rings_again,
)
from ivr.core.company import Line
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import PromiseMade
from ivr.core.flow.turn import AskCallback
from ivr.core.promises import Promise
from ivr.core.ticket import ENDS, Ticket, TicketEvent, TicketKind, after
from ivr.core.words import CallbackId, CallId, PhoneNumber
from ivr.switchboard import promises
from ivr.switchboard.ports import Numbering, TicketOnRecord, Transaction

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
        tx.promises.make(promise)
        if promise.call is not None:
            tx.log.add(promise.call, [PromiseMade(promise.id, promise.what, promise.due_at.isoformat())], now)
    return there


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
        call=None,  # nobody is on the line; the call on which it was asked for may go on to a place of its own
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


def chosen(tx: Transaction, callback: CallbackId, choice: RingsAgain, call: CallId, now: datetime) -> None:
    """Who has a callback rang again on ``call``: it is kept, waits on the line at its place, or is cancelled.

    Raises NoSuchCallback, CallbackEnded, ChangedMeanwhile.
    """
    before = tx.callbacks.get(callback)
    then = rings_again(before, choice, now)
    if choice is RingsAgain.WAIT and then.callback.state is not CallbackState.ON_THE_LINE:
        raise ChangedMeanwhile  # their phone rings from us by now
    settle(tx, then, now)
    if before.ticket is None:
        return
    place = tx.tickets.get(before.ticket)
    match choice:
        case RingsAgain.WAIT:
            _give_up_other_place(tx, place, call, now)
            waiting = replace(place.ticket, kind=TicketKind.WAITING, call=call, not_before=None)
            put(tx, replace(place, ticket=waiting))
        case RingsAgain.CANCEL:
            put(tx, moved(place, TicketEvent.CANCELLED, then.because, now))
        case RingsAgain.KEEP:
            pass
        case never:
            assert_never(never)


def _give_up_other_place(tx: Transaction, place: TicketOnRecord, call: CallId, now: datetime) -> None:
    """A call has one place in line: the older one counts."""
    other = tx.tickets.of_call(call)
    if other is not None and other.ticket.id != place.ticket.id and other.ticket.state not in ENDS:
        put(tx, moved(other, TicketEvent.LEFT, "goes on at the place of the call back", now))


def moved(place: TicketOnRecord, event: TicketEvent, because: str, now: datetime) -> TicketOnRecord:
    """A place after an event; with the time and the reason where that ends it."""
    state = after(place.ticket.state, event)
    place = replace(place, ticket=replace(place.ticket, state=state))
    return replace(place, ended_at=now, because=because) if state in ENDS else place


def put(tx: Transaction, place: TicketOnRecord) -> None:
    """Write a place. Raises ChangedMeanwhile."""
    if not tx.tickets.change(place):
        raise ChangedMeanwhile


def settle(tx: Transaction, after: After, now: datetime) -> Callback:
    """Write what something made of a callback, and of its promise. Raises ChangedMeanwhile."""
    if not tx.callbacks.change(after.callback):
        raise ChangedMeanwhile
    if after.callback.promise is not None:
        promise = tx.promises.get(after.callback.promise)
        if promise.open:  # a person may have ended it before
            _settle(tx, promise, after, now)
    return tx.callbacks.get(after.callback.id)


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
            if again + STEP > promise.due_at:
                promises.move(tx, promise.id, again + STEP, after.because, now)
        case never:
            assert_never(never)
