"""Who calls, as far as a number can say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ivr.core.call import Sure
from ivr.core.customer import Customer, CustomerKind, Note
from ivr.core.words import CallerNumber, CustomerId, Withheld
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Ids

AUTHOR = "line"
"""Who signs the notes that the line itself writes."""


def identify(caller: CallerNumber, tx: Transaction, ids: Ids, now: datetime) -> tuple[Customer, Sure]:
    """Find the caller's record by the number, or make one; never ``known``, for caller ids are forged.

    One record: ``maybe``. Several: ``shared``, and the call goes to the number's own contact record, a prospect without
    a name, never to one of the people who share it. Only a similar number: ``similar``, a prospect of its own with a
    note of whom it resembles. None at all: ``new``. Withheld: an anonymous record for this one call.
    """
    if isinstance(caller, Withheld):
        return _made(CustomerKind.ANONYMOUS, caller, tx, ids, now), Sure.WITHHELD
    match = tx.customers.by_number(caller)
    customer, sure = _belongs_to(match.exact)
    if customer is None:
        customer = _made(CustomerKind.PROSPECT, caller, tx, ids, now)
    if match.similar:
        sure = Sure.SIMILAR
        alike = ", ".join(other.id for other in match.similar)
        tx.customers.note(Note(customer.id, now, AUTHOR, f"The number ends like that of {alike}."))
    tx.customers.seen(caller, now)
    return customer, sure


def _belongs_to(exact: Sequence[Customer]) -> tuple[Customer | None, Sure]:
    """Whose record a call from this number goes on; None: one has to be made."""
    contact = [each for each in exact if each.kind is CustomerKind.PROSPECT and each.name is None]
    people = [each for each in exact if each not in contact]
    if not exact:
        return None, Sure.NEW
    if len(people) > 1:
        return (contact[0] if contact else None), Sure.SHARED
    # Two first calls at the same moment make two contact records; the older one is the record from then on.
    return (people or contact)[0], Sure.MAYBE


def _made(kind: CustomerKind, caller: CallerNumber, tx: Transaction, ids: Ids, now: datetime) -> Customer:
    numbers = () if isinstance(caller, Withheld) else (caller,)
    made = Customer(CustomerId(ids.new()), kind, created_at=now, numbers=numbers)
    tx.customers.add(made)
    return made
