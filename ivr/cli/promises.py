"""`ivr promises`: what is owed to whom, by when, and how it ended."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Column, Table

from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.metrics import PromisesKept, promises_kept, promises_kept_by_owner
from ivr.core.promises import Promise, PromiseState, PromiseStep, step, warns_at
from ivr.core.words import PromiseId
from ivr.switchboard.record import promises

app = typer.Typer(help="What is owed to whom, and by when.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]
Which = Annotated[str, typer.Argument(help="The promise's id.")]
Because = Annotated[str, typer.Option("--reason", help="Why; kept with the promise.")]
LocalTime = Annotated[datetime, typer.Argument(help="The new time, in the zone the promise was made in.")]

MONTH = timedelta(days=30)


@app.callback()
def first(context: typer.Context, as_json: AsJson = False) -> None:
    """What is owed to whom, and by when; without a command: `ivr promises list`."""
    if context.invoked_subcommand is None:
        list_(as_json=as_json)


@app.command("list")
def list_(
    owner: Annotated[str | None, typer.Option(help="Only those of this queue or agent.")] = None,
    as_json: AsJson = False,
) -> None:
    """What is still owed, the most urgent first: due, warned (80 % of the time gone), late, to be told."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            owed = tx.promises.open(owner)
        now = desk.clock.now()
    if as_json:
        typer.echo(json.dumps([as_dict(each, now) for each in owed], ensure_ascii=False, indent=2))
        return
    if not owed:
        typer.echo("nothing is owed to anybody")
        return
    table = Table(Column("due", no_wrap=True), "stands", "what", "owner", "customer", Column("id", no_wrap=True))
    for each in owed:
        table.add_row(said_time(each.due_at, each), standing(each, now), each.what, each.owner, each.customer, each.id)
    Console().print(table)


@app.command()
def keep(promise: Which, reason: Because = "", as_json: AsJson = False) -> None:
    """It was fulfilled: kept up to its time, late after it."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            done = promises.keep(tx, PromiseId(promise), reason or None, now)
    _report(done, now, as_json)


@app.command()
def withdraw(promise: Which, reason: Because, as_json: AsJson = False) -> None:
    """It is no longer owed."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            done = promises.withdraw(tx, PromiseId(promise), reason, now)
    _report(done, now, as_json)


@app.command("break")
def break_(promise: Which, reason: Because, as_json: AsJson = False) -> None:
    """It is owed and will not be done."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            done = promises.give_up(tx, PromiseId(promise), reason, now)
    _report(done, now, as_json)


@app.command()
def move(promise: Which, to: LocalTime, reason: Because, as_json: AsJson = False) -> None:
    """It cannot be kept in time: a new one, which counts once the customer was told (`ivr promises told`)."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            due = to.replace(tzinfo=ZoneInfo(tx.promises.get(PromiseId(promise)).zone))
            done = promises.move(tx, PromiseId(promise), due, reason, now)
    _report(done, now, as_json)


@app.command()
def told(promise: Which, as_json: AsJson = False) -> None:
    """The customer has been told the new time, which counts from now on."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            done = promises.tell(tx, PromiseId(promise), now)
    _report(done, now, as_json)


@app.command()
def rate(
    since: Annotated[datetime | None, typer.Option(help="Left out: 30 days ago (the company's zone).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Left out: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """The share of promises that were kept in time, of those that fell due; and the lateness of the others."""
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        end = min(now, until.replace(tzinfo=desk.zone)) if until else now
        start = since.replace(tzinfo=desk.zone) if since else end - MONTH
        with desk.records.read() as tx:
            fell_due = tx.promises.due_between(start, end)
    rows = {"all": promises_kept(fell_due, now), **promises_kept_by_owner(fell_due, now)}
    if as_json:
        typer.echo(json.dumps({name: _figures(kept) for name, kept in rows.items()}, ensure_ascii=False, indent=2))
        return
    table = Table("owner", "fell due", "kept", "late", "broken", "withdrawn", "owed", "rate", "median lateness")
    for name, kept in rows.items():
        counts = (kept.due, kept.kept, kept.late, kept.broken, kept.withdrawn, kept.owed)
        share = "–" if kept.rate is None else f"{kept.rate:.1%}"
        table.add_row(name, *map(str, counts), share, "–" if kept.median_lateness is None else length(kept))
    Console().print(table)


def standing(promise: Promise, now: datetime) -> str:
    """``due``, ``warned``, ``late`` or how it ended; ``, to be told`` behind it while a move is untold."""
    if not promise.open:
        return promise.state.value
    late = promise.missed_at is not None or step(promise, now) is PromiseStep.LATE
    nearly = promise.warned_at is not None or now >= warns_at(promise)
    stands = "late" if late else "warned" if nearly else "due"
    return f"{stands}, to be told" if promise.to_be_told else stands


def said_time(moment: datetime, promise: Promise) -> str:
    return f"{moment.astimezone(ZoneInfo(promise.zone)):%Y-%m-%d %H:%M}"


def length(kept: PromisesKept) -> str:
    assert kept.median_lateness is not None
    return str(timedelta(seconds=round(kept.median_lateness.total_seconds())))


def as_dict(promise: Promise, now: datetime) -> dict[str, Any]:
    """As JSON has it: times in the zone it was said in."""
    zone = ZoneInfo(promise.zone)
    told = {
        key: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(promise).items()
    }
    return {**told, "state": promise.state.value, "stands": standing(promise, now)}


def _figures(kept: PromisesKept) -> dict[str, Any]:
    median = kept.median_lateness
    return {
        **asdict(kept),
        "rate": kept.rate,
        "median_lateness": None if median is None else median.total_seconds(),
    }


def _report(promise: Promise, now: datetime, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(as_dict(promise, now), ensure_ascii=False, indent=2))
    elif promise.state is PromiseState.OPEN and promise.moved_to is not None:
        typer.echo(f"{promise.id}: tell the customer the new time, {said_time(promise.moved_to, promise)}")
    elif promise.state is PromiseState.OPEN:
        typer.echo(f"{promise.id}: due {said_time(promise.due_at, promise)}")
    else:
        typer.echo(f"{promise.id}: {promise.state.value}")
