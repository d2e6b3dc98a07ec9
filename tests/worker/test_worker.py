"""Hints may come, come twice, or never: what is due is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
import structlog

from ivr.core.call import CallState
from ivr.core.errors import CarrierUnavailable, RecordsUnavailable
from ivr.core.flow import cursor as cursors
from ivr.core.flow.turn import Cursor, Frame
from ivr.core.promises import Promise
from ivr.core.voicemail import TextState
from ivr.core.words import CallId, Language, PromiseId, VoicemailId
from ivr.exchange.scheduler import VirtualScheduler
from ivr.live.server import EmbeddedRedis
from ivr.store.session import SqlRecords, open_records
from ivr.switchboard.ports.calls import Fetching
from ivr.switchboard.record.promises import WarnDue
from ivr.worker.actors import JOBS, QUEUES, run
from ivr.worker.broker import QUICKLY, hint_broker
from ivr.worker.inline import InlineLater
from ivr.worker.later import REST, DramatiqLater, SweepOnly, dramatiq_later
from ivr.worker.office import Work
from ivr.worker.run import serve
from ivr.worker.sweep import AFTER_TROUBLE, RECORDINGS_AFTER, Sweep, due_jobs
from tests.databases import START, SetClock, clock, records_in_memory  # noqa: F401
from tests.store.conftest import MARIA
from tests.switchboard.test_voicemail import MESSAGE, House


class Real:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Jobs:
    """Use cases that note what they were asked."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.trouble: Exception | None = None
        self.again: datetime | None = None
        self.lasts = 0.0
        self.begins: Callable[[], object] = lambda: None

    def do(self, job: str) -> Callable[[str], datetime | None]:
        def doing(about: str) -> datetime | None:
            self.begins()
            time.sleep(self.lasts)
            self.done.append((job, about))
            if self.trouble:
                raise self.trouble
            again, self.again = self.again, None
            return again

        return doing

    def work(self, records: SqlRecords, clock: Real | SetClock | VirtualScheduler) -> Work:  # noqa: F811
        return Work(
            records=records,
            clock=clock,
            fetch_voicemail=self.do("fetch_voicemail"),
            read_voicemail=self.do("read_voicemail"),
            fetch=self.do("fetch"),  # type: ignore[arg-type]
            send_text=self.do("send_text"),
            find_recordings=lambda call: self.done.append(("find_recordings", call.id)),
            end_vanished=lambda missing: frozenset(),
            adopt=lambda since: None,
            warn_due=lambda: None,
            move_callbacks=lambda: None,
            line_up=self.do("line_up"),  # type: ignore[arg-type]
            match=lambda: None,
            at_work=lambda _: None,
            steer=self.do("steer"),  # type: ignore[arg-type]
            tend_floor=lambda: None,
            compare_floor=lambda: True,
            compare_legs=lambda: None,
            rest=lambda: None,
            record=self.do("record"),
            fetch_recording=self.do("fetch_recording"),
        )


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    one = EmbeddedRedis(tmp_path / "redis")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def house(records_in_memory: SqlRecords, clock: SetClock, tmp_path: Path) -> House:  # noqa: F811
    return House(records_in_memory, clock, tmp_path)


def test_every_hint_has_a_job_and_every_job_a_queue() -> None:
    hints = {name for name in vars(DramatiqLater) if not name.startswith("_")}
    assert hints == set(JOBS) == set(QUEUES)


class Running:
    """A worker's threads in this process."""

    def __init__(self, work: Work, redis_url: str | None) -> None:
        self.stop = threading.Event()
        up = threading.Event()
        self.thread = threading.Thread(target=serve, args=(work, redis_url, self.stop, up.set))
        self.thread.start()
        assert up.wait(60)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


