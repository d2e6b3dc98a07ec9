"""Nodes that decide and reckon: branch, set."""

from __future__ import annotations

from ivr.core.flow.expression import Name
from ivr.core.flow.model import Branch, Set
from ivr.core.flow.walk import Leave, Walk


def branch(walk: Walk, node: Branch) -> Leave:
    for case in node.cases:
        if walk.worth(case.when):
            return Leave(case.name, f"{case.when.text} holds")
    return Leave("otherwise", "no case holds")


def set_(walk: Walk, node: Set) -> Leave:
    """Values in the order written; one that is copied keeps the way it is spoken."""
    for name, expression in node.values:
        type_ = walk.type_of(expression.tree.name) if isinstance(expression.tree, Name) else None
        walk.give(name, walk.worth(expression), type_)
    return Leave("then", f"set {', '.join(name for name, _ in node.values)}")
