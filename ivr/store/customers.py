"""Customers: who they are, which numbers they call from, what they ordered."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ivr.core.call import Sure
from ivr.core.customer import Customer, CustomerKind, Match, Note, Order
from ivr.core.errors import NoSuchCustomer
from ivr.core.words import CallId, CustomerId, PhoneNumber
from ivr.store.link import Insert, Link, inserting
from ivr.store.tables import (
    SITE,
    SUFFIX,
    callbacks,
    calls,
    cases,
    customer_numbers,
    customer_products,
    customers,
    notes,
    order_items,
    orders,
    promises,
    survey_answers,
    talk_recordings,
    texts,
    tickets,
    voicemails,
)

CHANGEABLE = frozenset({"name", "language", "slow", "email", "postcode", "zone", "kind", "number", "pin_hash"})


def _holders(number: ColumnElement[bool]) -> Select[Any]:
    """Whose number it is, the longest on record first."""
    held = select(customer_numbers.c.customer_id).where(customer_numbers.c.site_id == bindparam("site"), number)
    return select(customers).where(customers.c.id.in_(held)).order_by(customers.c.created_at, customers.c.id)


def _number_again(row: Insert) -> Insert:
    return row.on_conflict_do_update(
        index_elements=["site_id", "number", "customer_id"],
        set_={"kind": row.excluded.kind, "verified": row.excluded.verified},
    )


BY_NUMBER = _holders(customer_numbers.c.number == bindparam("number"))
BY_SUFFIX = _holders(customer_numbers.c.suffix == bindparam("suffix"))
ADD = insert(customers)
ADD_NUMBER = {
    "sqlite": _number_again(sqlite.insert(customer_numbers)),
    "postgresql": _number_again(postgresql.insert(customer_numbers)),
}
SEEN = (
    update(customer_numbers)
    .where(customer_numbers.c.site_id == bindparam("site"), customer_numbers.c.number == bindparam("number"))
    .values(last_seen=bindparam("at"))
)


def name_key(name: str) -> str:
    """A name as it is searched for: small letters, no accents (``Nicolò`` is found by ``nicolo``)."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class SqlCustomers:
    """The port ``Customers``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    # --- finding ---

    def by_number(self, number: PhoneNumber) -> Match:
        exact = self._customers(self._link.hot_all(BY_NUMBER, {"site": SITE, "number": str(number)}))
        if exact:
            return Match(exact=tuple(exact))
        similar = self._link.hot_all(BY_SUFFIX, {"site": SITE, "suffix": number[-SUFFIX:]})
        return Match(similar=tuple(self._customers(similar)))

    def get(self, customer: CustomerId) -> Customer:
        found = self._several(select(customers).where(customers.c.id == customer))
        if not found:
            raise NoSuchCustomer
        return found[0]

    def by_customer_number(self, number: str) -> Customer | None:
        found = self._several(select(customers).where(customers.c.site_id == SITE, customers.c.number == number))
        return found[0] if found else None

    def find(self, text: str) -> Sequence[Customer]:
        """By id, customer number, phone number or a part of the name; at most 100, in the order they were made.

        A phone number is taken as written, with spaces and dashes left out; ``number`` with its country's rules is
        ``Numbering``'s.
        """
        dialled = "".join(sign for sign in text if sign in "+0123456789")
        ways = [customers.c.id == text, customers.c.number == text]
        if dialled:
            ways.append(
                customers.c.id.in_(select(customer_numbers.c.customer_id).where(customer_numbers.c.number == dialled))
            )
        if key := name_key(text):
            ways.append(customers.c.name_key.like(f"%{_literally(key)}%", escape="\\"))
        query = select(customers).where(customers.c.site_id == SITE, or_(*ways))
        return self._several(query.order_by(customers.c.created_at, customers.c.id).limit(100))

    def all(self, limit: int, after: str | None = None) -> Sequence[Customer]:
        """In the order of their ids, which is the order they were made in; ``after`` is the last id seen."""
        query = select(customers).where(customers.c.site_id == SITE)
        if after is not None:
            query = query.where(customers.c.id > after)
        return self._several(query.order_by(customers.c.id).limit(limit))

    def pin_hash(self, customer: CustomerId) -> str | None:
        row = self._link.one(select(customers.c.pin_hash).where(customers.c.id == customer))
        return None if row is None else row.pin_hash

    # --- changing ---

    def add(self, customer: Customer) -> None:
        """Put a new customer on record with numbers and products; a PIN is set by ``change``."""
        self._link.hot_change(
            ADD,
            {
                "site_id": SITE,
                "id": customer.id,
                "kind": customer.kind.value,
                "name": customer.name,
                "name_key": None if customer.name is None else name_key(customer.name),
                "language": customer.language,
                "slow": customer.slow,
                "email": customer.email,
                "postcode": customer.postcode,
                "zone": customer.zone,
                "number": customer.number,
                "pin_hash": None,
                "created_at": customer.created_at,
            },
        )
        for number in customer.numbers:
            self.add_number(customer.id, number)
        if customer.products:
            self.set_products(customer.id, customer.products)

    def change(self, customer: CustomerId, **fields: object) -> None:
        if unknown := fields.keys() - CHANGEABLE:
            raise TypeError(f"a customer has no {', '.join(sorted(unknown))} to change")
        values = dict(fields)
        if "name" in fields:
            values["name_key"] = None if fields["name"] is None else name_key(str(fields["name"]))
        if isinstance(kind := fields.get("kind"), CustomerKind):
            values["kind"] = kind.value
        if values and self._link.run(update(customers).where(customers.c.id == customer).values(values)) == 0:
            raise NoSuchCustomer

    def merge_call(self, anonymous: CustomerId, customer: CustomerId, call: CallId) -> None:
        """The call, its cases, voicemails, promises, callbacks and tickets go to ``customer``; its events follow it.

        Events are never changed: each keeps whom the caller was taken for when it was written.
        """
        self._link.run(update(calls).where(calls.c.id == call).values(customer_id=customer, sure=Sure.KNOWN.value))
        for table in (cases, voicemails, promises, callbacks, survey_answers, texts, talk_recordings):
            self._link.run(
                update(table)
                .where(table.c.call_id == call, table.c.customer_id == anonymous)
                .values(customer_id=customer)
            )
        # A ticket is written whole: who read it before must not put the anonymous one back.
        places = update(tickets).where(tickets.c.call_id == call, tickets.c.customer_id == anonymous)
        self._link.run(places.values(customer_id=customer, version=tickets.c.version + 1))

    def seen(self, number: PhoneNumber, at: datetime) -> None:
        self._link.hot_change(SEEN, {"site": SITE, "number": str(number), "at": at})

    def add_number(
        self, customer: CustomerId, number: PhoneNumber, kind: str = "phone", verified: bool = False
    ) -> None:
        """Another number of theirs; one that is on record gets its kind and proof anew."""
        self._link.hot_change(
            ADD_NUMBER[self._link.dialect.name],
            {
                "site_id": SITE,
                "number": str(number),
                "customer_id": customer,
                "suffix": number[-SUFFIX:],
                "kind": kind,
                "verified": verified,
                "last_seen": None,
            },
        )

    def set_products(self, customer: CustomerId, products: Sequence[str]) -> None:
        self._link.run(delete(customer_products).where(customer_products.c.customer_id == customer))
        if products:
            self._link.run(
                insert(customer_products),
                [
                    {"customer_id": customer, "position": position, "name": name}
                    for position, name in enumerate(products)
                ],
            )

    # --- orders and notes ---

    def order(self, number: str) -> Order | None:
        found = self._orders(select(orders).where(orders.c.site_id == SITE, orders.c.number == number))
        return found[0] if found else None

    def orders_of(self, customer: CustomerId) -> Sequence[Order]:
        """The newest first."""
        query = select(orders).where(orders.c.customer_id == customer)
        return self._orders(query.order_by(orders.c.placed.desc(), orders.c.number.desc()))

    def put_order(self, order: Order) -> None:
        """Put an order on record, in place of what was known of it."""
        row = inserting(orders, self._link.dialect).values(
            site_id=SITE,
            number=order.number,
            customer_id=order.customer,
            status=order.status,
            placed=order.placed,
            due=order.due,
            total_cents=order.total_cents,
            currency=order.currency,
        )
        known = ("customer_id", "status", "placed", "due", "total_cents", "currency")
        self._link.run(
            row.on_conflict_do_update(
                index_elements=["site_id", "number"], set_={column: row.excluded[column] for column in known}
            )
        )
        self._link.run(
            delete(order_items).where(order_items.c.site_id == SITE, order_items.c.order_number == order.number)
        )
        if order.items:
            self._link.run(
                insert(order_items),
                [
                    {"order_number": order.number, "position": position, "name": name}
                    for position, name in enumerate(order.items)
                ],
            )

    def notes_of(self, customer: CustomerId) -> Sequence[Note]:
        """Oldest first."""
        query = select(notes).where(notes.c.customer_id == customer).order_by(notes.c.at, notes.c.id)
        return [Note(row.customer_id, row.at, row.author, row.text) for row in self._link.all(query)]

    def note(self, note: Note) -> None:
        self._link.run(insert(notes).values(customer_id=note.customer, at=note.at, author=note.author, text=note.text))

    # --- rows to records ---

    def _several(self, query: Select[Any]) -> list[Customer]:
        return self._customers(self._link.all(query))

    def _customers(self, rows: Sequence[Any]) -> list[Customer]:
        if not rows:
            return []
        ids = [row.id for row in rows]
        numbers = self._lists(
            select(customer_numbers.c.customer_id, customer_numbers.c.number)
            .where(customer_numbers.c.customer_id.in_(ids))
            .order_by(customer_numbers.c.number)
        )
        products = self._lists(
            select(customer_products.c.customer_id, customer_products.c.name)
            .where(customer_products.c.customer_id.in_(ids))
            .order_by(customer_products.c.position)
        )
        return [_customer(row, numbers.get(row.id, ()), products.get(row.id, ())) for row in rows]

    def _orders(self, query: Select[Any]) -> list[Order]:
        rows = self._link.all(query)
        if not rows:
            return []
        items = self._lists(
            select(order_items.c.order_number, order_items.c.name)
            .where(order_items.c.site_id == SITE, order_items.c.order_number.in_([row.number for row in rows]))
            .order_by(order_items.c.position)
        )
        return [
            Order(
                number=row.number,
                customer=row.customer_id,
                status=row.status,
                placed=row.placed,
                due=row.due,
                total_cents=row.total_cents,
                currency=row.currency,
                items=tuple(items.get(row.number, ())),
            )
            for row in rows
        ]

    def _lists(self, query: Select[Any]) -> dict[str, list[str]]:
        lists: dict[str, list[str]] = {}
        for owner, value in map(tuple, self._link.all(query)):
            lists.setdefault(owner, []).append(value)
        return lists


def _customer(row: Row[Any], numbers: Iterable[str], products: Iterable[str]) -> Customer:
    return Customer(
        id=row.id,
        kind=CustomerKind(row.kind),
        name=row.name,
        language=row.language,
        slow=row.slow,
        email=row.email,
        postcode=row.postcode,
        zone=row.zone,
        number=row.number,
        created_at=row.created_at,
        numbers=tuple(PhoneNumber(number) for number in numbers),
        products=tuple(products),
        has_pin=row.pin_hash is not None,
    )
