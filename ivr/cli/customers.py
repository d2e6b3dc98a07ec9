"""`ivr customers`: who they are, what happened with them, and how they come in from a spreadsheet."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ivr.cli import desk as desks
from ivr.cli.desk import Desk, refusals
from ivr.core.customer import Customer
from ivr.core.errors import NoSuchCustomer
from ivr.core.timeline import LANGUAGES, timeline
from ivr.core.words import Language
from ivr.switchboard.customers.import_customers import Imported, Sheet, count_lines, import_customers
from ivr.switchboard.ports.calls import StoredEvent
from ivr.switchboard.ports.records import Transaction

app = typer.Typer(help="The customers on record.", no_args_is_help=True)

LONG = 1000
"""So many lines of a file show a progress bar."""

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]


@app.command()
def show(
    who: Annotated[str, typer.Argument(help="An id, a customer number, a phone number, or a part of the name.")],
    as_json: AsJson = False,
    language: Annotated[str, typer.Option(help="it or en")] = "it",
) -> None:
    """One customer, and what happened so far in sentences."""
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}")
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            record = told(_the_one(who, desk, tx), desk, tx, Language(language))
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, default=str, indent=2))
        return
    print_record(record)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    after: Annotated[str | None, typer.Option(help="The id of the last one seen.")] = None,
    as_json: AsJson = False,
) -> None:
    """Customers in the order they were made."""
    with refusals(), desks.open_desk().records.read() as tx:
        customers = tx.customers.all(limit, after)
    if as_json:
        typer.echo(json.dumps([_as_dict(each) for each in customers], ensure_ascii=False, default=str, indent=2))
        return
    table = Table("id", "kind", "number", "name", "phones")
    for each in customers:
        table.add_row(each.id, each.kind.value, each.number or "", each.name or "", " ".join(map(str, each.numbers)))
    Console().print(table)


@app.command("import")
def import_(
    customers: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    numbers: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    orders: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take CSV files (docs/import.md), all of them or none; exit status 1 when a line is bad."""
    given = {"customers": customers, "numbers": numbers, "orders": orders}
    sheets = [Sheet(kind, str(path), path.read_bytes()) for kind, path in given.items() if path is not None]
    if not sheets:
        raise typer.BadParameter("give at least one of --customers, --numbers and --orders")
    with refusals():
        imported = _bring(sheets, desks.open_desk(), dry_run)
    _report(imported, dry_run, as_json)
    if imported.bad:
        raise typer.Exit(1)


def _bring(sheets: list[Sheet], desk: Desk, dry_run: bool) -> Imported:
    lines = count_lines(sheets)
    with Progress(console=Console(stderr=True), disable=lines < LONG, transient=True) as progress:
        task = progress.add_task("reading", total=lines)
        return import_customers(
            desk.records,
            sheets,
            desk.ids,
            desk.numbering,
            desk.country,
            desk.clock.now(),
            dry_run,
            lambda: progress.advance(task),
        )


def _report(imported: Imported, dry_run: bool, as_json: bool) -> None:
    written = not dry_run and not imported.bad
    if as_json:
        document = {
            "written": written,
            "lines": [asdict(each) for each in imported.fates],
            "bad": [asdict(each) for each in imported.bad],
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for fate in imported.fates:
        typer.echo(f"{fate.file}:{fate.line}: {fate.what}: {fate.fate.value}")
    for bad in imported.bad:
        typer.echo(str(bad), err=True)
    if imported.bad:
        typer.echo(f"{len(imported.bad)} bad lines: nothing was written", err=True)
    elif dry_run:
        typer.echo("a dry run: nothing was written")


def _the_one(who: str, desk: Desk, tx: Transaction) -> Customer:
    try:
        number = desk.numbering.number(who, desk.country)
    except ValueError:
        number = None
    found = tx.customers.by_number(number).exact if number is not None else ()
    found = found or tuple(tx.customers.find(who))
    if not found:
        raise NoSuchCustomer(f"no customer is {who!r}")
    exact = [each for each in found if who in (each.id, each.number)]
    if len(found) > 1 and not exact:
        several = ", ".join(f"{each.id} ({each.name or each.kind.value})" for each in found[:10])
        raise NoSuchCustomer(f"{who!r} may be several: {several}")
    return exact[0] if exact else found[0]


def told(customer: Customer, desk: Desk, tx: Transaction, language: Language) -> dict[str, Any]:
    """All that is on record of a customer, as JSON has it."""
    voicemails = tx.voicemails.of(customer.id)
    texts = {str(each.id): each.transcript.text for each in voicemails if each.transcript is not None}
    events = tx.log.of_customer(customer.id)
    return {
        "customer": _as_dict(customer),
        "orders": [asdict(each) for each in tx.customers.orders_of(customer.id)],
        "cases": [asdict(each) for each in tx.cases.of(customer.id)],
        "promises": [asdict(each) for each in tx.promises.of(customer.id)],
        "notes": [asdict(each) for each in tx.customers.notes_of(customer.id)],
        "timeline": [
            {"at": entry.at.isoformat(), "call": entry.call, "kind": entry.kind, "text": entry.text}
            for entry in timeline(events, language, desk.zone, texts)
        ],
        "events": [_event(each) for each in events],
    }


def _event(event: StoredEvent) -> dict[str, Any]:
    return {**asdict(event), "data": dict(event.data)}


def _as_dict(customer: Customer) -> dict[str, Any]:
    return {**asdict(customer), "numbers": [str(number) for number in customer.numbers]}


def print_record(record: dict[str, Any]) -> None:
    """The same, for people."""
    customer = record["customer"]
    name = customer["name"] or customer["kind"]
    typer.echo(" · ".join(str(part) for part in (name, customer["number"], *customer["numbers"]) if part))
    for order in record["orders"]:
        typer.echo(f"  order {order['number']}: {order['status']}")
    for case in record["cases"]:
        typer.echo(f"  case {case['code']}: {case['kind']}, {case['status']}")
    for note in record["notes"]:
        typer.echo(f"  note by {note['author']}: {note['text']}")
    for entry in record["timeline"]:
        typer.echo(f"{entry['at'][:10]} {entry['at'][11:19]}  {entry['text']}")
