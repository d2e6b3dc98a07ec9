"""`ivr simulate`: whole days of seeded callers in virtual time, with or without faults, under the laws of the house."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ivr import config
from ivr.testing.simulation.day import Plan, Seen, Told
from ivr.testing.simulation.day import simulate as live


def simulate(
    seed: Annotated[int, typer.Option(help="The same seed is the same day, byte for byte.")] = 1,
    calls: Annotated[int, typer.Option(min=1, help="How many callers ring; some ring again.")] = 50,
    faults: Annotated[bool, typer.Option("--faults", help="Let things go wrong, by the same seed.")] = False,
    seeds: Annotated[str, typer.Option(help="Several days: A-B.")] = "",
    runs: Annotated[int, typer.Option(min=0, help="So many days, from --seed on.")] = 0,
    flows: Annotated[Path | None, typer.Option(help="The folder of the flows; left out: IVR_FLOWS_DIR.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a day.")] = False,
) -> None:
    """Simulate days of calls and check every law at every event; exits with 1 when one is broken."""
    folder = flows or config.load(os.environ).flows_dir
    wanted = _seeds(seed, seeds, runs)
    be_quiet()
    broken = 0
    for told in _days([Plan(one, calls, faults) for one in wanted], folder, quiet=as_json):
        broken += not told.held
        if as_json:
            typer.echo(json.dumps(told.as_dict(), ensure_ascii=False))
        elif not told.held or len(wanted) == 1:
            _show(told)
    if not as_json and len(wanted) > 1:
        typer.echo(f"{len(wanted) - broken} of {len(wanted)} days held every law")
    raise typer.Exit(1 if broken else 0)


def be_quiet() -> None:
    """No logs: what goes wrong here is wanted, and the day's account tells it."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _seeds(seed: int, seeds: str, runs: int) -> range:
    if not seeds:
        return range(seed, seed + max(1, runs))
    first, _, last = seeds.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise typer.BadParameter(f"{seeds!r} is not a stretch of seeds, as 1-100")
    return range(int(first), int(last) + 1)


def _days(plans: list[Plan], flows: Path, quiet: bool) -> Iterator[Told]:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    hidden = quiet or len(plans) == 1 or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        for plan in progress.track(plans, description="days"):
            yield live(plan, flows)


def _show(told: Told) -> None:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(told.outcomes.items()))
    typer.echo(f"seed {told.plan.seed}, {told.began:%a %d %b %Y}: {told.calls} calls, {told.events} events; {counts}")
    if told.promises:
        typer.echo("promises: " + ", ".join(f"{count} {state}" for state, count in sorted(told.promises.items())))
    if told.tickets:
        typer.echo("places in line: " + ", ".join(f"{count} {state}" for state, count in sorted(told.tickets.items())))
    if told.callbacks:
        typer.echo("callbacks: " + ", ".join(f"{count} {state}" for state, count in sorted(told.callbacks.items())))
    if told.struck:
        typer.echo("faults: " + ", ".join(f"{count} {fault}" for fault, count in sorted(told.struck.items())))
    typer.echo(f"digest {told.digest}")
    for seen in told.broken:
        _show_broken(told.plan, seen)


def _show_broken(plan: Plan, seen: Seen) -> None:
    typer.echo(f"\nBROKEN  {seen.wrong.law}: {seen.wrong.text}")
    typer.echo(
        f"        seed {plan.seed}, {seen.at:%Y-%m-%d %H:%M:%S.%f} UTC"
        + f", leg {seen.wrong.sid}" * bool(seen.wrong.sid)
    )
    for entry in seen.dialogue:
        typer.echo(f"        {entry}")
    typer.echo(f"        again: {plan.command()}")
