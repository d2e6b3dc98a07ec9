"""`ivr web`, `ivr worker`, `ivr exchange`: one process each; and all of them together, for `ivr demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from ivr import config, wiring
from ivr.config import Settings
from ivr.live.server import EmbeddedRedis
from ivr.processes import Child, Supervisor
from ivr.worker.later import dramatiq_later
from ivr.worker.run import serve, stop_on_signals
from ivr.world.own_door import OwnDoor

THREADS = 32
"""Of the web process on SQLite: so many may wait for the disk, and an agent's key is heard all the same."""

Host = Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 is every one of this machine.")]


def add_to(app: typer.Typer) -> None:
    """The commands of this file."""
    app.command("web")(web)
    app.command("worker")(worker)
    app.command("exchange")(exchange)


def web(
    host: Host = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Processes; with SQLite it is always one.")] = 2,
) -> None:
    """Answer the carrier and the browsers, until told to end."""
    settings = config.load(os.environ)
    environment = {**os.environ, "IVR_REDIS_URL": settings.redis_url or embedded(settings).url}
    command = gunicorn(settings, host, workers)
    os.execve(command[0], command, environment)  # noqa: S606


def worker() -> None:
    """Do what is to be done after a call has been answered, until told to end; the job in hand is finished first."""
    settings = config.load(os.environ)
    stop = stop_on_signals()
    with redis_for(settings) as url, wiring.transcriber(settings.models_dir) as reader:
        door = OwnDoor(settings.public_url)
        Thread(target=door.watch, args=(stop,), name="door", daemon=True).start()
        office = wiring.open_office(settings, dramatiq_later(url), hears=door.answers)
        serve(wiring.work(office, reader), url, stop)


def exchange(
    host: Host = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="The same seed, the same chance.")] = 0,
    everywhere: Annotated[bool, typer.Option(help="Let phones on other machines in.")] = False,
) -> None:
    """Run the phone network in the box, with the company's lines on it, until told to end."""
    # Here, since its voices take a while to load and no other command needs them.
    from ivr.exchange.records import Account
    from ivr.exchange.server import run_exchange

    settings = config.load(os.environ)
    doors = {
        "voice_url": f"{settings.public_url}/voice/incoming",
        "voice_fallback_url": settings.fallback_url or f"{settings.public_url}/voice/fallback",
        "status_callback": f"{settings.public_url}/voice/status",
    }
    account = Account(settings.account_sid, settings.auth_token)
    run_exchange(account, host, settings.exchange_port, numbers_of(settings, doors), seed, everywhere)


def numbers_of(settings: Settings, doors: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """The numbers the company has at its carrier: its lines, with their doors, and the ones that its calls show."""
    company = wiring.company(settings)
    lines = company.lines.values() if company else ()
    shown: dict[str, Mapping[str, str]] = {str(line.shows): {} for line in lines if line.shows}
    return shown | {str(line.number): doors for line in lines}


def gunicorn(settings: Settings, host: str, workers: int) -> list[str]:
    """The command of the web server.

    SQLite gets one process with threads: a greenlet that yields inside a write would freeze the others. PostgreSQL gets
    greenlets in several processes.
    """
    on_sqlite = settings.database_url.startswith("sqlite")
    kind = ["--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS)]
    if not on_sqlite:
        kind = ["--worker-class", "gevent", "--workers", str(workers), "--worker-connections", "500"]
    in_memory = ["--worker-tmp-dir", "/dev/shm"] if Path("/dev/shm").is_dir() else []  # noqa: S108 (a heartbeat file)
    shown = f"[{host}]" if ":" in host else host
    # No access log: addresses of the carrier's doors are nobody's business, and there are better figures at /metrics.
    return [
        *(sys.executable, "-m", "gunicorn", "ivr.wsgi:app", "--bind", f"{shown}:{settings.web_port}"),
        *kind,
        *in_memory,
        *("--graceful-timeout", "4", "--timeout", "30", "--keep-alive", "75", "--no-control-socket"),
    ]


def embedded(settings: Settings) -> EmbeddedRedis:
    """The Redis of this installation's folder, not started yet."""
    return EmbeddedRedis(settings.var_dir / "redis")


@contextmanager
def redis_for(settings: Settings) -> Iterator[str]:
    """The address of the installation's Redis; the embedded one runs, or is shared, until the end of the block."""
    if settings.redis_url:
        yield settings.redis_url
        return
    own = embedded(settings)
    try:
        yield own.start()
    finally:
        own.stop()


@contextmanager
def whole_line(settings: Settings) -> Iterator[Supervisor]:
    """Everything that answers calls, started and healthy; stopped at the end of the block.

    The database must be there already (`ivr db upgrade`). Raises RedisWouldNotStart, WouldNotStart.
    """
    with redis_for(settings) as url, Supervisor(settings.var_dir / "log", children(settings, url)) as supervisor:
        yield supervisor


def children(settings: Settings, redis_url: str) -> list[Child]:
    """The processes of a whole line, in the order in which they are started."""
    environment = as_environment(settings, redis_url)
    ours = [sys.executable, "-m", "ivr"]
    network = Child("exchange", [*ours, "exchange"], lambda: is_up(settings.exchange_port), environment)
    return [
        *([network] if settings.carrier == "exchange" else []),
        Child("web", [*ours, "web"], lambda: is_up(settings.web_port), environment),
        Child("worker", [*ours, "worker"], environment=environment, grace=60.0),
    ]


def as_environment(settings: Settings, redis_url: str) -> Mapping[str, str]:
    """These settings, for processes of the same installation to load."""
    given = {
        "IVR_PUBLIC_URL": settings.public_url,
        "IVR_DATABASE_URL": settings.database_url,
        "IVR_REDIS_URL": redis_url,
        "IVR_CARRIER": settings.carrier,
        "IVR_CARRIER_API_URL": settings.carrier_api_url,
        "TWILIO_ACCOUNT_SID": settings.account_sid,
        "TWILIO_AUTH_TOKEN": settings.auth_token,
        "TWILIO_AUTH_TOKEN_SECONDARY": settings.second_auth_token,
        "TWILIO_WEBHOOKS_SHARED_KEY": settings.shared_key,
        "IVR_SECRET_KEY": settings.secret_key,
        "IVR_MODELS_DIR": str(settings.models_dir),
        "IVR_FLOWS_DIR": str(settings.flows_dir),
        "IVR_RECORDINGS_DIR": str(settings.recordings_dir),
        "IVR_VAR_DIR": str(settings.var_dir),
        "IVR_WEB_PORT": str(settings.web_port),
        "IVR_EXCHANGE_PORT": str(settings.exchange_port),
        "IVR_FALLBACK_URL": settings.fallback_url,
        "IVR_CLOCK_SHIFT": str(settings.clock_shift.total_seconds()),
    }
    return {name: value or "" for name, value in given.items()}


def is_up(port: int) -> bool:
    """Does a server of ours answer /healthz on this machine?"""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
