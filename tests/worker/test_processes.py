"""Children are started in order, come back when they die, and never outlive their supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr import processes
from ivr.processes import Child, Supervisor, WouldNotStart

ROOT = Path(__file__).resolve().parents[2]


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.03)
    return False


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def marking(path: Path, then: str = "import time; time.sleep(60)") -> list[str]:
    return python(f"from pathlib import Path; Path({str(path)!r}).touch(); print('up'); {then}")


def test_each_starts_when_the_one_before_answers_and_all_are_stopped(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    seen_first: list[bool] = []
    children = [
        Child("first", marking(first), first.exists),
        Child("second", marking(second), lambda: seen_first.append(first.exists()) or second.exists()),  # type: ignore[func-returns-value]
    ]
    with Supervisor(tmp_path / "log", children) as supervisor:
        pids = supervisor.pids()
        assert set(pids) == {"first", "second"}
        assert all(seen_first)
        assert eventually(lambda: "first | up" in (tmp_path / "log" / "first.log").read_text())
    assert not any(alive(pid) for pid in pids.values())


def test_one_that_dies_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PAUSES", (0.05,))
    up = tmp_path / "up"
    with Supervisor(tmp_path / "log", [Child("server", marking(up), up.exists)]) as supervisor:
        before = supervisor.pids()["server"]
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: supervisor.pids().get("server", before) != before)
        assert "ended with -9" in (tmp_path / "log" / "server.log").read_text()


def test_one_that_never_answers_stops_all_and_says_where_to_look(tmp_path: Path) -> None:
    up = tmp_path / "up"
    children = [
        Child("good", marking(up), up.exists),
        Child("bad", ["sh", "-c", "echo port taken"], lambda: False, patience=1.0),
    ]
    supervisor = Supervisor(tmp_path / "log", children)
    with pytest.raises(WouldNotStart, match=r"bad did not start.*bad\.log"):
        supervisor.start()
    assert supervisor.pids() == {}
    assert "port taken" in (tmp_path / "log" / "bad.log").read_text()


def test_a_stubborn_one_is_killed_after_its_grace(tmp_path: Path) -> None:
    up = tmp_path / "up"
    stubborn = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(up)!r}, 'w'); time.sleep(60)"
    supervisor = Supervisor(tmp_path / "log", [Child("stubborn", python(stubborn), up.exists, grace=0.5)])
    supervisor.start()
    pid = supervisor.pids()["stubborn"]
    supervisor.stop()
    assert not alive(pid)


def test_a_stop_from_a_signal_ends_the_run(tmp_path: Path) -> None:
    up, stop = tmp_path / "up", threading.Event()
    supervisor = Supervisor(tmp_path / "log", [Child("server", marking(up), up.exists)])
    thread = threading.Thread(target=supervisor.run_until, args=(stop,))
    thread.start()
    assert eventually(up.exists)
    stop.set()
    thread.join(60)
    assert supervisor.pids() == {}


SUPERVISING = """
import sys, time
from pathlib import Path
from ivr.processes import Child, Supervisor
folder = Path(sys.argv[1])
supervisor = Supervisor(folder, [Child("server", [sys.executable, "-c", "import time; time.sleep(60)"])])
supervisor.start()
print(supervisor.pids()["server"], flush=True)
time.sleep(60)
"""


def test_a_killed_supervisor_leaves_nobody_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervising:
        assert supervising.stdout is not None
        child = int(supervising.stdout.readline())
        time.sleep(0.5)
        assert alive(child)
        supervising.kill()
    assert eventually(lambda: not alive(child))
