"""Fifty simulated days beside the tests: one process that yields to all others, started before the first test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

CALLS = 50
SEEDS = {False: range(1, 26), True: range(1001, 1026)}
"""With faults or without -> the seeds; the benchmark lives through others."""


@dataclass(frozen=True)
class SimulatedDays:
    """The process under way; each day that was lived through is a line of JSON."""

    running: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]

    def lived(self, longest: float) -> list[dict[str, Any]]:
        """All the days, waited for at most so many seconds."""
        status = self.running.wait(longest)
        told = (Path(self.folder.name) / "told.txt").read_text()
        assert status == 0, told[-4000:]
        return [json.loads(line) for line in told.splitlines() if line.startswith("{")]

    def stop(self) -> None:
        if self.running.poll() is None:
            self.running.terminate()
            self.running.wait(60)
        self.folder.cleanup()


def start() -> SimulatedDays:
    folder = tempfile.TemporaryDirectory(prefix="ivr-days-")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_"))}
    with (Path(folder.name) / "told.txt").open("wb") as out:
        command = [sys.executable, "-m", "tests.simulated_days"]
        running = subprocess.Popen(command, cwd=ROOT, env={**environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=out)
    return SimulatedDays(running, folder)


def live() -> None:
    """The process itself; calm days and others in turn, so that one of either kind is not always the last."""
    os.nice(19)
    from ivr.cli.simulate import be_quiet
    from ivr.testing.simulation.day import Plan, simulate

    be_quiet()
    for pair in zip(SEEDS[False], SEEDS[True], strict=True):
        for seed, faults in zip(pair, (False, True), strict=True):
            print(json.dumps(simulate(Plan(seed, CALLS, faults), ROOT / "call_flows").as_dict()), flush=True)


if __name__ == "__main__":
    live()
