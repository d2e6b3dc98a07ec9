"""Callbacks on record, each with the promise behind it, in one transaction.

What is decided stands in ``core.callbacks``; who dials, and how the ticket moves, is not decided here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from ivr.core.callbacks import STEP, After, AskedFor, Callback, Caps, NumberCheck, Owed, check_number
from ivr.core.company import Line
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import PromiseMade
from ivr.core.promises import Promise
from ivr.core.words import PhoneNumber
from ivr.switchboard import promises
from ivr.switchboard.ports import Numbering, Transaction

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
