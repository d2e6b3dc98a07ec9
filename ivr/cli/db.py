"""`ivr db`: the database brought up to the code, saved and brought back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ivr import config
from ivr.cli.desk import refusals
from ivr.store import backup as backups
from ivr.store import schema

app = typer.Typer(help="The database: upgrade, backup, restore.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to this version; made when there is none."""
    with refusals():
        before, now = schema.upgrade(config.load(os.environ).database_url)
    typer.echo(f"the database is at {now}" + ("" if before == now else f" (it was at {before or 'nothing'})"))


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="A new file.")]) -> None:
    """Write all records into one file, while the line goes on (recordings are files of their own)."""
    with refusals():
        backups.backup(config.load(os.environ).database_url, file)
    typer.echo(f"all records are in {file}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `ivr db backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="In place of the records that are there.")] = False,
) -> None:
    """Bring a backup back; stop web and worker first."""
    with refusals():
        backups.restore(config.load(os.environ).database_url, file, replace)
    typer.echo(f"the records of {file} are back")
