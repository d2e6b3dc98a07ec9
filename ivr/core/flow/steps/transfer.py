"""Connect to a number outside."""

from __future__ import annotations

from ivr.core.events import TransferBegan, TransferConnected, TransferEnded
from ivr.core.flow.model import Transfer
from ivr.core.flow.turn import Dial, DialEnded, Heard
from ivr.core.flow.walk import Fail, Leave, Wait, Walk
from ivr.core.words import PhoneNumber


def transfer(walk: Walk, node: Transfer, heard: Heard | None) -> Leave | Wait | Fail:
    match heard:
        case None:
            return dialled(walk, node)
        case DialEnded(how):
            return ended(walk, node, how)
        case _:
            return ended(walk, node, "failed")  # another door: nobody will say any more how it ended


def dialled(walk: Walk, node: Transfer) -> Wait | Fail:
    """Who is rung sees the line's number; where the line shows none, the carrier shows the caller's."""
    try:
        number = PhoneNumber(node.number)
    except ValueError:
        return Fail("what it connects to is no telephone number")
    line = walk.company.lines.get(walk.version.flow.line or "")
    walk.say_sentence("transfer")
    walk.note(TransferBegan(node.name, str(number)))
    return Wait("dial", Dial(number, max(1, int(node.limit.total_seconds())), None if line is None else line.shows))


def ended(walk: Walk, node: Transfer, how: str) -> Leave:
    if how == "completed":
        walk.note(TransferConnected(node.name))
    walk.note(TransferEnded(node.name, how))
    match how:
        case "completed":
            return Leave("when_done", "they have talked")
        case "busy":
            walk.say_sentence("transfer_busy")
            return Leave("busy", "the number was busy")
        case "no_answer":
            walk.say_sentence("transfer_no_answer")
            return Leave("no_answer", "nobody answered")
        case _:
            walk.say_sentence("transfer_failed")
            return Leave("failed", "the number could not be reached")
