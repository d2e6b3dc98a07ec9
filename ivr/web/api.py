"""The API, as far as it goes: the board, and why somebody waits. Open to whoever has the token, else not there."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, current_app, jsonify, request

from ivr.core.errors import IvrError, NoSuchTicket, RecordsUnavailable
from ivr.core.words import TicketId
from ivr.switchboard.queue.board import AskBoard
from ivr.web import told

api_v1 = Blueprint("api", __name__, url_prefix="/api/v1")

SCHEME = "Bearer "


@dataclass(frozen=True)
class Api:
    """What the API answers from. ``token`` None: nothing at all."""

    token: str | None = field(repr=False)
    board: AskBoard
    zone: ZoneInfo


def _api() -> Api:
    api: Api = current_app.extensions["ivr.api"]
    return api


@api_v1.before_request
def _let_in() -> Response | None:
    token = _api().token
    if token is None:
        return _refused("not-found", "There is nothing here.", 404)
    said = request.headers.get("Authorization", "")
    if said.startswith(SCHEME) and hmac.compare_digest(said.removeprefix(SCHEME).encode(), token.encode()):
        return None
    answer = _refused("unauthorized", "A bearer token opens this.", 401)
    # RFC 6750, section 3: a refusal names the scheme that would do.
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@api_v1.get("/board")
def board() -> Response:
    api = _api()
    return jsonify(told.board(api.board.now(), api.zone))


@api_v1.get("/tickets/<ticket>/why")
def why(ticket: str) -> Response:
    api = _api()
    return jsonify(told.waits(api.board.why(TicketId(ticket)), api.zone))


@api_v1.errorhandler(IvrError)
def _cannot(refused: IvrError) -> Response:
    status = 404 if isinstance(refused, NoSuchTicket) else 503 if isinstance(refused, RecordsUnavailable) else 500
    return _refused(refused.code, str(refused), status)


def _refused(error: str, message: str, status: int) -> Response:
    answer = jsonify({"error": error, "message": message})
    answer.status_code = status
    return answer
