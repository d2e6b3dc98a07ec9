"""What the callback step asks of the records: may a number be called, is it owed a call, which slots are booked."""

from __future__ import annotations

from datetime import datetime

from ivr.core.call import CallRecord
from ivr.core.callbacks import Callback, CallbackState, Caps
from ivr.core.flow.turn import GotNumber, GotSlots, LiveCallback, WantNumber, WantSlots
from ivr.core.ticket import TicketState
from ivr.core.words import PhoneNumber
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Numbering
from ivr.switchboard.record.callbacks import may_be_called

CAPS = Caps()


def number(want: WantNumber, call: CallRecord, tx: Transaction, numbering: Numbering, now: datetime) -> GotNumber:
    """The number in E.164 form, whether it may be called, and the call that it is owed already."""
    to = _read(want, call, numbering)
    if to is None:
        return GotNumber(None)
    own = to == call.caller
    check = may_be_called(tx, numbering, to, own, want.line, want.ours, CAPS, now)
    live = tx.callbacks.live_of(to)
    return GotNumber(
        to,
        own=own,
        refusal=check.refusal.value if check.refusal else "",
        because=check.because,
        country=numbering.country(to),
        zones=numbering.zones(to),
        live=None if live is None else _live(live, tx, now),
    )


def slots(want: WantSlots, tx: Transaction) -> GotSlots:
    return GotSlots(tuple(tx.callbacks.booked(want.queue, want.since, want.until)))


def _read(want: WantNumber, call: CallRecord, numbering: Numbering) -> PhoneNumber | None:
    if not want.text:
        return call.caller if isinstance(call.caller, PhoneNumber) else None
    try:
        return numbering.number(want.text, want.country)
    except ValueError:
        return None


def _live(callback: Callback, tx: Transaction, now: datetime) -> LiveCallback:
    """Its place counts only while it is in line; one that is claimed has an agent, and its phone is about to ring."""
    if callback.ticket is None:
        return LiveCallback(callback.id, "", slot=callback.slot_at)
    ticket = tx.tickets.get(callback.ticket).ticket
    in_line = callback.state is CallbackState.WAITING and ticket.state is TicketState.IN_LINE
    return LiveCallback(
        callback.id,
        ticket.id,
        place=tx.tickets.ahead(ticket, now) + 1 if in_line else None,
        slot=callback.slot_at if callback.misses == 0 else None,
        waits=in_line,
    )
