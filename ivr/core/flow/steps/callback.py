"""Promise to call back: comes with the queue; until then the node is left by its `failed` exit, aloud."""

from __future__ import annotations

from ivr.core.flow.model import Callback
from ivr.core.flow.turn import Heard
from ivr.core.flow.walk import Fail, Outcome, Walk


def callback(_walk: Walk, _node: Callback, _heard: Heard | None) -> Outcome:
    return Fail("not yet")
