"""`ivr call SCRIPT…`: plays call scripts on a line in this process and shows them as dialogues."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ivr import config, wiring
from ivr.config import BUNDLED_MODELS
from ivr.switchboard.customers.import_customers import import_customers
from ivr.testing.play import Moment, Played, line_of
from ivr.testing.run import PEOPLE, people_of, read_files, run
from ivr.testing.scripts import Script
from ivr.testing.world import World as OfficeWorld
from ivr.testing.world import open_world


def call(
    scripts: Annotated[list[Path], typer.Argument(help="Files of call scripts (docs/calls.md).")],
    as_json: Annotated[bool, typer.Option("--json", help="The calls, their events and records as JSON.")] = False,
    real_time: Annotated[bool, typer.Option("--real-time", help="At the speed of a real call.")] = False,
    flows: Annotated[Path | None, typer.Option(help="The folder of the flows; left out: IVR_FLOWS_DIR.")] = None,
    models: Annotated[Path, typer.Option(help="The folder of the speech models.")] = BUNDLED_MODELS,
    voices: Annotated[list[Path] | None, typer.Option(help="More folders of WAV files to speak.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed replays the same call.")] = 1,
) -> None:
    """Play call scripts; exits with 0 only if all held."""
    flows = flows or config.load(os.environ).flows_dir
    telling = None if as_json else Telling()
    played = play(scripts, flows, models, voices or [], seed, real_time, telling)
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in played], default=str, ensure_ascii=False, indent=2))
    else:
        show(played)
    raise typer.Exit(0 if all(one.held for one in played) else 1)


class Telling:
    """Prints each dialogue as it happens."""

    def __init__(self) -> None:
        self._began: dict[int, datetime] = {}

    def __call__(self, script: Script, moment: Moment) -> None:
        if id(script) not in self._began:
            self._began[id(script)] = moment.at
            typer.echo(f"\n{script.name}  ({script.from_} rings {script.to}, {script.at:%a %d %b %Y %H:%M})")
        typer.echo(line_of(moment, self._began[id(script)]))


def play(
    paths: Sequence[Path],
    flows: Path,
    models: Path,
    voices: Sequence[Path],
    seed: int,
    real_time: bool = False,
    told: Telling | None = None,
) -> list[Played]:
    """The scripts of these files, played; ends the program with 1 when one of them cannot be read."""
    try:
        scripts, problems = read_files(paths)
    except OSError as refused:
        typer.echo(f"{refused.filename}: {refused.strerror}", err=True)
        raise typer.Exit(1) from None
    if problems:
        for problem in problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1)
    reader = wiring.transcriber(models)  # one for all worlds; it starts with the first message

    def open_one(at: datetime) -> AbstractContextManager[Any]:  # its telephones take only handsets of their own
        return open_world(at, flows, models, seed, transcriber=reader)

    def put(world: Any, names: frozenset[str]) -> Sequence[str]:
        return put_on_record(world, flows, names)

    try:
        return run(scripts, open_one, put, voices, told, real_time)
    finally:
        reader.stop()


def put_on_record(world: OfficeWorld, flows: Path, names: frozenset[str]) -> Sequence[str]:
    """Customers out of ``people/`` beside the flows, put on record; what cannot be done, a sentence each."""
    try:
        sheets, missing = people_of(flows, names)
    except OSError as refused:
        return [f"{refused.filename}: {refused.strerror}"]
    office = world.office
    done = import_customers(world.records, sheets, office.ids, office.numbering, "IT", office.clock.now())
    return [*map(str, done.bad), *(f"customer {name} is not in {flows / PEOPLE}" for name in missing)]


def show(played: Sequence[Played]) -> None:
    """Which calls held, and what was not as written."""
    typer.echo("")
    for one in played:
        typer.echo(f"{'held  ' if one.held else 'FAILED'}  {one.script.name}")
        for problem in one.problems:
            typer.echo(f"        {problem}")
