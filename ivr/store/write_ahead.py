"""SQLite's write-ahead log, put on the disk by us: after a commit, when SQLite's lock is free again.

With ``synchronous=FULL`` SQLite syncs inside COMMIT, and every other writer stands behind it: a disk that takes half a
second for one commit stops all calls for so long. With ``NORMAL`` a commit is "consistent but might not be durable"
until the next sync (sqlite.org/pragma.html#pragma_synchronous). Commits stand in the log in their order, so one sync
makes durable all that was committed before it, by whomever.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog

CHECKPOINT_EVERY = 200
"""Commits of a process until it has the log carried over into the database: a few thousand pages of the log."""

CHECKPOINT_AT_LAST = 20_000
"""Pages of the log at which SQLite does so itself, inside somebody's commit, were nobody of ours to do it."""

log = structlog.get_logger(__name__)


class WriteAheadLog:
    """The log of one database file."""

    def __init__(self, database: Path) -> None:
        self._database = database = database.resolve()  # SQLite too follows a link before it names the log
        self._file = database.with_name(f"{database.name}-wal")
        self._behind = ThreadPoolExecutor(1, "write-ahead")
        self._lock = threading.Lock()
        self._asked = False
        self._commits = 0
        self._synced = 0

    def committed(self) -> None:
        """One more commit stands in the log. Said while nobody else can begin: who reads it finds it counted."""
        with self._lock:
            self._commits += 1
            due = self._commits % CHECKPOINT_EVERY == 0
        if due:
            self._behind.submit(self._checkpoint)

    def sync(self) -> None:
        """All commits of this process are on the disk when it returns; at once where they are. Raises OSError."""
        with self._lock:
            commits = self._commits
            if self._synced == commits:
                return
        # By its name each time: whoever opens the database anew may make a new log. (SQLite's locks are on the other
        # two files, so that closing this one gives none of them up.)
        file = os.open(self._file, os.O_RDONLY)
        try:
            os.fdatasync(file)
        finally:
            os.close(file)
        with self._lock:
            self._synced = max(self._synced, commits)

    def sync_soon(self) -> None:
        """On the disk as soon as it takes it; nobody waits."""
        with self._lock:
            if self._asked or self._synced == self._commits:
                return
            self._asked = True
        self._behind.submit(self._sync_now)

    def _sync_now(self) -> None:
        with self._lock:
            self._asked = False  # what is committed from here on may come too late for this one
        try:
            self.sync()
        except FileNotFoundError:
            return  # whoever closed the last connection has put all of it into the database, and synced that
        except OSError as trouble:  # the next commit that waits meets it too, and says so
            log.error("records.not_synced", errno=trouble.errno)

    def _checkpoint(self) -> None:
        """In SQLite's own way this would fall to whoever commits, who then waits for the disk twice."""
        try:
            with closing(sqlite3.connect(self._database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as trouble:  # SQLite does it at last
            log.warning("records.no_checkpoint", because=str(trouble))


def write_ahead(cursor: Any, patience: float) -> None:
    """Journal ahead of writing, and leave the syncs to us.

    Of two who do this to a new file at once SQLite refuses one without any waiting: it tries again for ``patience``
    seconds.
    """
    gives_up = time.monotonic() + patience
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > gives_up:
                raise
            time.sleep(0.01)
        else:
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_AT_LAST}")
            return
