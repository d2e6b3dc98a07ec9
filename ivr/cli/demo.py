"""`ivr demo`: the whole line on this machine, with a company on record, three calls played, and a phone to dial it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from ivr import config, wiring
from ivr.cli.customers import print_record, told
from ivr.cli.desk import Desk, refusals
from ivr.cli.serve import whole_line
from ivr.config import Settings
from ivr.core import hours
from ivr.core.call import CarrierKey
from ivr.core.errors import FlowRefused
from ivr.core.words import Language
from ivr.exchange.http_handset import HttpTelephones
from ivr.flowfiles.shelf import publish_folder
from ivr.store.schema import upgrade
from ivr.switchboard.import_customers import Sheet, import_customers
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
    desk: Desk
    out: Console


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the calls and end; 0 if all was as expected.")] = False,
) -> None:
    """Start the whole line, play three calls on it, show what is on record, and stay up."""
    out = Console(highlight=False)
    settings = _settings()
    with refusals():
        shown = _prepared(settings, out)
        with whole_line(settings):
            out.print("[green]The line is up:[/] exchange, web, worker and Redis answer.\n")
            played = list(_calls(shown))
            _timelines(shown, played)
            held = all(one.held for one in played) and len(played) == 3
            _addresses(shown)
            if not once:
                out.print("\nThe line stays up. Ctrl-C ends it.")
                stop_on_signals().wait()
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
        database_url=f"sqlite:///{folder / 'ivr.db'}",
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
    company = wiring.company(settings)
    zone = ZoneInfo(company.zone if company else "UTC")
    desk = Desk(office.records, office.clock, office.ids, office.numbering, zone, "IT")
    return Demo(settings, office, desk, out)


def _sheet(kind: str) -> Sheet:
    path = PEOPLE / f"{kind}.csv"
    return Sheet(kind, str(path), path.read_bytes())


def _calls(shown: Demo) -> Iterator[Played]:
    """Play the calls of this hour, one after another, each a dialogue as it happens."""
    telephones = HttpTelephones(str(shown.settings.carrier_api_url))
    evidence = RecordedEvidence(shown.office.records, "twilio", shown.settings.account_sid)
    try:
        for script in _scripts(shown):
            player = Player(telephones, evidence, [VOICES], _Told(shown.out))
            (played,) = player.play([script])
            _verdict(shown.out, played)
            yield played
    finally:
        telephones.close()


def _scripts(shown: Demo) -> Sequence[Script]:
    """The calls that fit the hour: callers hear another menu when the office is closed."""
    company = wiring.company(shown.settings)
    if company is None:
        raise FlowRefused("company.yaml cannot be read")
    now = shown.office.clock.now()
    office = hours.state(company.hours["office"], now, PublicHolidays())
    name = "open" if office.open else "closed"
    shown.out.print(f"It is {now.astimezone(ZoneInfo(company.zone)):%A %H:%M} at the works, and the office is {name}.")
    scripts, problems = read_files([SCRIPTS / f"{name}.calls.yaml"])
    if problems:
        raise FlowRefused("\n".join(str(problem) for problem in problems))
    return scripts


class _Told:
    """Prints a dialogue as it happens."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._began: datetime | None = None

    def __call__(self, script: Script, moment: Moment) -> None:
        if self._began is None:
            self._began = moment.at
            self._out.print(f"\n[bold]{escape(script.name)}[/]  ({script.from_} rings {script.to})")
        style = {"caller": "cyan", "line": ""}.get(moment.who, "dim")
        self._out.print(escape(line_of(moment, self._began)), style=style)


def _verdict(out: Console, played: Played) -> None:
    if played.held:
        out.print("[green]as expected[/]")
    for problem in played.problems:
        out.print(f"[red]not as expected:[/] {escape(problem)}")


def _timelines(shown: Demo, played: Sequence[Played]) -> None:
    """What is now on record of everybody who called."""
    shown.out.print("\n[bold]On record[/]")
    desk = shown.desk
    with desk.records.read() as tx:
        keys = [CarrierKey("twilio", shown.settings.account_sid, one.sid) for one in played if one.sid]
        calls = [call for key in keys if (call := tx.calls.find(key)) is not None]
        for customer in dict.fromkeys(call.customer for call in calls):
            shown.out.print()
            print_record(told(tx.customers.get(customer), desk, tx, Language("it")))


def _addresses(shown: Demo) -> None:
    out, settings = shown.out, shown.settings
    out.print("\n[bold]Addresses[/]")
    out.print(f"  a phone in the browser   {settings.carrier_api_url}/")
    out.print(f"  the line                 {settings.public_url}  (health at /readyz, figures at /metrics)")
    out.print(f"  the records              IVR_VAR_DIR={settings.var_dir} ivr customers list")
    out.print(f"  logs                     {settings.var_dir / 'log'}")
    out.print("  The speech models are demonstrations: synthetic voices, not for production (ivr doctor).")
