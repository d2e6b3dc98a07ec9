"""Simulated days: they hold every law, they replay exactly, and a law that is broken is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ivr.core.events import CallEvent
from ivr.core.words import CallId, CustomerId
from ivr.exchange.scheduler import VirtualScheduler
from ivr.store.log import SqlCallLog
from ivr.store.session import SqlRecords, SqlTransaction
from ivr.testing.simulation.day import Plan, simulate
from ivr.testing.simulation.faults.records import StruckRecords
from tests.simulated_days import CALLS, SEEDS, SimulatedDays

ROOT = Path(__file__).resolve().parents[2]
FLOWS = ROOT / "call_flows"
LONGEST = 1800.0
"""Seconds that the days may take beyond all other tests: they have what the machine leaves them."""


def held(plan: Plan) -> str:
    told = simulate(plan, FLOWS)
    assert told.held, [(seen.wrong, plan.command()) for seen in told.broken]
    assert told.calls >= plan.calls
    return told.digest


@pytest.mark.timeout(LONGEST + 60)
@pytest.mark.parametrize("faults", [False, True], ids=["calm", "with_faults"])
def test_days_of_callers_hold_every_law(simulated_days: SimulatedDays, faults: bool) -> None:
    days = [day for day in simulated_days.lived(LONGEST) if day["faults"] is faults]
    assert [day["seed"] for day in days] == list(SEEDS[faults])
    assert {
        day["replay"]: [(wrong["law"], wrong["what"]) for wrong in day["broken"]] for day in days if day["broken"]
    } == {}
    assert min(day["calls"] for day in days) >= CALLS
    assert all(day["struck"] for day in days) is faults


def test_a_seed_is_a_day_byte_for_byte_whatever_the_process() -> None:
    plan = Plan(11, 12, faults=True)
    own = held(plan)
    assert held(Plan(12, 12, faults=True)) != own
    command = [sys.executable, "-m", "ivr", *plan.command().split()[1:], "--flows", str(FLOWS), "--json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "5"}
    ran = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["digest"] == own


class ForgetfulLog(SqlCallLog):
    """Loses what it is told of promises."""

    def append(
        self,
        call: CallId,
        first_seq: int,
        events: Sequence[CallEvent],
        happened_at: datetime,
        customer: CustomerId | None,
    ) -> None:
        super().append(call, first_seq, [e for e in events if e.kind != "promise.made"], happened_at, customer)


class ForgetfulTransaction(SqlTransaction):
    @property
    def log(self) -> SqlCallLog:
        return ForgetfulLog(self._link, self._clock.now)


class DroppedPromises(SqlTransaction):
    """Says that it wrote a promise, and did not."""

    @property
    def promises(self) -> Any:
        real = super().promises

        class Dropping:
            def make(self, promise: object) -> None: ...

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

        return Dropping()


def records_of(kind: type[SqlTransaction]) -> Callable[..., SqlRecords]:
    class Kept(SqlRecords):
        def write(self) -> Any:
            block = super().write()
            enter = type(block).__enter__

            class Block:
                def __enter__(self) -> SqlTransaction:
                    tx = enter(block)
                    return kind(tx._link, tx._clock)  # type: ignore[attr-defined]

                def __exit__(self, *raised: Any) -> None:
                    block.__exit__(*raised)

            return Block()

    def keeps(shared: SqlRecords, clock: VirtualScheduler, *_: Callable[[str], None]) -> SqlRecords:
        return Kept(shared.engine, clock)

    return keeps


class WaitsForNoDisk(StruckRecords):
    """Tells callers what no disk has yet."""

    def put_on_disk(self, waits: bool) -> None:
        super().put_on_disk(False)


def test_what_is_told_before_it_is_on_the_disk_breaks_a_law_when_the_power_is_cut() -> None:
    def keeps(shared: SqlRecords, clock: VirtualScheduler, *strikes: Callable[[str], None]) -> SqlRecords:
        return WaitsForNoDisk(shared.engine, clock, *strikes, shared.compiled)

    days = (simulate(Plan(seed, 30, faults=True), FLOWS, keeps) for seed in range(14, 54))  # it takes some luck
    told = next(day for day in days if not day.held)
    assert told.struck["power_cut"]
    assert "aloud is on record" in told.broken[0].wrong.law


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (ForgetfulTransaction, "events are numbered without gaps"),
        (DroppedPromises, "what was promised is on record"),
    ],
)
def test_a_write_that_is_dropped_breaks_a_law_at_once(kind: type[SqlTransaction], law: str) -> None:
    told = simulate(Plan(1, 20), FLOWS, records_of(kind))
    assert [seen.wrong.law for seen in told.broken] == [law]
    assert any("speaks for" in entry.text for entry in told.broken[0].dialogue), "the dialogue tells what led there"


def spoiling(statement: str) -> type[SqlTransaction]:
    """Does what nobody may at the end of each call, beside what is written of it, and touches no row of the call."""

    class SpoilingLog(SqlCallLog):
        def add(self, call: CallId, events: Sequence[CallEvent], happened_at: datetime) -> None:
            super().add(call, events, happened_at)
            if any(event.kind == "call.ended" for event in events):
                self._link.run(text(statement))

    class SpoilingTransaction(SqlTransaction):
        @property
        def log(self) -> SqlCallLog:
            return SpoilingLog(self._link, self._clock.now)

    return SpoilingTransaction


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        ("DELETE FROM voicemails", "nothing is taken off the record"),
        ("UPDATE agents SET state = 'talking'", "no agent is stuck"),
    ],
)
def test_whatever_is_written_is_seen_by_the_laws(statement: str, law: str) -> None:
    told = simulate(Plan(1, 20), FLOWS, records_of(spoiling(statement)))
    assert law in {seen.wrong.law for seen in told.broken}
