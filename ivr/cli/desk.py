"""What the commands about records work with, out of the settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import typer

from ivr import config
from ivr.core.errors import IvrError
from ivr.switchboard.ports import Clock, Ids, Numbering, Records


@dataclass(frozen=True)
class Desk:
    """The records, and the company's zone and country."""

    records: Records
    clock: Clock
    ids: Ids
    numbering: Numbering
    zone: ZoneInfo
    country: str


def open_desk() -> Desk:
    """Raises SettingsIncomplete; without a readable company file times are told in UTC and numbers read as Italian."""
    # Here and not above: wiring pulls in every tool there is, which `ivr --help` should not wait for.
    from ivr import wiring
    from ivr.world.clock import SystemClock
    from ivr.world.ids import Chance
    from ivr.world.numbering import PhoneNumbers

    settings = config.load(os.environ)
    company = wiring.company(settings)
    country = company.country if company else "IT"
    clock = SystemClock(settings.clock_shift)
    return Desk(
        records=wiring.records(settings, clock),
        clock=clock,
        ids=Chance(clock),
        numbering=PhoneNumbers(country),
        zone=ZoneInfo(company.zone if company else "UTC"),
        country=country,
    )


@contextmanager
def refusals() -> Iterator[None]:
    """What the house refuses, as one line on standard error and exit status 1."""
    try:
        yield
    except IvrError as refused:
        typer.echo(f"ivr: {refused}", err=True)
        raise typer.Exit(1) from refused
