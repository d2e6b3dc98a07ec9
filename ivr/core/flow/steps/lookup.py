"""Read a record of ours into variables of its name."""

from __future__ import annotations

from collections.abc import Generator

from ivr.core.events import RecordLooked
from ivr.core.flow.model import Lookup
from ivr.core.flow.turn import Got, GotRecord, Want, WantRecord
from ivr.core.flow.walk import Fail, Leave, Walk

OWNER = "owner"
"""The variable of a record that says whose it is, should the caller turn out to be somebody else."""


def lookup(walk: Walk, node: Lookup) -> Generator[Want, Got, Leave | Fail]:
    key = walk.value(node.by)
    if key is None or key == "":
        walk.note(RecordLooked(node.record, found=False))
        return Leave("not_found", f"{node.by} has no value")
    got = yield WantRecord(node.record, str(key))
    if not isinstance(got, GotRecord):
        return Fail(reason(got))
    others = None not in (walk.known, got.owner) and walk.known != got.owner
    walk.note(RecordLooked(node.record, found=got.fields is not None and not others))
    if got.fields is None:
        return Leave("not_found", f"no such {node.record}")
    if others:
        return Leave("not_found", f"the {node.record} is another customer's")
    walk.forget(f"{node.record}.")
    if got.owner is not None:
        walk.give(f"{node.record}.{OWNER}", got.owner)
    for name, value in got.fields.items():
        walk.give(f"{node.record}.{name}", value, got.types.get(name))
    return Leave("found", f"the {node.record} is on record")


def reason(got: Got) -> str:
    """Why something could not be had, for the supervisor."""
    return getattr(got, "because", f"an answer of another kind: {type(got).__name__}")
