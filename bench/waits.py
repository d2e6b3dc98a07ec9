"""`waits`: what callers meet when the routing of the line decides, over what theory says; a ratio of 1 is exact.

Six runs of 100,000 calls for each traffic, each with chance of its own; nothing is left out but the first and last
thousand calls of a run. The figures are steadied (see ``ivr.testing.steadied``); the note has them as they were drawn.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from bench import Emit, Entry
from ivr.core.routing.decide import Rules
from ivr.testing.erlang import Figures, Traffic, expected, mean_waits_by_priority
from ivr.testing.queueing import Fared, figures
from ivr.testing.steadied import batches, steadied

CALLS = 100_000
SEEDS = range(1, 7)


@dataclass(frozen=True)
class Case:
    """Traffic, and the share of callers who go before all others."""

    theory: str
    traffic: Traffic
    first: float = 0.0


CASES = {
    "erlang_c.5": Case("Erlang C", Traffic(5, 0.8)),
    "erlang_c.20": Case("Erlang C", Traffic(20, 0.9)),
    "erlang_a.5": Case("Erlang A", Traffic(5, 0.9, patience=timedelta(minutes=2))),
    "erlang_a.20": Case("Erlang A", Traffic(20, 1.05, patience=timedelta(minutes=2))),
    "priority.5": Case("Cobham's priorities", Traffic(5, 0.8), first=0.3),
}


@dataclass(frozen=True)
class Run:
    """Of each batch its figures by name, and its controls."""

    batches: Sequence[tuple[Mapping[str, float], tuple[float, ...]]]


def run(emit: Emit) -> None:
    """Simulate each case on all cores and set its figures beside theory's."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as processes:
        runs = {name: [processes.submit(simulate, case, seed) for seed in SEEDS] for name, case in CASES.items()}
        for name, case in CASES.items():
            _emit_figures(emit, name, case, [one.result() for one in runs[name]])


def simulate(case: Case, seed: int) -> Run:
    rules = Rules(starving_after=None) if case.first else Rules()
    runs = batches(case.traffic, CALLS, seed, first=case.first, rules=rules)
    return Run([(_met(case, one.fared), one.controls) for one in runs])


def _met(case: Case, fared: Sequence[Fared]) -> Mapping[str, float]:
    if case.first:
        return {
            "first_mean_wait": _total_wait(fared, boosted=True) / (case.first * len(fared)),
            "others_mean_wait": _total_wait(fared, boosted=False) / ((1 - case.first) * len(fared)),
        }
    return _by_name(case, figures(fared, case.traffic.within))


def _theory(case: Case) -> Mapping[str, float]:
    if case.first:
        first, others = mean_waits_by_priority(case.traffic, case.first)
        return {"first_mean_wait": first.total_seconds(), "others_mean_wait": others.total_seconds()}
    return _by_name(case, expected(case.traffic))


def _by_name(case: Case, of: Figures) -> Mapping[str, float]:
    gave_up = {} if case.traffic.patience is None else {"abandoned": of.abandoned}
    return {
        "waiting": of.waiting,
        "mean_wait": of.mean_wait.total_seconds(),
        "service_level": of.service_level,
        **gave_up,
    }


def _total_wait(fared: Sequence[Fared], *, boosted: bool) -> float:
    return sum(one.waited.total_seconds() for one in fared if bool(one.caller.boost) is boosted)


def _emit_figures(emit: Emit, name: str, case: Case, runs: Sequence[Run]) -> None:
    met = [one for each in runs for one in each.batches]
    controls = [off for _, off in met]
    for figure, theory in _theory(case).items():
        found = steadied([by_name[figure] for by_name, _ in met], controls)
        drawn = f"as drawn ×{found.raw / theory:.4f}, standard error {found.raw_error / theory:.1%}"
        emit(
            Entry(
                f"waits.{name}.{figure}",
                round(found.value, 4),
                "s" if figure.endswith("wait") else "share",
                case.theory,
                round(theory, 4),
                round(found.value / theory, 4),
                note=(
                    f"{_traffic(case)}; {len(SEEDS) * CALLS:,} calls, standard error {found.error / theory:.1%};"
                    f" {drawn}; aim: within 3 %"
                ),
            )
        )


def _traffic(case: Case) -> str:
    traffic = case.traffic
    patience = "" if traffic.patience is None else f", patience {traffic.patience.total_seconds():.0f} s"
    first = f", {case.first:.0%} go first" if case.first else ""
    return f"{traffic.agents} agents, load {traffic.load:g}{patience}{first}"
