"""A network in virtual time beside a tiny application, and the phones that ring it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from ivr.exchange.chance import Chance
from ivr.exchange.handset import Perceived
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones, Phone
from ivr.exchange.records import Account
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.sound import wav_of
from ivr.exchange.webhooks import Answer, Done, Patience, Unreached, WsgiOutside

BASE = "https://app.example"
LINE = "+39800123456"
CALLER = "+390612345678"
AGENT = "+390600000001"
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNT = Account("AC" + "a1" * 16, "a-token")
Reply = str | bytes | int | tuple[int, str, bytes] | Unreached
Script = Reply | Callable[[dict[str, str]], Reply]


def xml(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


class Asked:
    """One request that reached the application."""

    def __init__(self, method: str, url: str, form: dict[str, str], headers: dict[str, str], at: datetime) -> None:
        self.method, self.url, self.form, self.headers, self.at = method, url, form, headers, at

    @property
    def path(self) -> str:
        return self.url.removeprefix(BASE).partition("?")[0]


class App:
    """Answers by path; a list of answers is used up one by one, the last one stays."""

    def __init__(self) -> None:
        self.doors: dict[str, list[Script]] = {}
        self.asked: list[Asked] = []

    def at(self, path: str, *replies: Script) -> App:
        self.doors[path] = list(replies)
        return self

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        scripts = self.doors.get(asked.path, [404])
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        return script(asked.form) if callable(script) else script

    def to(self, path: str) -> list[dict[str, str]]:
        return [asked.form for asked in self.asked if asked.path == path]

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class AppOutside:
    """The application as the network's outside; it can also be unreachable."""

    def __init__(self, app: App, now: Callable[[], datetime]) -> None:
        self._app, self._now = app, now

    def request(self, method: str, url: str, form: str, headers: dict[str, str], timeout: Patience, done: Done) -> None:
        fields = dict(parse_qsl(form, keep_blank_values=True))
        reply = self._app.reply(Asked(method, url, fields, dict(headers), self._now()))
        if isinstance(reply, Unreached):
            done(reply)
        elif isinstance(reply, int):
            done(Answer(reply, {"content-type": "text/plain"}, b""))
        elif isinstance(reply, tuple):
            done(Answer(reply[0], {"content-type": reply[1]}, reply[2]))
        else:
            body = reply.encode() if isinstance(reply, str) else reply
            done(Answer(200, {"content-type": "text/xml"}, body))


class Bench:
    def __init__(self, seed: int = 7) -> None:
        self.app = App()
        self.clock = VirtualScheduler(START)
        self.network = Network(ACCOUNT, self.clock, AppOutside(self.app, self.clock.now), Chance(seed))
        self.phones = InProcessTelephones(self.network, self.clock)
        self.number = self.network.add_number(LINE, voice_url=BASE + "/in", status_callback=BASE + "/status")

    def ring(self, from_: str = CALLER) -> Phone:
        return self.phones.dial(from_, LINE)

    def questioned(self) -> Phone:
        """A caller who has come to the first question."""
        phone = self.ring()
        self.until(phone, "question")
        return phone

    def run(self, seconds: float) -> None:
        self.clock.run_for(seconds)

    def until(self, phone: Phone, kind: str, longest: float = 600) -> Perceived:
        """Listen until something of this kind is noticed that was not noticed before."""
        seen = len(phone.perceived())

        def there() -> bool:
            return any(news.kind == kind for news in phone.perceived(seen))

        assert self.clock.run_until(there, longest), f"no {kind}; heard {heard(phone)}"
        return next(news for news in phone.perceived(seen) if news.kind == kind)


def heard(phone: Phone) -> list[str]:
    """What a phone noticed, as `kind text`."""
    return [f"{news.kind} {news.text}".strip() + (" (cut)" if news.cut else "") for news in phone.perceived()]


def tone_wav(seconds: float, silence_after: float = 0.0) -> bytes:
    samples = [round(8000 * math.sin(n / 3)) for n in range(round(8000 * seconds))]
    samples += [0] * round(8000 * silence_after)
    return wav_of(struct.pack(f"<{len(samples)}h", *samples))


def wsgi(app: App, now: Callable[[], datetime]) -> tuple[Callable[..., Iterable[bytes]], WsgiOutside]:
    """The same application behind WSGI."""

    def serve(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        length = int(str(environ["CONTENT_LENGTH"] or 0))
        body = environ["wsgi.input"].read(length)  # type: ignore[attr-defined]
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        headers = {str(k): str(v) for k, v in environ.items() if k.startswith("HTTP_")}
        url = f"{BASE}{environ['PATH_INFO']}"
        if environ["QUERY_STRING"]:
            url += f"?{environ['QUERY_STRING']}"
        reply = app.reply(Asked(str(environ["REQUEST_METHOD"]), url, fields, headers, now()))
        status, text = (reply, b"") if isinstance(reply, int) else (200, str(reply).encode())
        start_response(f"{status} X", [("Content-Type", "text/xml")])
        return [text]

    return serve, WsgiOutside(serve, BASE)
