"""`ivr demo --once` beside the tests: it mostly waits, in real time, so it is started before the first test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Demonstration:
    """The command as a new user runs it, under way."""

    running: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]
    web: int
    exchange: int

    @property
    def told(self) -> str:
        return (Path(self.folder.name) / "told.txt").read_text()

    def stop(self) -> None:
        if self.running.poll() is None:
            self.running.terminate()
            self.running.wait(60)
        self.folder.cleanup()


def start() -> Demonstration:
    folder = tempfile.TemporaryDirectory(prefix="ivr-demo-")
    web, exchange = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_"))},
        "IVR_VAR_DIR": str(Path(folder.name) / "var"),
        "IVR_WEB_PORT": str(web),
        "IVR_EXCHANGE_PORT": str(exchange),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    with (Path(folder.name) / "told.txt").open("wb") as out:
        command = [sys.executable, "-m", "ivr", "demo", "--once"]
        running = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
    return Demonstration(running, folder, web, exchange)
