"""`ivr demo`: the whole line on this machine, with a company on record, three calls played, and a phone to dial it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ivr import config, wiring
from ivr.cli.desk import refusals
from ivr.cli.serve import redis_for, whole_line
from ivr.config import Settings
from ivr.core import hours
from ivr.core.customer import Customer
from ivr.core.errors import FlowRefused
from ivr.core.timeline import timeline
from ivr.core.words import Language, PhoneNumber
from ivr.exchange.http_handset import HttpTelephones
from ivr.flowfiles.shelf import publish_folder
from ivr.store.schema import upgrade
from ivr.switchboard.import_customers import import_customers
from ivr.testing.evidence import RecordedEvidence
from ivr.testing.play import Moment, Played, Player, line_of
from ivr.testing.run import read_files
from ivr.testing.scripts import Script
from ivr.worker.later import SweepOnly
from ivr.worker.run import stop_on_signals
from ivr.world.holidays import PublicHolidays

SCRIPTS = Path("demo")
PEOPLE = Path("call_flows/people")
VOICES = Path("call_flows/voices")


@dataclass(frozen=True)
class Demo:
    """The demonstration's settings and records, beside the processes that answer."""

    settings: Settings
    office: wiring.Office
    out: Console


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the calls and end; status 0 if all was as expected.")] = False,
) -> None:
    """Start the whole line, play three calls on it, show what is on record, and stay up."""
    out = Console(highlight=False)
    settings = _settings()
    with refusals():
        shown = _prepared(settings, out)
        with whole_line(settings) as supervisor:
            out.print("[green]The line is up:[/] exchange, web, worker and Redis answer.\n")
            played = list(_calls(shown))
            _timelines(shown, played)
            held = all(one.held for one in played) and len(played) == 3
            _addresses(shown)
            if not once:
                out.print("\nThe line stays up. Ctrl-C ends it.")
                supervisor.run_until(stop_on_signals())
    if not held:
        raise typer.Exit(1)


def _settings() -> Settings:
    """The settings of the environment, with a folder of the demonstration's own, fresh each time."""
    settings = config.load(os.environ)
    folder = settings.var_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return replace(
        settings,
        var_dir=folder,
        database_url=f"sqlite:///{folder / 'demo.db'}",
        recordings_dir=folder / "recordings",
    )


def _prepared(settings: Settings, out: Console) -> Demo:
    """A database with the flows published and the company's customers on it."""
    upgrade(settings.database_url)
    office = wiring.open_office(settings, SweepOnly())
    now = office.clock.now()
    publish_folder(settings.flows_dir, office.records, "demo", "the demonstration begins", now)
    sheets = [_sheet(kind) for kind in ("customers", "numbers", "orders")]
    brought = import_customers(office.records, sheets, office.ids, office.numbering, "IT", now, False, lambda: None)
    if brought.bad:
        raise FlowRefused("\n".join(str(bad) for bad in brought.bad))
    out.print(f"Officine Verdi is on record: {len(brought.fates)} lines of customers, numbers and orders.")
    return Demo(settings, office, out)
