"""Scripts played, each group on a line of its own in one process; and which exits of a flow they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from ivr.core.flow.model import Flow
from ivr.exchange.handset import Subscriber, Telephones
from ivr.flowfiles.problems import Problem
from ivr.switchboard.customers.import_customers import COLUMNS, Sheet
from ivr.testing import outside, scripts
from ivr.testing.evidence import Evidence, Exit
from ivr.testing.on_duty import CannotWork, OnDuty, numbered
from ivr.testing.outside import Outside
from ivr.testing.play import PacedTelephones, Played, Player, Told, together
from ivr.testing.scripts import Script

CALLS = ".calls.yaml"
PARTS = ("proof", "record", "case", "message", "queue", "callback")
"""What a script may give as ``down``, to hear what a caller hears then."""
PEOPLE = "people"
GIVEN = ("customers", "down", "codes")
NEVER_TAKEN = frozenset({("survey", "failed")})
"""A survey fails only where company.yaml has none of its name, and no such flow is published (``unknown-survey``)."""


class World(Protocol):
    """A whole line in this process: see ``ivr.testing.world.open_world``."""

    @property
    def telephones(self) -> Telephones: ...

    @property
    def evidence(self) -> Evidence: ...

    @property
    def down(self) -> set[str]:
        """Parts that fail, as a script gives it."""
        ...

    def sign_in(self, agent: OnDuty, since: timedelta = timedelta(0)) -> Subscriber:
        """Put an agent on record, with a phone; ``since``: how long from now until the agent's clock begins.

        Raises CannotWork.
        """
        ...

    def give_code(self, code: str) -> None:
        """Somebody was called back in vain, and was sent this code."""
        ...


Put = Callable[[World, frozenset[str]], Sequence[str]]
"""Puts the named customers on record in a world; says, a sentence each, what cannot be done."""


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
    open_world: Callable[[datetime], AbstractContextManager[World]],
    put: Put,
    voices: Sequence[Path] = (),
    told: Told | None = None,
    real_time: bool = False,
) -> list[Played]:
    """Play scripts; those that ring within ten minutes of one another share a line, the others get a fresh one."""
    played: list[Played] = []
    for group in together(wanted):
        with open_world(group[0].at) as world:
            staff = Shift(group)
            refused = {script.mark: _lacking(script, world, put, staff) for script in group}
            played += [one for one in refused.values() if one is not None]
            able = [script for script in group if refused[script.mark] is None]
            telephones: Telephones = PacedTelephones(world.telephones) if real_time else world.telephones
            played += Player(telephones, world.evidence, voices, told, staff.phones).play(able)
    order = {script.mark: place for place, script in enumerate(wanted)}
    return sorted(played, key=lambda one: order[one.script.mark])


class Shift:
    """Who is on duty in a group of calls that share a line: the same name is the same agent, and so with phones."""

    def __init__(self, group: Sequence[Script]) -> None:
        self.phones: dict[str, Subscriber] = {}
        self._began = group[0].at
        self._written: dict[str, OnDuty] = {}
        self._outside: dict[str, Outside] = {}
        for agent in (agent for script in group for agent in script.agents):
            self._written.setdefault(agent.name, agent)
        numbers = [number for script in group for number in (script.from_, script.to)]
        numbers += [phone.number for script in group for phone in script.phones]
        self._agents = {agent.name: agent for agent in numbered(tuple(self._written.values()), numbers)}

    def sign_in(self, script: Script, world: World) -> list[str]:
        """Put the agents of a script to work; says, a sentence each, what cannot be done."""
        problems = []
        for agent in script.agents:
            if agent != self._written[agent.name]:
                problems.append(f"agent {agent.name} is on duty in a call beside this one, and otherwise")
            elif agent.name not in self.phones:
                try:
                    self.phones[agent.name] = world.sign_in(self._agents[agent.name], script.at - self._began)
                except CannotWork as refused:
                    problems.append(str(refused))
        return problems

    def plug_in(self, script: Script, world: World) -> list[str]:
        """Give the phones outside their numbers; says, a sentence each, what cannot be done."""
        problems = []
        for phone in script.phones:
            if phone.number not in self._outside:
                self._outside[phone.number] = phone
                world.telephones.subscriber(phone.number, outside.behaviour(phone))
            elif phone != self._outside[phone.number]:
                problems.append(f"the phone {phone.number} is in a call beside this one, and otherwise")
        return problems


def people_of(folder: Path, names: frozenset[str]) -> tuple[list[Sheet], list[str]]:
    """The CSV files of ``people/`` beside the flows, cut down to the named customers (``maria_rossi``), and who is
    missing. Raises OSError when they cannot be read.
    """
    found: list[Sheet] = []
    numbers: set[str] = set()
    missing = set(names)
    for kind in COLUMNS:
        path = folder / PEOPLE / f"{kind}.csv"
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        kept = [head]
        for line in lines:
            cells = line.split(",")
            if kind == "customers" and (name := cells[1].casefold().replace(" ", "_")) in names:
                numbers.add(cells[0])
                missing.discard(name)
            owner = cells[0] if kind != "orders" else cells[1]
            if owner in numbers:
                kept.append(line)
        found.append(Sheet(kind, path.name, "\n".join(kept).encode()))
    return found, sorted(missing)


def exits_of(flow: Flow) -> tuple[Exit, ...]:
    """Every way out of every node, but those that no call can take."""
    return tuple(
        (flow.name, node.name, exit_)
        for node in flow.nodes.values()
        for exit_, _ in node.ways()
        if (node.kind, exit_) not in NEVER_TAKEN
    )


def untaken(flow: Flow, played: Iterable[Played]) -> Mapping[str, tuple[str, ...]]:
    """Node -> its exits that no call took."""
    taken = {exit_ for one in played for exit_ in one.exits}
    missing: dict[str, tuple[str, ...]] = {}
    for way in exits_of(flow):
        if way not in taken:
            missing[way[1]] = (*missing.get(way[1], ()), way[2])
    return missing


def _lacking(script: Script, world: World, put: Put, staff: Shift) -> Played | None:
    """Make the world as the script gives it; or why the script cannot be played in it."""
    problems = [f"nothing is known of given {what}" for what in script.given if what not in GIVEN]
    broken = frozenset(script.given.get("down", ()))
    problems += [f"{what!r} cannot be down: {', '.join(PARTS)} can" for what in sorted(broken.difference(PARTS))]
    if broken:
        world.down.update(broken)
    for code in script.given.get("codes", ()):
        world.give_code(code)
    problems += staff.sign_in(script, world)
    problems += staff.plug_in(script, world)
    if names := frozenset(script.given.get("customers", ())):
        problems += put(world, names)
    place = f"{script.mark.file}:{script.mark.line}"
    return Played(script, (), tuple(f"{place}: {text}" for text in problems)) if problems else None
