"""`simulate.seeds`: how many simulated days with faults hold every law, of a thousand seeds with fifty callers each.

Each day is one process's, in virtual time; a few processes share the seeds. The peer is all of them.
"""

from __future__ import annotations

import multiprocessing
import os
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import Emit, Entry
from ivr.cli.simulate import be_quiet
from ivr.testing.simulation.day import Plan, Told, simulate

SEEDS, CALLS = 1000, 50
TOLD_EVERY = 50
"""Days, where no bar can be drawn."""


def run(emit: Emit) -> None:
    """Live through all of them, telling at once of each that broke a law; the note names the first."""
    plans = [Plan(seed, CALLS, faults=True) for seed in range(1, SEEDS + 1)]
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    spawning = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress,
        spawning.Pool(os.cpu_count() or 1, initializer=be_quiet) as pool,
    ):
        days = pool.imap_unordered(partial(simulate, flows_dir=Path("call_flows").resolve()), plans)
        lived = []
        for day in progress.track(days, total=len(plans), description="simulated days"):
            lived.append(day)
            if not day.held:
                laws = ", ".join(dict.fromkeys(seen.wrong.law for seen in day.broken))
                console.print(f"broken: {laws} (ivr simulate --seed {day.plan.seed} --calls {CALLS} --faults)")
            elif not console.is_terminal and len(lived) % TOLD_EVERY == 0:
                console.print(f"{len(lived)} of {len(plans)} simulated days")
    emit(_entry(lived))


def _entry(lived: list[Told]) -> Entry:
    held = sum(day.held for day in lived)
    calls = sum(day.calls for day in lived)
    struck = sum(sum(day.struck.values()) for day in lived)
    broke = ", ".join(str(day.plan.seed) for day in lived if not day.held)[:80]
    note = f"{calls} calls, {struck} faults" + (f"; broken: {broke}" if broke else "")
    share = round(held / len(lived), 4)
    return Entry("simulate.seeds", held, "days that held", "all of them", len(lived), share, aim=1.0, note=note)
