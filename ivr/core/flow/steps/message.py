"""Send a text message to the caller: comes with the queue; until then the node is left by its `failed` exit, aloud."""

from __future__ import annotations

from ivr.core.flow.model import Message
from ivr.core.flow.walk import Fail, Outcome, Walk


def message(_walk: Walk, _node: Message) -> Outcome:
    return Fail("not yet")
