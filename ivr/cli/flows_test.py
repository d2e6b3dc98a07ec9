"""`ivr flows test [FOLDER]`: the example calls of each flow, and the exits that none of them took."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ivr import config
from ivr.cli.call import play, show
from ivr.config import BUNDLED_MODELS
from ivr.core.errors import NoSuchFlow
from ivr.core.flow.model import Flow
from ivr.flowfiles.shelf import read_folder
from ivr.testing.play import Played, as_dialogue
from ivr.testing.run import CALLS, exits_of, untaken


def example_calls(
    folder: Annotated[Path | None, typer.Argument(help="The folder of the flows; left out: IVR_FLOWS_DIR.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Calls and coverage as JSON.")] = False,
    models: Annotated[Path, typer.Option(help="The folder of the speech models.")] = BUNDLED_MODELS,
    voices: Annotated[list[Path] | None, typer.Option(help="More folders of WAV files to speak.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed replays the same calls.")] = 1,
) -> None:
    """Play <flow>.calls.yaml of every flow; exits with 0 only if all held."""
    folder = folder or config.load(os.environ).flows_dir
    try:
        flows = read_folder(folder, date.today()).flows  # noqa: DTZ011 only warnings about dated items depend on it
    except NoSuchFlow as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from None
    paths = sorted(folder.glob(f"*{CALLS}"))
    if not paths:
        typer.echo(f"there are no example calls in {folder}: write <flow>{CALLS} beside a flow", err=True)
        raise typer.Exit(1)
    played = play(paths, folder, models, voices or [], seed)
    tested = [path.name.removesuffix(CALLS) for path in paths]
    gaps = {name: untaken(flows[name], played) for name in tested if name in flows}
    if as_json:
        calls = [one.as_dict() for one in played]
        typer.echo(json.dumps({"calls": calls, "untaken": gaps}, default=str, ensure_ascii=False, indent=2))
    else:
        _show_failed(played)
        show(played)
        _show_gaps(flows, gaps)
    raise typer.Exit(0 if all(one.held for one in played) else 1)


def _show_failed(played: Sequence[Played]) -> None:
    for one in played:
        if not one.held:
            typer.echo(f"\n{one.script.name}  ({one.script.mark.file}:{one.script.mark.line})")
            for line in as_dialogue(one):
                typer.echo(line)


def _show_gaps(flows: Mapping[str, Flow], gaps: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
    for name, missing in gaps.items():
        every = len(exits_of(flows[name]))
        typer.echo(f"\n{name}: {every - sum(map(len, missing.values()))} of {every} exits taken")
        if missing:
            typer.echo("no call took:")
        for node, exits in missing.items():
            typer.echo(f"  {node}: {', '.join(exits)}")
