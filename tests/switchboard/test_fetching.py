"""Another system is asked once, in time, by one worker; the caller's turn finds the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.core.words import CallId
from ivr.store.session import SqlRecords
from ivr.switchboard.calls.fetching import Fetch
from ivr.switchboard.ports.calls import Fetching
from tests.databases import START, SetClock
from tests.switchboard.test_voicemail import MESSAGE, House

ASKED = Fetching("call:3", MESSAGE.call, "stock", "https://shop.example/7", "POST", '{"a": 1}', 3.0, START)


class Shop:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, float]] = []
        self.answer: tuple[str, str | None] = ("success", '{"left": 3}')
        self.trouble: Exception | None = None

    def fetch(self, url: str, method: str, body: str, limit_seconds: float) -> tuple[str, str | None]:
        self.asked.append((url, method, body, limit_seconds))
        if self.trouble:
            raise self.trouble
        return self.answer


class Counter:
    """The house's records, a shop to ask, and the use case between them."""

    def __init__(self, house: House) -> None:
        self.house, self.shop = house, Shop()
        self.fetch = Fetch(house.records, self.shop, house.clock)
        with house.records.write() as tx:
            tx.fetches.ask(ASKED)

    def state(self) -> tuple[str, str | None]:
        with self.house.records.read() as tx:
            found = tx.fetches.get(ASKED.key)
        assert found is not None
        return found.state, found.answer


@pytest.fixture
def counter(records_in_memory: SqlRecords, clock: SetClock, tmp_path: Path) -> Counter:
    return Counter(House(records_in_memory, clock, tmp_path))


def test_it_is_asked_within_what_is_left_of_its_time(counter: Counter) -> None:
    counter.house.clock.passes(seconds=1)
    counter.fetch(ASKED.key)
    assert counter.shop.asked == [("https://shop.example/7", "POST", '{"a": 1}', 2.0)]
    assert counter.state() == ("success", '{"left": 3}')
    assert counter.house.events() == ["fetch.ended"]


@pytest.mark.parametrize("how", ["failure", "timeout"])
def test_other_ends_are_kept_too(counter: Counter, how: str) -> None:
    counter.shop.answer = how, None
    counter.fetch(ASKED.key)
    assert counter.state() == (how, None)


def test_hint_and_sweep_together_ask_once(counter: Counter) -> None:
    real = counter.shop.fetch

    def meanwhile(url: str, method: str, body: str, limit_seconds: float) -> tuple[str, str | None]:
        Fetch(counter.house.records, counter.shop, counter.house.clock)(ASKED.key)  # the sweep comes by
        return real(url, method, body, limit_seconds)

    counter.fetch = Fetch(
        counter.house.records, type("Slow", (), {"fetch": staticmethod(meanwhile)}), counter.house.clock
    )
    counter.fetch(ASKED.key)
    counter.fetch(ASKED.key)
    assert len(counter.shop.asked) == 1
    assert counter.house.events() == ["fetch.ended"]


def test_a_worker_that_died_while_asking_is_a_timeout_and_never_a_second_order(counter: Counter) -> None:
    counter.shop.trouble = OSError()
    with pytest.raises(OSError):  # noqa: PT011 (it is ours)
        counter.fetch(ASKED.key)
    counter.shop.trouble = None
    for _ in range(7):
        counter.fetch(ASKED.key)
        counter.house.clock.passes(seconds=1)
    assert len(counter.shop.asked) == 1
    assert counter.state() == ("timeout", None)


def test_a_hint_that_comes_too_late_asks_nobody(counter: Counter) -> None:
    counter.house.clock.passes(seconds=3)
    counter.fetch(ASKED.key)
    assert counter.state() == ("waiting", None)
    counter.house.clock.passes(seconds=2)
    counter.fetch(ASKED.key)
    assert counter.state() == ("timeout", None)
    assert counter.shop.asked == []


def test_an_unknown_key_is_nothing(counter: Counter) -> None:
    counter.fetch("call:99")
    assert counter.shop.asked == []
    assert counter.house.row().call == CallId("0193-call")
