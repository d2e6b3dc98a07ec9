"""What is on record of customers: who they are, and what they were promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ivr.core.callbacks import Callback, Outcome
from ivr.core.customer import CaseRecord, Customer, Match, Note, Order
from ivr.core.promises import Promise
from ivr.core.words import (
    AgentId,
    CallbackId,
    CallId,
    CustomerId,
    PhoneNumber,
    PromiseId,
    QueueName,
    TicketId,
)


class Customers(Protocol):
    def by_number(self, number: PhoneNumber) -> Match:
        """Exact matches; only when there are none, customers whose number ends alike (last 7 digits)."""
        ...

    def get(self, customer: CustomerId) -> Customer:
        """Raises NoSuchCustomer."""
        ...

    def find(self, text: str) -> Sequence[Customer]:
        """By id, customer number, phone number or a part of the name."""
        ...

    def by_customer_number(self, number: str) -> Customer | None:
        """The one with this number in the company's books."""
        ...

    def add(self, customer: Customer) -> None: ...

    def change(self, customer: CustomerId, **fields: object) -> None:
        """Set name, language, slow, email, postcode, zone, kind, number, pin_hash."""
        ...

    def merge_call(self, anonymous: CustomerId, customer: CustomerId, call: CallId) -> None:
        """A caller proved who they are: this call and its events, cases, voicemails now belong to ``customer``."""
        ...

    def seen(self, number: PhoneNumber, at: datetime) -> None: ...

    def pin_hash(self, customer: CustomerId) -> str | None: ...

    def order(self, number: str) -> Order | None: ...

    def orders_of(self, customer: CustomerId) -> Sequence[Order]: ...

    def notes_of(self, customer: CustomerId) -> Sequence[Note]: ...

    def note(self, note: Note) -> None: ...

    def all(self, limit: int, after: str | None = None) -> Sequence[Customer]: ...

    def add_number(
        self, customer: CustomerId, number: PhoneNumber, kind: str = "phone", verified: bool = False
    ) -> None: ...

    def set_products(self, customer: CustomerId, products: Sequence[str]) -> None: ...

    def put_order(self, order: Order) -> None:
        """Put an order on record, in place of what was known of it."""
        ...


class Proofs(Protocol):
    def tried(self, call: CallId, customer: CustomerId | None, by: str, at: datetime, held: bool) -> None:
        """Put an attempt to prove who one is on record; ``customer`` is who it would have been."""
        ...

    def failures(self, call: CallId, customer: CustomerId | None, since: datetime) -> int:
        """Failed attempts on this call, or at this customer from any call."""
        ...


class Cases(Protocol):
    def open(self, case: CaseRecord) -> None: ...

    def by_code(self, code: str) -> CaseRecord | None: ...

    def of(self, customer: CustomerId) -> Sequence[CaseRecord]: ...


class Promises(Protocol):
    def make(self, promise: Promise) -> None: ...

    def get(self, promise: PromiseId) -> Promise:
        """Raises NoSuchPromise."""
        ...

    def change(self, promise: Promise) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Promise]: ...

    def open(self, owner: str | None = None) -> Sequence[Promise]:
        """The most urgent first; of one owner, or of all."""
        ...

    def to_look_at(self, now: datetime, limit: int) -> Sequence[Promise]:
        """Open ones at which the clock has something to do, the longest due first."""
        ...

    def due_between(self, since: datetime, until: datetime) -> Sequence[Promise]:
        """Those whose time (the first that was missed, else the present one) lies in ``[since, until)``."""
        ...


@dataclass(frozen=True)
class Attempt:
    """One dial of a callback, on record from before the carrier was asked."""

    callback: CallbackId
    number: int  # from 1
    agent: AgentId | None
    began_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None


class Callbacks(Protocol):
    def ask(self, callback: Callback, capacity: int = 0, zone: str = "UTC") -> Callback:
        """Put it on record, or give back the live one that this number has already: compare the ids.

        A slot takes one of its hour's ``capacity`` places, the hour as the queue's ``zone`` shows it; raises SlotTaken.
        """
        ...

    def get(self, callback: CallbackId) -> Callback:
        """Raises NoSuchCallback."""
        ...

    def live_of(self, number: PhoneNumber) -> Callback | None: ...

    def of_ticket(self, ticket: TicketId) -> Callback | None: ...

    def by_code(self, code: str, now: datetime) -> Callback | None:
        """The one whose code this is, while it holds."""
        ...

    def change(self, callback: Callback) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Callback]:
        """Those waiting whose time has come, in the order of arrival."""
        ...

    def live(self, queue: QueueName | None = None) -> Sequence[Callback]:
        """In the order of arrival."""
        ...

    def live_count(self, queue: QueueName) -> int:
        """How many of a queue have not ended."""
        ...

    def booked(self, queue: QueueName, since: datetime, until: datetime) -> Sequence[datetime]:
        """The slots taken by live callbacks in ``[since, until)``."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Callback]: ...

    def asked_since(self, since: datetime, number: PhoneNumber | None = None) -> int:
        """How many were asked for, at one number or in all."""
        ...

    def begin(self, attempt: Attempt) -> bool:
        """Put a dial on record before the carrier is asked; False when this attempt is somebody else's."""
        ...

    def end(self, callback: CallbackId, number: int, outcome: Outcome, at: datetime) -> bool:
        """False when it has ended already, or never began."""
        ...

    def attempts(self, callback: CallbackId) -> Sequence[Attempt]: ...
