"""Other systems are asked carefully: listed, public, quickly, little, and only JSON."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ivr.world.fetcher import LARGEST, AllowedHosts, _is_public


@contextmanager
def a_system(answer: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that answers raw bytes; gives its port and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        piece = line.recv(4096)
                        if not piece:
                            break
                        head += piece
                    asked.append(head)
                    try:
                        answer(line, head)
                    except OSError:
                        continue  # the asker hung up, which is what some tests are about

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def says(
    body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = ""
) -> Callable[[socket.socket, bytes], None]:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return lambda line, _head: line.sendall(head.encode() + body)


def asking(port: int) -> AllowedHosts:
    return AllowedHosts(["orders.example.com"], loopback=[f"127.0.0.1:{port}"])


def fetched(
    answer: Callable[[socket.socket, bytes], None], method: str = "GET", limit: float = 30
) -> tuple[str, str | None]:
    with a_system(answer) as (port, _):
        return asking(port).fetch(f"http://127.0.0.1:{port}/orders/7?x=1", method, '{"a": 1}', limit)


def test_json_is_handed_back_as_text() -> None:
    assert fetched(says(b'{"status": "shipped"}')) == ("success", '{"status": "shipped"}')
    assert fetched(says(b"[1]", kind="application/hal+json; charset=utf-8")) == ("success", "[1]")


def test_the_body_goes_with_a_post_only() -> None:
    with a_system(says(b"{}")) as (port, asked):
        fetcher = asking(port)
        fetcher.fetch(f"http://127.0.0.1:{port}/a", "POST", '{"a": 1}', 5)
        fetcher.fetch(f"http://127.0.0.1:{port}/b", "GET", '{"a": 1}', 5)
    assert asked[0].startswith(b"POST /a HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in asked[0]
    assert asked[1].startswith(b"GET /b HTTP/1.1\r\n")
    assert b"Content-Length" not in asked[1]


@pytest.mark.parametrize(
    "answer",
    [
        says(b"{}", status="404 Not Found"),
        says(b"{}", status="302 Found", more="Location: http://169.254.169.254/\r\n"),
        says(b"<html>", kind="text/html"),
        says(b"{not json"),
        says(b'{"a": NaN}'),
        says(b"\xff\xfe"),
        says(b"[" + b"1," * (LARGEST // 2) + b"1]"),
        lambda line, _head: line.sendall(b"garbage\r\n\r\n"),
        lambda line, _head: None,
    ],
    ids=["404", "redirect", "html", "broken", "nan", "not utf-8", "too much", "not http", "nothing"],
)
def test_anything_else_is_a_failure(answer: Callable[[socket.socket, bytes], None]) -> None:
    assert fetched(answer) == ("failure", None)


def test_a_redirect_is_not_followed() -> None:
    with (
        a_system(says(b"{}")) as (second, asked),
        a_system(says(b"{}", status="301 Moved", more=f"Location: http://127.0.0.1:{second}/\r\n")) as (first, _),
    ):
        both = AllowedHosts((), loopback=[f"127.0.0.1:{first}", f"127.0.0.1:{second}"])
        assert both.fetch(f"http://127.0.0.1:{first}/", "GET", "", 5) == ("failure", None)
    assert asked == []


def test_the_limit_is_for_the_whole_not_for_each_byte() -> None:
    def drip(line: socket.socket, _head: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(900):
            line.sendall(b" ")
            time.sleep(0.05)

    began = time.monotonic()
    assert fetched(drip, limit=0.5) == ("timeout", None)
    assert time.monotonic() - began < 20


def test_headers_that_drip_are_cut_off_too() -> None:
    def drip(line: socket.socket, _head: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(900):
            line.sendall(b"x")
            time.sleep(0.05)

    began = time.monotonic()
    assert fetched(drip, limit=0.5) == ("timeout", None)
    assert time.monotonic() - began < 20


def test_silence_is_a_timeout() -> None:
    assert fetched(lambda line, _head: time.sleep(1), limit=0.3) == ("timeout", None)


def test_a_name_that_does_not_resolve_in_time_is_a_timeout() -> None:
    given_up = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        assert given_up.wait(60), "the fetch waited for the name"
        return ["93.184.216.34"]

    fetcher = AllowedHosts(["orders.example.com"], resolve=slow)
    began = time.monotonic()
    assert fetcher.fetch("https://orders.example.com/", "GET", "", 0.2) == ("timeout", None)
    assert time.monotonic() - began < 20
    given_up.set()


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.com/",
        "https://orders.example.com.evil.example/",
        "https://orders.example.com@evil.example/",
        "https://user:pw@orders.example.com/",
        "http://orders.example.com/",
        "http://127.0.0.1:1/",
        "ftp://orders.example.com/",
        "file:///etc/passwd",
        "https://",
        "not an address",
        "https://orders.example.com:99999/",
        "https://[::1",
    ],
)
def test_what_is_not_listed_is_not_even_resolved(url: str) -> None:
    looked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked.append(host)
        return ["93.184.216.34"]

    fetcher = AllowedHosts(["orders.example.com"], resolve=resolve)
    assert fetcher.fetch(url, "GET", "", 5) == ("failure", None)
    assert looked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_a_listed_name_that_leads_inside_is_refused(address: str) -> None:
    fetcher = AllowedHosts(["orders.example.com"], resolve=lambda _h, _p: ["93.184.216.34", address])
    assert fetcher.fetch("https://orders.example.com/", "GET", "", 5) == ("failure", None)
    assert not _is_public(address)


def test_public_addresses_are_public() -> None:
    assert _is_public("93.184.216.34")
    assert _is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_name_is_resolved_once_and_that_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    monkeypatch.setattr(socket, "create_connection", connect)
    fetcher = AllowedHosts(["orders.example.com"], resolve=lambda _h, _p: next(answers))
    assert fetcher.fetch("https://Orders.example.com./x", "GET", "", 5) == ("failure", None)
    assert called == [("93.184.216.34", 443)]
    assert next(answers) == ["127.0.0.1"]
