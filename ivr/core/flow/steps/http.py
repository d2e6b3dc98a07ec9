"""Ask another system, never inside a turn: the caller hears a sentence while a worker fetches."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote, urlsplit

from ivr.core.events import FetchAsked, FetchEnded
from ivr.core.flow.expression import LARGEST, Value
from ivr.core.flow.model import Http
from ivr.core.flow.sentences import template
from ivr.core.flow.steps.lookup import reason
from ivr.core.flow.turn import Fetch, GoOn, Got, GotFetched, Heard, Want, WantFetched
from ivr.core.flow.walk import Fail, Leave, Wait, Walk

GRACE = timedelta(seconds=2)  # for the worker to begin and to write its answer
LOOK_AGAIN = 1  # seconds
LONGEST_TEXT = 500  # characters of an answer that a variable keeps


def http(walk: Walk, node: Http, heard: Heard | None) -> Generator[Want, Got, Leave | Fail | Wait]:
    if heard is None:
        return asked(walk, node)
    key, _, asked_at = walk.held.rpartition("|")
    got = yield WantFetched(key)
    if not isinstance(got, GotFetched):
        walk.note(FetchEnded(node.name, "failure"))
        return Fail(reason(got), "failure")
    if got.state == "waiting":
        if walk.scene.now < datetime.fromisoformat(asked_at) + node.limit + GRACE:
            return Wait("fetch", GoOn(LOOK_AGAIN))
        return over(walk, node, "timeout", "no answer within the limit")
    if got.state == "success":
        for variable, type_, path in node.gives:
            walk.give(variable, typed(at_path(got.answer, path), type_), type_)
        return over(walk, node, "success", "answered")
    return over(walk, node, "timeout" if got.state == "timeout" else "failure", f"the fetch ended: {got.state}")


def asked(walk: Walk, node: Http) -> Wait:
    key = f"{walk.scene.seed}:{walk.here.flow}:{node.name}"
    url = "".join(
        part if isinstance(part, str) else quote(in_url(walk.value(part.name)), safe="")
        for part in template(node.url).parts
    )
    body = {name: walk.worth(expression) for name, expression in node.sends}
    walk.deeds.append(Fetch(key, url, node.method, body, node.limit))
    walk.note(FetchAsked(node.name, urlsplit(node.url).hostname or ""))
    walk.held = f"{key}|{walk.scene.now.isoformat()}"
    walk.say(node.wait)
    return Wait("fetch", GoOn())


def over(walk: Walk, node: Http, exit_: str, because: str) -> Leave:
    walk.note(FetchEnded(node.name, exit_))
    return Leave(exit_, because)


def in_url(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def at_path(answer: object, path: str) -> object:
    """What stands at ``data.items.0.status`` of a JSON value; None where the path leads nowhere."""
    for part in path.split("."):
        match answer:
            case dict():
                answer = answer.get(part)
            case list() if part.isdecimal() and int(part) < len(answer):
                answer = answer[int(part)]
            case _:
                return None
    return answer


def typed(found: object, type_: str) -> Value:
    """A JSON value as a value of the type; None for what cannot be one. Money is read in whole units, kept in cents."""
    match type_.partition(":")[0]:
        case "number":
            return whole(found, 1)
        case "money":
            return whole(found, 100)
        case "boolean":
            return found if isinstance(found, bool) else None
        case "date":
            return dated(found, date)
        case "moment":
            return dated(found, datetime)
        case _ if isinstance(found, str):
            return found[:LONGEST_TEXT]
        case _ if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        case _:
            return None


def whole(found: object, times: int) -> int | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str) or len(str(found)) > 40:
        return None
    try:
        number = Decimal(str(found).strip()) * times
        return int(number) if number == number.to_integral_value() and abs(number) <= LARGEST else None
    except (ArithmeticError, ValueError):
        return None


def dated(found: object, as_: type[date]) -> str | None:
    """ISO text, checked; a moment without a zone cannot be placed and is none."""
    if not isinstance(found, str):
        return None
    try:
        read = as_.fromisoformat(found)
    except ValueError:
        return None
    if isinstance(read, datetime) and read.tzinfo is None:
        return None
    return read.isoformat()
