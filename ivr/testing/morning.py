"""A morning of calls on record, played in virtual time: so that a line that was just set up has something to go by.

Everything of it happened on the line: callers rang, waited, and were answered by Anna, in pairs, so that the second of
each waited while the first talked. An honest range for the wait needs such a past ("silent where data is thin").
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ivr.core.agent import Wish
from ivr.testing.on_duty import OnDuty, numbered
from ivr.testing.play import Player
from ivr.testing.scripts import Script, read
from ivr.testing.world import World, open_world

LENGTH = timedelta(minutes=80)
"""The last call of it ends before that."""

PAIRS = 7
BETWEEN = timedelta(minutes=10)
ANNA = OnDuty(
    "anna",
    queues=("sales",),
    skills={"orders": 4},
    answers_after=timedelta(seconds=4),
    talks=timedelta(seconds=40),
)

CALL = """
call: caller {number} of the morning
at: {at}
from: "+3902555{number:05}"
to: "{line}"
steps:
  - hear: benvenuti
  - interrupt: "0"
  - talk
expect: {{outcome: answered}}
"""


def play_morning(begins: datetime, flows_dir: Path, database_url: str, line: str) -> int:
    """Play it on the records at ``database_url``, where the flows are published; how many were answered.

    Raises FlowRefused. Whoever was at work in it has gone home afterwards.
    """
    with open_world(begins, flows_dir, None, 1, database_url=database_url) as world:
        played = _player(world).play(_scripts(begins, line))
        world.wish(ANNA.name, Wish.OFF)
        return sum(one.held for one in played)


def _player(world: World) -> Player:
    (anna,) = numbered([ANNA], ())
    world.sign_in(anna)
    return Player(world.telephones, world.evidence)


def _scripts(begins: datetime, line: str) -> Sequence[Script]:
    """Two callers every ten minutes, the second while the first talks."""
    written = []
    for pair in range(PAIRS):
        for second in (0, 1):
            at = begins + pair * BETWEEN + timedelta(seconds=30 + 25 * second)
            written.append(CALL.format(number=100 + 2 * pair + second, at=at.isoformat(), line=line))
    scripts, problems = read("morning", "---".join(written).encode())
    if problems:
        raise AssertionError("; ".join(map(str, problems)))
    return scripts
