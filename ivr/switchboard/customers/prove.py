"""Making sure who calls: a PIN, or an order number with its postcode. Each attempt is counted in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ivr.core.customer import Customer
from ivr.core.pin import pin_hash, pin_matches
from ivr.core.words import CallId, CustomerId
from ivr.switchboard.ports.records import Transaction

MOST_FAILURES = 5
"""So many failures on a call, or at a customer from any call, and nobody may try until they are an hour old."""

WINDOW = timedelta(hours=1)

_NOBODYS = pin_hash("", b"nobody")
"""Checked where there is no PIN, so that the time it takes does not tell."""


class Proof(StrEnum):
    HELD = "held"
    FAILED = "failed"
    TOO_MANY = "too_many"  # not even looked at


@dataclass(frozen=True)
class Proven:
    """How an attempt ended; the customer only where it held."""

    how: Proof
    customer: Customer | None = None


def prove_pin(call: CallId, customer: CustomerId, pin: str, tx: Transaction, now: datetime) -> Proven:
    """Is the caller this customer, by their PIN? Takes some 40 ms of CPU."""
    if tx.proofs.failures(call, customer, now - WINDOW) >= MOST_FAILURES:
        return Proven(Proof.TOO_MANY)
    hashed = tx.customers.pin_hash(customer)
    held = pin_matches(pin, hashed or _NOBODYS) and hashed is not None
    return _told(call, customer, "pin", held, tx, now)


def prove_order(call: CallId, order_number: str, postcode: str, tx: Transaction, now: datetime) -> Proven:
    """Is the caller the customer of this order, by the postcode it goes to?

    An unknown order and a wrong postcode are answered alike. Spaces and letter case in the postcode do not matter; of
    a postcode with letters only the digits count, since a telephone has no others.
    """
    order = tx.customers.order(order_number)
    customer = None if order is None else order.customer
    if tx.proofs.failures(call, customer, now - WINDOW) >= MOST_FAILURES:
        return Proven(Proof.TOO_MANY)
    expected = None if customer is None else tx.customers.get(customer).postcode
    held = bool(expected and _digits(expected)) and _digits(expected or "") == _digits(postcode)
    return _told(call, customer, "order", held, tx, now)


def _told(call: CallId, customer: CustomerId | None, by: str, held: bool, tx: Transaction, now: datetime) -> Proven:
    tx.proofs.tried(call, customer, by, now, held)
    if not held or customer is None:
        return Proven(Proof.FAILED)
    return Proven(Proof.HELD, tx.customers.get(customer))


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")
