"""`ivr voicemails`: the messages that were left, and that they were answered."""

from __future__ import annotations

import json
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Column, Table

from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.promises import Promise
from ivr.core.voicemail import Voicemail
from ivr.core.words import VoicemailId
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.record import promises

app = typer.Typer(help="The messages that were left.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Answered ones too, the newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Messages that nobody has answered yet, the oldest first."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            messages = tx.voicemails.recent(limit) if every else tx.voicemails.unanswered(limit)
            found = [(each, _promised(each, tx)) for each in messages]
    if as_json:
        typer.echo(json.dumps([_as_dict(*each, desk.zone) for each in found], ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("there are no messages" if every else "every message is answered")
        return
    table = Table(
        Column("left", no_wrap=True),
        Column("promised by", no_wrap=True),
        "queue",
        "customer",
        Column("id", no_wrap=True),
        "answered by",
        "text",
    )
    for message, promise in found:
        table.add_row(
            f"{message.taken_at.astimezone(desk.zone):%Y-%m-%d %H:%M}",
            f"{promise.due_at.astimezone(desk.zone):%Y-%m-%d %H:%M}" if promise else "–",
            message.queue,
            message.customer,
            message.id,
            message.answered_by or "",
            message.transcript.text if message.transcript else message.text.value,
        )
    Console().print(table)


@app.command()
def answered(
    voicemail: Annotated[str, typer.Argument(help="The message's id.")],
    by: Annotated[str, typer.Option("--by", help="Who answered it.")],
    as_json: AsJson = False,
) -> None:
    """Somebody answered it: what was promised for it ends with this, kept or late."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            message = promises.answer_voicemail(tx, VoicemailId(voicemail), by, desk.clock.now())
            promise = _promised(message, tx)
    if as_json:
        typer.echo(json.dumps(_as_dict(message, promise, desk.zone), ensure_ascii=False, indent=2))
        return
    ended = f"; the promise is {promise.state.value}" if promise else ""
    typer.echo(f"{message.id}: answered by {message.answered_by}{ended}")


def _promised(message: Voicemail, tx: Transaction) -> Promise | None:
    return None if message.promise is None else tx.promises.get(message.promise)


def _as_dict(message: Voicemail, promise: Promise | None, zone: ZoneInfo) -> dict[str, Any]:
    answered_at = message.answered_at
    return {
        "id": message.id,
        "call": message.call,
        "customer": message.customer,
        "queue": message.queue,
        "taken_at": message.taken_at.astimezone(zone).isoformat(),
        "seconds": message.seconds,
        "audio": message.audio.value,
        "text": message.text.value,
        "transcript": message.transcript.text if message.transcript else None,
        "language": message.transcript.language if message.transcript else message.language,
        "answered_at": answered_at.astimezone(zone).isoformat() if answered_at else None,
        "answered_by": message.answered_by,
        "promise": message.promise,
        "promised_by": promise.due_at.astimezone(zone).isoformat() if promise else None,
        "promise_state": promise.state.value if promise else None,
    }
