"""Customers out of a spreadsheet."""

from __future__ import annotations

from datetime import date

import pytest

from ivr.core.customer import CustomerKind
from ivr.core.words import PhoneNumber
from ivr.store.session import SqlRecords
from ivr.switchboard.customers.import_customers import Fate, Imported, Sheet, count_lines, import_customers, safe_cell
from ivr.world.numbering import PhoneNumbers
from tests.databases import START
from tests.switchboard.conftest import CountedIds

CUSTOMERS = Sheet(
    "customers",
    "clienti.csv",
    "\ufeffCodice cliente;Nome;Lingua;CAP;Prodotti;Altro\r\n"
    "00042;Maria Rossi;italiano;00184;Macchina del caffè|Macinino;x\r\n"
    '00043;"Bianchi; Figli";en;;;\r\n'.encode(),
)
NUMBERS = Sheet("numbers", "numbers.csv", b"customer,phone,kind\n00042,06 1234 5678,home\n00043,'+442079460000,\n")
ORDERS = Sheet(
    "orders",
    "orders.csv",
    b"order,customer,status,placed,due,total,items\n"
    b'00417,00042,shipped,2026-11-20,25/11/2026,"1.234,50",Macinino|Filtri\n'
    b"00418,00043,placed,,,99.9,\n",
)
ALL = (CUSTOMERS, NUMBERS, ORDERS)


IDS = CountedIds()


def bring(records: SqlRecords, *sheets: Sheet, dry_run: bool = False) -> Imported:
    return import_customers(records, sheets, IDS, PhoneNumbers("IT"), "IT", START, dry_run)


def test_three_files_become_customers_with_numbers_and_orders(records: SqlRecords) -> None:
    # In any order: orders need customers, so customers are taken first.
    imported = bring(records, ORDERS, NUMBERS, CUSTOMERS)
    assert imported.bad == ()
    assert [(fate.file, fate.line, fate.fate) for fate in imported.fates] == [
        ("clienti.csv", 2, Fate.ADDED),
        ("clienti.csv", 3, Fate.ADDED),
        ("numbers.csv", 2, Fate.ADDED),
        ("numbers.csv", 3, Fate.ADDED),
        ("orders.csv", 2, Fate.ADDED),
        ("orders.csv", 3, Fate.ADDED),
    ]
    with records.read() as tx:
        maria = tx.customers.by_customer_number("00042")
        bianchi = tx.customers.by_customer_number("00043")
        assert maria is not None
        assert bianchi is not None
        order = tx.customers.order("00417")
        assert tx.customers.orders_of(bianchi.id)[0].total_cents == 9990
    assert (maria.kind, maria.name, maria.language, maria.postcode) == (
        CustomerKind.CUSTOMER,
        "Maria Rossi",
        "it",
        "00184",
    )
    assert (maria.products, maria.numbers) == (("Macchina del caffè", "Macinino"), (PhoneNumber("+390612345678"),))
    assert (bianchi.name, bianchi.numbers) == ("Bianchi; Figli", (PhoneNumber("+442079460000"),))
    assert order is not None
    assert (order.customer, order.total_cents, order.placed, order.due, order.items) == (
        maria.id,
        123450,
        date(2026, 11, 20),
        date(2026, 11, 25),
        ("Macinino", "Filtri"),
    )


def test_the_same_files_again_change_nothing(records: SqlRecords) -> None:
    bring(records, *ALL)
    assert {fate.fate for fate in bring(records, *ALL).fates} == {Fate.SAME}


def test_an_empty_field_leaves_what_is_known_and_a_new_one_changes_it(records: SqlRecords) -> None:
    bring(records, *ALL)
    again = Sheet("customers", "c.csv", b"number,name,postcode,email\n00042,Maria Rossi,,m@example.com\n")
    assert [fate.fate for fate in bring(records, again).fates] == [Fate.CHANGED]
    order = Sheet("orders", "o.csv", b"order,customer,status\n00417,00042,delivered\n")
    assert [fate.fate for fate in bring(records, order).fates] == [Fate.CHANGED]
    with records.read() as tx:
        maria = tx.customers.by_customer_number("00042")
        changed = tx.customers.order("00417")
    assert maria is not None
    assert (maria.postcode, maria.email) == ("00184", "m@example.com")
    assert changed is not None
    assert (changed.status, changed.total_cents, changed.items) == ("delivered", 123450, ("Macinino", "Filtri"))


def test_a_dry_run_tells_the_same_and_writes_nothing(records: SqlRecords) -> None:
    told = bring(records, *ALL, dry_run=True)
    with records.read() as tx:
        assert tx.customers.all(10) == []
    assert told == bring(records, *ALL)


