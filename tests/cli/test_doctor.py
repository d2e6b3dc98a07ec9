"""The doctor names what is wrong and the cure, and is content with what is right."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from flask import Flask, Response, request
from twilio.request_validator import RequestValidator
from typer.testing import CliRunner
from werkzeug.serving import make_server

from ivr import config
from ivr.cli import doctor
from ivr.cli.doctor import ERROR, OK, WARNING, Finding
from ivr.config import Settings
from ivr.live.server import EmbeddedRedis
from ivr.store import schema


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {"IVR_VAR_DIR": str(tmp_path / "var"), "IVR_RECORDINGS_DIR": str(tmp_path / "recordings")}
    return config.load(given, dotenv=None)


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


@contextmanager
def a_line(token: str, path_seen: str | None = None) -> Iterator[str]:
    """A server with our two doors, which knows one token."""
    app = Flask("line")
    address = [""]

    @app.get("/healthz")
    def alive() -> str:
        return "ok"

    @app.get("/fallback.xml")
    def words() -> str:
        return "<Response/>"

    @app.post("/voice/doctor")
    def door() -> Response:
        asked = path_seen or f"{address[0]}/voice/doctor"
        right = RequestValidator(token).validate(asked, request.form, request.headers["X-Twilio-Signature"])
        return Response(status=204 if right else 403)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    address[0] = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield address[0]
    server.shutdown()
    thread.join()
    server.server_close()


def test_missing_settings_are_one_error_and_the_end() -> None:
    finding = only(doctor.examined({"IVR_CARRIER": "twilio"}, dotenv=None))
    assert finding.level == ERROR
    assert "TWILIO_AUTH_TOKEN" in finding.what
    assert "IVR_PUBLIC_URL" in finding.what


def test_a_database_that_is_not_there_is_upgraded_into_being(settings: Settings) -> None:
    missing = only(doctor.database(settings))
    assert (missing.level, missing.cure) == (ERROR, "ivr db upgrade")
    schema.upgrade(settings.database_url)
    assert only(doctor.database(settings)).level == OK


def test_redis_embedded_and_far_away(settings: Settings) -> None:
    assert "does not run" in only(doctor.live(settings)).what
    with_one = EmbeddedRedis(settings.var_dir / "redis")
    url = with_one.start()
    assert only(doctor.live(settings)) == Finding(OK, "the embedded Redis runs")
    assert only(doctor.live(replace(settings, redis_url=url))).level == OK
    with_one.stop()
    assert only(doctor.live(replace(settings, redis_url=url))).level == ERROR
    assert only(doctor.live(replace(settings, redis_url="nonsense"))).level == ERROR


def test_our_demonstration_models_are_named_as_such(settings: Settings, tmp_path: Path) -> None:
    levels = {finding.level for finding in doctor.models(settings)}
    words = " ".join(finding.what for finding in doctor.models(settings))
    assert levels == {WARNING}
    assert words.count("not for production") == 2
    missing = list(doctor.models(replace(settings, models_dir=tmp_path / "none")))
    assert [finding.cure for finding in missing] == ["ivr models get it", "ivr models get en"]


def test_ffmpeg_missing_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only(doctor.ffmpeg(settings)).level == WARNING


def test_flows_with_errors_and_without_a_folder(settings: Settings, tmp_path: Path) -> None:
    assert only(doctor.flows(replace(settings, flows_dir=tmp_path / "none"))).level == ERROR
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.yaml").write_text("format: 1\nflow: x\n")
    broken = only(doctor.flows(replace(settings, flows_dir=tmp_path / "bad")))
    assert (broken.level, broken.cure) == (ERROR, "ivr flows check")


def test_recordings_are_tried_by_writing(settings: Settings, tmp_path: Path) -> None:
    assert only(doctor.recordings(settings)).level in (OK, WARNING)
    (tmp_path / "file").touch()
    assert only(doctor.recordings(replace(settings, recordings_dir=tmp_path / "file"))).level == ERROR


def test_too_little_room_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOM", 10**18)
    assert only(doctor.recordings(settings)).level == ERROR


def test_a_line_that_answers_and_checks_signatures_is_well(settings: Settings) -> None:
    with a_line(settings.auth_token) as url:
        found = list(doctor.doors(replace(settings, public_url=url)))
    assert {finding.level for finding in found} == {OK}
    assert len(found) == 3


def test_a_proxy_that_shows_another_address_is_found(settings: Settings) -> None:
    with a_line(settings.auth_token, path_seen="https://elsewhere.example/voice/doctor") as url:
        found = list(doctor.doors(replace(settings, public_url=url)))
    assert found[-1].level == ERROR
    assert "403" in found[-1].what
    assert "IVR_PUBLIC_URL" in found[-1].cure


def test_a_rotation_whose_second_token_is_not_known_yet_is_found(settings: Settings) -> None:
    with a_line(settings.auth_token) as url:
        found = list(doctor.doors(replace(settings, public_url=url, second_auth_token="new")))
    assert [finding.level for finding in found[-2:]] == [ERROR, WARNING]


def test_nobody_at_the_public_address(settings: Settings) -> None:
    assert only(doctor.doors(replace(settings, public_url="http://127.0.0.1:1"))).level == ERROR


def test_the_fallback_must_lie_elsewhere(settings: Settings) -> None:
    assert only(doctor.fallback(settings)).level == WARNING
    assert only(doctor.fallback(replace(settings, carrier="twilio"))).level == ERROR
    beside = replace(settings, fallback_url=f"{settings.public_url}/fallback.xml")
    assert "stand in for" in only(doctor.fallback(beside)).what
    with a_line("t") as url:
        elsewhere = url.replace("127.0.0.1", "localhost")
        assert only(doctor.fallback(replace(settings, fallback_url=f"{elsewhere}/fallback.xml"))).level == OK
        assert only(doctor.fallback(replace(settings, fallback_url=f"{elsewhere}/nothing"))).level == ERROR


def test_a_carrier_that_does_not_answer(settings: Settings) -> None:
    assert only(doctor.carrier(replace(settings, carrier_api_url="http://127.0.0.1:1"))).level == ERROR


def test_the_command_ends_with_1_on_an_error_and_speaks_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IVR_VAR_DIR", str(tmp_path / "var"))
    app = typer.Typer()
    doctor.add_to(app)
    monkeypatch.setattr(doctor, "CHECKS", (doctor.database,))
    told = CliRunner().invoke(app, ["--json"])
    assert told.exit_code == 1
    assert [json.loads(line)["level"] for line in told.stdout.splitlines()] == [OK, ERROR]
    schema.upgrade(config.load({"IVR_VAR_DIR": str(tmp_path / "var")}, dotenv=None).database_url)
    told = CliRunner().invoke(app, [])
    assert told.exit_code == 0, told.output
    assert "schema of this version" in told.output
