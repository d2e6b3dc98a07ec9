"""Send the caller a text message: on record in the turn that says so, sent by a worker after it."""

from __future__ import annotations

from ivr.core.flow.model import Message
from ivr.core.flow.turn import SendText
from ivr.core.flow.walk import Leave, Walk
from ivr.core.text_message import gets_no_text

MOST = 3
"""Texts on one call: a flow that goes in circles, or somebody who plays with it, shall not cost without end."""

TEXTS = "call.texts"
"""How many were promised on this call."""


def message(walk: Walk, node: Message) -> Leave:
    line = walk.company.lines.get(walk.version.flow.line or "")
    sender = None if line is None else line.texts_from
    to = walk.scene.caller
    if line is None or sender is None:
        return no_text(walk, "the line has no sender of texts")
    if to is None:
        return no_text(walk, "the caller's number is withheld")
    scene = walk.scene
    if (because := gets_no_text(scene.number_kind(to), scene.number_country(to), line.callable_from)) is not None:
        return no_text(walk, because)
    promised = walk.value(TEXTS)
    count = promised if isinstance(promised, int) else 0
    if count >= MOST:
        return no_text(walk, f"{count} texts were promised on this call already")
    text = walk.written(node.text).strip()
    if not text:
        return no_text(walk, "the text is empty")
    walk.give(TEXTS, count + 1)
    walk.deeds.append(SendText(to, sender, text))
    walk.say_sentence("text_promised")
    return Leave("then", "a text is on record")


def no_text(walk: Walk, because: str) -> Leave:
    walk.say_sentence("no_text")
    return Leave("failed", because)
