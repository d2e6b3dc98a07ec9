"""The floor's row on both databases: there from the start, and held by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from ivr.store import schema
from ivr.store.session import SqlRecords, open_engine, open_records
from tests.databases import START, SetClock
from tests.store.test_calls import at_once


def test_the_floor_begins_at_epoch_nothing(records: SqlRecords) -> None:
    with records.read() as tx:
        assert tx.floor.epoch() == 0
    with records.write() as tx:
        assert tx.floor.lock() == 0
        tx.floor.set(4, START)
        assert tx.floor.epoch() == 4
    with records.read() as tx:
        assert tx.floor.epoch() == 4


def test_records_in_memory_have_the_row_too(records_in_memory: SqlRecords) -> None:
    with records_in_memory.write() as tx:
        assert tx.floor.lock() == 0


def test_a_migrated_database_has_the_row_too(empty_database: str, clock: SetClock) -> None:
    schema.upgrade(empty_database)
    records = open_records(empty_database, clock)
    with records.write() as tx:
        assert tx.floor.lock() == 0
        assert tx.tickets.next_order() == 1
    records.close()


def test_an_epoch_that_was_rolled_back_never_was(records: SqlRecords) -> None:
    def rebuild_and_die() -> None:
        with records.write() as tx:
            tx.floor.set(9, START)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rebuild_and_die()
    with records.read() as tx:
        assert tx.floor.epoch() == 0


def test_who_locks_the_row_waits_for_whoever_holds_it(records: SqlRecords) -> None:
    def second() -> int:
        with records.write() as tx:
            return tx.floor.lock()

    with ThreadPoolExecutor(1) as pool:
        with records.write() as tx:
            assert tx.floor.lock() == 0
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            tx.floor.set(1, START)
        assert waiting.result() == 1


def test_of_rebuilders_each_sees_what_the_one_before_has_set(records: SqlRecords) -> None:
    def rebuild(n: int) -> int:
        with records.write() as tx:
            epoch = tx.floor.lock()
            tx.floor.set(epoch + 1, START + timedelta(seconds=n))
            return epoch

    assert sorted(at_once(4, rebuild)) == [0, 1, 2, 3]
    with records.read() as tx:
        assert tx.floor.epoch() == 4
    engine = open_engine(records.engine.url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM floor_epoch")).scalar_one() == 1
    engine.dispose()
