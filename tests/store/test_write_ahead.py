"""SQLite's log is synced by us: before a commit that waits is answered, and in nobody's way."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ivr.core.errors import RecordsUnavailable
from ivr.store import write_ahead
from ivr.store.schema import upgrade
from ivr.store.session import SqlRecords, open_records
from ivr.store.tables import odd_counts
from ivr.switchboard.ports.records import Transaction
from tests.databases import SetClock

PATIENCE = 10.0


class SlowDisk:
    """The real sync, once it is let go; ``syncs``: the names of the files that were asked for."""

    def __init__(self) -> None:
        self.syncs: list[str] = []
        self.moves = threading.Event()
        self.asked = threading.Event()
        self._real = os.fdatasync

    def fdatasync(self, file: int) -> None:
        self.syncs.append(os.readlink(f"/proc/self/fd/{file}"))
        self.asked.set()
        if not self.moves.wait(PATIENCE):
            raise TimeoutError("the test forgot its disk")
        self._real(file)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk()
    monkeypatch.setattr(write_ahead.os, "fdatasync", disk.fdatasync)
    yield disk
    disk.moves.set()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "line.db"


@pytest.fixture
def records(file: Path, clock: SetClock) -> Iterator[SqlRecords]:
    upgrade(f"sqlite:///{file}")
    records = open_records(f"sqlite:///{file}", clock)
    yield records
    records.close()


def odd(tx: Transaction, clock: SetClock) -> None:
    tx.facts.count_odd("status.unknown_call", clock.now())


def write(records: SqlRecords, clock: SetClock, witnessed: bool = False) -> None:
    with records.write() as tx:
        if witnessed:
            tx.witnessed()
        odd(tx, clock)


def counted(records: SqlRecords) -> int:
    with records.engine.connect() as connection:
        return int(connection.execute(select(func.sum(odd_counts.c.times))).scalar_one())


def test_a_commit_that_waits_is_on_the_disk_before_anybody_is_told(
    records: SqlRecords, disk: SlowDisk, file: Path, clock: SetClock
) -> None:
    with ThreadPoolExecutor(1) as thread:
        writes = thread.submit(write, records, clock)
        assert disk.asked.wait(PATIENCE)
        assert not writes.done()
        disk.moves.set()
        writes.result(PATIENCE)
    assert disk.syncs == [f"{file}-wal"]


def test_a_disk_that_stalls_holds_up_no_offer_to_an_agent(records: SqlRecords, disk: SlowDisk, clock: SetClock) -> None:
    with ThreadPoolExecutor(1) as thread:
        somebody_waits = thread.submit(write, records, clock)
        assert disk.asked.wait(PATIENCE)
        write(records, clock, witnessed=True)  # behind the same stalled disk
        assert counted(records) == 2
        assert not somebody_waits.done()
        disk.moves.set()
        somebody_waits.result(PATIENCE)


def test_a_turn_that_comes_twice_is_told_no_sooner_than_the_first(
    records: SqlRecords, disk: SlowDisk, clock: SetClock
) -> None:
    def the_same_again() -> None:
        with records.write() as tx:
            tx.customers.find("nobody")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(write, records, clock)
        assert disk.asked.wait(PATIENCE)
        disk.asked.clear()
        again = threads.submit(the_same_again)
        assert disk.asked.wait(PATIENCE)
        assert not again.done()
        disk.moves.set()
        first.result(PATIENCE)
        again.result(PATIENCE)


def test_what_the_disk_refused_once_is_asked_of_it_again_before_it_is_told(
    records: SqlRecords, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    disk.moves.set()
    with monkeypatch.context() as for_once:
        for_once.setattr(write_ahead.os, "fdatasync", broken)
        with pytest.raises(RecordsUnavailable):
            write(records, clock)
        with pytest.raises(RecordsUnavailable), records.write() as tx:
            tx.customers.find("nobody")
    with records.write() as tx:
        tx.customers.find("nobody")
    assert len(disk.syncs) == 1


def test_what_nobody_waits_for_is_synced_all_the_same(
    records: SqlRecords, disk: SlowDisk, file: Path, clock: SetClock
) -> None:
    disk.moves.set()
    write(records, clock, witnessed=True)
    assert disk.asked.wait(PATIENCE)
    assert disk.syncs[0] == f"{file}-wal"


def test_a_database_behind_a_link_is_synced_where_it_lies(tmp_path: Path, disk: SlowDisk, clock: SetClock) -> None:
    disk.moves.set()
    (tmp_path / "there").mkdir()
    (tmp_path / "line.db").symlink_to(tmp_path / "there" / "real.db")
    upgrade(f"sqlite:///{tmp_path / 'line.db'}")
    records = open_records(f"sqlite:///{tmp_path / 'line.db'}", clock)
    write(records, clock)
    records.close()
    assert disk.syncs == [f"{tmp_path / 'there' / 'real.db'}-wal"]


def test_what_changed_nothing_asks_nothing_of_the_disk(records: SqlRecords, disk: SlowDisk) -> None:
    disk.moves.set()
    with records.write() as tx:
        tx.customers.find("nobody")
    assert disk.syncs == []


def test_a_disk_that_refuses_is_records_unavailable(
    records: SqlRecords, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(write_ahead.os, "fdatasync", broken)
    with pytest.raises(RecordsUnavailable):
        write(records, clock)


def test_the_log_is_carried_over_by_nobody_who_commits(
    records: SqlRecords, file: Path, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    monkeypatch.setattr(write_ahead, "CHECKPOINT_EVERY", 3)
    threads: list[str] = []
    real = sqlite3.connect

    def connect(path: Path) -> sqlite3.Connection:
        threads.append(threading.current_thread().name)
        return real(path)

    monkeypatch.setattr(write_ahead.sqlite3, "connect", connect)
    for _ in range(3):
        write(records, clock)
    records._log._behind.shutdown()  # type: ignore[union-attr]
    assert [name.partition("_")[0] for name in threads] == ["write-ahead"]
    alone = shutil.copy(file, file.with_name("without its log.db"))
    with closing(real(alone)) as copy:
        assert copy.execute("SELECT times FROM odd_counts").fetchone() == (3,)


def test_two_threads_that_write_take_turns_and_the_second_is_told_in_time(
    records: SqlRecords, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    monkeypatch.setattr("ivr.store.session.BUSY", 0.05)
    with records.write() as tx:
        odd(tx, clock)
        with ThreadPoolExecutor(1) as thread, pytest.raises(RecordsUnavailable):
            thread.submit(write, records, clock).result(PATIENCE)
    write(records, clock)
    assert counted(records) == 2


def test_a_write_within_a_write_is_a_mistake_of_ours_told_at_once(records: SqlRecords, clock: SetClock) -> None:
    with records.write() as tx:
        odd(tx, clock)
        with pytest.raises(RuntimeError, match="open in this thread"), records.write():
            pass
    assert counted(records) == 1
