"""A cursor as compact JSON text and back: fields that hold their default are left out."""

from __future__ import annotations

import json
from typing import Any

from ivr.core.flow.turn import Cursor, Frame
from ivr.core.words import Language

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_json(cursor: Cursor) -> str:
    """One line of JSON; ``from_json`` gives the same cursor back."""
    known: dict[str, Any] = {
        "f": [[frame.flow, frame.node, dict(frame.variables)] for frame in cursor.frames],
        "l": cursor.language,
    }
    if cursor.slow:
        known["slow"] = 1
    if cursor.stage:
        known["s"] = cursor.stage
    if cursor.held:
        known["h"] = cursor.held
    if cursor.page:
        known["p"] = cursor.page
    if cursor.no_input:
        known["i"] = cursor.no_input
    if cursor.no_match:
        known["m"] = cursor.no_match
    if cursor.known is not None:
        known["k"] = cursor.known
    if cursor.types:
        known["t"] = dict(cursor.types)
    if cursor.path:
        known["w"] = cursor.path
    if cursor.speech:
        known["v"] = 1
    if cursor.ended:
        known["e"] = 1
    return ENCODER.encode(known)


def from_json(text: str) -> Cursor:
    """The cursor a text stands for; raises ValueError when it stands for none."""
    try:
        known = json.loads(text)
        frames = tuple(Frame(flow, node, variables) for flow, node, variables in known["f"])
        language = Language(known["l"])
    except (KeyError, TypeError) as missing:
        raise ValueError("this text is no cursor") from missing
    if not frames:
        raise ValueError("a cursor stands in some flow")
    return Cursor(
        frames=frames,
        language=language,
        slow=bool(known.get("slow")),
        stage=known.get("s", ""),
        held=known.get("h", ""),
        page=known.get("p", 0),
        no_input=known.get("i", 0),
        no_match=known.get("m", 0),
        known=known.get("k"),
        types=known.get("t", {}),
        path=tuple(known.get("w", ())),
        speech=bool(known.get("v")),
        ended=bool(known.get("e")),
    )
