"""What the interpreter wants and cannot know: read from the records, in the words of the flow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from ivr.core.call import CallRecord
from ivr.core.customer import CaseRecord, Customer, Order
from ivr.core.errors import NoSuchCustomer, RecordsUnavailable
from ivr.core.flow.expression import Value
from ivr.core.flow.turn import (
    Got,
    GotCode,
    GotEmergency,
    GotFetched,
    GotKept,
    GotNothing,
    GotPlace,
    GotProof,
    GotRecord,
    Want,
    WantCaseCode,
    WantEmergency,
    WantFetched,
    WantKept,
    WantNumber,
    WantPlace,
    WantProof,
    WantRecord,
    WantSlots,
)
from ivr.core.ticket import ENDS, TicketKind
from ivr.core.words import CustomerId, PhoneNumber, QueueName
from ivr.switchboard.calls import callback_wants
from ivr.switchboard.customers.prove import prove_order, prove_pin
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Ids, Numbering
from ivr.switchboard.record.places import AWAY_FOR, returned, room_of

Fulfil = Callable[[Want, CallRecord, Transaction, Ids, Numbering, datetime], Got]
"""How a want is answered."""

CODE_LENGTH = 6
CODE_TRIES = 20

ORDER_TYPES = {
    "number": "digits",
    "status": "enum:order_status",
    "placed": "date",
    "due": "date",
    "total": "money:EUR",
    "items": "text",
}
CUSTOMER_TYPES: Mapping[str, str] = {
    "name": "text",
    "number": "digits",
    "kind": "text",
    "language": "text",
    "email": "text",
    "postcode": "digits",
    "zone": "text",
    "products": "text",
}
CASE_TYPES = {
    "code": "digits",
    "kind": "enum:case_kind",
    "status": "enum:case_status",
    "opened": "date",
    "about": "text",
}


def fulfil(want: Want, call: CallRecord, tx: Transaction, ids: Ids, numbering: Numbering, now: datetime) -> Got:
    """The answer to a want; GotNothing when the records cannot give it now."""
    try:
        return _fulfil(want, call, tx, ids, numbering, now)
    except RecordsUnavailable as trouble:
        return GotNothing(str(trouble))


def _fulfil(want: Want, call: CallRecord, tx: Transaction, ids: Ids, numbering: Numbering, now: datetime) -> Got:
    match want:
        case WantRecord(record, key):
            return _record(record, key, tx, now)
        case WantProof():
            return _proof(want, call, tx, now)
        case WantEmergency(hours):
            return GotEmergency(tx.switches.emergency(hours, now))
        case WantCaseCode():
            return _code(tx, ids)
        case WantFetched(key):
            fetching = tx.fetches.get(key)
            if fetching is None:
                return GotNothing(f"nothing was fetched under {key}")
            return GotFetched(fetching.state, json.loads(fetching.answer) if fetching.answer else None)
        case WantKept(recording):
            return GotKept(tx.voicemails.by_recording(recording) is not None)
        case WantNumber():
            return callback_wants.number(want, call, tx, numbering, now)
        case WantSlots():
            return callback_wants.slots(want, tx)
        case WantPlace(queue):
            return _place(queue, call, tx, ids, now)
    assert_never(want)


def _place(queue: QueueName, call: CallRecord, tx: Transaction, ids: Ids, now: datetime) -> GotPlace:
    """The place of this call; or the one that a dropped line of this customer left in this queue; or an id for one.

    Withheld callers have a record each, so nobody comes back to somebody else's place.
    """
    mine = tx.tickets.of_call(call.id)
    if mine is None:
        away = tx.tickets.away_of(call.customer, now - AWAY_FOR)
        mine = away if away is not None and away.ticket.queue == queue else None
    if mine is not None and mine.ticket.kind is TicketKind.CALLBACK and mine.ticket.state not in ENDS:
        return GotPlace(mine.ticket.id)  # asked to be called, and waits after all: at the same place
    if mine is not None and mine.ticket.state not in ENDS:
        return replace(_standing(mine, ids), returned=returned(tx, mine))
    owed = isinstance(call.caller, PhoneNumber) and tx.callbacks.live_of(call.caller) is not None
    return replace(GotPlace(ids.new()) if mine is None else _standing(mine, ids), callback=owed)


def _standing(place: TicketOnRecord, ids: Ids) -> GotPlace:
    return GotPlace(
        new=ids.new(),
        ticket=place.ticket.id,
        state=place.ticket.state,
        wish=place.wish,
        room=room_of(place),
        agent=place.agent,
        since=place.ticket.arrived_at,
        language=place.ticket.language,
        handed=place.handed_by is not None,
    )


def _record(record: str, key: str, tx: Transaction, now: datetime) -> Got:
    match record:
        case "order":
            order = tx.customers.order(key)
            return GotRecord(order_fields(order), ORDER_TYPES, order.customer) if order else GotRecord(None)
        case "case":
            case = tx.cases.by_code(key)
            return GotRecord(case_fields(case) if case else None, CASE_TYPES)
        case "customer":
            try:
                customer = tx.customers.get(CustomerId(key))
            except NoSuchCustomer:
                return GotRecord(None)
            return GotRecord(customer_fields(customer), CUSTOMER_TYPES, customer.id)
        case "callback":
            missed = tx.callbacks.by_code(key, now)
            return GotRecord({"code": missed.code} if missed else None, {"code": "digits"})
    return GotNothing(f"there are no records of kind {record}")


def _proof(want: WantProof, call: CallRecord, tx: Transaction, now: datetime) -> Got:
    if want.by == "pin":
        proven = prove_pin(call.id, call.customer, want.answer, tx, now)
    else:
        proven = prove_order(call.id, want.order or "", want.answer, tx, now)
    customer = proven.customer
    if customer is None:
        return GotProof(None)
    fields, types = customer_fields(customer), CUSTOMER_TYPES
    order = tx.customers.order(want.order) if want.order else None
    if order is not None:  # what proves the caller may be spoken of, too
        fields |= {f"order.{name}": value for name, value in order_fields(order).items()}
        types = {**types, **{f"order.{name}": kind for name, kind in ORDER_TYPES.items()}}
    return GotProof(fields, customer.id, types)


def _code(tx: Transaction, ids: Ids) -> Got:
    for _ in range(CODE_TRIES):
        code = ids.code(CODE_LENGTH)
        if tx.cases.by_code(code) is None:
            return GotCode(code)
    return GotNothing("no free case code was found")


def order_fields(order: Order) -> dict[str, Value]:
    """An order as the variables `order.*`."""
    return {
        "number": order.number,
        "status": order.status,
        "placed": order.placed.isoformat() if order.placed else None,
        "due": order.due.isoformat() if order.due else None,
        "total": order.total_cents,
        "items": ", ".join(order.items) or None,
    }


def customer_fields(customer: Customer) -> dict[str, Value]:
    """A proven customer as the variables `customer.*`."""
    return {
        "name": customer.name,
        "number": customer.number,
        "kind": customer.kind.value,
        "language": customer.language,
        "email": customer.email,
        "postcode": customer.postcode,
        "zone": customer.zone,
        "products": ", ".join(customer.products) or None,
    }


def case_fields(case: CaseRecord) -> dict[str, Value]:
    """A case as the variables `case.*`."""
    return {
        "code": case.code,
        "kind": case.kind,
        "status": case.status,
        "opened": case.opened_at.date().isoformat(),
        "about": case.about,
    }
