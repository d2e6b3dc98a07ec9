"""`ivr demo --once` as a new user runs it: every process real, signed HTTP between them, real time, real speech."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(280)
def test_one_command_starts_the_line_plays_three_calls_and_ends_with_0(tmp_path: Path) -> None:
    web, exchange = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_"))},
        "IVR_VAR_DIR": str(tmp_path / "var"),
        "IVR_WEB_PORT": str(web),
        "IVR_EXCHANGE_PORT": str(exchange),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-m", "ivr", "demo", "--once"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=270,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("as expected") == 3
    assert "pronto buongiorno sono un vostro cliente l'armadio è rotto" in done.stdout
    assert f"http://127.0.0.1:{exchange}/" in done.stdout
    for port in (web, exchange):  # nothing is left behind
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
