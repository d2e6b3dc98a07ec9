"""Go by the clock: open, closed, holiday, emergency; and say why and until when."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from zoneinfo import ZoneInfo

from ivr.core.company import Hours
from ivr.core.flow.expression import Value
from ivr.core.flow.model import HoursNode
from ivr.core.flow.turn import Got, GotEmergency, Want, WantEmergency
from ivr.core.flow.walk import Fail, Leave, Walk
from ivr.core.hours import HoursState, Reason, state


def hours(walk: Walk, node: HoursNode) -> Generator[Want, Got, Leave | Fail]:
    """Sets ``closed.reason``, ``closed.because`` and ``hours.next_open``.

    When the emergency switch cannot be read, the schedule decides: a caller at 10 on a Tuesday is let in.
    """
    schedule = walk.company.hours.get(node.hours)
    if schedule is None:
        return Fail(f"there are no hours {node.hours}")
    got = yield WantEmergency(node.hours)
    closing = got.closing if isinstance(got, GotEmergency) else None
    now = state(schedule, walk.scene.now, walk.scene.holidays, closing)
    tell(walk, schedule, now)
    exit_ = {Reason.CLOSING: "closed"}.get(now.reason, now.reason.value)
    exit_ = exit_ if dict(node.ways()).get(exit_) else "closed"
    unread = "" if isinstance(got, GotEmergency) else "; the emergency switch could not be read"
    return Leave(exit_, f"{now.reason.value}{f': {now.name}' if now.name else ''}{unread}")


def tell(walk: Walk, schedule: Hours, now: HoursState) -> None:
    walk.give("closed.reason", None if now.open else now.reason.value)
    because, kind = why(schedule, now, walk.scene.now)
    walk.give("closed.because", because, kind)
    again = None if now.next_open is None else now.next_open.astimezone(ZoneInfo(schedule.zone)).isoformat()
    walk.give("hours.next_open", again, None if again is None else f"moment:{schedule.zone}")


def why(schedule: Hours, now: HoursState, at: datetime) -> tuple[Value, str | None]:
    """The value of ``closed.because`` and how it is spoken (``speaking.because``)."""
    match now.reason:
        case Reason.HOLIDAY:
            day = at.astimezone(ZoneInfo(schedule.zone)).date()
            return now.name, f"because:holiday:{schedule.holidays_of}:{day.isoformat()}"
        case Reason.CLOSING:
            return now.name, f"because:closing:{schedule.name}"
        case Reason.EMERGENCY:
            return (now.because if isinstance(now.because, str) else True), "because:emergency"
        case _:
            return None, None
