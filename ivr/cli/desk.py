"""What the commands about records work with, out of the settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import typer

from ivr import config
from ivr.core.company import Company
from ivr.core.errors import FloorUnavailable, IvrError
from ivr.core.words import AgentId
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock, Ids, Numbering
from ivr.switchboard.queue.line_up import LineUp
from ivr.switchboard.queue.standing_floor import StandingFloor


@dataclass(frozen=True)
class Desk:
    """The records, and the company's zone and country. ``floor`` None: no Redis to ask."""

    records: Records
    clock: Clock
    ids: Ids
    numbering: Numbering
    zone: ZoneInfo
    country: str
    company: Company | None = None
    floor: StandingFloor | None = None

    def agent_changed(self, agent: AgentId) -> None:
        """Tell the floor at once; where it cannot be reached, the sweep compares it with the record."""
        if self.floor is None:
            return
        with suppress(FloorUnavailable):
            LineUp(self.records, self.floor, self.clock).agents((agent,))


def open_desk() -> Desk:
    """Raises SettingsIncomplete; without a readable company file times are told in UTC and numbers read as Italian."""
    # Here and not above: wiring pulls in every tool there is, which `ivr --help` should not wait for.
    from ivr import wiring
    from ivr.cli.serve import embedded
    from ivr.world.clock import SystemClock
    from ivr.world.ids import Chance
    from ivr.world.numbering import PhoneNumbers

    settings = config.load(os.environ)
    company = wiring.company(settings)
    country = company.country if company else "IT"
    clock = SystemClock(settings.clock_shift)
    records = wiring.records(settings, clock)
    return Desk(
        records=records,
        clock=clock,
        ids=Chance(clock),
        numbering=PhoneNumbers(country),
        zone=ZoneInfo(company.zone if company else "UTC"),
        country=country,
        company=company,
        floor=wiring.standing_floor(settings, records, clock, settings.redis_url or embedded(settings).url),
    )


@contextmanager
def refusals() -> Iterator[None]:
    """What the house refuses, as one line on standard error and exit status 1."""
    try:
        yield
    except IvrError as refused:
        typer.echo(f"ivr: {refused}", err=True)
        raise typer.Exit(1) from refused
