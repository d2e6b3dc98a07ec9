"""The exchange as its own server: REST API, phones' API and browser phone at one address, in real time."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol

from flask import Flask, Response, send_from_directory
from werkzeug.serving import WSGIRequestHandler, make_server

from ivr.exchange.chance import Chance
from ivr.exchange.network import Network
from ivr.exchange.phones_api import Lines, Refused, Speaks, phones_api, refuse_strangers
from ivr.exchange.records import Account
from ivr.exchange.rest import create_app
from ivr.exchange.scheduler import RealScheduler
from ivr.exchange.voices import Voices
from ivr.exchange.webhooks import HttpOutside

PAGES = Path(__file__).parent / "browser"
BACKLOG = 512


class Loop(Protocol):
    def start(self) -> object: ...

    def stop(self) -> None: ...


class ExchangeServer:
    """The whole exchange at ``http://host:port``; port 0 takes a free one. ``with`` starts and stops it."""

    def __init__(
        self, network: Network, voices: Speaks, host: str = "127.0.0.1", port: int = 0, everywhere: bool = False
    ) -> None:
        self.lines = Lines(network)
        self.app = _app(network, self.lines, voices, everywhere)
        self._server = make_server(host, port, self.app, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True  # type: ignore[attr-defined]  # a poll must not hold up the end
        self._server.socket.listen(BACKLOG)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="http")
        self.port = self._server.port
        self.url = f"http://{_address(host)}:{self.port}"

    def start(self) -> ExchangeServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """No new requests; waiting polls are answered at once."""
        self.lines.close()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> ExchangeServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(network: Network, host: str, port: int, voices: Speaks, everywhere: bool = False) -> None:
    """Answer until SIGTERM or SIGINT. Call it from the main thread. Raises OSError when the port is taken."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with ExchangeServer(network, voices, host, port, everywhere):
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_exchange(
    account: Account,
    host: str,
    port: int,
    numbers: Mapping[str, Mapping[str, str]],
    seed: int = 0,
    everywhere: bool = False,
    ready: Callable[[Network], None] = lambda _network: None,
) -> None:
    """An exchange in real time, until SIGTERM.

    ``numbers``: what the account owns and where their calls go, as ``{"+39800123456": {"voice_url": …,
    "status_callback": …}}``. ``ready`` is called once the network stands, before it answers.
    """
    scheduler = RealScheduler()
    outside = HttpOutside(scheduler)
    voices = Voices()
    network = Network(account, scheduler, outside, Chance(seed), voices, api_url=f"http://{_address(host)}:{port}")
    scheduler.start()
    try:
        for number, doors in numbers.items():
            scheduler.call(lambda number=number, doors=doors: network.add_number(number, **doors))  # type: ignore[misc]
        ready(network)
        serve(network, host, port, voices, everywhere)
    finally:
        scheduler.stop()
        outside.close()


def _app(network: Network, lines: Lines, voices: Speaks, everywhere: bool) -> Flask:
    app = create_app(network, network.scheduler.call)
    app.register_blueprint(phones_api(network, lines, voices, everywhere))

    def page(name: str = "index.html") -> Response:
        if not everywhere:
            refuse_strangers()
        return send_from_directory(PAGES, name)

    app.add_url_rule("/", "page", page)
    app.add_url_rule("/browser/<path:name>", "part", page)
    app.add_url_rule("/healthz", "healthz", lambda: Response("ok\n", mimetype="text/plain"))
    app.register_error_handler(Refused, lambda problem: (str(problem), problem.status))
    app.after_request(_safe)
    return app


def _safe(answer: Response) -> Response:
    """The page runs its own script only, and no other page may frame it."""
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
    )
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer


def _address(host: str) -> str:
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 asked for by the caller
        return "127.0.0.1"
    try:
        socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        return host
    return f"[{host}]"


class _Quiet(WSGIRequestHandler):
    """Addresses in the access log would hold numbers."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass
