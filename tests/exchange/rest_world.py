"""A network in virtual time behind its REST API; whatever is asked and answered is held against the description."""

from __future__ import annotations

import copy
import importlib.util
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from openapi_schema_validator import OAS30Validator
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from werkzeug.test import Client as WsgiClient

from ivr.exchange.chance import Chance
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones
from ivr.exchange.records import Account
from ivr.exchange.rest import create_app
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.webhooks import WsgiOutside

T = TypeVar("T")

ACCOUNT = Account("AC" + "0a" * 16, "the token")
LINE, CALLER, AGENT = "+39800123456", "+390612345678", "+390698765432"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
APP = "http://app.test"

DOCUMENTS = {
    "/ask": '<Response><Gather numDigits="1" timeout="30"><Say>Press a key.</Say></Gather></Response>',
    "/wait": '<Response><Enqueue waitUrl="/music">orders</Enqueue></Response>',
    "/music": '<Response><Pause length="60"/></Response>',
    "/room": "<Response><Dial><Conference>room-1</Conference></Dial></Response>",
    "/record": '<Response><Record timeout="5" maxLength="30" trim="do-not-trim" action="/bye"/></Response>',
    "/pause": '<Response><Say>One moment.</Say><Pause length="300"/></Response>',
    "/bye": "<Response><Say>Goodbye.</Say></Response>",
}


def tiny_app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    document = DOCUMENTS.get(environ["PATH_INFO"])
    start_response("200 OK" if document else "404 Not Found", [("Content-Type", "text/xml")])
    return [(document or "").encode()]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Described:
    """Twilio's description of its API: what a request may hold, what an answer must look like."""

    def __init__(self, shared: Path) -> None:
        self._checker = load(shared / "tools" / "twilio_rest_check.py")
        self.requests = self._checker.Spec()
        self.raw = copy.deepcopy(self.requests.raw)
        # Its own examples of a running conference hold null there.
        ended = self.raw["components"]["schemas"]["conference_enum_reason_conference_ended"]
        ended.update(nullable=True, enum=[*ended["enum"], None])

    def wrong_request(
        self, method: str, path: str, query: dict[str, list[str]], form: dict[str, list[str]]
    ) -> list[str]:
        found = self.requests.violations(method, path, query, form)
        # openapi-core reads no number in a query: the description's own format for it is not one of OpenAPI's.
        return [wrong for wrong in found if not wrong.endswith("Formatter not found for phone-number format")]

    def lists(self, values: object) -> dict[str, list[str]]:
        return dict(self._checker.lists(values))

    def wrong_answer(self, method: str, path: str, status: int, body: object) -> list[str]:
        if status >= 400:
            return _wrong_error(status, body)
        operation = self.requests.operation(method, path)
        answer = operation["responses"].get(str(status))
        if answer is None:
            return [f"{method} {path} answered {status}, described are {', '.join(operation['responses'])}"]
        content = answer.get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else [f"{method} {path} answered with a body"]
        schema = self._whole(content["schema"])
        wrong = [
            f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in OAS30Validator(schema).iter_errors(body)
        ]
        return wrong + self._fields(schema, body)

    def _fields(self, schema: dict[str, Any], body: object) -> list[str]:
        """Every field described is there, and none that is not (the description requires none by itself)."""
        if not isinstance(body, dict) or "properties" not in schema:
            return []
        described = set(schema["properties"])
        wrong = [f"{name} is not described" for name in sorted(set(body) - described)]
        wrong += [f"{name} is missing" for name in sorted(described - set(body))]
        for name, value in body.items():
            items = schema["properties"].get(name, {}).get("items")
            if items and isinstance(value, list):
                wrong += [f"{name}: {problem}" for item in value for problem in self._fields(items, item)]
        return wrong

    def _whole(self, schema: Any) -> Any:
        """With its references put in place."""
        if isinstance(schema, dict):
            if "$ref" in schema:
                return self._whole(self.raw["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
            return {name: self._whole(part) for name, part in schema.items()}
        return [self._whole(part) for part in schema] if isinstance(schema, list) else schema


def _wrong_error(status: int, body: object) -> list[str]:
    if not isinstance(body, dict) or set(body) != {"code", "message", "more_info", "status"}:
        return [f"no error of Twilio's shape: {body!r}"]
    if body["status"] != status or not isinstance(body["code"], int) or not body["message"]:
        return [f"a wrong error: {body!r}"]
    return [] if body["more_info"] == f"https://www.twilio.com/docs/errors/{body['code']}" else [f"more_info: {body!r}"]


class Wire(HttpClient):
    """What the official library speaks over: straight into the app, held against the description both ways."""

    def __init__(self, app: Any, described: Described) -> None:
        super().__init__(None, False, None)
        self._http, self._described = WsgiClient(app), described
        self.strict = True  # also the requests: off where a test asks what must be refused
        self.exchanged = 0

    def request(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Response:
        parts = urlsplit(uri)
        query = {**parse_qs(parts.query, keep_blank_values=True), **self._described.lists(params)}
        form = self._described.lists(data)
        if self.strict:
            wrong = self._described.wrong_request(method, parts.path, query, form)
            assert wrong == [], wrong
        answer = self._http.open(parts.path, method=method, query_string=query, data=form or None, auth=auth)
        text = answer.get_data(as_text=True)
        wrong = self._described.wrong_answer(method, parts.path, answer.status_code, json.loads(text) if text else None)
        assert wrong == [], wrong
        self.exchanged += 1
        return Response(answer.status_code, text, dict(answer.headers))


class World:
    def __init__(self, described: Described) -> None:
        self.scheduler = VirtualScheduler(START)
        self.network = Network(ACCOUNT, self.scheduler, WsgiOutside(tiny_app, APP), Chance(7))
        self.telephones = InProcessTelephones(self.network, self.scheduler)
        self.app = create_app(self.network, self.scheduler.call)
        self.wire = Wire(self.app, described)
        self.twilio = Client(ACCOUNT.sid, ACCOUNT.token, http_client=self.wire)
        self.line = self.network.add_number(LINE, voice_url=f"{APP}/ask", friendly_name="Numero Verde")
        self.http = WsgiClient(self.app)

    def close(self) -> None:
        """Nobody is left on the line."""
        for call in self.network.calls():
            if call.end_time is None:
                self.network.update_call(call.sid, status="completed")
        self.telephones.wait(5)

    def voice(self, document: str) -> World:
        self.network.update_number(self.line.sid, voice_url=APP + document)
        return self

    def rings(self, from_: str = CALLER) -> Any:
        """A caller dials the line and hears what there is to hear for five seconds."""
        handset = self.telephones.dial(from_, LINE)
        self.telephones.wait(5)
        return handset

    def get(self, path: str, **query: str) -> Any:
        return self.http.get(
            f"/2010-04-01/Accounts/{ACCOUNT.sid}{path}", query_string=query, auth=(ACCOUNT.sid, ACCOUNT.token)
        )

    def post(self, path: str, **form: str) -> Any:
        return self.http.post(f"/2010-04-01/Accounts/{ACCOUNT.sid}{path}", data=form, auth=(ACCOUNT.sid, ACCOUNT.token))

    def delete(self, path: str) -> Any:
        return self.http.delete(f"/2010-04-01/Accounts/{ACCOUNT.sid}{path}", auth=(ACCOUNT.sid, ACCOUNT.token))
