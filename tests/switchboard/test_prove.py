"""Proving who one is, and guessing."""

from __future__ import annotations

import pytest

from ivr.core.customer import Order
from ivr.core.pin import pin_hash, pin_matches
from ivr.store.session import SqlRecords
from ivr.switchboard.customers.prove import MOST_FAILURES, WINDOW, Proof, prove_order, prove_pin
from tests.databases import START
from tests.store.conftest import CALL, MARIA


@pytest.fixture
def line(records_in_memory: SqlRecords) -> SqlRecords:
    with records_in_memory.write() as tx:
        tx.customers.add(MARIA)
        tx.customers.change(MARIA.id, pin_hash=pin_hash("0471", b"salt"))
        tx.customers.put_order(Order("00417", MARIA.id, "shipped"))
        tx.calls.start(CALL)
    return records_in_memory


def test_the_right_pin_holds_and_a_wrong_one_does_not(line: SqlRecords) -> None:
    with line.write() as tx:
        proven = prove_pin(CALL.id, MARIA.id, "0471", tx, START)
        assert proven.how is Proof.HELD
        assert proven.customer is not None
        assert proven.customer.has_pin
        assert prove_pin(CALL.id, MARIA.id, "471", tx, START).how is Proof.FAILED


def test_a_customer_without_a_pin_cannot_prove_by_it(line: SqlRecords) -> None:
    with line.write() as tx:
        tx.customers.change(MARIA.id, pin_hash=None)
        assert prove_pin(CALL.id, MARIA.id, "", tx, START).how is Proof.FAILED


@pytest.mark.parametrize(
    ("order", "postcode", "how"),
    [
        ("00417", "00184", Proof.HELD),
        ("00417", "00185", Proof.FAILED),
        ("00417", "", Proof.FAILED),
        ("417", "00184", Proof.FAILED),
    ],
)
def test_an_order_proves_with_its_postcode(line: SqlRecords, order: str, postcode: str, how: Proof) -> None:
    with line.write() as tx:
        assert prove_order(CALL.id, order, postcode, tx, START).how is how


def test_an_order_of_somebody_without_a_postcode_proves_nothing(line: SqlRecords) -> None:
    with line.write() as tx:
        tx.customers.change(MARIA.id, postcode=None)
        assert prove_order(CALL.id, "00417", "", tx, START).how is Proof.FAILED


def test_who_guesses_too_often_waits_an_hour_even_with_the_right_answer(line: SqlRecords) -> None:
    with line.write() as tx:
        for _ in range(MOST_FAILURES):
            assert prove_order(CALL.id, "00417", "1", tx, START).how is Proof.FAILED
        assert prove_order(CALL.id, "00417", "00184", tx, START).how is Proof.TOO_MANY
        assert prove_pin(CALL.id, MARIA.id, "0471", tx, START).how is Proof.TOO_MANY
        assert prove_pin(CALL.id, MARIA.id, "0471", tx, START + WINDOW).how is Proof.HELD


def test_guessing_at_orders_that_do_not_exist_is_counted_on_the_call(line: SqlRecords) -> None:
    with line.write() as tx:
        for n in range(MOST_FAILURES):
            assert prove_order(CALL.id, f"no-{n}", "1", tx, START).how is Proof.FAILED
        assert prove_order(CALL.id, "00417", "00184", tx, START).how is Proof.TOO_MANY


def test_two_equal_pins_have_different_hashes() -> None:
    assert pin_hash("0471", b"one") != pin_hash("0471", b"two")
    assert pin_matches("0471", pin_hash("0471", b"two"))
