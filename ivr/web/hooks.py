"""The carrier's doors: signature checked, words translated, one use case called, TwiML answered.

A door always answers legal TwiML with status 200, also when something behind it is broken: then the static fallback.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

import structlog
from flask import Blueprint, Response, current_app, g, request

from ivr.core.call import CarrierKey
from ivr.core.errors import (
    IvrError,
    NoSuchAgentCall,
    NoSuchCall,
    NoSuchLeg,
    NoSuchLine,
    NoSuchRecording,
    NoSuchText,
    NoSuchTicket,
)
from ivr.core.flow.turn import Keys
from ivr.core.words import AgentCallId, CallId, Language, LegId, RecordingId, TextId, TicketId
from ivr.switchboard.calls.take_turn import Answer
from ivr.switchboard.queue.waiting import WaitAnswer
from ivr.twilio import inbound, twiml
from ivr.twilio.signature import asked
from ivr.web.doors import Doors

hooks = Blueprint("hooks", __name__)
log = structlog.get_logger()

NO_CONTENT = ("", 204)
STATIC_WAITS = 15
"""So many static rounds, about 25 s each, before somebody who waits is sent on."""

MOST_FIGURES = 6


def _doors() -> Doors:
    doors: Doors = current_app.extensions["ivr.doors"]
    return doors


def _xml(text: str) -> Response:
    return Response(text, mimetype="text/xml")


def _field(name: str) -> str:
    """The first value of a posted field; "" without one."""
    values: list[str] = g.form.get(name, [""])
    return values[0]


def _fields() -> dict[str, str]:
    return {name: values[0] for name, values in g.form.items()}


def signed(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what the carrier did not sign; the body of a refusal tells nothing."""

    @wraps(view)
    def checked(**address: Any) -> Any:
        doors = _doors()
        body = request.get_data(cache=False)
        g.form = inbound.form(body, request.headers.get("Content-Type", ""))
        if not doors.signature.accepts(asked(request.environ), g.form, request.headers, body):
            doors.counters.refused.inc()
            log.warning("signature refused", path=request.path, public_url=doors.public_url)
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


def waits(view: Callable[..., WaitAnswer]) -> Callable[..., Response]:
    """Answer with a round of the wait; with the static one when it cannot be had, so that nobody loses the place.

    Whoever has heard only that for minutes leaves the queue: the turn that follows can at least fall back to a person
    or a message.
    """

    @wraps(view)
    def waited(ticket: str) -> Response:
        doors = _doors()
        try:
            return _xml(doors.render_wait(view(ticket)))
        except NoSuchTicket:
            log.error("wait without a ticket", ticket=ticket)
            return _xml(twiml.LEAVE)
        except IvrError as trouble:
            return _kept_waiting(doors, trouble, ticket)
        except Exception as trouble:  # the rim: whatever is broken behind, the caller stays in line
            return _kept_waiting(doors, trouble, ticket, broken=True)

    return waited


def _kept_waiting(doors: Doors, trouble: Exception, ticket: str, broken: bool = False) -> Response:
    name, times = type(trouble).__name__, _number("static") + 1
    doors.counters.fallbacks.labels(name).inc()
    log.error("static wait", because=name, ticket=ticket, times=times, exc_info=broken)
    if times > STATIC_WAITS:
        return _xml(twiml.LEAVE)
    again = f"{doors.public_url}/voice/wait/{quote(ticket)}?round={_number('round')}&static={times}"
    return _xml(twiml.static_wait(again))


def _number(name: str) -> int:
    """A number of the address; 0 for none, or for one that nobody gave it."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_FIGURES else 0


def _fallen_back(doors: Doors, trouble: Exception, address: dict[str, Any], broken: bool = False) -> Response:
    name = type(trouble).__name__
    doors.counters.fallbacks.labels(name).inc()
    log.error("fallback spoken", because=name, call=address.get("call"), turn=address.get("turn"), exc_info=broken)
    return _xml(doors.fallback(_field("To")))


@hooks.post("/voice/incoming")
@signed
def call_rang() -> Response:
    """A caller, or an agent who rings us: theirs is another menu."""
    doors = _doors()
    rang = inbound.incoming(g.form, doors.numbering, request.headers)
    try:
        answer = doors.agent_menu.rings(rang.key, _field("From"), rang.caller, rang.called, rang.token)
    except IvrError as trouble:
        return _fallen_back(doors, trouble, {})
    except Exception as trouble:
        return _fallen_back(doors, trouble, {}, broken=True)
    return _caller_rang(rang=rang) if answer is None else _xml(doors.render_agent_call(answer))


@speaking
def _caller_rang(rang: inbound.Incoming) -> Answer:
    if rang.called is None or not rang.key.sid:
        raise NoSuchLine()
    return _doors().ring(rang.key, rang.caller, rang.called, rang.token)


@hooks.post("/voice/agents/<call>/turns/<int:turn>/<door>")
@signed
def agent_pressed(call: str, turn: int, door: str) -> Response:
    """An agent in their menu; where it cannot be had the line is closed, as a leg's."""
    doors = _doors()
    try:
        if door not in inbound.AGENT_CALL_DOORS:
            raise NoSuchAgentCall
        token = inbound.token(request.headers, g.form)
        answer = doors.agent_menu(AgentCallId(call), turn, door, inbound.heard(door, g.form), token)
        return _xml(doors.render_agent_call(answer))
    except IvrError as trouble:
        return _leg_closed(doors, call, trouble)
    except Exception as trouble:
        return _leg_closed(doors, call, trouble, broken=True)


