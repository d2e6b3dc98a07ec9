"""One command a process, and all of them in one."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ivr import config
from ivr.cli import serve
from ivr.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {"IVR_VAR_DIR": str(tmp_path), "TWILIO_WEBHOOKS_SHARED_KEY": "s", "IVR_FALLBACK_URL": "https://f.example/"}
    return config.load(given, dotenv=None)


def test_settings_survive_the_way_to_a_child(settings: Settings) -> None:
    there = config.load(serve.as_environment(settings, "unix:///r.sock"), dotenv=None)
    assert there == replace(settings, redis_url="unix:///r.sock")


def test_sqlite_is_served_by_threads_of_one_process_and_postgresql_by_greenlets(settings: Settings) -> None:
    on_sqlite = " ".join(serve.gunicorn(settings, "127.0.0.1", 4))
    assert "--worker-class gthread --workers 1 " in on_sqlite
    assert "--bind 127.0.0.1:8080" in on_sqlite
    postgresql = replace(settings, database_url="postgresql+psycopg://localhost/ivr")
    assert "--worker-class gevent --workers 4 " in " ".join(serve.gunicorn(postgresql, "::", 4))
    assert "--bind [::]:8080" in " ".join(serve.gunicorn(postgresql, "::", 4))


def test_gunicorn_knows_every_option_we_give(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from gunicorn.config import Config

    parser = Config().parser()
    for database in (settings.database_url, "postgresql+psycopg://localhost/ivr"):
        command = serve.gunicorn(replace(settings, database_url=database), "127.0.0.1", 2)
        assert parser.parse_args(command[3:]).args == ["ivr.wsgi:app"]


def test_the_network_is_a_child_only_where_it_is_the_carrier(settings: Settings) -> None:
    names = [child.name for child in serve.children(settings, "unix:///r.sock")]
    assert names == ["exchange", "web", "worker"]
    real = replace(settings, carrier="twilio")
    assert [child.name for child in serve.children(real, "unix:///r.sock")] == ["web", "worker"]


def test_the_embedded_redis_lives_as_long_as_the_block(settings: Settings) -> None:
    with serve.redis_for(settings) as url:
        assert url.startswith("unix://")
        path = serve.embedded(settings).socket
        assert path.exists()
    assert not path.exists()
    with serve.redis_for(replace(settings, redis_url="redis://elsewhere")) as url:
        assert url == "redis://elsewhere"


def test_a_port_with_nobody_or_something_else_is_not_up() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert not serve.is_up(nobody.getsockname()[1])


def test_the_network_knows_the_lines_and_the_numbers_they_show(settings: Settings) -> None:
    flows = Path(__file__).resolve().parents[2] / "call_flows"
    numbers = serve.numbers_of(replace(settings, flows_dir=flows), {"voice_url": "https://x.example/"})
    assert {"voice_url": "https://x.example/"} in numbers.values()
    assert all(number.startswith("+") for number in numbers)
    assert serve.numbers_of(replace(settings, flows_dir=settings.var_dir / "none"), {}) == {}