def test_hints_reach_their_use_cases_through_redis(embedded: EmbeddedRedis, records_in_memory: SqlRecords) -> None:  # noqa: F811
    jobs = Jobs()
    running = Running(jobs.work(records_in_memory, Real()), embedded.url)
    later = dramatiq_later(embedded.url)
    later.fetch_voicemail(VoicemailId("v1"))
    later.read_voicemail(VoicemailId("v1"))
    later.fetch("call:3")
    expected = [("fetch", "call:3"), ("fetch_voicemail", "v1"), ("read_voicemail", "v1")]
    assert eventually(lambda: sorted(jobs.done) == expected)
    running.end()


def test_told_to_end_it_finishes_what_it_is_doing(embedded: EmbeddedRedis, records_in_memory: SqlRecords) -> None:  # noqa: F811
    jobs, begun = Jobs(), threading.Event()
    jobs.lasts, jobs.begins = 1.0, begun.set
    running = Running(jobs.work(records_in_memory, Real()), embedded.url)
    dramatiq_later(embedded.url).fetch("call:3")
    assert begun.wait(60)
    running.end()
    assert jobs.done == [("fetch", "call:3")]


def test_after_redis_died_and_came_back_hints_flow_again(
    embedded: EmbeddedRedis,
    records_in_memory: SqlRecords,  # noqa: F811
) -> None:
    jobs = Jobs()
    running = Running(jobs.work(records_in_memory, Real()), embedded.url)
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGKILL)
    later = dramatiq_later(embedded.url)
    with redis.Redis.from_url(embedded.url) as client:

        def back() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        assert eventually(back)
    later.fetch("call:3")
    assert eventually(lambda: ("fetch", "call:3") in jobs.done)
    running.end()


def test_without_redis_a_hint_is_counted_and_swallowed_and_the_next_is_not_even_tried(tmp_path: Path) -> None:
    now = [0.0]
    later = DramatiqLater(hint_broker(f"unix://{tmp_path}/nobody.sock"), lambda: now[0])
    with structlog.testing.capture_logs() as logged:
        later.fetch_voicemail(VoicemailId("v1"))
        later.fetch("call:3")
        now[0] = REST + 1
        later.read_voicemail(VoicemailId("v1"))
    assert later.lost == 3
    assert [line["because"] for line in logged] == ["ConnectionError", "resting", "ConnectionError"]
    assert {line["event"] for line in logged} == {"hint.lost"}


