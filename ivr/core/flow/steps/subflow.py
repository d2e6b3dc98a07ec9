"""Other flows as steps: subflow goes down, return comes back by one of its exits."""

from __future__ import annotations

from ivr.core.flow.expression import Name
from ivr.core.flow.model import Return, Subflow
from ivr.core.flow.turn import Frame
from ivr.core.flow.walk import Back, Down, End, Fail, Walk

DEEPEST = 8  # flows inside one another


def subflow(walk: Walk, node: Subflow) -> Down | Fail:
    flow = walk.flow_named(node.flow)
    if flow is None:
        return Fail(f"there is no flow {node.flow}")
    if len(walk.frames) >= DEEPEST:
        return Fail(f"more than {DEEPEST} flows inside one another")
    variables = {name: walk.worth(expression) for name, expression in node.parameters}
    return Down(Frame(flow.name, flow.start, variables))


def return_(walk: Walk, node: Return) -> Back | End:
    """Back to the flow that called; a flow that nobody called ends with a goodbye."""
    if len(walk.frames) == 1:
        walk.say_sentence("goodbye")
        return End()
    flow = walk.flow()
    returns = {} if flow is None else flow.returns
    gives = []
    for name, expression in node.gives:
        copied = walk.type_of(expression.tree.name) if isinstance(expression.tree, Name) else None
        gives.append((name, walk.worth(expression), returns.get(name) or copied))
    return Back(node.exit, tuple(gives))
