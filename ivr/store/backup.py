"""Backups: one file, whole, while the line goes on; and the way back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from ivr.core.errors import IvrError
from ivr.store import schema


class BackupRefused(IvrError):
    """The backup cannot be made or brought back."""


def backup(database_url: str, file: Path) -> None:
    """Write all records into one new file; callers go on meanwhile.

    SQLite through its own backup, checked before it gets its name; PostgreSQL through ``pg_dump``.
    Raises BackupRefused.
    """
    if file.exists():
        raise BackupRefused(f"{file} exists already; name a new file")
    draft = file.with_name(f".{file.name}.part")
    try:
        if (database := _sqlite_file(database_url)) is not None:
            _copy(database, draft)
        else:
            _run("pg_dump", database_url, "--format=custom", f"--file={draft}")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def restore(database_url: str, file: Path, replace: bool = False) -> None:
    """Bring a backup back and up to this code's schema; ``replace`` allows it where records are already.

    Stop web and worker first. What was there stays what it was when the backup is broken. Raises BackupRefused.
    """
    if not file.is_file():
        raise BackupRefused(f"there is no file {file}")
    if not replace and schema.present(database_url) is not None:
        raise BackupRefused("there are records already; --replace puts the backup in their place")
    if (database := _sqlite_file(database_url)) is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        _restore_sqlite(file, database)
    else:
        how = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _run("pg_restore", database_url, *how, str(file))
    schema.upgrade(database_url)


def _restore_sqlite(file: Path, database: Path) -> None:
    draft = database.with_name(f".{database.name}.restored")
    try:
        _copy(file, draft)
        # The old log belongs to the old file: left beside the new one, SQLite would replay it there.
        for rest in ("-wal", "-shm"):
            database.with_name(database.name + rest).unlink(missing_ok=True)
        draft.replace(database)
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """A whole copy of an SQLite file, checked and synced."""
    if not source.is_file():
        raise BackupRefused(f"there is no database {source}")
    target.unlink(missing_ok=True)
    try:
        readable = source.resolve().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(readable, uri=True)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
            health = [row[0] for row in new.execute("PRAGMA integrity_check")]
            tables = {row[0] for row in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as broken:
        raise BackupRefused(f"{source} cannot be read as a database: {broken}") from broken
    if health != ["ok"] or "alembic_version" not in tables:
        raise BackupRefused(f"{source} is damaged, or no database of ours")
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sqlite_file(database_url: str) -> Path | None:
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise BackupRefused("records in memory have no backup")
    return Path(url.database)


def _run(tool: str, database_url: str, *arguments: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise BackupRefused(f"{tool} is not installed; it comes with PostgreSQL's client (postgresql-client)")
    url = make_url(database_url).set(drivername="postgresql")
    # The password goes by the environment: a command line is read by everybody on the machine.
    environment = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    address = url._replace(password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [path, f"--dbname={address}", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupRefused(f"{tool} refused: {done.stderr.strip()[-500:]}")
