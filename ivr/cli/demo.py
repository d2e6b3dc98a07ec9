"""`ivr demo`: the whole line on this machine, with a company on record, calls played, and a phone to dial it.

Three calls one after the other show the line; then four that overlap show its floor: who waits, who is called back, and
who rings again. Where the works are closed just now, the line's clock goes before the machine's, and we say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from ivr import config, logs, wiring
from ivr.cli.customers import print_record, told
from ivr.cli.desk import Desk, refusals
from ivr.cli.serve import whole_line
from ivr.config import Settings
from ivr.core import hours
from ivr.core.agent import Wish
from ivr.core.call import CarrierKey
from ivr.core.errors import FlowRefused
from ivr.core.words import AgentId, Language
from ivr.exchange.http_handset import HttpTelephones
from ivr.flowfiles.shelf import publish_folder
from ivr.store.schema import upgrade
from ivr.switchboard.customers.import_customers import Sheet, import_customers
from ivr.switchboard.record.agents import wish
from ivr.testing.evidence import RecordedEvidence
from ivr.testing.morning import LENGTH, play_morning
from ivr.testing.on_duty import OnDuty, behaviour, numbered, record
from ivr.testing.play import Moment, Played, Player, line_of
from ivr.testing.run import read_files
from ivr.testing.scripts import Script
from ivr.worker.later import SweepOnly
from ivr.worker.run import stop_on_signals
from ivr.world.holidays import PublicHolidays

CALLS, FLOOR = Path("demo/open.calls.yaml"), Path("demo/queue.calls.yaml")
PEOPLE = Path("call_flows/people")
VOICES = Path("call_flows/voices")
WRAP_UP = timedelta(seconds=5)
IS_OPEN, STAYS_OPEN = LENGTH + timedelta(minutes=10), timedelta(hours=1)
"""So long the works have been open at least when the demonstration begins, and will be."""


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
    """Start the whole line, play seven calls on it, show what is on record, and stay up."""
    out = Console(highlight=False)
    with refusals():
        settings = _settings(out)
        _logs_aside(settings)
        shown = _prepared(settings, out)
        with whole_line(settings):
            out.print("[green]The line is up:[/] exchange, web, worker and Redis answer.\n")
            wanted = _scripts(CALLS), _scripts(FLOOR)
            played = [*_calls(shown, wanted[0]), *_floor(shown, wanted[1])]
            _timelines(shown, played)
            held = all(one.held for one in played) and len(played) == sum(map(len, wanted))
            _addresses(shown)
            if not once:
                out.print("\nThe line stays up. Ctrl-C ends it.")
                stop_on_signals().wait()
    if not held:
        raise typer.Exit(1)


def _settings(out: Console) -> Settings:
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
        clock_shift=_shift(settings, out),
    )


def _logs_aside(settings: Settings) -> None:
    """What this process logs lies beside what the others do, not between the dialogues."""
    folder = settings.var_dir / "log"
    folder.mkdir(exist_ok=True)
    logs.configure((folder / "demo.log").open("a", encoding="utf-8"))


def _shift(settings: Settings, out: Console) -> timedelta:
    """How far the line's clock has to go before ours, so that the works have been open and will be for a while."""
    company = wiring.company(settings)
    if company is None:
        raise FlowRefused("company.yaml cannot be read")
    office, now = company.hours["office"], datetime.now(UTC)
    zone = ZoneInfo(company.zone)
    spans = hours.openings(office, now.astimezone(zone).date(), hours.FARTHEST, PublicHolidays())
    opens = next(
        opens for opens, closes in spans if now + STAYS_OPEN < closes and closes - opens > IS_OPEN + STAYS_OPEN
    )
    shift = max(opens + IS_OPEN - now, timedelta())
    told = (now + shift).astimezone(zone)
    if shift:
        out.print(f"The works are closed, or just opened: for this demonstration it is {told:%A %d %B, %H:%M} there.")
    else:
        out.print(f"It is {told:%A %H:%M} at the works, and the office is open.")
    return shift


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
    _morning(settings, now, out)
    desk = Desk(office.records, office.clock, office.ids, office.numbering, zone, "IT")
    return Demo(settings, office, desk, out)


