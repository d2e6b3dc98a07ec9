"""The processes of one installation: started in order, watched, restarted when they die, stopped in reverse.

Each child is started through this module's own command line, which asks the kernel to end the child should its
supervisor be killed, so that no server is left behind on a port.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ivr.core.errors import IvrError

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further start of a process that keeps dying; the last one repeats."""

SETTLED = 60.0
"""A process that lived so long is started without a pause when it dies."""

PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = structlog.get_logger(__name__)


class WouldNotStart(IvrError):
    """A process did not start."""


@dataclass(frozen=True)
class Child:
    """A process to keep running; ``healthy`` says when it answers (left out: as soon as it runs)."""

    name: str
    command: Sequence[str]
    healthy: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 30.0  # seconds until it must be healthy
    grace: float = 15.0  # seconds to end in


class Supervisor:
    """Keeps children running and writes what they say to ``<logs>/<name>.log``, each line with time and name."""

    def __init__(self, logs: Path, children: Sequence[Child]) -> None:
        self._logs, self._watches = logs, [_Watch(child, logs) for child in children]

    def start(self) -> None:
        """Start each child once the one before it is healthy.

        Raises WouldNotStart, naming the log, when one is not healthy in time; what had been started is stopped.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        for watch in self._watches:
            watch.start()
            if not watch.wait_until_healthy():
                self.stop()
                raise WouldNotStart(f"{watch.child.name} did not start; {watch.log} says why")

    def stop(self) -> None:
        """Stop the children, the last started first, each within its grace."""
        for watch in reversed(self._watches):
            watch.stop()

    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {watch.child.name: pid for watch in self._watches if (pid := watch.pid) is not None}

    def run_until(self, stop: threading.Event) -> None:
        """Start, wait until ``stop`` is set, and stop."""
        self.start()
        try:
            stop.wait()
        finally:
            self.stop()

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Watch:
    """One child and the thread that starts it, reads what it says, and starts it again."""

    def __init__(self, child: Child, logs: Path) -> None:
        self.child, self.log = child, logs / f"{child.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=f"watch-{child.name}", daemon=True)

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process and process.poll() is None else None

    def start(self) -> None:
        self._thread.start()

    def wait_until_healthy(self) -> bool:
        end = time.monotonic() + self.child.patience
        while time.monotonic() < end and self._thread.is_alive():
            if self.pid is not None and self.child.healthy():
                return True
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            self._signal(signal.SIGTERM)
        if self._thread.ident is None:
            return
        self._thread.join(self.child.grace)
        if self._thread.is_alive():
            log.warning("child.killed", child=self.child.name, grace=self.child.grace)
            self._signal(signal.SIGKILL)
            self._thread.join()

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)  # it leads a group of its own, with whatever it started
        else:
            process.send_signal(number)

    def _keep(self) -> None:
        deaths = 0
        with self.log.open("ab", buffering=0) as written:
            while True:
                with self._lock:  # so that a stop never falls between looking and starting
                    if self._stopping.is_set():
                        return
                    self._process = self._started()
                began = time.monotonic()
                self._copy(written.write)
                code = self._process.wait()
                if self._stopping.is_set():
                    return
                deaths = 0 if time.monotonic() - began > SETTLED else deaths + 1
                pause = PAUSES[min(deaths, len(PAUSES)) - 1] if deaths else 0.0
                log.warning("child.died", child=self.child.name, code=code, deaths=deaths, pause=pause)
                written.write(self._line(f"ended with {code}; starting again in {pause:g} s\n".encode()))
                self._stopping.wait(pause)

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "ivr.processes", str(os.getpid()), *self.child.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.child.environment},
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
        )

    def _copy(self, write: Callable[[bytes], object]) -> None:
        process = self._process
        assert process is not None and process.stdout is not None
        with process.stdout as said:
            for line in said:
                write(self._line(line))

    def _line(self, said: bytes) -> bytes:
        return f"{time.strftime('%H:%M:%S')} {self.child.name} | ".encode() + said.rstrip(b"\n") + b"\n"


def main(arguments: Sequence[str]) -> None:
    """Become the command given after the supervisor's process id, and end when that process does."""
    supervisor, *command = arguments
    # man 2 prctl: kept across exec, and sent when the thread that made us ends; that is the one watching us.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):
        sys.exit("the supervisor ended before its child began")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
