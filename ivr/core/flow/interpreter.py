"""The interpreter: a flow version, a cursor and what was heard come to one turn. Pure; it performs nothing.

``advance`` goes from node to node until the caller must be waited for, or the call ends. What it cannot know by itself
it yields as a ``Want``; whoever runs it sends the ``Got``. No flow, however broken, makes it raise: a node that cannot
do its work, or is not there, is left aloud for the flow's ``if_all_fails``, and where that leads nowhere the caller
hears a last sentence before the line is closed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import assert_never

from ivr.core.flow.model import AnyNode, FlowVersion
from ivr.core.flow.steps import step
from ivr.core.flow.steps.callback import tell_next_slot
from ivr.core.flow.turn import Ask, Cursor, Frame, Got, Heard, Record, Scene, Turn, Want
from ivr.core.flow.walk import Back, Down, End, Fail, Leave, ToPerson, Wait, Walk
from ivr.core.words import Language

MOST_NODES = 200  # in one turn; a flow that needs more goes in circles
NODES_AFTER_RESCUE = 40


def begin(version: FlowVersion, language: Language | None, slow: bool, speech: bool = False) -> Cursor:
    """Where a new call stands; ``language`` None, or none of the flow's, means the flow's first."""
    flow = version.flow
    spoken = language if language is not None and language in flow.languages else flow.languages[0]
    return Cursor((Frame(flow.name, flow.start),), spoken, slow=slow, speech=speech)


def advance(version: FlowVersion, cursor: Cursor, heard: Heard, scene: Scene) -> Generator[Want, Got, Turn]:
    """The turn that ``heard`` leads to; never raises."""
    walk = Walk(version, cursor, scene)
    if cursor.ended:
        return walk.hang_up()
    answer = heard if cursor.stage else None
    turn = yield from walked(walk, answer, MOST_NODES)
    if turn is None and rescue(walk, "too many nodes in one turn"):
        turn = yield from walked(walk, None, NODES_AFTER_RESCUE)
    return turn or last_words(walk)


def walked(walk: Walk, answer: Heard | None, most: int) -> Generator[Want, Got, Turn | None]:
    """On from here through ``most`` nodes; None when the caller was not waited for in any of them."""
    for _ in range(most):
        node = walk.node()
        if node is None:
            if not rescue(walk, "there is no such node"):
                return last_words(walk)
            continue
        if answer is None:
            walk.entered(node)
        flow = walk.flow()
        if flow is not None and node.name in flow.telling_next_slot:
            yield from tell_next_slot(walk, node)
        outcome = yield from step(walk, node, answer)
        answer = None
        match outcome:
            case Wait(stage, said):
                if isinstance(said, Ask | Record):
                    said = replace(said, utterances=walk.said_so_far())
                return walk.turn(said, stage=stage)
            case End():
                return walk.hang_up()
            case Leave() | ToPerson() | Fail() | Down() | Back():
                follow(walk, node, outcome)
            case _:
                assert_never(outcome)
    return None


def last_words(walk: Walk) -> Turn:
    walk.say_sentence("cannot_go_on")
    return walk.hang_up()


def follow(walk: Walk, node: AnyNode, outcome: Leave | ToPerson | Fail | Down | Back) -> None:
    """Move to where the outcome leads; a way out that the node has not is a failure of its own."""
    match outcome:
        case Leave(exit_, because):
            target = dict(node.ways()).get(exit_)
            if target is None:
                follow(walk, node, Fail(f"it has no exit {exit_}"))
                return
            walk.left(exit_, because)
            walk.move(target)
        case Fail(because, exit_):
            walk.failed(because)
            flow = walk.flow()
            walk.left(exit_, because)
            walk.move(dict(node.ways()).get(exit_) or ("" if flow is None else flow.if_all_fails))
        case ToPerson(because):
            walk.left("person", because)
            way = walk.person()
            if way is not None:
                del walk.frames[way[0] :]
                walk.move(way[1])
        case Down(frame):
            walk.frames.append(frame)
            walk.move(frame.node)
        case Back(exit_, gives):
            walk.left(exit_, "the subflow ends")
            walk.leave_subflow()
            for name, value, type_ in gives:
                walk.give(name, value, type_)
            caller = walk.node()
            if caller is not None:
                follow(walk, caller, Leave(exit_, "the subflow ended"))


def rescue(walk: Walk, because: str) -> bool:
    """To the `if_all_fails` of this flow, or of one that called it; False when the caller stands there already."""
    walk.failed(because)
    if walk.flow_named(walk.frames[0].flow) is None:
        walk.frames = [Frame(walk.version.flow.name, "", walk.frames[0].variables)]
    while True:
        flow = walk.flow()
        if flow is not None and flow.if_all_fails in flow.nodes and walk.here.node != flow.if_all_fails:
            walk.move(flow.if_all_fails)
            return True
        if len(walk.frames) == 1:
            return False
        walk.leave_subflow()
