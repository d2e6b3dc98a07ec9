"""How a call ended, told from what happened on it."""

from __future__ import annotations

from collections.abc import Collection

BY_EVENT = (
    ("voicemail.taken", "voicemail"),
    ("callback.promised", "callback"),
    ("agent.joined", "answered"),
    ("transfer.connected", "transferred"),
)

DECIDING = frozenset(kind for kind, _ in BY_EVENT)
"""Kinds of events that decide an outcome by themselves, also when they come after the call's end."""


def outcome(kinds: Collection[str], flow_ended: bool) -> str:
    """The call's outcome from the kinds of its events; ``flow_ended``: we hung up, the caller did not.

    answered, voicemail, callback, abandoned, self_service, transferred or failed.
    """
    for kind, name in BY_EVENT:
        if kind in kinds:
            return name
    if flow_ended and "fallback.spoken" in kinds:
        return "failed"
    if flow_ended and "queue.joined" not in kinds:  # who stood in line wanted a person
        return "self_service"
    return "abandoned"
