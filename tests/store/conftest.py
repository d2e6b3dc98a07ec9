"""A customer and a call to put into the databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.customer import Customer, CustomerKind
from ivr.core.words import CallId, CustomerId, FlowVersionId, PhoneNumber
from ivr.store.session import SqlRecords
from tests.databases import START

MARIA = Customer(
    id=CustomerId("0193-maria"),
    kind=CustomerKind.CUSTOMER,
    name="Maria Rossi",
    language="it",  # type: ignore[arg-type]
    postcode="00184",
    number="C-0042",
    created_at=START,
    numbers=(PhoneNumber("+390612345678"),),
    products=("Macchina del caffè",),
)

CALL = CallRecord(
    id=CallId("0193-call"),
    key=CarrierKey("exchange", "AC1", "CA1"),
    line="verde",
    caller=PhoneNumber("+390612345678"),
    called=PhoneNumber("+39800123456"),
    customer=MARIA.id,
    sure=Sure.MAYBE,
    version=FlowVersionId("v1"),
    state=CallState.IN_FLOW,
    turn=1,
    door="rang",
    token="",
    cursor="{}",
    says="[]",
    next_seq=1,
    started_at=START,
)


@pytest.fixture
def maria(records: SqlRecords) -> Customer:
    with records.write() as tx:
        tx.customers.add(MARIA)
    return MARIA


@pytest.fixture
def call(records: SqlRecords, maria: Customer) -> CallRecord:
    with records.write() as tx:
        assert tx.calls.start(CALL)
    return CALL


def next_turn(call: CallRecord, events: int = 0, door: str = "keys") -> CallRecord:
    return replace(call, turn=call.turn + 1, door=door, token="t", next_seq=call.next_seq + events)
