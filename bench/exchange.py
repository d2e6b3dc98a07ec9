"""`exchange`: whole IVR calls a second in virtual time, in one process on one core, SQLite in memory.

Each call rings, hears the menu, goes to the news, back, and hangs up; the app behind is the real one with signatures
checked. The peer is the aim itself: a hundred calls a second.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench import Emit, Entry
from ivr.exchange.handset import Handset, Telephones
from ivr.testing.world import World, open_world

AIM = 100.0
CALLS = 300
LINE = "+39800123456"


def run(emit: Emit) -> None:
    """Measure wall-clock calls a second over a few hundred calls, after a warm-up."""
    morning = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
    with open_world(morning, Path("call_flows"), None, seed=1) as world:
        for n in range(20):
            _call(world, n)
        start = time.perf_counter()
        for n in range(20, 20 + CALLS):
            _call(world, n)
        rate = CALLS / (time.perf_counter() - start)
    emit(Entry("exchange", round(rate, 1), "calls/s", "the aim", AIM, round(rate / AIM, 3), aim=1.0))


def _call(world: World, n: int) -> None:
    phones = world.telephones
    handset = phones.dial(f"+39333{n:07}", LINE)
    heard = 0
    for key in ("3", "2"):
        heard = _until_asked(phones, handset, heard)
        handset.press(key)
    _until_asked(phones, handset, heard)
    handset.hang_up()
    phones.wait(1)


def _until_asked(phones: Telephones, handset: Handset, after: int) -> int:
    for _ in range(200):
        for moment in handset.perceived(after):
            after = moment.n
            if moment.kind == "question":
                return after
            if moment.kind == "ended":
                raise RuntimeError(f"the call ended: {moment.text}")
        phones.wait_for_news(handset, after, 60)
    raise RuntimeError("the line asked nothing")
