"""Servers of a benchmark: gunicorn children, the CPU time they used, and a signed client."""

from __future__ import annotations

import http.client
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A running gunicorn; ``cpu()`` is the seconds that it and its workers have used."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu(self) -> float:
        return sum(_cpu_of(pid) for pid in (self.process.pid, *_children(self.process.pid)))


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def gunicorn(app: str, environ: Mapping[str, str], threads: int = 4) -> Iterator[Server]:
    """Serve an app with one gthread worker until the block ends."""
    port = int(urlsplit(environ["IVR_PUBLIC_URL"]).port or 0)
    command = [sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", str(threads), "--keep-alive", "30", "--log-level", "error"]
    process = subprocess.Popen(command, env={**os.environ, **environ})
    try:
        _wait_until_open(port, process)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode} before it answered")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not open its port in 30 s")


@dataclass
class SignedClient:
    """Posts forms as the carrier would, over one kept-alive connection."""

    port: int
    public_url: str
    token: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._validator = RequestValidator(self.token)

    def post(self, url: str, form: Mapping[str, str]) -> str:
        """The answer's text; raises RuntimeError for any status but 200."""
        signature = self._validator.compute_signature(url, dict(form))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        self._connection.request("POST", urlsplit(url).path, urlencode(form), headers)
        response = self._connection.getresponse()
        body = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"{url} answered {response.status}: {body[:200]}")
        return body


TURNS = 10
"""What one caller does at most: a call that goes round for ever would drag a path along that no real one has."""

ACTION = re.compile(r'<Gather[^>]* action="([^"]+)"')


@dataclass
class Caller:
    """A caller who goes round and round between two menus, a plain turn each time."""

    client: SignedClient
    sid: str
    called: str
    keys: tuple[str, ...]
    _next: str = ""
    _step: int = 0

    def form(self, **more: str) -> dict[str, str]:
        return {
            "AccountSid": "AC" + 32 * "0",
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": "+393331234567",
            "To": self.called,
            "Caller": "+393331234567",
            "Called": self.called,
            "FromCountry": "IT",
            "ToCountry": "IT",
            **more,
        }

    def rings(self) -> None:
        self._follow(self.client.post(f"{self.client.public_url}/voice/incoming", self.form(CallStatus="ringing")))

    def turn(self) -> None:
        """Press the next key of the round."""
        key = self.keys[self._step % len(self.keys)]
        self._step += 1
        self._follow(self.client.post(self._next, self.form(Digits=key, msg="Gather End")))

    def _follow(self, body: str) -> None:
        found = ACTION.search(body)
        if not found:
            raise RuntimeError(f"no question in the answer: {body[:300]}")
        self._next = found.group(1).replace("&amp;", "&")


def line_of_callers(
    client: SignedClient, name: str, called: str, keys: tuple[str, ...], turns: int
) -> Callable[[], None]:
    """So many turns, one a call, by callers whose calls have rung already; they take turns."""
    callers = [Caller(client, f"CA{name:x>24}{n:08}", called, keys) for n in range(-(-turns // TURNS))]
    for caller in callers:
        caller.rings()
    waiting = itertools.cycle(callers)
    return lambda: next(waiting).turn()
