"""Nodes that only speak: say, play, info, hangup."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from ivr.core.company import Item
from ivr.core.flow.model import Hangup, Info, Play, Say
from ivr.core.flow.walk import End, Leave, Walk


def say(walk: Walk, node: Say) -> Leave:
    walk.say(node.say)
    return Leave("then", "said")


def play(walk: Walk, node: Play) -> Leave:
    walk.play(node.sound)
    return Leave("then", "played")


def info(walk: Walk, node: Info) -> Leave:
    """Read out what is in date by the company's own calendar; never anything past its end."""
    today = walk.scene.now.astimezone(ZoneInfo(walk.company.zone)).date()
    items = [walk.company.items[name] for name in node.items if name in walk.company.items]
    fresh = [item for item in items if in_date(item, today)]
    for item in fresh:
        walk.say(item.says)
    if not fresh:
        return Leave("none", "nothing is in date")
    return Leave("then", f"read out {', '.join(item.name for item in fresh)}")


def in_date(item: Item, today: date) -> bool:
    return (item.since is None or item.since <= today) and (item.until is None or today <= item.until)


def hangup(walk: Walk, node: Hangup) -> End:
    """The last words; a caller to whom nothing was said in this turn hears a goodbye all the same."""
    if node.say is not None:
        walk.say(node.say)
    if walk.silent:
        walk.say_sentence("goodbye")
    return End()
