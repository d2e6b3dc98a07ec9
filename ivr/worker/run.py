"""The worker process: threads for hinted jobs, a thread that sweeps, and an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from dramatiq import Worker

from ivr.worker.actors import QUEUES, run
from ivr.worker.broker import work_broker
from ivr.worker.office import Work
from ivr.worker.sweep import Sweep

SWEEP_EVERY = 2.0
THREADS = {"quick": 4, "speech": 2, "floor": 4}
IDLE = {"floor": 20}
"""Milliseconds at most between two looks into a queue; a caller waits for the floor's."""

PATIENCE = 60.0
"""Seconds a job may go on after we were told to end; an unfinished one is done again after its lease."""

log = structlog.get_logger(__name__)


class Hands:
    """The sweep's own threads, so that it works without Redis; never the same job twice at once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._pools = {
            queue: ThreadPoolExecutor(n, thread_name_prefix=f"sweep-{queue}") for queue, n in THREADS.items()
        }
        self._busy: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def submit(self, job: str, about: str) -> None:
        with self._lock:
            if (job, about) in self._busy:
                return
            self._busy.add((job, about))
        self._pools[QUEUES[job]].submit(self._do, job, about)

    def _do(self, job: str, about: str) -> None:
        try:
            run(self._work, job, about)
        finally:
            with self._lock:
                self._busy.discard((job, about))

    def finish(self) -> None:
        """Finish what has begun, drop what has not."""
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)


def serve(work: Work, redis_url: str | None, stop: threading.Event, ready: Callable[[], None] = lambda: None) -> None:
    """Work until ``stop`` is set, then finish the jobs in hand. Without Redis (None) the sweep does everything."""
    workers = [
        Worker(work_broker(redis_url, work, queue), worker_threads=n, worker_timeout=IDLE.get(queue, 200))
        for queue, n in THREADS.items()
        if redis_url
    ]
    for worker in workers:
        worker.start()
    hands = Hands(work)
    sweep = Sweep(work, hands.submit)
    sweeping = threading.Thread(target=_sweep, args=(sweep, stop), name="sweep", daemon=True)
    waking = threading.Thread(target=_wake, args=(sweep, stop), name="wake", daemon=True)
    sweeping.start()
    waking.start()
    log.info("worker.ready", redis=bool(redis_url))
    ready()
    stop.wait()
    log.info("worker.ending")
    sweeping.join(PATIENCE)
    waking.join(PATIENCE)
    for worker in workers:
        worker.stop(timeout=int(PATIENCE * 1000))
    hands.finish()
    log.info("worker.ended")


def _sweep(sweep: Sweep, stop: threading.Event) -> None:
    while not stop.is_set():
        sweep.round()
        stop.wait(SWEEP_EVERY)


def _wake(sweep: Sweep, stop: threading.Event) -> None:
    while not stop.is_set():
        stop.wait(sweep.wake().total_seconds())


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Only for the main thread."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    return stop
