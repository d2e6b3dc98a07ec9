"""``ivr flows``: check, draw, describe, compare, publish and roll back the flows of a folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ivr import config
from ivr.core.errors import IvrError, NoSuchFlow
from ivr.core.flow.graph import mermaid, svg
from ivr.core.words import FlowVersionId
from ivr.flowfiles.problems import ERROR, Problem, errors
from ivr.flowfiles.schema import schema as json_schema
from ivr.flowfiles.shelf import (
    Shelf,
    build_version,
    diff,
    pinned,
    publish_folder,
    read_folder,
    roll_back,
    unified,
)
from ivr.switchboard.ports.records import Records

app = typer.Typer(name="flows", help="The call flows: check, draw, compare, publish.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Argument(help="The folder of the flows; left out: IVR_FLOWS_DIR.")]
InFolder = Annotated[Path | None, typer.Option("--folder", help="The folder of the flows; left out: IVR_FLOWS_DIR.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the version.")]
By = Annotated[str, typer.Option("--by", help="Who does it.")]


@app.command()
def check(folder: Folder = None, as_json: Json = False) -> None:
    """Find every problem of every flow at once; status 1 when one of them is an error."""
    shelf = _read(folder)
    wrong = errors(shelf.problems)
    warned = [problem for problem in shelf.problems if problem.severity != ERROR]
    if as_json:
        typer.echo(json.dumps([asdict(problem) for problem in shelf.problems], ensure_ascii=False, indent=2))
    else:
        _tell(wrong, warned)
        typer.echo(_sum(shelf, len(wrong), len(warned)))
    if wrong:
        raise typer.Exit(1)


def _tell(wrong: tuple[Problem, ...], warned: list[Problem]) -> None:
    for problem in wrong:
        typer.secho(str(problem), fg=typer.colors.RED)
    if wrong and warned:
        typer.echo()
    for problem in warned:
        typer.secho(str(problem), fg=typer.colors.YELLOW)
    if wrong or warned:
        typer.echo()


def _sum(shelf: Shelf, wrong: int, warned: int) -> str:
    nodes = sum(len(flow.nodes) for flow in shelf.flows.values())
    read = f"{_count(len(shelf.flows), 'flow')}, {_count(nodes, 'node')}"
    return f"{read}: {_count(wrong, 'error')}, {_count(warned, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


@app.command()
def graph(
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    folder: InFolder = None,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Write an SVG picture to this file.")] = None,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Print Mermaid text (the default).")] = False,
) -> None:
    """Draw a flow: as a picture, or as Mermaid text."""
    shelf = _read(folder)
    if flow not in shelf.flows:
        raise _stop(NoSuchFlow(f"there is no flow '{flow}'; there are: {', '.join(shelf.flows) or 'none'}"))
    if svg_file is not None:
        svg_file.write_text(svg(shelf.flows[flow], shelf.company), encoding="utf-8")
        typer.echo(f"drawn: {svg_file}", err=as_mermaid)
    if as_mermaid or svg_file is None:
        typer.echo(mermaid(shelf.flows[flow]), nl=False)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
) -> None:
    """The JSON Schema of flow files, for editors that complete and check while one types."""
    text = json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"written: {out}")


@app.command("diff")
def differences(
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    before: Annotated[str | None, typer.Argument(help="A version; left out: the published one.")] = None,
    after: Annotated[str | None, typer.Argument(help="A version; left out: the files of the folder.")] = None,
    folder: InFolder = None,
) -> None:
    """What changed between two versions of a flow, node by node, and line by line."""
    try:
        records = _records()
        today = datetime.now(UTC).date()
        with records.read() as transaction:
            earlier = FlowVersionId(before) if before else transaction.flows.published(flow)
            old = transaction.flows.text(earlier) if earlier else None
            new = transaction.flows.text(FlowVersionId(after)) if after else None
        if before and old is None:
            raise NoSuchFlow(f"no version {before} is on record")
        if after and new is None:
            raise NoSuchFlow(f"no version {after} is on record")
        files = new if new is not None else _read(folder).closure(flow)
        was = pinned(old) if old else None
        now = pinned(files) if after else build_version(flow, files, today)
        for line in diff(was, now) or ("nothing changed",):
            typer.echo(line)
        typer.echo(unified(old or {}, files), nl=False)
    except IvrError as refused:
        raise _stop(refused) from refused


@app.command()
def publish(folder: Folder = None, why: Why = "", by: By = "command line") -> None:
    """Let the lines ring at these flows from now on; refused when one has an error."""
    try:
        where = folder or _settings().flows_dir
        for version in publish_folder(where, _records(), by, why, datetime.now(UTC)):
            typer.echo(f"published {version}")
    except IvrError as refused:
        raise _stop(refused) from refused


@app.command()
def rollback(
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    version: Annotated[str | None, typer.Argument(help="A version; left out: the one published before.")] = None,
    why: Why = "",
    by: By = "command line",
) -> None:
    """Let the lines ring at an older version again; calls that are under way keep theirs."""
    try:
        records = _records()
        chosen = FlowVersionId(version) if version else _before(records, flow)
        roll_back(records, flow, chosen, by, why, datetime.now(UTC))
        typer.echo(f"published {chosen}")
    except IvrError as refused:
        raise _stop(refused) from refused


def _before(records: Records, flow: str) -> FlowVersionId:
    """The version published before the present one; raises NoSuchFlow."""
    with records.read() as transaction:
        now = transaction.flows.published(flow)
        history = transaction.flows.history(flow)
    others = [str(entry["version"]) for entry in sorted(history, key=lambda entry: str(entry["at"]), reverse=True)]
    earlier = next((version for version in others if version != now), None)
    if earlier is None:
        raise NoSuchFlow(f"flow '{flow}' has no earlier version")
    return FlowVersionId(earlier)


def _read(folder: Path | None) -> Shelf:
    try:
        return read_folder(folder or _settings().flows_dir, datetime.now(UTC).date())
    except IvrError as refused:
        raise _stop(refused) from refused


def _settings() -> config.Settings:
    return config.load(os.environ)


def _records() -> Records:
    from ivr import wiring  # here, since checking and drawing must work where no database can

    return wiring.records(_settings())


def _stop(refused: IvrError) -> typer.Exit:
    typer.secho(str(refused), fg=typer.colors.RED, err=True)
    return typer.Exit(1)
