"""Migrations and tables tell the same story, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from ivr.store import schema
from ivr.store.session import SchemaOutdated, open_engine, open_records
from ivr.store.tables import metadata
from tests.databases import SetClock
from tests.store.conftest import CALL, MARIA

SQLITE_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
POSTGRESQL_TRIGGERS = (
    "SELECT tgname, pg_get_triggerdef(oid), pg_get_functiondef(tgfoid) "
    "FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
)
# Alembic compares an index's columns, not which rows a partial one is of.
SQLITE_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
POSTGRESQL_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"


def _triggers(engine: Engine) -> list[tuple[str, ...]]:
    query = SQLITE_TRIGGERS if engine.dialect.name == "sqlite" else POSTGRESQL_TRIGGERS
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_the_migrated_schema_is_the_schema_of_the_code(empty_database: str) -> None:
    assert schema.upgrade(empty_database) == (None, schema.newest())
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def _indexes(engine: Engine) -> dict[str, str]:
    query = SQLITE_INDEXES if engine.dialect.name == "sqlite" else POSTGRESQL_INDEXES
    with engine.connect() as connection:
        rows = dict(tuple(row) for row in connection.execute(text(query)))
    rows.pop("alembic_version_pkc", None)
    return rows


def test_the_migrated_guards_and_indexes_are_those_of_the_code(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = create_engine(database)
    if made.dialect.name == "sqlite":
        address = f"sqlite:///{tmp_path / 'migrated.db'}"
    else:
        address = request.getfixturevalue("postgresql").empty()
    schema.upgrade(address)
    migrated = create_engine(address)
    assert _triggers(migrated) == _triggers(made) != []
    assert _indexes(migrated) == _indexes(made) != {}
    migrated.dispose()
    made.dispose()


def test_upgrading_again_changes_nothing_and_keeps_what_is_there(empty_database: str, clock: SetClock) -> None:
    schema.upgrade(empty_database)
    records = open_records(empty_database, clock)
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
    assert schema.upgrade(empty_database) == (schema.newest(), schema.newest())
    schema.check(empty_database)
    with records.read() as tx:
        assert tx.calls.at(CALL.id) == CALL
    records.close()


def test_a_database_without_tables_says_what_to_do(empty_database: str, clock: SetClock) -> None:
    with pytest.raises(SchemaOutdated, match="ivr db upgrade"):
        schema.check(empty_database)
    records = open_records(empty_database, clock)
    with pytest.raises(SchemaOutdated, match="ivr db upgrade"), records.read() as tx:
        tx.calls.recent(1)
    with pytest.raises(SchemaOutdated, match="ivr db upgrade"), records.read() as tx:
        tx.calls.at(CALL.id)
    records.close()


def test_a_database_from_the_future_is_left_alone(empty_database: str) -> None:
    schema.upgrade(empty_database)
    engine = open_engine(empty_database)
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    for act in (schema.check, schema.upgrade):
        with pytest.raises(schema.SchemaTooNew):
            act(empty_database)


def test_an_sqlite_file_is_made_with_its_folder(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'new' / 'folder' / 'ivr.db'}"
    with pytest.raises(SchemaOutdated, match="no database yet"):
        schema.check(address)
    schema.upgrade(address)
    schema.check(address)


def test_two_processes_that_upgrade_at_once_do_it_once(empty_database: str) -> None:
    from tests.store.test_calls import at_once

    befores = at_once(2, lambda _: schema.upgrade(empty_database)[0])
    assert sorted(befores, key=str) == sorted([None, schema.newest()], key=str)


def test_processes_that_open_a_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    from tests.store.test_calls import at_once

    def opened(address: str) -> str:
        engine = open_engine(address)
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        engine.dispose()
        return str(mode)

    for n in range(40):
        address = f"sqlite:///{tmp_path / f'{n}.db'}"
        assert at_once(4, lambda _, address=address: opened(address)) == ["wal"] * 4  # type: ignore[misc]


def test_a_database_of_an_unknown_make_is_refused() -> None:
    with pytest.raises(schema.RecordsUnavailable, match="sqlite or postgresql"):
        open_engine("mysql://localhost/ivr")
