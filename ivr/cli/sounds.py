"""`ivr sounds`: the house's own hold music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.world.waltz import waltz

app = typer.Typer(help="Sounds that lie beside the flows.", no_args_is_help=True)

FOLDER = Path("call_flows/sounds")


@app.callback()
def sounds() -> None:
    """Sounds that lie beside the flows."""


@app.command()
def make(folder: Annotated[Path, typer.Argument(help="where the sounds of the flows lie")] = FOLDER) -> None:
    """Write the waltz that queues play, as it always is."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "waltz.wav"
    file.write_bytes(waltz())
    typer.echo(f"{file}: written")
