"""The API and the gauges: shut without a token, and what they say of a line on which somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ivr import config, wiring
from ivr.core.errors import RecordsUnavailable
from ivr.store.session import SqlRecords
from ivr.testing.world import World, open_world
from tests.calls.test_board import ELENA, FLOWS, MORNING, A, rings

TOKEN = "a token of this test"
BOARD = "/api/v1/board"


@pytest.fixture(scope="module")
def waiting() -> Iterator[World]:
    """A waits, elena is on duty and cannot take orders yet."""
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(ELENA)
        rings(world, A)
        yield world


def client(world: World, token: str | None) -> FlaskClient:
    office = replace(world.office, settings=replace(world.office.settings, api_token=token))
    return wiring.web_app(office).test_client()


@pytest.fixture
def api(waiting: World) -> FlaskClient:
    return client(waiting, TOKEN)


def get(api: FlaskClient, path: str, token: str = f"Bearer {TOKEN}") -> TestResponse:
    return api.get(path, headers={"Authorization": token})


@pytest.mark.parametrize("path", [BOARD, "/api/v1/tickets/x/why"])
@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer None", f"Bearer {TOKEN}"])
def test_without_a_token_set_there_is_no_api(waiting: World, path: str, token: str) -> None:
    answer = get(client(waiting, None), path, token)
    assert (answer.status_code, answer.json["error"]) == (404, "not-found")


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer tòken"])
def test_whoever_has_not_the_token_sees_nothing(api: FlaskClient, token: str) -> None:
    for path in (BOARD, "/api/v1/tickets/x/why"):
        answer = get(api, path, token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert set(answer.json) == {"error", "message"}
    assert api.post(BOARD).status_code in (401, 405)


def test_the_board_and_why_somebody_waits(waiting: World, api: FlaskClient) -> None:
    told = get(api, BOARD).json
    sales = next(queue for queue in told["queues"] if queue["queue"] == "sales")
    assert (sales["waiting"], told["claims"], told["agents_by_state"]) == (1, [], {"free": 1})
    assert A not in get(api, BOARD).text
    with waiting.records.read() as tx:
        (place,) = tx.tickets.live()
    why = get(api, f"/api/v1/tickets/{place.ticket.id}/why").json
    assert why["because"].startswith("nobody on duty can serve it now; from ")
    (elena,) = why["agents"]
    assert (elena["agent"], elena["because"], elena["free_at"]) == ("elena", "lacks orders 1 (has 0)", None)
    assert elena["could_take_it_from"] == why["chances"][1]["since"]
    unknown = get(api, "/api/v1/tickets/x/why")
    assert (unknown.status_code, unknown.json["error"]) == (404, "nobody-waits")


def test_the_gauges_say_who_waits_and_who_works(waiting: World, api: FlaskClient) -> None:
    lines = dict(line.rsplit(" ", 1) for line in api.get("/metrics").text.splitlines() if not line.startswith("#"))
    assert float(lines['ivr_queue_waiting{queue="sales"}']) == 1
    assert float(lines['ivr_queue_waiting{queue="complaints"}']) == 0
    assert float(lines['ivr_queue_longest_wait_seconds{queue="sales"}']) > 1
    assert float(lines['ivr_agents{state="free"}']) == 1
    assert float(lines['ivr_agents{state="talking"}']) == 0
    assert float(lines['ivr_promises_owed{stands="due"}']) == 0
    assert "ivr_signatures_refused_total" in lines
    assert not any("elena" in line or "39045" in line for line in lines), "no personal data"


def test_without_records_the_api_says_so_and_the_gauges_go_on(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: SqlRecords) -> None:
        raise RecordsUnavailable

    monkeypatch.setattr(SqlRecords, "read", broken)
    answer = get(api, BOARD)
    assert (answer.status_code, answer.json["error"]) == (503, "records-unavailable")
    figures = api.get("/metrics").text
    assert "ivr_board_readable 0.0" in figures
    assert "ivr_queue_waiting" not in figures


def test_the_token_is_a_setting_that_does_not_show(tmp_path: Path) -> None:
    settings = config.load({"IVR_API_TOKEN": TOKEN, "IVR_VAR_DIR": str(tmp_path)}, dotenv=None)
    assert settings.api_token == TOKEN
    assert TOKEN not in repr(settings)
    assert config.load({"IVR_API_TOKEN": ""}, dotenv=None).api_token is None
