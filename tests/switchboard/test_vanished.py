"""Calls whose end nobody told us of are ended, but never one that the carrier merely did not list once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ivr.core.call import CallState
from ivr.core.flow import cursor as cursors
from ivr.core.flow.turn import Cursor, Frame
from ivr.core.leg import LegEnd
from ivr.core.words import Language
from ivr.store.session import SqlRecords
from ivr.switchboard.calls.vanished import EndVanished
from tests.databases import SetClock, clock, records_in_memory  # noqa: F401
from tests.line import Hints
from tests.switchboard.test_voicemail import MESSAGE, House

NO_QUEUE = None
"""No flow is looked at for a call that has no place in line."""


class Network:
    def __init__(self) -> None:
        self.live = {"CA1"}
        self.asked = 0
        self.unlisted = set[str]()

    def live_calls(self) -> set[str]:
        self.asked += 1
        return self.live

    def how_ended(self, sid: str) -> LegEnd | None:
        return None if sid in self.live or sid in self.unlisted else LegEnd.COMPLETED


@pytest.fixture
def house(records_in_memory: SqlRecords, clock: SetClock, tmp_path: Path) -> House:  # noqa: F811
    made = House(records_in_memory, clock, tmp_path)
    with made.records.write() as tx:
        call = tx.calls.at(MESSAGE.call)
        stands = cursors.as_json(Cursor((Frame("verde", "welcome"),), Language("it")))
        assert tx.calls.move(replace(call, turn=2, cursor=stands), 1)
    return made


def state(house: House) -> CallState:
    with house.records.read() as tx:
        return tx.calls.at(MESSAGE.call).state


def test_a_call_that_the_list_lacks_and_the_carrier_has_goes_on_and_is_counted(house: House) -> None:
    network = Network()
    network.live, network.unlisted = set(), {"CA1"}
    end = EndVanished(house.records, network, NO_QUEUE, Hints(), house.clock)  # type: ignore[arg-type]
    house.clock.passes(minutes=2)
    end(end(frozenset()))
    assert state(house) is CallState.IN_FLOW
    with house.records.engine.connect() as connection:
        odd = connection.exec_driver_sql("SELECT what, times FROM odd_counts").all()
    assert odd == [("list.lacks_live_call", 1)]


def test_missing_twice_running_it_is_ended_once(house: House) -> None:
    network = Network()
    end = EndVanished(house.records, network, NO_QUEUE, Hints(), house.clock)  # type: ignore[arg-type]
    house.clock.passes(minutes=2)
    assert end(frozenset()) == frozenset()
    network.live = set()
    missing = end(frozenset())
    assert missing == {MESSAGE.call}
    assert state(house) is CallState.IN_FLOW
    assert end(missing) == frozenset()
    assert state(house) is CallState.ENDED
    assert house.events() == ["call.ended"]
    asked = network.asked
    assert end(frozenset()) == frozenset()
    assert network.asked == asked  # nobody is on the line, so nobody is asked
    assert house.events() == ["call.ended"]


def test_seen_again_it_lives_on(house: House) -> None:
    network = Network()
    end = EndVanished(house.records, network, NO_QUEUE, Hints(), house.clock)  # type: ignore[arg-type]
    house.clock.passes(minutes=2)
    network.live = set()
    missing = end(frozenset())
    network.live = {"CA1"}
    missing = end(missing)
    network.live = set()
    end(missing)
    assert state(house) is CallState.IN_FLOW


def test_a_call_of_this_minute_may_not_be_listed_yet(house: House) -> None:
    network = Network()
    network.live = set()
    end = EndVanished(house.records, network, NO_QUEUE, Hints(), house.clock)  # type: ignore[arg-type]
    house.clock.time += timedelta(seconds=30)
    assert end(frozenset({MESSAGE.call})) == frozenset()
    assert state(house) is CallState.IN_FLOW
