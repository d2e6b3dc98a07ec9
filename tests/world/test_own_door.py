"""Our own doors count as closed only where they were seen open before, and nothing answers there now."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ivr.world import own_door
from ivr.world.own_door import OwnDoor


@contextmanager
def web(port: int, status: int = 200) -> Iterator[int]:
    """A server that answers everything with this status; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/line/healthz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def looked(door: OwnDoor) -> bool:
    door.look()
    return door.answers()


def test_they_are_closed_while_nothing_answers_or_only_a_proxy_does_and_open_again_after() -> None:
    with web(0) as port:
        door = OwnDoor(f"http://127.0.0.1:{port}/line")
        assert looked(door)
    assert not looked(door)
    with web(port, status=502):
        assert not looked(door)
    with web(port):
        assert looked(door)


def test_an_address_that_was_never_reached_from_here_tells_nothing() -> None:
    with web(0) as port:
        pass
    assert looked(OwnDoor(f"http://127.0.0.1:{port}/line"))


def test_slow_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_door, "PATIENCE", 0.05)
    with web(0) as port:
        door = OwnDoor(f"http://127.0.0.1:{port}/line")
        assert looked(door)
    assert not looked(door)
    with socket.create_server(("127.0.0.1", port)):  # a server that starts: it is asked later
        assert looked(door)


def test_after_five_minutes_it_may_be_the_way_there_that_is_broken() -> None:
    passed = [0.0]
    with web(0) as port:
        door = OwnDoor(f"http://127.0.0.1:{port}/line", lambda: passed[0])
        assert looked(door)
    assert not looked(door)
    passed[0] = 299.0
    assert not looked(door)
    passed[0] = 301.0
    assert looked(door)
