"""How the network asks the outside: signed requests, retries, and the ways they fail.

Sources: https://www.twilio.com/docs/usage/security (signature),
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (time-outs, retries, idempotency token).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote_plus, unquote_to_bytes, urljoin, urlsplit

import urllib3

from ivr.exchange.chance import Chance
from ivr.exchange.scheduler import Scheduler

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
MOST_REDIRECTS = 10


class Unreached(Enum):
    """No answer: nobody there, or nobody in time."""

    CONNECT = "ct"
    READ = "rt"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """Time-outs in seconds; ``retries`` of what ``retry_on`` names (ct, rt, 4xx, 5xx, all)."""

    connect: float = 5.0
    read: float = 15.0
    retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})

    def again(self, outcome: Answer | Unreached) -> bool:
        if isinstance(outcome, Unreached):
            return outcome.value in self.retry_on or "all" in self.retry_on
        return outcome.status >= 400 and (f"{outcome.status // 100}xx" in self.retry_on or "all" in self.retry_on)


USUAL = Patience()
Done = Callable[[Answer | Unreached], None]


class Outside(Protocol):
    """The way out of the network."""

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        """Ask once; ``done`` is called on the loop. ``form`` is the encoded body, empty with GET."""
        ...


def patience(fragment: str) -> Patience:
    """Connection overrides out of an address's fragment (``rc=2&rp=ct,5xx``); what is out of range is ignored."""
    if not fragment:
        return USUAL
    given = dict(parse_qsl(fragment))

    def number(name: str, low: int, high: int, default: float) -> float:
        text = given.get(name, "")
        return float(text) if text.isdecimal() and low <= int(text) <= high else default

    total = number("tt", 100, 15000, 15000)
    return Patience(
        connect=number("ct", 100, 10000, 5000) / 1000,
        read=min(number("rt", 100, 15000, 15000), total) / 1000,
        retries=int(number("rc", 0, 5, 1)),
        retry_on=frozenset(given.get("rp", "ct").split(",")),
    )


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """X-Twilio-Signature of a request (a form's parameters; none with GET)."""
    text = url + "".join([name + params[name] for name in sorted(params)])
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    params: Mapping[str, str]
    patience: Patience
    token: str
    done: Done
    tries: int = 0
    redirects: int = 0


class Courier:
    """Carries webhooks out and their answers back: signs, repeats, follows redirects."""

    def __init__(self, account_token: str, outside: Outside, scheduler: Scheduler, chance: Chance) -> None:
        self._account_token, self._outside, self._scheduler, self._chance = account_token, outside, scheduler, chance

    def send(self, method: str, url: str, params: Mapping[str, str], done: Done) -> None:
        """Ask on a later turn of the loop, never inside the caller's; repeats carry the same idempotency token."""
        address, _, fragment = url.partition("#")
        request = _Request(method, address, params, patience(fragment), self._chance.token(), done)
        self._scheduler.after(0, lambda: self._go(request))

    def tell(self, method: str, url: str, params: Mapping[str, str]) -> None:
        """A status callback: its answer is ignored."""
        self.send(method, url, params, _ignore)

    def _go(self, request: _Request) -> None:
        signed: Mapping[str, str]
        if request.method == "GET":
            url, form, signed = with_query(request.url, request.params), "", {}
        else:
            url, form, signed = request.url, encoded(request.params), request.params
        headers = {
            "X-Twilio-Signature": signature(self._account_token, url, signed),
            "I-Twilio-Idempotency-Token": request.token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "X-Home-Region": "us1",
        }
        if request.method != "GET":
            headers["Content-Type"] = FORM
        self._outside.request(
            request.method, url, form, headers, request.patience, lambda outcome: self._came(request, outcome)
        )

    def _came(self, request: _Request, outcome: Answer | Unreached) -> None:
        if request.tries < request.patience.retries and request.patience.again(outcome):
            request.tries += 1
            self._scheduler.after(0, lambda: self._go(request))
        elif (
            isinstance(outcome, Answer)
            and outcome.status in (301, 302, 303, 307, 308)
            and outcome.headers.get("location")
            and request.redirects < MOST_REDIRECTS
        ):
            request.redirects += 1
            request.url = urljoin(request.url, outcome.headers["location"])
            if outcome.status in (301, 302, 303):
                request.method = "GET"
            self._scheduler.after(0, lambda: self._go(request))
        else:
            request.done(outcome)


def _ignore(_: Answer | Unreached) -> None:
    """Status callbacks have no fallback and their answer no meaning."""


def with_query(url: str, params: Mapping[str, str]) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{encoded(params)}"


_quoted = lru_cache(maxsize=16384)(quote_plus)


def encoded(params: Mapping[str, str]) -> str:
    """A form's body; names are ours and need no quoting."""
    return "&".join([f"{name}={_quoted(value)}" for name, value in params.items()])


class WsgiOutside:
    """A WSGI app in the same thread stands for all of the outside; other hosts cannot be reached."""

    def __init__(self, app: Callable[..., Iterable[bytes]], base_url: str) -> None:
        self._app = app
        base = urlsplit(base_url)
        self._scheme, self._netloc = base.scheme, base.netloc
        self._path = base.path.rstrip("/")
        self._host = base.hostname or "localhost"
        self._port = str(base.port or (443 if base.scheme == "https" else 80))

    def request(
        self,
        method: str,
        url: str,
        form: str,
        headers: Mapping[str, str],
        timeout: Patience,  # noqa: ARG002 the same thread cannot be waited for in vain
        done: Done,
    ) -> None:
        parts = urlsplit(url)
        path = parts.path or "/"
        if parts.scheme != self._scheme or parts.netloc != self._netloc or not path.startswith(self._path):
            done(Unreached.CONNECT)
            return
        body = form.encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self._path,
            "PATH_INFO": unquote_to_bytes(path[len(self._path) :]).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": self._host,
            "SERVER_PORT": self._port,
            "HTTP_HOST": self._netloc,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in headers.items():
            if name == "Content-Type":
                environ["CONTENT_TYPE"] = value
            else:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        done(self._ask(environ))

    def _ask(self, environ: dict[str, Any]) -> Answer:
        head: list[Any] = []
        written: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[..., object]:
            head[:] = [int(status[:3]), {name.lower(): value for name, value in headers}]
            return written.append

        chunks = self._app(environ, start_response)
        try:
            written.extend(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return Answer(head[0], head[1], b"".join(written))


class HttpOutside:
    """Real HTTP, by a few threads that post what comes back to the loop."""

    def __init__(self, scheduler: Scheduler, threads: int = 8) -> None:
        self._scheduler = scheduler
        self._http = urllib3.PoolManager(maxsize=threads, block=False)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook")

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._http.clear()

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        def ask() -> None:
            outcome = self._ask(method, url, form, headers, timeout)
            self._scheduler.post(lambda: done(outcome))

        self._threads.submit(ask)

    def _ask(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience
    ) -> Answer | Unreached:
        try:
            answer = self._http.request(
                method,
                url,
                body=form.encode() if method != "GET" else None,
                headers=headers,
                timeout=urllib3.Timeout(connect=timeout.connect, read=timeout.read),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.ReadTimeoutError:
            return Unreached.READ
        except (urllib3.exceptions.HTTPError, ValueError):
            return Unreached.CONNECT
        return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data)
