"""A real Redis for worlds: one server a process, a database of it for each world that is open."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import redis

from ivr.live.floor import connect
from ivr.live.server import EmbeddedRedis

DATABASES = 16
"""As Redis has them where nobody says otherwise."""

_starting = Lock()
_free: list[int] = list(range(DATABASES))
_servers: list[EmbeddedRedis] = []


@contextmanager
def redis_for_a_world() -> Iterator[redis.Redis]:
    """An empty database until the block ends; raises RuntimeError where sixteen worlds are open already."""
    with _starting:
        if not _free:
            raise RuntimeError(f"{DATABASES} worlds are open in this process: close one first")
        url, number = _server(), _free.pop()
    client = connect(f"{url}{'&' if '?' in url else '?'}db={number}")
    try:
        client.flushdb()
        yield client
        client.flushdb()
    finally:
        client.close()
        with _starting:
            _free.append(number)


def _server() -> str:
    """Started at the first world, ended with the process; nothing of it is kept on disk."""
    if not _servers:
        folder = tempfile.TemporaryDirectory(prefix="ivr-floors-")
        server = EmbeddedRedis(Path(folder.name))
        url = server.start()
        atexit.register(folder.cleanup)
        atexit.register(server.stop)
        client = connect(url)
        client.config_set("appendonly", "no")
        client.close()
        _servers.append(server)
    return _servers[0].url
