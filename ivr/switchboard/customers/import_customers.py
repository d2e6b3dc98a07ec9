"""Customers, numbers and orders out of CSV files: looked at whole, told line by line, then all of it or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from ivr.core.customer import Customer, CustomerKind, Order
from ivr.core.words import CustomerId, Language, PhoneNumber
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Ids, Numbering

LONGEST = 500
"""Letters in one field; more is a broken file."""

MOST_LINES = 1_000_000

COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "customers": {
        "number": ("number", "customer", "customer_number", "numero_cliente", "codice_cliente", "cliente"),
        "name": ("name", "nome", "ragione_sociale"),
        "language": ("language", "lingua"),
        "email": ("email", "e-mail", "posta"),
        "postcode": ("postcode", "cap"),
        "zone": ("zone", "zona"),
        "products": ("products", "prodotti"),
    },
    "numbers": {
        "customer": ("customer", "customer_number", "numero_cliente", "codice_cliente", "cliente"),
        "phone": ("phone", "telephone", "telefono", "numero"),
        "kind": ("kind", "tipo"),
    },
    "orders": {
        "order": ("order", "order_number", "ordine", "numero_ordine"),
        "customer": ("customer", "customer_number", "numero_cliente", "codice_cliente", "cliente"),
        "status": ("status", "stato"),
        "placed": ("placed", "placed_on", "data", "data_ordine"),
        "due": ("due", "due_on", "consegna"),
        "total": ("total", "totale", "importo"),
        "currency": ("currency", "valuta"),
        "items": ("items", "articoli"),
    },
}
"""Each file's columns with the header names they may have (docs/import.md)."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "customers": ("number", "name"),
    "numbers": ("customer", "phone"),
    "orders": ("order", "customer", "status"),
}


@dataclass(frozen=True)
class Sheet:
    """A CSV file as it was handed in; ``kind`` is customers, numbers or orders."""

    kind: str
    name: str
    content: bytes = field(repr=False)


