"""The carrier's doors: signature checked, words translated, one use case called, TwiML answered.

A door always answers legal TwiML with status 200, also when something behind it is broken: then the static fallback.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request

from ivr.core.errors import IvrError, NoSuchCall, NoSuchLine
from ivr.core.words import CallId
from ivr.switchboard.take_turn import Answer
from ivr.twilio import inbound
from ivr.web.doors import Doors

hooks = Blueprint("hooks", __name__)
log = structlog.get_logger()

NO_CONTENT = ("", 204)
DOORS = frozenset({"keys", "recorded", "empty", "queue_left", "joined", "left_room", "moved", "dialled"})


def _doors() -> Doors:
    doors: Doors = current_app.extensions["ivr.doors"]
    return doors


def _xml(text: str) -> Response:
    return Response(text, mimetype="text/xml")


def signed(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what the carrier did not sign; the body of a refusal tells nothing."""

    @wraps(view)
    def checked(**address: Any) -> Any:
        doors = _doors()
        path = request.full_path if request.query_string else request.path
        lists = request.form.to_dict(flat=False)
        if not doors.signature.accepts(path, lists, request.headers, request.get_data()):
            doors.counters.refused.inc()
            log.warning("signature refused", path=request.path, url=doors.signature.public_url)
            return Response("The signature does not match.", status=403, mimetype="text/plain")
        return view(**address)

    return checked


def speaking(view: Callable[..., Answer]) -> Callable[..., Response]:
    """Answer with the words of a turn; with the fallback's when the turn cannot be had."""

    @wraps(view)
    def spoken(**address: Any) -> Response:
        doors = _doors()
        try:
            answer = view(**address)
            return _xml(doors.render(answer))
        except (NoSuchCall, NoSuchLine) as unknown:
            return _fallen_back(doors, unknown, address)
        except IvrError as trouble:
            return _fallen_back(doors, trouble, address)
        except Exception as trouble:  # the rim: whatever is broken behind, the caller hears words
            return _fallen_back(doors, trouble, address, broken=True)

    return spoken


def _fallen_back(doors: Doors, trouble: Exception, address: dict[str, Any], broken: bool = False) -> Response:
    name = type(trouble).__name__
    doors.counters.fallbacks.labels(name).inc()
    log.error("fallback spoken", because=name, call=address.get("call"), turn=address.get("turn"), exc_info=broken)
    return _xml(doors.fallback(request.form.get("To", "")))


@hooks.post("/voice/incoming")
@signed
@speaking
def call_rang() -> Answer:
    doors = _doors()
    rang = inbound.incoming(request.form, doors.numbering)
    if rang.called is None:
        raise NoSuchLine()
    return doors.ring(rang.key, rang.caller, rang.called, inbound.token(request.headers, request.form))


@hooks.post("/voice/calls/<call>/turns/<int:turn>/<door>")
@signed
@speaking
def caller_answered(call: str, turn: int, door: str) -> Answer:
    if door not in DOORS:
        raise NoSuchCall()
    heard = inbound.heard(door, request.form)
    return _doors().take_turn(CallId(call), turn, door, heard, inbound.token(request.headers, request.form))


@hooks.post("/voice/status")
@signed
def call_moved() -> tuple[str, int]:
    fact = inbound.status(request.form)
    _doors().call_status(fact.key, fact.status, fact.seconds, fact.fact_key, request.form.to_dict())
    return NO_CONTENT


@hooks.post("/voice/recordings")
@signed
def recording_moved() -> tuple[str, int]:
    fact = inbound.recording(request.form)
    _doors().recording_ready(
        fact.key, fact.recording, fact.url, fact.status, fact.length, fact.fact_key, request.form.to_dict()
    )
    return NO_CONTENT


@hooks.post("/voice/fallback")
@signed
def carrier_fell_back() -> Response:
    """The carrier could not use an answer of ours; it says why in ErrorCode."""
    doors = _doors()
    doors.counters.fallbacks.labels(f"carrier_{request.form.get('ErrorCode', 'unknown')[:5]}").inc()
    log.error("carrier fell back", code=request.form.get("ErrorCode"), call=request.form.get("CallSid"))
    return _xml(doors.fallback(request.form.get("To", "")))
