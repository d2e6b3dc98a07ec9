"""The exchange of `bench.queue_line`: agents' phones that answer and press 1 at once, and a diary of what it was told.

Run as a process: the diary's path, seconds that an agent talks on average, and the agents' addresses.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import IO, Any

from ivr import config
from ivr.cli.serve import numbers_of
from ivr.exchange.network import Network
from ivr.exchange.phones import Phone
from ivr.exchange.records import Account, CallResource
from ivr.exchange.server import run_exchange

HASTE = 0.2
"""Talks differ by so much of their length, so that agents become free one after the other."""


class Diary:
    """What the exchange was told, by the clock of this machine; a line is whole or not there."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def note(self, what: str, **more: str) -> None:
        self._out.write(json.dumps({"at": time.time(), "what": what, **more}) + "\n")
        self._out.flush()


class Agent:
    """A phone that is answered at once; 1 is pressed at the first word; it is hung up when the talk is over."""

    def __init__(self, address: str, network: Network, diary: Diary, talks: Callable[[], float]) -> None:
        self._address, self._network, self._diary, self._talks = address, network, diary, talks

    def ring(self, phone: Phone) -> None:
        self._diary.note("rings", sid=phone.sid, agent=self._address)
        pressed = talking = False

        def notices(phone: Phone) -> None:
            nonlocal pressed, talking
            if phone.playing is not None and not pressed:
                pressed = True
                self._diary.note("presses", sid=phone.sid, agent=self._address)
                self._network.scheduler.after(0, lambda: phone.press("1"))
            if not talking and any(news.kind == "connected" for news in phone.perceived()):
                talking = True
                self._diary.note("talks", sid=phone.sid, agent=self._address)
                self._network.scheduler.after(self._talks(), phone.hang_up)

        phone.watch(notices)
        self._network.scheduler.after(0, phone.answer)


def prepare(network: Network, diary: Diary, talks: float, agents: list[str]) -> None:
    """Give the agents their phones, and write down every redirect as it is asked for."""
    chance = random.Random(1)
    update = network.update_call

    def noted(sid: str, **asked: Any) -> CallResource:
        diary.note("redirects", sid=sid, url=str(asked.get("url") or asked.get("status") or ""))
        return update(sid, **asked)

    network.update_call = noted  # type: ignore[method-assign]
    for address in agents:
        agent = Agent(address, network, diary, lambda: talks * chance.uniform(1 - HASTE, 1 + HASTE))
        network.scheduler.call(lambda address=address, agent=agent: network.phones.put(address, agent.ring))  # type: ignore[misc]


def main(path: str, talks: str, *agents: str) -> None:
    settings = config.load(os.environ)
    account = Account(settings.account_sid, settings.auth_token)
    doors = {
        "voice_url": f"{settings.public_url}/voice/incoming",
        "voice_fallback_url": f"{settings.public_url}/voice/fallback",
        "status_callback": f"{settings.public_url}/voice/status",
    }
    with open(path, "a", encoding="utf-8") as out:
        diary = Diary(out)
        run_exchange(
            account,
            "127.0.0.1",
            settings.exchange_port,
            numbers_of(settings, doors),
            ready=lambda network: prepare(network, diary, float(talks), list(agents)),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
