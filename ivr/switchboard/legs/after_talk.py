"""Back in the flow after a call back, as after any talk: the survey of the queue, then the last words.

The leg is ours, and not the call on which the call back was asked for: of the flow it walks the survey only, since it
can be put through to nobody, and its stage holds the cursor. Answers and follow-ups belong to that call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ivr.core.call import CallRecord
from ivr.core.callbacks import Callback
from ivr.core.flow import cursor as cursors
from ivr.core.flow.interpreter import advance
from ivr.core.flow.model import FlowVersion, Hangup, QueueNode, SurveyNode
from ivr.core.flow.turn import CameBack, Cursor, Frame, GotNothing, Heard, Holidays, Scene, Turn, Wording
from ivr.core.leg import Leg
from ivr.core.words import QueueName
from ivr.switchboard.calls.deeds import plan
from ivr.switchboard.legs.leg_turn import LegStep
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Flows, Ids, Later

IN_THE_FLOW = "flow:"
"""So begins the stage of a leg that is back in the flow; the cursor follows."""

LAST_WORDS = "last words of the survey"


@dataclass(frozen=True)
class AfterTalk:
    """The turns of a customer's leg once nobody talks to them any more."""

    flows: Flows
    wording: Wording
    holidays: Holidays
    ids: Ids
    later: Later

    def begin(
        self, tx: Transaction, leg: Leg, callback: Callback, queue: QueueName, over: str, now: datetime
    ) -> LegStep | None:
        """The first question; None: no survey follows a talk in this queue. ``over``: the stage after the last."""
        call, version = self._asked_on(tx, callback)
        node = survey_after(version, queue, callback.path)
        if node is None:
            return None
        then = cursors.from_json(call.cursor)
        frame = Frame(version.flow.name, node.name, then.frames[0].variables)
        cursor = replace(
            then,
            frames=(frame,),
            language=callback.language,
            stage="",
            held="",
            no_input=0,
            no_match=0,
            ended=False,
        )
        return self._step(tx, leg, callback, cursor, CameBack(), over, now)

    def heard(self, tx: Transaction, leg: Leg, callback: Callback, heard: Heard, over: str, now: datetime) -> LegStep:
        cursor = cursors.from_json(leg.stage.removeprefix(IN_THE_FLOW))
        return self._step(tx, leg, callback, cursor, heard, over, now)

    def _step(
        self, tx: Transaction, leg: Leg, callback: Callback, cursor: Cursor, heard: Heard, over: str, now: datetime
    ) -> LegStep:
        call, version = self._asked_on(tx, callback)
        scene = Scene(now, self.wording, self.holidays, seed=f"{leg.id}:{leg.turn}", caller=callback.number)
        turn = _taken(version_of_survey(version, cursor.frames[0].node), cursor, heard, scene)
        planned = plan(turn.deeds, call, version.company.zone, self.ids, self.later, now)
        for write in planned.writes:
            write(tx)
        tx.log.add(call.id, [*turn.events, *planned.events], now)
        stage = over if turn.cursor.ended else IN_THE_FLOW + cursors.as_json(turn.cursor)
        return LegStep(turn.says, stage, tuple(planned.hints))

    def _asked_on(self, tx: Transaction, callback: Callback) -> tuple[CallRecord, FlowVersion]:
        assert callback.call is not None, "a callback is asked for on a call"
        call = tx.calls.at(callback.call)
        return call, self.flows.version(call.version, tx)


def survey_after(version: FlowVersion, queue: QueueName, path: tuple[str, ...]) -> SurveyNode | None:
    """The survey that a talk in this queue leads to: by the queue node they came through, else the flow's first."""
    nodes = version.flow.nodes
    passed = [nodes[name] for name in reversed(path) if name in nodes]
    for node in (*passed, *nodes.values()):
        if isinstance(node, QueueNode) and node.queue == queue:
            then = nodes.get(node.when_done)
            return then if isinstance(then, SurveyNode) else None
    return None


def version_of_survey(version: FlowVersion, survey: str) -> FlowVersion:
    """The same flow, in which a survey leads to its last words only, and nothing to a person."""
    nodes = version.flow.nodes
    node = nodes.get(survey)
    if not isinstance(node, SurveyNode):  # its last words: nothing more is asked
        return version
    then = nodes.get(node.then)
    end = then if isinstance(then, Hangup) else Hangup(name=LAST_WORDS)
    only = {**nodes, end.name: end, node.name: replace(node, then=end.name, failed=end.name)}
    return replace(version, flow=replace(version.flow, nodes=only, person=None, if_all_fails=end.name))


def _taken(version: FlowVersion, cursor: Cursor, heard: Heard, scene: Scene) -> Turn:
    steps = advance(version, cursor, heard, scene)
    try:
        next(steps)
        while True:
            steps.send(GotNothing("a survey asks for nothing"))
    except StopIteration as end:
        turn: Turn = end.value
        return turn
