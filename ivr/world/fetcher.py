"""Asks other systems for http nodes: only listed hosts, only public addresses, little, quickly, and nothing but JSON.

The name is resolved once and the connection goes to the very address that was checked, so a name that answers
differently the second time (DNS rebinding) gains nothing; redirects are not followed, since they would be another name.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager, suppress
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import structlog

LARGEST = 64 * 1024
"""Bytes of an answer."""

Resolve = Callable[[str, int], Sequence[str]]

log = structlog.get_logger(__name__)


class AskingRefused(Exception):
    """This address is not one that a flow may ask."""


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system resolves it. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class AllowedHosts:
    """The port ``HttpFetcher``.

    ``hosts``: those that flows may ask, by https. ``loopback``: ``host:port`` pairs that may be asked by plain http on
    this machine, for tests and for a system beside us that somebody named on purpose.
    """

    def __init__(
        self,
        hosts: Collection[str],
        loopback: Collection[str] = (),
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolved,
    ) -> None:
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)
        self._loopback, self._resolve = frozenset(loopback), resolve
        self._given_tls = tls
        # getaddrinfo has no time limit of its own, so it runs beside, and is left behind when it is late.
        self._resolvers = ThreadPoolExecutor(8, thread_name_prefix="resolve")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Not before it is needed: reading the machine's certificates takes longer than a turn."""
        return self._given_tls or ssl.create_default_context()

    def fetch(self, url: str, method: str, body: str, limit_seconds: float) -> tuple[str, str | None]:
        """``success`` with the answer's JSON text, or ``failure`` or ``timeout``; never raises for what others do.

        ``body`` is JSON and is sent with a POST only. A status other than 2xx, another type than JSON, or more than
        64 KB is a failure.
        """
        ends = time.monotonic() + limit_seconds
        host = ""
        try:
            host, port, addresses, secure = self._checked(url, ends)
            with self._connection(host, port, addresses, secure, ends) as line, _cut_off(line, ends):
                return "success", _ask(line, host, port, secure, _target(url), method, body, ends)
        except (TimeoutError, Late):
            outcome, because = "timeout", "late"
        except (AskingRefused, OSError, HTTPException, ValueError) as trouble:
            late = time.monotonic() >= ends
            outcome, because = ("timeout", "late") if late else ("failure", type(trouble).__name__)
        log.info("fetch.not_done", host=host, outcome=outcome, because=because)  # never the address: it holds values
        return outcome, None

    def _checked(self, url: str, ends: float) -> tuple[str, int, Sequence[str], bool]:
        parts = urlsplit(url)
        host, secure = (parts.hostname or "").rstrip("."), parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        if parts.username is not None or parts.password is not None:
            raise AskingRefused("a flow's address holds no password")
        if not secure:
            if parts.scheme != "http" or f"{host}:{port}" not in self._loopback:
                raise AskingRefused("only https")
        elif host not in self._hosts:
            raise AskingRefused("not a listed host")
        addresses = self._resolvers.submit(self._resolve, host, port).result(max(0.0, ends - time.monotonic()))
        allowed = _is_loopback if not secure else _is_public
        if not addresses or not all(allowed(address) for address in addresses):
            raise AskingRefused("not a public address")
        return host, port, addresses, secure

    def _connection(self, host: str, port: int, addresses: Sequence[str], secure: bool, ends: float) -> socket.socket:
        line = _connected(addresses, port, ends)
        if not secure:
            return line
        try:
            line.settimeout(_left(ends))
            return self._tls.wrap_socket(line, server_hostname=host)
        except BaseException:
            line.close()
            raise


def _connected(addresses: Sequence[str], port: int, ends: float) -> socket.socket:
    refused: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_left(ends))
        except OSError as trouble:
            refused = trouble
    raise refused


@contextmanager
def _cut_off(line: socket.socket, ends: float) -> Iterator[None]:
    """Shut the line when the time is over: a socket's own limit starts anew with every byte that drips in."""

    def shut() -> None:
        with suppress(OSError):  # closed from the other end
            line.shutdown(socket.SHUT_RDWR)

    line.settimeout(_left(ends))
    timer = threading.Timer(_left(ends), shut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        # An IPv4 address in IPv6 dress (mapped, 6to4, NAT64) leads where the IPv4 address leads.
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return found.is_global and not found.is_multicast


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _ask(
    line: socket.socket, host: str, port: int, secure: bool, target: str, method: str, body: str, ends: float
) -> str:
    connection = HTTPConnection(host, port)
    connection.sock = line
    shown = f"[{host}]" if ":" in host else host
    headers = {"Host": shown if port == (443 if secure else 80) else f"{shown}:{port}", "Accept": "application/json"}
    sent = body.encode() if method == "POST" else None
    if sent is not None:
        headers["Content-Type"] = "application/json"
    connection.request(method, target, sent, headers)
    response = connection.getresponse()
    if not 200 <= response.status < 300:
        raise AskingRefused(f"status {response.status}")
    kind = response.headers.get_content_type()
    if kind != "application/json" and not kind.endswith("+json"):
        raise AskingRefused("not JSON")
    text = bytearray()
    while piece := response.read1(8192):
        text += piece
        if len(text) > LARGEST:
            raise AskingRefused("more than 64 KB")
    _left(ends)  # what was cut off looks like the end
    answer = text.decode()
    json.loads(answer, parse_constant=_no_constant)
    return answer


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
