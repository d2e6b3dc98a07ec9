"""Scripts played, each group on a line of its own in one process; and which exits of a flow they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ivr.core.flow.model import Flow
from ivr.exchange.handset import Telephones
from ivr.flowfiles.problems import Problem
from ivr.switchboard.ports import Records
from ivr.testing import scripts
from ivr.testing.evidence import Evidence, Exit, plain
from ivr.testing.play import PacedTelephones, Played, Player, Told, together
from ivr.testing.scripts import Script

CALLS = ".calls.yaml"


class World(Protocol):
    """A whole line in this process: see ``ivr.testing.world.open_world``."""

    @property
    def telephones(self) -> Telephones: ...

    @property
    def evidence(self) -> Evidence: ...

    @property
    def records(self) -> Records: ...

    def close(self) -> None: ...


OpenWorld = Callable[[datetime, Path, Path | None, int], World]
"""(the clock at the start, flows, speech models, seed) -> World"""


def read_files(paths: Iterable[Path]) -> tuple[list[Script], list[Problem]]:
    """The scripts of files, and what is wrong with any of them. Raises OSError for a file that cannot be read."""
    found: list[Script] = []
    problems: list[Problem] = []
    for path in paths:
        read, wrong = scripts.read(str(path), path.read_bytes())
        found += read
        problems += wrong
    return found, problems


def run(
    wanted: Sequence[Script],
    open_world: OpenWorld,
    flows: Path,
    models: Path | None = None,
    seed: int = 1,
    voices: Sequence[Path] = (),
    told: Told | None = None,
    real_time: bool = False,
) -> list[Played]:
    """Play scripts; those that ring within ten minutes of one another share a line, the others get a fresh one."""
    played: list[Played] = []
    for group in together(wanted):
        world = open_world(group[0].at, flows, models, seed)
        try:
            lacking = {script.mark: _lacking(script, world) for script in group}
            played += [refused for refused in lacking.values() if refused is not None]
            ready = [script for script in group if lacking[script.mark] is None]
            telephones = PacedTelephones(world.telephones) if real_time else world.telephones
            played += Player(telephones, world.evidence, voices, told).play(ready)
        finally:
            world.close()
    order = {id(script): place for place, script in enumerate(wanted)}
    return sorted(played, key=lambda one: order[id(one.script)])


def exits_of(flow: Flow) -> tuple[Exit, ...]:
    """Every way out of every node."""
    return tuple((flow.name, node.name, exit_) for node in flow.nodes.values() for exit_, _ in node.ways())


def untaken(flow: Flow, played: Iterable[Played]) -> Mapping[str, tuple[str, ...]]:
    """Node -> its exits that no call took."""
    taken = {exit_ for one in played for exit_ in one.exits}
    missing: dict[str, tuple[str, ...]] = {}
    for way in exits_of(flow):
        if way not in taken:
            missing[way[1]] = (*missing.get(way[1], ()), way[2])
    return missing


def _lacking(script: Script, world: World) -> Played | None:
    """Why a script cannot be played in this world, or None."""
    problems = []
    if script.agents:
        problems.append("agents can be on duty only once there are queues")
    for what, names in script.given.items():
        if what != "customers":
            problems.append(f"nothing is known of given {what}")
            continue
        with world.records.read() as kept:
            for name in names:
                words = plain(name.replace("_", " "))
                if not any(plain(found.name or "") == words for found in kept.customers.find(words.split()[0])):
                    problems.append(f"customer {name} is not on record")
    place = f"{script.mark.file}:{script.mark.line}"
    return Played(script, (), tuple(f"{place}: {text}" for text in problems)) if problems else None
