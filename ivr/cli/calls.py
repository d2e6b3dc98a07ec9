"""`ivr calls`: the calls that came in, and one of them as a dialogue."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.call import CallRecord
from ivr.core.recording import TalkRecording
from ivr.core.timeline import LANGUAGES, dialogue, path
from ivr.core.words import CallId, Language, PhoneNumber

app = typer.Typer(help="The calls on record.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]
WHO = {"line": "☎ ", "caller": "→ ", "note": "· "}


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    before: Annotated[datetime | None, typer.Option(help="Only calls before this time (the company's zone).")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest calls first."""
    with refusals():
        desk = desks.open_desk()
        until = None if before is None else before.replace(tzinfo=desk.zone)
        with desk.records.read() as tx:
            calls = tx.calls.recent(limit, until)
    if as_json:
        typer.echo(json.dumps([_as_dict(each, desk.zone) for each in calls], ensure_ascii=False, indent=2))
        return
    for each in calls:
        caller = str(each.caller) if isinstance(each.caller, PhoneNumber) else "withheld"
        began = f"{each.started_at.astimezone(desk.zone):%Y-%m-%d %H:%M:%S}"
        ended = each.outcome or each.state.value
        typer.echo(f"{began}  {each.id}  {caller:<16} {each.sure.value:<8} {ended:<12} {each.line}")


@app.command()
def show(
    call: Annotated[str, typer.Argument(help="The call's id.")],
    as_json: AsJson = False,
    language: Annotated[str, typer.Option(help="it or en")] = "it",
) -> None:
    """One call as it was heard, with times."""
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}")
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            record, events = tx.calls.at(CallId(call)), tx.log.of_call(CallId(call))
            tapes = tx.recordings.of_call(record.id)
    lines = dialogue(events, Language(language), desk.zone)
    if as_json:
        document = {
            "call": _as_dict(record, desk.zone),
            "path": path(events),
            "dialogue": [{"at": line.at.isoformat(), "who": line.who, "text": line.text} for line in lines],
            "recordings": [_tape_as_dict(each, desk.zone) for each in tapes],
            "events": [{**asdict(event), "data": dict(event.data)} for event in events],
        }
        typer.echo(json.dumps(document, ensure_ascii=False, default=str, indent=2))
        return
    began = record.started_at.astimezone(desk.zone)
    typer.echo(f"{began:%Y-%m-%d}  {record.line}  {record.outcome or record.state.value}")
    for line in lines:
        typer.echo(f"{line.at:%H:%M:%S}  {WHO[line.who]}{line.text}")
    typer.echo("path: " + " → ".join(path(events)))


def _as_dict(call: CallRecord, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": call.id,
        "line": call.line,
        "caller": str(call.caller) if isinstance(call.caller, PhoneNumber) else None,
        "called": str(call.called),
        "customer": call.customer,
        "sure": call.sure.value,
        "version": call.version,
        "state": call.state.value,
        "outcome": call.outcome,
        "turn": call.turn,
        "started_at": call.started_at.astimezone(zone).isoformat(),
        "ended_at": None if call.ended_at is None else call.ended_at.astimezone(zone).isoformat(),
        "sid": call.key.sid,
    }


def _tape_as_dict(tape: TalkRecording, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": tape.id,
        "ticket": tape.ticket,
        "rule": tape.rule.value,
        "state": tape.state.value,
        "seconds": tape.seconds,
        "withdrawn_at": None if tape.withdrawn_at is None else tape.withdrawn_at.astimezone(zone).isoformat(),
        "because": tape.because,
    }
