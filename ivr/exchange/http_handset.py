"""Telephones at an exchange in another process, over its phones' HTTP API, in real time."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import requests

from ivr.exchange.handset import Behaviour, Handset, Perceived
from ivr.exchange.records import CarrierRefused

TIMEOUT = 10.0  # seconds, beyond what a poll waits by itself
POLL = 20.0


class HttpTelephones:
    """Telephones of the exchange at ``base_url``; a line to it is kept open until ``close``."""

    def __init__(self, base_url: str) -> None:
        self._line = _Line(base_url.rstrip("/"))

    def dial(self, from_: str, to: str) -> HttpHandset:
        """Pick up and dial; raises CarrierRefused when the network has no such number."""
        return HttpHandset(self._line, self._line.post("/phones/calls", {"from": from_, "to": to})["sid"])

    def hold(self, number: str) -> None:
        """Take the phone at a number in hand: it rings for ``ringing`` instead of behaving by itself."""
        self._line.post("/phones/subscribers", {"number": number, "behaviour": "held"})

    def subscriber(self, number: str, behaviour: Behaviour, misses: int = 0) -> HttpSubscriber:
        """Let the phone at a number behave by itself, after so many calls that it misses."""
        behaves = {"number": number, "behaviour": asdict(behaviour), "misses": misses}
        self._line.post("/phones/subscribers", behaves)
        return HttpSubscriber(self._line, number)

    def ringing(self, number: str, longest: float = 0.0) -> list[HttpHandset]:
        """The calls that ring at a held number now; waits up to ``longest`` seconds for the first."""
        until = time.monotonic() + longest
        while True:
            wait = max(0.0, min(POLL, until - time.monotonic()))
            found = self._line.get("/phones/ringing", {"number": number, "wait": wait}, wait)["ringing"]
            if found or time.monotonic() >= until:
                return [HttpHandset(self._line, call["sid"]) for call in found]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait_for_news(self, handset: Handset, after: int, longest: float) -> bool:
        if not isinstance(handset, HttpHandset):
            raise TypeError("this handset is not one of an exchange across HTTP")
        return handset.await_news(after, longest)

    def close(self) -> None:
        self._line.close()

    def __enter__(self) -> HttpTelephones:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HttpSubscriber:
    """Somebody at the other end of an HTTP connection whose phone behaves by itself."""

    def __init__(self, line: _Line, number: str) -> None:
        self._line, self._number = line, number
        self._calls: dict[str, HttpHandset] = {}

    def calls(self) -> tuple[HttpHandset, ...]:
        for call in self._line.get("/phones/rung", {"number": self._number}, 0.0)["rung"]:
            self._calls.setdefault(call["sid"], HttpHandset(self._line, call["sid"]))
        return tuple(self._calls.values())


class HttpHandset:
    """One leg as its person holds it, at the other end of an HTTP connection."""

    def __init__(self, line: _Line, sid: str) -> None:
        self._line, self._sid = line, sid
        self._perceived: list[Perceived] = []

    @property
    def sid(self) -> str:
        return self._sid

    def perceived(self, after: int = 0) -> list[Perceived]:
        self._fetch(0.0)
        return self._perceived[after:]

    def await_news(self, after: int, longest: float) -> bool:
        """Until something newer than ``after`` is perceived; False when ``longest`` seconds passed first."""
        until = time.monotonic() + longest
        while len(self._perceived) <= after:
            left = until - time.monotonic()
            self._fetch(max(0.0, min(POLL, left)))
            if left <= 0:
                break
        return len(self._perceived) > after

    def press(self, digits: str) -> None:
        self._tell("keys", {"digits": digits})

    def speak(self, wav: bytes) -> float:
        return float(self._line.send(f"/phones/calls/{self._sid}/voice", wav)["seconds"])

    def say_words(self, text: str, confidence: float) -> None:
        self._tell("words", {"text": text, "confidence": confidence})

    def answer(self, machine: bool = False) -> None:
        self._tell("answer", {"machine": machine})

    def reject(self, how: str = "busy") -> None:
        self._tell("reject", {"how": how})

    def hang_up(self) -> None:
        self._tell("hangup", {})

    def _tell(self, what: str, body: dict[str, Any]) -> None:
        self._line.post(f"/phones/calls/{self._sid}/{what}", body)

    def _fetch(self, wait: float) -> None:
        # `sounds`: this phone plays none, so a sound that begins is no news to it
        asked = {"after": len(self._perceived), "wait": wait, "sounds": 10**6}
        news = self._line.get(f"/phones/calls/{self._sid}/perceived", asked, wait)
        self._perceived += [_as_it_was(seen) for seen in news["perceived"]]


def _as_it_was(shown: dict[str, Any]) -> Perceived:
    return Perceived(**{**shown, "at": datetime.fromisoformat(shown["at"])})


class _Line:
    """The connection to the exchange; the network's refusals come out as CarrierRefused, a wrong use as ValueError."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._http = requests.Session()
        self._http.trust_env = False  # the exchange is on this machine: no proxy, no netrc

    def get(self, path: str, query: dict[str, Any], wait: float) -> Any:
        return self._answer(self._http.get(self._base_url + path, params=query, timeout=TIMEOUT + wait))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._http.post(self._base_url + path, json=body, timeout=TIMEOUT))

    def send(self, path: str, wav: bytes) -> Any:
        headers = {"Content-Type": "audio/wav"}
        return self._answer(self._http.post(self._base_url + path, data=wav, headers=headers, timeout=TIMEOUT))

    def close(self) -> None:
        self._http.close()

    def _answer(self, answer: requests.Response) -> Any:
        body = answer.json()
        if answer.ok:
            return body
        if "code" in body:
            raise CarrierRefused(answer.status_code, body["code"], body["error"])
        raise ValueError(body["error"])
