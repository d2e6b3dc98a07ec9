"""The shape of the database: how old it is, and how it is brought up to the code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from ivr.core.errors import RecordsUnavailable
from ivr.store.session import SchemaOutdated, open_engine

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 4_207_800_123
"""Any number will do, so long as every process that migrates takes the same advisory lock."""


class SchemaTooNew(RecordsUnavailable):
    """The database was made by a newer version of Numero Verde; run that one, or restore an older backup."""


def newest() -> str:
    """The schema this code needs."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None, "the package carries no migrations"
    return head


def upgrade(database_url: str) -> tuple[str | None, str]:
    """Bring a database up to this code, all or nothing; (schema before, schema now).

    An SQLite file and its folder are made where there are none. Several processes may do this at once: one does the
    work, the others wait. Raises SchemaTooNew, RecordsUnavailable.
    """
    _make_folder(database_url)
    with _connected(database_url) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA busy_timeout = 60000")  # a migration takes longer than a writer's turn
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        before = _present(connection)
        _refuse_newer(before)
        if before != newest():
            command.upgrade(_config(connection), "head")
        connection.exec_driver_sql("COMMIT")
    return before, newest()


def present(database_url: str) -> str | None:
    """The schema a database has; None without tables or file. Raises RecordsUnavailable."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return None
    with _connected(database_url) as connection:
        return _present(connection)


def check(database_url: str) -> None:
    """Raises SchemaOutdated or SchemaTooNew when code and database do not fit, RecordsUnavailable without one."""
    there = present(database_url)
    _refuse_newer(there)
    if there is None:
        raise SchemaOutdated("there is no database yet; run `ivr db upgrade`")
    if there != newest():
        raise SchemaOutdated(f"the database has schema {there}, this version needs {newest()}; run `ivr db upgrade`")


def _refuse_newer(present: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if present is not None and present not in known:
        raise SchemaTooNew


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _make_folder(database_url: str) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    engine = open_engine(database_url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as refused:
        raise RecordsUnavailable from refused
    finally:
        engine.dispose()
