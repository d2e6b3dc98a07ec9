"""`ivr agents`: who answers, and what they wish."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from ivr import config
from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.agent import Wish
from ivr.core.roster import AgentRecord
from ivr.core.words import AgentId
from ivr.flowfiles.agents import parse_agents
from ivr.flowfiles.company import parse_company
from ivr.flowfiles.marks import read_one
from ivr.flowfiles.problems import Problem, errors, in_order
from ivr.flowfiles.scalars import duration
from ivr.flowfiles.shelf import AGENTS, COMPANY
from ivr.switchboard.ports.queue import AgentChange, AgentOnRecord
from ivr.switchboard.record import agents

app = typer.Typer(help="The agents on record.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Each agent: queues, skills, address, wish and state with cause and time."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            found = tx.agents.all()
    if as_json:
        typer.echo(json.dumps([as_dict(each, desk.zone) for each in found], ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("no agent is on record; `ivr agents load`")
        return
    table = Table("agent", "wish", "state", "queues", "skills", "rings at", "wrap-up")
    for each in found:
        status, record = each.status, each.record
        table.add_row(
            record.name,
            f"{status.wish.value} ({status.wish_because}) since {status.wish_since.astimezone(desk.zone):%d %b %H:%M}",
            f"{status.state.value} ({status.state_because}) since {status.state_since.astimezone(desk.zone):%H:%M:%S}",
            " ".join(record.queues),
            " ".join(f"{skill} {level}" for skill, level in record.skills.items()),
            f"{record.address.kind.value} {record.address.at}",
            "the queue's" if record.wrap_up is None else f"{record.wrap_up.total_seconds():.0f} s",
        )
    Console().print(table)


@app.command()
def load(
    file: Annotated[Path | None, typer.Argument(help="Left out: agents.yaml in IVR_FLOWS_DIR.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put exactly the agents of the file on record, all or none; exit status 1 when it has errors."""
    with refusals():
        path = file if file is not None else config.load(os.environ).flows_dir / AGENTS
        records, problems = read_file(path)
        if errors(problems):
            _tell(problems, as_json)
            raise typer.Exit(1)
        desk = desks.open_desk()
        with desk.records.write() as tx:
            loaded = agents.load(tx, records, desk.clock.now())
    if as_json:
        typer.echo(json.dumps(asdict(loaded), ensure_ascii=False, indent=2))
        return
    for name, what in ((name, what) for what, names in asdict(loaded).items() for name in names):
        typer.echo(f"{name}: {what}")


