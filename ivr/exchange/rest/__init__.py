"""The exchange's REST API: Twilio's, version 2010-04-01, for what this network has."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Protocol, TypeVar

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ivr.exchange.network import Network
from ivr.exchange.records import Account, CarrierRefused
from ivr.exchange.rest import balance, calls, conferences, messages, numbers, queues, recordings
from ivr.exchange.rest.asked import Answer, Asked
from ivr.exchange.rest.shown import API_VERSION

T = TypeVar("T")

LARGEST_REQUEST = 256 * 1024

NOT_OFFERED = (
    "Applications",
    "AvailablePhoneNumbers",
    "Calls/<sid>/Events",
    "Calls/<sid>/Notifications",
    "Calls/<sid>/Payments",
    "Calls/<sid>/Siprec",
    "Calls/<sid>/Streams",
    "Calls/<sid>/Transcriptions",
    "Calls/<sid>/UserDefinedMessageSubscriptions",
    "Calls/<sid>/UserDefinedMessages",
    "Messages/<sid>/Feedback",
    "Messages/<sid>/Media",
    "Notifications",
    "OutgoingCallerIds",
    "Recordings/<sid>/AddOnResults",
    "Recordings/<sid>/Transcriptions",
    "Transcriptions",
)


class Run(Protocol):
    """Runs a function on the network's loop and hands back its result (in virtual time: simply calls it)."""

    def __call__(self, function: Callable[[], T]) -> T: ...


View = Callable[..., Answer]


def create_app(network: Network, run: Run) -> Flask:
    """Twilio's REST API over ``network``: authenticated, JSON, errors as Twilio shows them."""
    app = Flask("ivr.exchange.rest", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.json.sort_keys = False  # type: ignore[attr-defined]
    add_rest(app, network, run)
    return app


def add_rest(app: Flask, network: Network, run: Run) -> None:
    """Put the REST API into an app, beside other doors; only addresses under its version are touched."""
    for resource in (balance, calls, queues, conferences, recordings, messages, numbers):
        for verb, path, view in resource.ROUTES:
            _add(app, verb, path, _carried(network, run, view))
    for path in NOT_OFFERED:
        for suffix in (".json", "/<path:_rest>"):
            _add(app, None, f"/{path}{suffix}", _carried(network, run, _not_offered))

    @app.before_request
    def authenticate() -> Response | None:
        if not request.path.startswith(f"/{API_VERSION}/"):
            return None
        account = (request.view_args or {}).pop("account_sid", network.account.sid)
        if not _is_account(network.account) or account != network.account.sid:
            return _unauthenticated()
        return None

    @app.errorhandler(HTTPException)
    def http_problem(problem: HTTPException) -> Response:
        if not request.path.startswith(f"/{API_VERSION}/"):
            return problem.get_response()  # type: ignore[return-value]
        if problem.code == 405:
            answer = _error(405, 20004, "Method not allowed")
            answer.headers["Allow"] = problem.get_response().headers.get("Allow", "")
            return answer
        if problem.code == 413:
            return _error(413, 20001, "The request is too large")
        return _not_found() if problem.code == 404 else _error(problem.code or 500, 20500, problem.name)


def _add(app: Flask, verb: str | None, path: str, view: Callable[..., Response]) -> None:
    rule = f"/{API_VERSION}/Accounts/<account_sid>{path}"
    app.add_url_rule(
        rule,
        endpoint=f"{verb} {rule}",
        view_func=view,
        methods=[verb] if verb else ["GET", "POST", "DELETE"],
        provide_automatic_options=False,
    )


def _carried(network: Network, run: Run, view: View) -> Callable[..., Response]:
    def carried(**sids: str) -> Response:
        asked = Asked(
            path=request.path,
            host_url=request.host_url.rstrip("/"),
            query={name: request.args.getlist(name) for name in request.args},
            form={name: request.form.getlist(name) for name in request.form},
        )
        try:
            answer = run(lambda: view(network, asked, **sids))
        except CarrierRefused as refused:
            return _not_found() if refused.status == 404 else _error(refused.status, refused.code, refused.message)
        if answer.media is not None:
            return Response(answer.media, 200, mimetype=answer.media_type)
        if answer.status == 204:
            return Response(status=204)
        shown = jsonify(answer.body)
        shown.status_code = answer.status
        return shown

    return carried


def _not_offered(_network: Network, asked: Asked, **_sids: str) -> Answer:
    """As the carrier answers where an account may not use a resource (Twilio docs: error 20008)."""
    raise CarrierRefused(403, 20008, f"This carrier does not offer the resource {asked.path}")


def _is_account(account: Account) -> bool:
    given = request.authorization
    return (
        given is not None
        and given.type == "basic"
        and hmac.compare_digest((given.username or "").encode(), account.sid.encode())
        and hmac.compare_digest((given.password or "").encode(), account.token.encode())
    )


def _unauthenticated() -> Response:
    """Twilio docs: error 20003."""
    answer = _error(401, 20003, "Authenticate")
    answer.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return answer


def _not_found() -> Response:
    return _error(404, 20404, f"The requested resource {request.path} was not found")


def _error(status: int, code: int, message: str) -> Response:
    answer = jsonify(code=code, message=message, more_info=f"https://www.twilio.com/docs/errors/{code}", status=status)
    answer.status_code = status
    return answer
