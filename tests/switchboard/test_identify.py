"""Who calls, by the number alone."""

from __future__ import annotations

from ivr.core.call import Sure
from ivr.core.customer import Customer, CustomerKind
from ivr.core.words import CustomerId, PhoneNumber, Withheld
from ivr.store.session import SqlRecords
from ivr.switchboard.customers.identify import identify
from tests.databases import START
from tests.switchboard.conftest import CountedIds

HOME = PhoneNumber("+390612345678")
MARIA = Customer(CustomerId("maria"), CustomerKind.CUSTOMER, name="Maria Rossi", created_at=START, numbers=(HOME,))
PAOLO = Customer(CustomerId("paolo"), CustomerKind.CUSTOMER, name="Paolo Rossi", created_at=START, numbers=(HOME,))


def test_one_customer_of_the_number_is_maybe_the_caller(records: SqlRecords, ids: CountedIds) -> None:
    with records.write() as tx:
        tx.customers.add(MARIA)
        assert identify(HOME, tx, ids, START) == (MARIA, Sure.MAYBE)


def test_a_new_number_makes_a_prospect_who_is_found_the_next_time(records: SqlRecords, ids: CountedIds) -> None:
    with records.write() as tx:
        first, new = identify(HOME, tx, ids, START)
        again, maybe = identify(HOME, tx, ids, START)
    assert (first.kind, new, maybe) == (CustomerKind.PROSPECT, Sure.NEW, Sure.MAYBE)
    assert again == first


def test_a_shared_number_has_a_contact_record_of_its_own(records: SqlRecords, ids: CountedIds) -> None:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.customers.add(PAOLO)
        contact, sure = identify(HOME, tx, ids, START)
        assert sure is Sure.SHARED
        assert contact.id not in (MARIA.id, PAOLO.id)
        assert identify(HOME, tx, ids, START) == (contact, Sure.SHARED)


def test_a_similar_number_is_somebody_new_with_a_hint(records: SqlRecords, ids: CountedIds) -> None:
    with records.write() as tx:
        tx.customers.add(MARIA)
        caller, sure = identify(PhoneNumber("+44612345678"), tx, ids, START)
        assert sure is Sure.SIMILAR
        assert caller.kind is CustomerKind.PROSPECT
        assert [note.text for note in tx.customers.notes_of(caller.id)] == ["The number ends like that of maria."]


def test_withheld_callers_are_never_each_other(records: SqlRecords, ids: CountedIds) -> None:
    with records.write() as tx:
        (one, sure), (other, _) = (identify(Withheld("anonymous"), tx, ids, START) for _ in range(2))
    assert sure is Sure.WITHHELD
    assert one.id != other.id
    assert {one.kind, other.kind} == {CustomerKind.ANONYMOUS}


def test_a_customer_put_on_record_later_takes_the_number_from_its_prospect(
    records: SqlRecords, ids: CountedIds
) -> None:
    with records.write() as tx:
        identify(HOME, tx, ids, START)
        tx.customers.add(MARIA)
        assert identify(HOME, tx, ids, START) == (MARIA, Sure.MAYBE)