def _sheet(kind: str) -> Sheet:
    path = PEOPLE / f"{kind}.csv"
    return Sheet(kind, str(path), path.read_bytes())


def _morning(settings: Settings, now: datetime, out: Console) -> None:
    """Calls that came in before: the announced wait is silent where there is no past to go by."""
    line = str(wiring.line_numbers(settings)[0])
    with out.status("A morning of calls is played in virtual time …"):
        answered = play_morning(now - LENGTH, settings.flows_dir, settings.database_url, line)
    out.print(f"This morning {answered} callers were answered, in virtual time: the wait can be told honestly.")


def _calls(shown: Demo, scripts: Sequence[Script]) -> Iterator[Played]:
    """Play these calls one after another, each a dialogue as it happens."""
    for script in scripts:
        yield from _play(shown, [script], {}, _Told(shown.out))


def _floor(shown: Demo, scripts: Sequence[Script]) -> Iterator[Played]:
    """Play calls that overlap, with the agents whom they name at work."""
    shown.out.print("\n[bold]The floor[/]: four calls for one agent who knows orders; each line says whose it is.")
    yield from _play(shown, scripts, _at_work(shown, scripts), _Told(shown.out, together=True))


def _play(shown: Demo, scripts: Sequence[Script], agents: Mapping[str, OnDuty], told: _Told) -> Sequence[Played]:
    telephones = HttpTelephones(str(shown.settings.carrier_api_url))
    evidence = RecordedEvidence(shown.office.records, "twilio", shown.settings.account_sid)
    try:
        phones = {
            name: telephones.subscriber(agent.address or "", behaviour(agent), agent.misses)
            for name, agent in agents.items()
        }
        played = Player(telephones, evidence, [VOICES], told, phones).play(scripts)
    finally:
        telephones.close()
    for one in played:
        _verdict(shown.out, one, named=len(played) > 1)
    return played


def _at_work(shown: Demo, scripts: Sequence[Script]) -> Mapping[str, OnDuty]:
    """The agents of these calls, on record and at work; the line notices within two seconds."""
    company = wiring.company(shown.settings)
    assert company is not None, "the demonstration began with it"
    taken = [number for script in scripts for number in (script.from_, script.to)]
    agents = numbered([agent for script in scripts for agent in script.agents], taken)
    now = shown.office.clock.now()
    with shown.office.records.write() as tx:
        for agent in agents:
            tx.agents.put(replace(record(agent, company), wrap_up=WRAP_UP), now)
            wish(tx, AgentId(agent.name), Wish.AVAILABLE, "the demonstration begins", now)
    return {agent.name: agent for agent in agents}


def _scripts(path: Path) -> Sequence[Script]:
    scripts, problems = read_files([path])
    if problems:
        raise FlowRefused("\n".join(str(problem) for problem in problems))
    return scripts


class _Told:
    """Prints a dialogue as it happens; of several ``together`` each line begins with the first word of the title."""

    def __init__(self, out: Console, together: bool = False) -> None:
        self._out, self._together = out, together
        self._began: datetime | None = None
        self._names: dict[str, int] = {}

    def __call__(self, script: Script, moment: Moment) -> None:
        if self._began is None:
            self._began = moment.at
        if script.name not in self._names:
            self._names[script.name] = len(self._names)
            self._out.print(f"\n[bold]{escape(script.name)}[/]  ({script.from_} rings {script.to})")
        if self._together and moment.who not in ("caller", "line", "") and "rings" not in moment.text:
            return  # an agent's phone is told with each call beside it; the caller's side says enough
        style = {"caller": "cyan", "line": ""}.get(moment.who, "dim")
        whose = f"{script.name.split()[0]:8}" if self._together else ""
        self._out.print(escape(whose + line_of(moment, self._began)), style=style)


def _verdict(out: Console, played: Played, named: bool) -> None:
    whose = f"  {escape(played.script.name)}" if named else ""
    if played.held:
        out.print(f"[green]as expected[/]{whose}")
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
