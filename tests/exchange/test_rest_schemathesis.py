"""Schemathesis runs Twilio's own description against the exchange, restricted to the paths that are offered."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from ivr.exchange.phones import Behaviour
from ivr.exchange.rest import NOT_OFFERED
from tests.exchange.rest_world import ACCOUNT, AGENT, APP, CALLER, LINE, Described, World

TOKEN = base64.b64encode(f"{ACCOUNT.sid}:{ACCOUNT.token}".encode()).decode()
GOOD = {
    "To": AGENT,
    "From": LINE,
    "Url": f"{APP}/pause",
    "PhoneNumber": "+390699999999",
    "Body": "Buongiorno",
    "FriendlyName": "orders",
    "MaxSize": 50,
}
ERROR = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
    },
}
CHECKED = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.unsupported_method,
    openapi_checks.missing_required_header,
    openapi_checks.ignored_auth,
]


def busy_world(described: Described) -> World:
    """One of everything, so that addresses lead somewhere."""
    world = World(described)
    world.network.phones.put(AGENT, Behaviour(answers_after=1))
    world.voice("/room").rings("+390611111111")
    world.voice("/wait").rings("+390622222222")
    talking = world.voice("/pause").rings(CALLER)
    world.network.start_recording(talking.sid)
    world.network.send_message(CALLER, LINE, "Buongiorno")
    world.telephones.wait(5)
    return world


def known(world: World) -> dict[str, list[str]]:
    network = world.network
    return {
        "/Calls/": [call.sid for call in network.calls()],
        "/Queues/": [queue.sid for queue in network.queues()],
        "/Conferences/": [room.sid for room in network.conferences()],
        "/Recordings/": [recording.sid for recording in network.recordings()],
        "/Messages/": [message.sid for message in network.messages()],
        "/IncomingPhoneNumbers/": [number.sid for number in network.numbers()],
        "/Members/": ["Front"],
        "/Participants/": [p.call_sid for room in network.conferences() for p in network.participants(room.sid)],
    }


def offered(described: Described) -> dict[str, Any]:
    """The description with the paths we offer, and the errors that it leaves out."""
    raw = {**described.raw, "paths": {}}
    for path, operations in described.raw["paths"].items():
        if _refused(path):
            continue
        raw["paths"][path] = operations = {**operations}
        for verb in set(operations) & {"get", "post", "delete"}:
            answer = {"description": "refused", "content": {"application/json": {"schema": ERROR}}}
            errors = {status: answer for status in ("400", "401", "404", "405", "413")}
            operations[verb] = {**operations[verb], "responses": {**operations[verb]["responses"], **errors}}
    return raw


def _refused(path: str) -> bool:
    below = path.partition("{AccountSid}/")[2].removesuffix(".json").split("/")
    plain = "/".join("<sid>" if part.startswith("{") else part for part in below)
    return any(plain == name or plain.startswith(f"{name}/") for name in NOT_OFFERED)


@pytest.fixture(scope="module")
def description(shared):
    return Described(shared)


def test_schemathesis_finds_no_difference(description):
    raw = offered(description)
    assert len(raw["paths"]) == 21
    schema = schemathesis.openapi.from_dict(raw)
    statuses: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        world = busy_world(description)
        schema.app = world.app
        statuses += examined(operation, known(world))
        world.close()
    assert statuses.total() > 300
    # Random requests are mostly refused; enough must get through for their answers to have been looked at.
    assert sum(statuses[status] for status in (200, 201, 204)) > 60, statuses


def examined(operation: Any, places: dict[str, list[str]]) -> Counter[int]:
    """Twelve requests of one operation, some with values that exist; each answer is held against the description."""
    statuses: Counter[int] = Counter()

    @seed(20261122)
    @settings(
        max_examples=12, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(), pick=st.integers(0, 11))
    def examine(case: schemathesis.Case, pick: int) -> None:
        case.path_parameters.update(placed(case, places, pick))
        if isinstance(case.body, dict) and pick % 2:
            case.body.update({name: value for name, value in GOOD.items() if name in case.body})
        answer = case.call(headers={"Authorization": f"Basic {TOKEN}"})
        case.validate_response(answer, checks=CHECKED, headers={"Authorization": f"Basic {TOKEN}"})
        statuses[answer.status_code] += 1

    examine()
    return statuses


def placed(case: schemathesis.Case, places: dict[str, list[str]], pick: int) -> dict[str, str]:
    """Identifiers of what is there, in the place of generated ones: nine times of twelve."""
    found = {"AccountSid": ACCOUNT.sid}
    if pick >= 9:
        return found
    for name in case.path_parameters:
        before = case.path.partition(f"{{{name}}}")[0].rpartition("/")[0].rpartition("/")[2]
        if name != "AccountSid" and (there := places.get(f"/{before}/")):
            found[name] = there[pick % len(there)]
    return found
