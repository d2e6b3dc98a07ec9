"""Telephones outside of call scripts: numbers that a flow puts callers through to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from ivr.core.flow.model import NOWHERE, Mark
from ivr.exchange.handset import Behaviour


@dataclass(frozen=True)
class Outside:
    """A telephone that is nobody's of ours. ``talks``: from when somebody else is on the line, then it hangs up."""

    number: str
    answers_after: timedelta = timedelta(seconds=5)
    busy: bool = False
    unreachable: bool = False
    talks: timedelta = timedelta(minutes=1)
    mark: Mark = field(default=NOWHERE, compare=False)


def behaviour(phone: Outside) -> Behaviour:
    """What the network is told of it."""
    return Behaviour(
        answers_after=phone.answers_after.total_seconds(),
        busy=phone.busy,
        fails=phone.unreachable,
        talks=phone.talks.total_seconds(),
    )