@app.command()
def wish(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    what: Annotated[Wish, typer.Argument(help="What the agent wants from now on.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; a break needs one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Available, on a break with its reason, or off; a call that is under way goes on."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            done = agents.wish(tx, AgentId(agent), what, reason, desk.clock.now())
        desk.agent_changed(AgentId(agent))
    if as_json:
        typer.echo(json.dumps(as_dict(done, desk.zone), ensure_ascii=False, indent=2))
        return
    typer.echo(f"{agent}: {done.status.wish.value} ({done.status.wish_because}), {done.status.state.value}")


@app.command("wrap-up")
def wrap_up(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    end: Annotated[bool, typer.Option("--end", help="No more time is needed.")] = False,
    extend: Annotated[str | None, typer.Option("--extend", help="So much more time: 2 min, 90 s.")] = None,
    as_json: AsJson = False,
) -> None:
    """End the time after a talk early, or make it longer."""
    if end == (extend is not None):
        raise typer.BadParameter("say either --end or --extend LENGTH")
    with refusals():
        desk = desks.open_desk()
        now = desk.clock.now()
        with desk.records.write() as tx:
            if extend is None:
                done = agents.end_wrap_up(tx, AgentId(agent), now)
            else:
                done = agents.extend_wrap_up(tx, AgentId(agent), _length(extend), now)
        desk.agent_changed(AgentId(agent))
    if as_json:
        typer.echo(json.dumps(as_dict(done, desk.zone), ensure_ascii=False, indent=2))
    elif done.status.wrap_up_until is None:
        typer.echo(f"{agent}: {done.status.state.value} ({done.status.state_because})")
    else:
        typer.echo(f"{agent}: wraps up until {done.status.wrap_up_until.astimezone(desk.zone):%H:%M:%S}")


@app.command()
def reachable(agent: Annotated[str, typer.Argument(help="The agent's name.")], as_json: AsJson = False) -> None:
    """Their phone works again, after two misses in a row or a broken line; what they wish stays."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            done = agents.reachable(tx, AgentId(agent), desk.clock.now())
        desk.agent_changed(AgentId(agent))
    if as_json:
        typer.echo(json.dumps(as_dict(done, desk.zone), ensure_ascii=False, indent=2))
        return
    typer.echo(f"{agent}: {done.status.state.value} ({done.status.state_because})")


def _length(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


@app.command()
def pin(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take it away: no menu by telephone.")] = False,
) -> None:
    """Set the PIN by which an agent signs in on the telephone: 4 to 8 digits, asked for and never shown."""
    with refusals():
        digits = "" if remove else typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
        desk = desks.open_desk()
        with desk.records.write() as tx:
            agents.set_pin(tx, AgentId(agent), None if remove else digits, secrets.token_bytes(16))
    typer.echo(f"{agent}: {'no PIN any more' if remove else 'has a PIN'}")


@app.command()
def history(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Every wish and state of an agent, the newest first, with its cause."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            changes = tx.agents.history(AgentId(agent), limit)
            if not changes:
                tx.agents.get(AgentId(agent))  # raises for somebody nobody knows
    if as_json:
        typer.echo(json.dumps([_change(each, desk.zone) for each in changes], ensure_ascii=False, indent=2))
        return
    for each in changes:
        typer.echo(f"{each.at.astimezone(desk.zone):%Y-%m-%d %H:%M:%S}  {each.what} {each.value}: {each.because}")


def read_file(path: Path) -> tuple[tuple[AgentRecord, ...], tuple[Problem, ...]]:
    """The agents of a file and its problems, by the company file beside it."""
    trees, problems = {}, []
    for each in (path, path.with_name(COMPANY)):
        try:
            tree, found = read_one(str(each), each.read_bytes())
        except OSError as refused:
            problems.append(Problem(str(each), 1, 1, "error", "unreadable", f"cannot be read: {refused.strerror}"))
            continue
        problems += found
        trees[each] = tree
    tree, beside = trees.get(path), trees.get(path.with_name(COMPANY))
    company = parse_company(beside)[0] if beside is not None else None
    if tree is None or company is None:
        return (), in_order(problems)
    records, found = parse_agents(tree, company)
    return records, in_order([*problems, *found])


def _tell(problems: tuple[Problem, ...], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2))
        return
    for problem in problems:
        typer.echo(str(problem), err=True)
    typer.echo("nobody was changed", err=True)


def as_dict(agent: AgentOnRecord, zone: ZoneInfo) -> dict[str, Any]:
    """As JSON has it."""
    record, status = agent.record, agent.status
    return {
        "name": record.name,
        "queues": list(record.queues),
        "skills": dict(record.skills),
        "address": {"kind": record.address.kind.value, "at": record.address.at},
        "wrap_up": None if record.wrap_up is None else record.wrap_up.total_seconds(),
        "wish": status.wish.value,
        "wish_because": status.wish_because,
        "wish_since": status.wish_since.astimezone(zone).isoformat(),
        "state": status.state.value,
        "state_because": status.state_because,
        "state_since": status.state_since.astimezone(zone).isoformat(),
        "wrap_up_until": None if status.wrap_up_until is None else status.wrap_up_until.astimezone(zone).isoformat(),
        "misses": status.misses,
        "calls": status.calls,
    }


def _change(change: AgentChange, zone: ZoneInfo) -> dict[str, Any]:
    return {**asdict(change), "at": change.at.astimezone(zone).isoformat()}