@hooks.post("/voice/calls/<call>/turns/<int:turn>/<door>")
@signed
@speaking
def caller_answered(call: str, turn: int, door: str) -> Answer:
    if door not in inbound.DOORS:
        raise NoSuchCall()
    token = inbound.token(request.headers, g.form)
    return _doors().take_turn(CallId(call), turn, door, inbound.heard(door, g.form), token)


@hooks.post("/voice/wait/<ticket>")
@signed
@waits
def caller_waits(ticket: str) -> WaitAnswer:
    return _doors().waiting.round(TicketId(ticket), _number("round"))


@hooks.post("/voice/wait/<ticket>/keys")
@signed
@waits
def waiting_caller_pressed(ticket: str) -> WaitAnswer:
    waiting, pressed, spoken = _doors().waiting, inbound.heard("keys", g.form), request.args.get("spoken")
    if not isinstance(pressed, Keys):
        return waiting.round(TicketId(ticket), _number("round"))
    return waiting.key(TicketId(ticket), pressed.digits[0], _number("round"), Language(spoken) if spoken else None)


@hooks.post("/voice/hold/<ticket>")
@signed
def caller_is_held(ticket: str) -> Response:
    """Words and music, also when nothing of ours works: nobody on hold hears silence."""
    doors = _doors()
    try:
        return _xml(doors.render_hold(TicketId(ticket), doors.hold_music(TicketId(ticket))))
    except Exception as trouble:  # the rim: whatever is broken behind, the caller hears words
        name = type(trouble).__name__
        doors.counters.fallbacks.labels(name).inc()
        log.error("static hold", because=name, ticket=ticket[:64], exc_info=not isinstance(trouble, IvrError))
        return _xml(twiml.static_wait(f"{doors.public_url}/voice/hold/{quote(ticket)}"))


@hooks.post("/voice/status")
@signed
def call_moved() -> tuple[str, int]:
    fact = inbound.status(g.form)
    _doors().call_status(_key(fact.sid), fact.status, fact.seconds, fact.fact_key, _fields())
    return NO_CONTENT


@hooks.post("/voice/texts/<text>/status")
@signed
def text_moved(text: str) -> tuple[str, int]:
    fact = inbound.text_status(g.form)
    try:
        _doors().text_news(TextId(text), fact.sid, fact.status, fact.error, fact.fact_key, _fields())
    except NoSuchText:
        log.warning("news of an unknown text", text=text[:64])
    return NO_CONTENT


@hooks.post("/voice/recordings")
@signed
def recording_moved() -> tuple[str, int]:
    fact = inbound.recording(g.form)
    fields = _fields()
    _doors().recording_ready(_key(fact.sid), fact.recording, fact.url, fact.status, fact.length, fact.fact_key, fields)
    return NO_CONTENT


@hooks.post("/voice/recordings/<recording>")
@signed
def talk_recording_moved(recording: str) -> tuple[str, int]:
    fact = inbound.recording(g.form)
    news, fields = _doors().recording_news, _fields()
    try:
        news(
            RecordingId(recording), fact.recording, fact.url, fact.status, fact.length, f"talk:{fact.fact_key}", fields
        )
    except NoSuchRecording:
        log.warning("news of an unknown recording", recording=recording[:64])
    return NO_CONTENT


def _key(sid: str) -> CarrierKey:
    return CarrierKey("twilio", _field("AccountSid")[:64], sid)


@hooks.get("/voice/fallback/thanks")
def fallback_ended() -> Response:
    """After the fallback's voicemail; the same for everybody, so nothing to sign."""
    return _xml(_doors().thanks())


@hooks.post("/voice/doctor")
@signed
def doctor() -> Response:
    """For `ivr doctor`, which signs as the carrier would: nothing happens here but the signature check."""
    return Response(status=204)


@hooks.post("/voice/fallback")
@signed
def carrier_fell_back() -> Response:
    """The carrier could not use an answer of ours; it says why in ErrorCode."""
    doors = _doors()
    doors.counters.fallbacks.labels(f"carrier_{(_field('ErrorCode') or 'unknown')[:5]}").inc()
    log.error("carrier fell back", code=_field("ErrorCode"), call=_field("CallSid"))
    return _xml(doors.fallback(_field("To")))


# --- Legs that we dialled ---------------------------------------------------------------------------------------------


@hooks.post("/voice/legs/<leg>/turns/<int:turn>/<door>")
@signed
def leg_answered(leg: str, turn: int, door: str) -> Response:
    """Whoever we rang hears words, or the line is closed: nobody of them waits for a menu."""
    doors = _doors()
    try:
        if door not in inbound.LEG_DOORS:
            raise NoSuchLeg
        token, heard = inbound.token(request.headers, g.form), inbound.heard(door, g.form)
        return _xml(doors.render_leg(doors.leg_turn(LegId(leg), turn, door, heard, token, _field("CallSid"))))
    except IvrError as trouble:
        return _leg_closed(doors, leg, trouble)
    except Exception as trouble:
        return _leg_closed(doors, leg, trouble, broken=True)


def _leg_closed(doors: Doors, leg: str, trouble: Exception, broken: bool = False) -> Response:
    name = type(trouble).__name__
    doors.counters.fallbacks.labels(f"leg_{name}").inc()
    log.error("leg closed", because=name, leg=leg[:64], exc_info=broken)
    return _xml(inbound.HANG_UP)


@hooks.post("/voice/legs/<leg>/status")
@signed
def leg_moved(leg: str) -> tuple[str, int]:
    fact = inbound.status(g.form)
    try:
        _doors().leg_news(LegId(leg), fact.sid, fact.status, f"leg:{fact.fact_key}", _fields())
    except NoSuchLeg:
        log.warning("news of an unknown leg", leg=leg[:64])
    return NO_CONTENT
