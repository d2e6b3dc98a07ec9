"""`ivr bench NAME`: one benchmark, as a table for people or a line of JSON an entry."""

from __future__ import annotations

import importlib
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import NAMES, Entry


def bench(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")],
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON an entry, nothing else.")] = False,
) -> None:
    """Measure something beside its peer; a ratio above 1 is better than the peer."""
    if name not in NAMES:
        raise typer.BadParameter(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    entries: list[Entry] = []

    def emit(entry: Entry) -> None:
        entries.append(entry)
        if as_json:
            typer.echo(json.dumps(entry.as_dict(), ensure_ascii=False))

    importlib.import_module(f"bench.{name}").run(emit)
    if not as_json:
        _show(entries)


def _show(entries: list[Entry]) -> None:
    table = Table("benchmark", "ours", "peer", "unit", "ratio", "aim", "peer is", "note")
    for entry in entries:
        aim = "" if entry.aim is None else f"≥ {entry.aim}"
        figures = f"{entry.value:g}", f"{entry.peer_value:g}", entry.unit, f"{entry.ratio:g}", aim
        table.add_row(entry.bench, *figures, entry.peer, entry.note)
    Console().print(table)