def test_a_redis_that_hangs_costs_a_caller_less_than_a_second(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        later = DramatiqLater(hint_broker(f"unix://{tmp_path}/s"))
        began = time.monotonic()
        for _ in range(20):
            later.fetch("call:3")
        assert QUICKLY < 1 and time.monotonic() - began < 20 * QUICKLY / 2  # the first only is waited for
    assert later.lost == 20


def test_without_an_address_of_redis_there_are_no_hints() -> None:
    later = dramatiq_later(None)
    assert isinstance(later, SweepOnly)
    later.fetch("call:3")


def test_without_redis_the_sweep_does_the_work(house: House, tmp_path: Path) -> None:
    house.clock.time = datetime.now(UTC) + timedelta(days=400)  # all of it is due
    work = replace(Jobs().work(house.records, house.clock), fetch_voicemail=house.fetch(), read_voicemail=house.read())
    running = Running(work, None)
    assert eventually(lambda: house.row().text is TextState.READ)
    running.end()


def test_an_agent_is_woken_when_the_wrap_up_ends_not_at_the_next_round(
    records_in_memory: SqlRecords,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ivr.worker.run.SWEEP_EVERY", 600.0)
    ends, looked = datetime.now(UTC) + timedelta(seconds=0.6), list[datetime]()

    def rest() -> datetime | None:
        looked.append(datetime.now(UTC))
        return ends if looked[-1] < ends else None

    running = Running(replace(Jobs().work(records_in_memory, Real()), rest=rest), None)
    assert eventually(lambda: looked[-1] >= ends)
    running.end()
    assert len(looked) < 20  # it sleeps meanwhile


def test_who_cannot_look_for_wrap_ups_says_so_and_sleeps(house: House) -> None:
    def rest() -> None:
        raise RecordsUnavailable

    sweep = Sweep(replace(Jobs().work(house.records, house.clock), rest=rest), lambda job, about: None)
    with structlog.testing.capture_logs() as logged:
        assert sweep.wake() == AFTER_TROUBLE
    assert [(line["look"], line["error"]) for line in logged] == [("rest", "RecordsUnavailable")]


def test_what_a_job_raises_ends_in_the_log_by_type_and_place_only(records_in_memory: SqlRecords) -> None:  # noqa: F811
    jobs = Jobs()
    jobs.trouble = ValueError("+390612345678 said: my PIN is 1234")
    with structlog.testing.capture_logs() as logged:
        assert run(jobs.work(records_in_memory, Real()), "fetch", "call:3").failed
    (line,) = logged
    assert (line["event"], line["error"], line["job"], line["about"]) == ("job.failed", "ValueError", "fetch", "call:3")
    assert "1234" not in str(line)


def test_the_sweep_finds_messages_and_requests_whose_hint_was_lost(house: House) -> None:
    work = Jobs().work(house.records, house.clock)
    with house.records.write() as tx:
        tx.fetches.ask(Fetching("call:3", MESSAGE.call, "stock", "https://x.example/", "GET", "", 3.0, START))
    assert due_jobs(work) == [("fetch", "call:3"), ("fetch_voicemail", MESSAGE.id)]
    house.fetch()(MESSAGE.id)
    assert ("read_voicemail", MESSAGE.id) in due_jobs(work)
    house.read()(MESSAGE.id)
    with house.records.write() as tx:
        tx.fetches.end("call:3", "success", "{}")
    assert due_jobs(work) == []


def test_a_call_that_ended_in_the_middle_of_a_message_is_looked_up_at_the_carrier(house: House) -> None:
    jobs = Jobs()
    sweep = Sweep(jobs.work(house.records, house.clock), lambda job, about: None)
    recording = Cursor((Frame("verde", "message"),), Language("it"), stage="record")
    with house.records.write() as tx:
        call = tx.calls.at(MESSAGE.call)
        assert tx.calls.move(replace(call, turn=2, cursor=cursors.as_json(recording)), 1)
        tx.calls.end(call.id, CallState.ENDED, "abandoned", START)
    sweep.carrier()
    assert jobs.done == []
    for wait in RECORDINGS_AFTER:
        house.clock.time = START + wait
        for _ in range(3):
            sweep.carrier()
            house.clock.passes(seconds=1)
    house.clock.passes(days=1)
    sweep.carrier()
    assert jobs.done == [("find_recordings", MESSAGE.call)] * 3


def test_a_round_survives_a_carrier_that_is_away(house: House) -> None:
    def away(missing: object) -> frozenset[CallId]:
        raise ConnectionError("no route")

    found: list[tuple[str, str]] = []
    work = replace(Jobs().work(house.records, house.clock), end_vanished=away)
    with structlog.testing.capture_logs() as logged:
        Sweep(work, lambda job, about: found.append((job, about))).round()
    assert found == [("fetch_voicemail", MESSAGE.id)]
    assert [(line["look"], line["error"]) for line in logged] == [("carrier", "ConnectionError")]


def test_in_virtual_time_jobs_run_after_the_request_that_asked_and_again_when_they_say() -> None:
    scheduler = VirtualScheduler(START)
    records = open_records("sqlite://", scheduler)
    jobs = Jobs()
    later = InlineLater(scheduler.after)
    later.serve(jobs.work(records, scheduler))
    jobs.again = START + timedelta(hours=2)
    later.fetch_voicemail(VoicemailId("v1"))
    assert jobs.done == []
    scheduler.run_for(1)
    assert jobs.done == [("fetch_voicemail", "v1")]
    scheduler.run_for(3600)
    assert len(jobs.done) == 1
    scheduler.run_for(3600)
    assert len(jobs.done) == 2
    scheduler.run_for(86400)
    assert len(jobs.done) == 2
    records.close()


def test_in_virtual_time_a_job_that_failed_is_tried_again(house: House) -> None:
    scheduler = VirtualScheduler(START)
    jobs = Jobs()
    later = InlineLater(scheduler.after)
    later.serve(jobs.work(house.records, scheduler))
    jobs.trouble = ValueError()
    later.fetch("call:3")
    scheduler.run_for(1)
    jobs.trouble = None
    scheduler.run_for(600)
    assert jobs.done == [("fetch", "call:3")] * 2


def test_a_sweep_in_virtual_time_finds_what_had_no_hint(house: House) -> None:
    scheduler = VirtualScheduler(START)
    jobs = Jobs()
    later = InlineLater(scheduler.after)
    later.serve(jobs.work(house.records, scheduler))
    later.sweep_every(5)
    scheduler.run_for(4)
    assert jobs.done == []
    scheduler.run_for(2)
    assert jobs.done == [("fetch_voicemail", MESSAGE.id)]


def test_a_job_before_there_is_work_is_a_mistake_of_ours() -> None:
    scheduler = VirtualScheduler(START)
    InlineLater(scheduler.after).fetch("call:3")
    with pytest.raises(RuntimeError, match="serve"):
        scheduler.run_for(1)


PROCESS = """
import sys
from pathlib import Path
from tests.worker.test_worker import Jobs, Real
from ivr.store.session import open_records
from ivr.worker.run import serve, stop_on_signals
jobs = Jobs()
jobs.lasts, jobs.begins = 1.0, lambda: print("begun", flush=True)
stop = stop_on_signals()
serve(jobs.work(open_records("sqlite://", Real()), Real()), sys.argv[1], stop, lambda: print("ready", flush=True))
print(jobs.done, flush=True)
"""


def test_sigterm_ends_the_process_after_the_job_in_hand(embedded: EmbeddedRedis) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, embedded.url], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        dramatiq_later(embedded.url).fetch("call:3")
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        rest = process.stdout.read()
    assert process.returncode == 0
    assert "[('fetch', 'call:3')]" in rest


def test_every_round_of_the_sweep_warns_of_promises_that_are_due(
    records_in_memory: SqlRecords,  # noqa: F811
    clock: SetClock,  # noqa: F811
) -> None:
    due = clock.now() + timedelta(hours=1)
    with records_in_memory.write() as tx:
        tx.customers.add(MARIA)
        tx.promises.make(Promise(PromiseId("p"), "callback", MARIA.id, None, clock.now(), due, "UTC", "sales"))
    work = replace(Jobs().work(records_in_memory, clock), warn_due=WarnDue(records_in_memory, clock))
    sweep = Sweep(work, lambda job, about: None)
    for minutes in (47, 2, 12):
        clock.passes(minutes=minutes)
        sweep.round()
    with records_in_memory.read() as tx:
        (promise,) = tx.promises.open()
    assert (promise.warned_at, promise.late_at) == (due - timedelta(minutes=11), due + timedelta(minutes=1))


def test_who_is_not_on_the_floor_is_put_there_while_the_carrier_does_not_answer(
    records_in_memory: SqlRecords,  # noqa: F811
    clock: SetClock,  # noqa: F811
) -> None:
    def nobody_there(*_: object) -> frozenset[CallId]:
        raise CarrierUnavailable

    began = clock.now()
    compared: list[float] = []

    def compare() -> bool:
        compared.append((clock.now() - began).total_seconds())
        return compared != [0]  # Redis is away at first

    work = replace(Jobs().work(records_in_memory, clock), end_vanished=nobody_there, compare_floor=compare)
    sweep = Sweep(work, lambda job, about: None)
    for _ in range(5):
        sweep.round()
        clock.passes(seconds=5)
    assert compared == [0, 5, 20]
