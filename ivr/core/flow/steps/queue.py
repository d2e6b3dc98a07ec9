"""Wait for a person: comes with the queue; until then the node is left by its `failed` exit, aloud."""

from __future__ import annotations

from ivr.core.flow.model import QueueNode
from ivr.core.flow.turn import Heard
from ivr.core.flow.walk import Fail, Outcome, Walk


def queue(_walk: Walk, _node: QueueNode, _heard: Heard | None) -> Outcome:
    return Fail("not yet")