def test_one_bad_line_and_nothing_is_written(records_in_memory: SqlRecords) -> None:
    orders = Sheet("orders", "orders.csv", b"order,customer,status\n1,00042,placed\n2,nobody,placed\n")
    imported = bring(records_in_memory, CUSTOMERS, orders)
    assert [str(bad) for bad in imported.bad] == [
        "orders.csv:3: no customer nobody, neither on record nor in the customers file; add them there"
    ]
    with records_in_memory.read() as tx:
        assert tx.customers.all(10) == []


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("customers", b"", ":1: the file is empty"),
        ("customers", b"name\nMaria\n", ":1: no column for the number; name one of them: number, customer,"),
        ("customers", b"number,number,name\n", ":1: two columns for the number"),
        ("customers", b"number,name\n1,Nicol\xf2\n", ":2: not UTF-8"),
        ("customers", b"number,name\n1,a\0b\n", ":2: a zero byte"),
        ("customers", b'number,name\n1,"open\n', ":2: not readable as CSV"),
        ("customers", b"number,name\n1,Rossi, Maria\n", ":2: 3 fields where the header has 2"),
        ("customers", b"number,name\n,Maria\n", ":2: the number is empty"),
        ("customers", b"number,name\n\n1,\n", ":3: the name is empty"),
        ("customers", b"number,name\n1,a\n1,b\n", ":3: 1 stands in line 2 already"),
        ("customers", b"number,name\n1,=1+1\n", ":2: the name begins like a formula (=)"),
        ("customers", b"number,name\n1,'=1+1\n", ":2: the name begins like a formula (=)"),
        ("customers", b"number,name\n1," + b"a" * 501 + b"\n", ":2: the name is longer than 500"),
        ("customers", b'number,name\n1,"a\nb"\n2,\n', ":2: the name has control characters"),
        ("customers", b"number,name,language\n1,a,de\n", ":2: the language 'de'"),
        ("numbers", b"customer,phone\n00042,123\n", ":2: the phone is no phone number"),
        ("numbers", b"customer,phone\n9,0612345678\n", ":2: no customer 9"),
        ("orders", b"order,customer,status,due\n1,00042,placed,31/02/2026\n", ":2: the date due '31/02/2026'"),
        ("orders", b"order,customer,status,total\n1,00042,placed,1.234\n", ":2: the total '1.234' is not clear"),
        ("orders", b"order,customer,status,total\n1,00042,placed,-5\n", ":2: the total '-5' is not clear"),
        ("orders", b"order,customer,status,currency\n1,00042,placed,euro\n", ":2: the currency 'euro'"),
        ("orders", b"order,customer,status\n1,00042,\n", ":2: the status is empty"),
        ("orders", b"order,customer,status\n00417,00043,placed\n", ":2: order 00417 belongs to another customer"),
    ],
)
def test_each_bad_line_is_named_with_its_cure(
    records_in_memory: SqlRecords, kind: str, content: bytes, says: str
) -> None:
    bring(records_in_memory, *ALL)
    imported = bring(records_in_memory, Sheet(kind, "f.csv", content))
    assert str(imported.bad[0]).startswith(f"f.csv{says}")


@pytest.mark.parametrize(
    ("written", "cents"), [("1234", 123400), ("1234,5", 123450), ("1,234.50", 123450), ("€ 10,00", 1000), ("0,05", 5)]
)
def test_amounts_are_read_as_they_are_written(records_in_memory: SqlRecords, written: str, cents: int) -> None:
    bring(records_in_memory, CUSTOMERS)
    orders = Sheet("orders", "o.csv", f"order;customer;status;total\n1;00042;placed;{written}\n".encode())
    assert bring(records_in_memory, orders).bad == ()
    with records_in_memory.read() as tx:
        order = tx.customers.order("1")
    assert order is not None
    assert order.total_cents == cents


def test_a_line_after_a_field_of_several_lines_has_its_own_number(records_in_memory: SqlRecords) -> None:
    imported = bring(records_in_memory, Sheet("customers", "f.csv", b'number,name\n1,"a\nb"\n2,\n'))
    assert [(bad.line) for bad in imported.bad] == [2, 4]


def test_what_goes_into_a_spreadsheet_runs_no_formula() -> None:
    safe = [safe_cell(text) for text in ("=1+1", "+39", "-1", "@x", "Maria")]
    assert safe == ["'=1+1", "'+39", "'-1", "'@x", "Maria"]


def test_lines_are_counted_for_the_progress_bar(records_in_memory: SqlRecords) -> None:
    done: list[None] = []
    import_customers(
        records_in_memory, ALL, CountedIds(), PhoneNumbers("IT"), "IT", START, progress=lambda: done.append(None)
    )
    assert count_lines(ALL) == len(done) == 6
