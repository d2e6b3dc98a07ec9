"""The customer's record: who it is, what was ordered, which cases are open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ivr.core.words import CallId, CaseId, CustomerId, Language, PhoneNumber


class CustomerKind(StrEnum):
    CUSTOMER = "customer"
    PROSPECT = "prospect"  # made at a first call
    ANONYMOUS = "anonymous"  # one withheld call, never anybody else's


@dataclass(frozen=True)
class Customer:
    id: CustomerId
    kind: CustomerKind
    name: str | None = None
    language: Language | None = None
    slow: bool = False
    email: str | None = None
    postcode: str | None = None
    zone: str | None = None
    number: str | None = None  # the customer number in the company's books
    created_at: datetime | None = None
    numbers: tuple[PhoneNumber, ...] = ()
    products: tuple[str, ...] = ()
    has_pin: bool = False


@dataclass(frozen=True)
class Order:
    number: str  # text: leading zeros live
    customer: CustomerId
    status: str  # a value of the enumeration `order_status`
    placed: date | None = None
    due: date | None = None
    total_cents: int | None = None
    currency: str = "EUR"
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseRecord:
    id: CaseId
    code: str
    kind: str  # question, order, complaint, suggestion
    customer: CustomerId
    call: CallId | None
    status: str
    opened_at: datetime
    about: str | None = None


@dataclass(frozen=True)
class Note:
    customer: CustomerId
    at: datetime
    author: str
    text: str


@dataclass(frozen=True)
class Match:
    """Whom a caller's number may be: exact matches first, a similar number only as a hint."""

    exact: tuple[Customer, ...] = ()
    similar: tuple[Customer, ...] = field(default=())