class Fate(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class LineFate:
    """What happens (or would) because of one line."""

    file: str
    line: int
    fate: Fate
    what: str  # "customer C-0042", "order 00417"


@dataclass(frozen=True)
class BadLine:
    """Why a line cannot be taken, and the cure."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Imported:
    """All fates, or all bad lines; with any bad line nothing was written."""

    fates: tuple[LineFate, ...]
    bad: tuple[BadLine, ...]


class _Refused(Exception):
    """One line's trouble, on its way to becoming a BadLine."""


@dataclass(frozen=True)
class _Row:
    file: str
    line: int
    values: Mapping[str, str]


class _Withdrawn(Exception):
    """Rolls the import back, and carries out what it came to."""

    def __init__(self, imported: Imported) -> None:
        super().__init__()
        self.imported = imported


def import_customers(
    records: Records,
    sheets: Sequence[Sheet],
    ids: Ids,
    numbering: Numbering,
    country: str,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> Imported:
    """Take the files as one set, in one transaction, and say what became of each line.

    With a bad line, and in a dry run, nothing is written. ``country`` (ISO 3166) reads numbers without a country code;
    ``progress`` is called after each line. Empty fields leave what is on record; the same files a second time
    change nothing.
    """
    try:
        with records.write() as tx:
            imported = _taken(sheets, tx, ids, numbering, country, now, progress)
            if imported.bad or dry_run:
                raise _Withdrawn(imported)
    except _Withdrawn as withdrawn:
        return withdrawn.imported
    return imported


def _taken(
    sheets: Sequence[Sheet],
    tx: Transaction,
    ids: Ids,
    numbering: Numbering,
    country: str,
    now: datetime,
    progress: Callable[[], None],
) -> Imported:
    fates: list[LineFate] = []
    bad: list[BadLine] = []
    takers: Mapping[str, Callable[[Mapping[str, str]], tuple[Fate, str]]] = {
        "customers": lambda values: _customer(values, tx, ids, now),
        "numbers": lambda values: _number(values, tx, numbering, country),
        "orders": lambda values: _order(values, tx),
    }
    seen: dict[tuple[str, str], int] = {}
    for sheet in sorted(sheets, key=lambda sheet: list(COLUMNS).index(sheet.kind)):
        for row in _rows(sheet, bad):
            try:
                _refuse_twice(sheet.kind, row, seen)
                fate, what = takers[sheet.kind](row.values)
            except _Refused as refused:
                bad.append(BadLine(row.file, row.line, str(refused)))
            else:
                fates.append(LineFate(row.file, row.line, fate, what))
            progress()
    return Imported(tuple(fates), tuple(bad))


def count_lines(sheets: Sequence[Sheet]) -> int:
    """About how many lines there are to go through, for a progress bar."""
    return sum(max(sheet.content.count(b"\n") - 1, 1) for sheet in sheets)


def safe_cell(text: str) -> str:
    """Text that a spreadsheet will not run as a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


# --- reading the files ---


def _rows(sheet: Sheet, bad: list[BadLine]) -> Iterator[_Row]:
    """The lines that can be read; what cannot goes to ``bad``."""
    try:
        text = sheet.content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = sheet.content.count(b"\n", 0, wrong.start) + 1
        bad.append(BadLine(sheet.name, line, "not UTF-8; save the file as «CSV UTF-8»"))
        return
    if "\0" in text:
        bad.append(
            BadLine(sheet.name, text.count("\n", 0, text.index("\0")) + 1, "a zero byte; this is not a CSV file")
        )
        return
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str | None] | None = None
    begins = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as wrong:
            bad.append(
                BadLine(sheet.name, begins, f"not readable as CSV ({wrong}); look for a quote that is not closed")
            )
            return
        line, begins = begins, reader.line_num + 1
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _header(sheet, line, cells, bad)
            if columns is None:
                return
            continue
        if line > MOST_LINES:
            bad.append(BadLine(sheet.name, line, f"more than {MOST_LINES} lines; split the file"))
            return
        try:
            yield _Row(sheet.name, line, _values(columns, cells))
        except _Refused as refused:
            bad.append(BadLine(sheet.name, line, str(refused)))
    if columns is None:
        bad.append(BadLine(sheet.name, 1, "the file is empty; its first line names the columns"))


def _header(sheet: Sheet, line: int, cells: Sequence[str], bad: list[BadLine]) -> list[str | None] | None:
    known = {name: column for column, names in COLUMNS[sheet.kind].items() for name in names}
    columns = [known.get("_".join(cell.strip().casefold().split())) for cell in cells]
    before = len(bad)
    for column in NEEDED[sheet.kind]:
        if column not in columns:
            names = ", ".join(COLUMNS[sheet.kind][column])
            bad.append(BadLine(sheet.name, line, f"no column for the {column}; name one of them: {names}"))
    for column in {each for each in columns if each is not None and columns.count(each) > 1}:
        bad.append(BadLine(sheet.name, line, f"two columns for the {column}; keep one"))
    return columns if len(bad) == before else None


def _values(columns: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        raise _Refused(
            f"{len(cells)} fields where the header has {len(columns)}; put quotes around text with separators"
        )
    values = {column: _plain(cell) for column, cell in zip(columns, cells, strict=True) if column is not None}
    for column, value in values.items():
        if len(value) > LONGEST:
            raise _Refused(f"the {column} is longer than {LONGEST} letters")
        if any(sign < " " for sign in value):
            raise _Refused(f"the {column} has control characters in it; take them out")
    return values


def _plain(cell: str) -> str:
    """The text a spreadsheet meant: without the apostrophe that keeps it from being a formula."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _refuse_twice(kind: str, row: _Row, seen: dict[tuple[str, str], int]) -> None:
    key = {"customers": "number", "numbers": "", "orders": "order"}[kind]
    if not key or not row.values[key]:
        return
    first = seen.setdefault((kind, row.values[key]), row.line)
    if first != row.line:
        raise _Refused(f"{row.values[key]} stands in line {first} already; keep one of the two")


# --- taking a line ---


def _customer(values: Mapping[str, str], tx: Transaction, ids: Ids, now: datetime) -> tuple[Fate, str]:
    number, name = _given(values, "number"), _given(values, "name")
    for column in ("number", "name"):
        _no_formula(column, values[column])
    known = tx.customers.by_customer_number(number)
    given: dict[str, object] = {"name": name}
    if language := values.get("language"):
        given["language"] = _language(language)
    for column in ("email", "postcode", "zone"):
        if value := values.get(column):
            _no_formula(column, value)
            given[column] = value
    products = _several(values.get("products", ""))
    what = f"customer {number}"
    if known is None:
        made = Customer(CustomerId(ids.new()), CustomerKind.CUSTOMER, number=number, created_at=now, products=products)
        tx.customers.add(replace(made, **given))  # type: ignore[arg-type]
        return Fate.ADDED, what
    changes = {column: value for column, value in given.items() if getattr(known, column) != value}
    other_products = bool(products) and products != known.products
    if changes:
        tx.customers.change(known.id, **changes)
    if other_products:
        tx.customers.set_products(known.id, products)
    return (Fate.CHANGED if changes or other_products else Fate.SAME), what


def _number(values: Mapping[str, str], tx: Transaction, numbering: Numbering, country: str) -> tuple[Fate, str]:
    customer = _existing(values, tx)
    written = _given(values, "phone")
    try:
        number: PhoneNumber = numbering.number(written, country)
    except ValueError as wrong:
        raise _Refused(f"the phone is no phone number: {wrong}") from wrong
    what = f"number of {customer.number}"
    if number in customer.numbers:
        return Fate.SAME, what
    tx.customers.add_number(customer.id, number, kind=values.get("kind") or "phone")
    return Fate.ADDED, what


def _order(values: Mapping[str, str], tx: Transaction) -> tuple[Fate, str]:
    number = _given(values, "order")
    _no_formula("order", number)
    customer = _existing(values, tx)
    known = tx.customers.order(number)
    if known is not None and known.customer != customer.id:
        raise _Refused(f"order {number} belongs to another customer on record; correct the one or the other")
    base = known or Order(number, customer.id, "")
    total = values.get("total")
    order = replace(
        base,
        status=_given(values, "status"),
        placed=_date("placed", values["placed"]) if values.get("placed") else base.placed,
        due=_date("due", values["due"]) if values.get("due") else base.due,
        total_cents=_cents(total) if total else base.total_cents,
        currency=_currency(values["currency"]) if values.get("currency") else base.currency,
        items=_several(values.get("items", "")) or base.items,
    )
    what = f"order {number}"
    if order == known:
        return Fate.SAME, what
    tx.customers.put_order(order)
    return (Fate.ADDED if known is None else Fate.CHANGED), what


# --- fields ---


def _given(values: Mapping[str, str], column: str) -> str:
    value = values[column]
    if not value:
        raise _Refused(f"the {column} is empty; fill it in or take the line out")
    return value


def _existing(values: Mapping[str, str], tx: Transaction) -> Customer:
    number = _given(values, "customer")
    customer = tx.customers.by_customer_number(number)
    if customer is None:
        raise _Refused(f"no customer {number}, neither on record nor in the customers file; add them there")
    return customer


def _no_formula(column: str, value: str) -> None:
    if value[:1] in ("=", "@", "\t"):
        raise _Refused(f"the {column} begins like a formula ({value[:1]}); take that sign out")


def _language(text: str) -> Language:
    names = {"it": "it", "italiano": "it", "italian": "it", "en": "en", "inglese": "en", "english": "en"}
    code = names.get(text.casefold())
    if code is None:
        raise _Refused(f"the language {text!r} is not one we speak; write it or en")
    return Language(code)


def _date(column: str, text: str) -> date:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise _Refused(f"the date {column} {text!r} is not one; write 2026-11-24 or 24/11/2026")


def _cents(text: str) -> int:
    """Italian ``1.234,50`` and plain ``1234.50`` alike; ``1,234`` and ``1.234`` could be either and are refused."""
    digits = text.removeprefix("€").removesuffix("€").strip().replace("\u00a0", "").replace(" ", "")
    whole, mark, cents = digits, "", ""
    for sign in (",", "."):
        other = "." if sign == "," else ","
        if sign in digits and digits.rfind(sign) > digits.rfind(other):
            whole, mark, cents = digits.rpartition(sign)
            whole = whole.replace(other, "")
    if not whole.isdecimal() or (mark and len(cents) not in (1, 2)) or (mark and not cents.isdecimal()):
        raise _Refused(f"the total {text!r} is not clear; write 1234,50 or 1234.50")
    return int(whole) * 100 + int(cents.ljust(2, "0") if cents else 0)


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isalpha() or not text.isascii():
        raise _Refused(f"the currency {text!r} is not one; write EUR, USD, …")
    return text.upper()


def _several(text: str) -> tuple[str, ...]:
    """Names with a vertical bar between them."""
    return tuple(name for part in text.split("|") if (name := part.strip()))
