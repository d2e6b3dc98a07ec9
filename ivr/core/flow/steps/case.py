"""Open a case and read its code out: the case is written in the same transaction as the turn that says so."""

from __future__ import annotations

from collections.abc import Generator

from ivr.core.events import CaseOpened
from ivr.core.flow.model import CaseNode
from ivr.core.flow.speaking import Spoken, in_groups
from ivr.core.flow.steps.lookup import reason
from ivr.core.flow.turn import Got, GotCode, OpenCase, Want, WantCaseCode
from ivr.core.flow.walk import Fail, Leave, Walk


def case_(walk: Walk, node: CaseNode) -> Generator[Want, Got, Leave | Fail]:
    got = yield WantCaseCode(node.case)
    if not isinstance(got, GotCode):
        return Fail(reason(got))
    about = None if node.about is None else walk.value(node.about)
    walk.deeds.append(OpenCase(node.case, got.code, None if about is None else str(about)))
    walk.note(CaseOpened(node.case, got.code))
    walk.give("case.code", got.code, "digits")
    code = Spoken(in_groups(got.code, 2 if walk.slow else 3), got.code)
    walk.say_sentence("case_code", code=code)
    walk.pause(1)
    walk.say_sentence("case_code_again", code=code)
    return Leave("then", f"opened {node.case} {got.code}")
