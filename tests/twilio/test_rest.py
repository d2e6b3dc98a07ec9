"""The carrier, asked by REST: every request is one that its description allows."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest
import requests
from twilio.http.response import Response
from urllib3.exceptions import MaxRetryError, NewConnectionError
from werkzeug.wrappers import Request as WsgiRequest
from werkzeug.wrappers import Response as WsgiResponse

from ivr.core.errors import AnswerLost, CarrierUnavailable, RefusedByCarrier
from ivr.core.leg import LegEnd
from ivr.core.words import PhoneNumber
from ivr.switchboard.ports.carrier import Telephone
from ivr.twilio import rest
from ivr.twilio.rest import RestTelephone, SwappedHost, WsgiHttpClient, swapped

ACCOUNT, TOKEN = "AC" + 32 * "a", "token"
TEXT_NEWS = "https://ivr.example/voice/texts/t1/status"
CALL, RECORDING = "CA" + 32 * "b", "RE" + 32 * "c"
AUDIO_AT = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}"


class Answering:
    """A carrier that gives one answer to everything, and remembers what it was asked."""

    def __init__(self, status: int, body: dict[str, Any] | None = None, audio: bytes = b"") -> None:
        self.status, self.body, self._audio = status, body or {}, audio
        self.asked: list[str] = []

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        self.asked.append(f"{method} {url}")
        return Response(self.status, json.dumps(self.body))

    def audio(self, url: str, auth: tuple[str, str], largest: int) -> tuple[int, bytes]:
        self.asked.append(f"audio {url}")
        return self.status, self._audio


def telephone(http: Any, api_url: str | None = None) -> RestTelephone:
    made: Telephone = RestTelephone(ACCOUNT, TOKEN, http, api_url)
    assert isinstance(made, RestTelephone)
    return made


@pytest.fixture(scope="module")
def spec(rest_check: ModuleType) -> Any:
    return rest_check.Spec()


@pytest.fixture
def checked(rest_check: ModuleType, spec: Any) -> Any:
    """Answers 400 to whatever Twilio's own description does not allow."""
    return rest_check.SpecHttpClient(spec)


def test_each_request_is_one_that_the_description_allows(checked: Any) -> None:
    phone = telephone(checked)
    assert phone.move(CALL, "https://ivr.example/voice/calls/c1/turns/3/moved?t=1") is True
    phone.hang_up(CALL)
    assert phone.text(PhoneNumber("+390612345678"), "+390698765432", "Pronto è l'ordine", TEXT_NEWS)
    phone.delete_recording(RECORDING)
    assert list(phone.live_calls())
    assert phone.recordings_of(CALL)
    assert phone.parties(CALL)
    phone.messages_since(datetime(2026, 11, 24, tzinfo=UTC))
    assert phone.record(CALL, "https://ivr.example/voice/recordings/r1")
    assert phone.tape(CALL, RECORDING, "paused") is True
    phone.tapes_of(CALL)
    root = f"/2010-04-01/Accounts/{ACCOUNT}"
    assert [(method, path.removeprefix(root)) for method, path, _ in checked.requests] == [
        ("POST", f"/Calls/{CALL}.json"),
        ("POST", f"/Calls/{CALL}.json"),
        ("POST", "/Messages.json"),
        ("DELETE", f"/Recordings/{RECORDING}.json"),
        ("GET", "/Calls.json"),
        ("GET", "/Calls.json"),
        ("GET", "/Calls.json"),
        ("GET", "/Recordings.json"),
        ("GET", f"/Calls/{CALL}.json"),
        ("GET", "/Recordings.json"),
        ("POST", f"/Calls/{CALL}/Recordings.json"),
        ("POST", f"/Calls/{CALL}/Recordings/{RECORDING}.json"),
        ("GET", f"/Calls/{CALL}/Recordings.json"),
    ]
    assert checked.requests[10][2]["RecordingStatusCallbackEvent"] == ["in-progress", "completed", "absent"]
    assert checked.requests[11][2] == {"Status": ["paused"], "PauseBehavior": ["silence"]}
    assert checked.requests[0][2] == {
        "Url": ["https://ivr.example/voice/calls/c1/turns/3/moved?t=1"],
        "Method": ["POST"],
    }
    assert [parameters["Status"] for _, _, parameters in checked.requests[4:7]] == [
        ["queued"],
        ["ringing"],
        ["in-progress"],
    ]


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (400, 21220)])
def test_a_call_that_is_over_is_not_moved_and_needs_no_hanging_up(status: int, code: int) -> None:
    phone = telephone(Answering(status, {"code": code, "message": "gone"}))
    assert phone.move(CALL, "https://ivr.example/x") is False
    phone.hang_up(CALL)


@pytest.mark.parametrize(
    "ask",
    [
        lambda phone: phone.move(CALL, "https://ivr.example/x"),
        lambda phone: phone.hang_up(CALL),
        lambda phone: phone.text(PhoneNumber("+390612345678"), "+390698765432", "ciao", TEXT_NEWS),
        lambda phone: phone.delete_recording(RECORDING),
        lambda phone: list(phone.live_calls()),
        lambda phone: phone.recordings_of(CALL),
        lambda phone: phone.messages_since(datetime(2026, 11, 24, tzinfo=UTC)),
        lambda phone: phone.parties(CALL),
        lambda phone: phone.fetch_recording(rest.API + AUDIO_AT),
    ],
)
@pytest.mark.parametrize(
    ("status", "error"), [(401, RefusedByCarrier), (429, CarrierUnavailable), (503, CarrierUnavailable)]
)
def test_trouble_and_refusal_are_told_apart_and_nothing_is_asked_twice(
    ask: Callable[[RestTelephone], object], status: int, error: type[Exception]
) -> None:
    carrier = Answering(status, {"code": 20003, "message": "about +390612345678"})
    with pytest.raises(error) as told:
        ask(telephone(carrier))
    assert "+39" not in str(told.value)
    assert len(carrier.asked) == 1


def test_a_recording_that_is_over_cannot_be_paused_and_one_of_a_call_that_is_over_not_begun() -> None:
    over = telephone(Answering(400, {"code": 21220, "message": "gone"}))
    assert over.tape(CALL, RECORDING, "paused") is False
    with pytest.raises(RefusedByCarrier):
        over.record(CALL, "https://ivr.example/x")
    with pytest.raises(AnswerLost):
        telephone(Answering(504)).record(CALL, "https://ivr.example/x")


def test_who_hung_up_at_the_tone_left_no_message() -> None:
    """The carrier lists such a recording as `absent` ("Recordings resource", status)."""
    states = {"1": "absent", "2": "completed", "3": "processing"}
    listed = [{"sid": "RE" + 32 * n, "status": status} for n, status in states.items()]
    carrier = Answering(200, {"recordings": listed, "page": 0, "uri": "/2010-04-01/Accounts/x/Recordings.json"})
    assert [sid for sid, _ in telephone(carrier).recordings_of(CALL)] == ["RE" + 32 * "2"]


def test_of_all_recordings_only_finished_messages_are_listed() -> None:
    rows = [
        ("RE1", "completed", "RecordVerb"),
        ("RE2", "completed", "StartCallRecordingAPI"),
        ("RE3", "absent", "RecordVerb"),
    ]
    listed = [{"sid": sid, "status": status, "source": source, "call_sid": CALL} for sid, status, source in rows]
    carrier = Answering(200, {"recordings": listed, "page": 0, "uri": "/2010-04-01/Accounts/x/Recordings.json"})
    found = telephone(carrier).messages_since(datetime(2026, 11, 24, tzinfo=UTC))
    assert [(one.recording, one.sid, one.seconds) for one in found] == [("RE1", CALL, None)]


class Broken(Answering):
    """A way to the carrier that breaks."""

    def __init__(self, trouble: Exception) -> None:
        super().__init__(0)
        self._trouble = trouble

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        raise self._trouble


NO_CONNECTION = NewConnectionError(None, "refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("carrier", "lost"),
    [
        (Broken(requests.ReadTimeout("https://x/+390612345678")), True),
        (Broken(requests.ConnectionError("aborted")), True),
        (Answering(502), True),
        (Answering(504), True),
        (Broken(requests.ConnectTimeout()), False),
        (Broken(requests.ConnectionError(MaxRetryError(None, "/", NO_CONNECTION))), False),  # type: ignore[arg-type]
        (Answering(503), False),
        (Answering(429), False),
    ],
)
def test_a_text_whose_answer_was_lost_is_told_from_one_that_was_not_taken(carrier: Answering, lost: bool) -> None:
    with pytest.raises(CarrierUnavailable) as told:
        telephone(carrier).text(PhoneNumber("+390612345678"), "OffVerdi", "Ciao", TEXT_NEWS)
    assert isinstance(told.value, AnswerLost) is lost
    assert "+39" not in str(told.value)


def test_a_recording_already_gone_is_gone() -> None:
    telephone(Answering(404, {"code": 20404})).delete_recording(RECORDING)


def test_audio_is_fetched_as_wav_from_the_carrier() -> None:
    carrier = Answering(200, audio=b"RIFF")
    assert telephone(carrier).fetch_recording(rest.API + AUDIO_AT) == b"RIFF"
    assert telephone(carrier, "http://127.0.0.1:8081").fetch_recording(rest.API + AUDIO_AT + ".mp3") == b"RIFF"
    assert telephone(carrier, "https://x.example/api/laml").fetch_recording(f"https://x.example/api/laml{AUDIO_AT}")
    assert carrier.asked == [
        f"audio https://api.twilio.com{AUDIO_AT}.wav",
        f"audio http://127.0.0.1:8081{AUDIO_AT}.mp3",
        f"audio https://x.example/api/laml{AUDIO_AT}.wav",
    ]


def test_audio_that_is_not_there_yet_is_none() -> None:
    assert telephone(Answering(404)).fetch_recording(rest.API + AUDIO_AT) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example" + AUDIO_AT,
        "https://api.twilio.com.evil.example" + AUDIO_AT,
        "https://api.twilio.com@evil.example" + AUDIO_AT,
        rest.API + AUDIO_AT.replace(ACCOUNT, "AC" + 32 * "d"),
        rest.API + f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/../../../Accounts.json",
        "file:///etc/passwd",
        "",
    ],
)
def test_audio_is_fetched_from_nowhere_else(url: str) -> None:
    carrier = Answering(200, audio=b"RIFF")
    with pytest.raises(RefusedByCarrier):
        telephone(carrier).fetch_recording(url)
    assert carrier.asked == []


@pytest.mark.parametrize(
    ("url", "api_url", "address"),
    [
        ("https://api.twilio.com/x.json?a=1", None, "https://api.twilio.com/x.json?a=1"),
        ("https://api.twilio.com/x.json?a=1", "http://127.0.0.1:8081", "http://127.0.0.1:8081/x.json?a=1"),
        ("https://api.twilio.com/x.json", "https://s.example/api/laml/", "https://s.example/api/laml/x.json"),
    ],
)
def test_only_the_host_is_swapped(url: str, api_url: str | None, address: str) -> None:
    assert swapped(url, api_url) == address


class Recorder(BaseHTTPRequestHandler):
    """A carrier on the loopback address."""

    seen: list[tuple[str, str, str]]

    def _answer(self, body: bytes) -> None:
        self.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
        self.send_response(307 if "moved" in self.path else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.dumps({"sid": CALL}).encode())

    def do_GET(self) -> None:
        self._answer(b"RIFF" * 1000)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def loopback() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    seen: list[tuple[str, str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Carrier", (Recorder,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_http_the_requests_go_to_the_other_host_and_no_number_is_logged(
    loopback: tuple[str, list[tuple[str, str, str]]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there
    api_url, seen = loopback
    http = SwappedHost(api_url)
    phone = telephone(http, api_url)
    with caplog.at_level(logging.DEBUG, "twilio"):
        phone.text(PhoneNumber("+390612345678"), "+390698765432", "ciao", TEXT_NEWS)
        assert phone.fetch_recording(rest.API + AUDIO_AT) == b"RIFF" * 1000
    http.session.close()
    assert [(method, path) for method, path, _ in seen] == [
        ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"),
        ("GET", AUDIO_AT + ".wav"),
    ]
    assert all(authorization.startswith("Basic ") for _, _, authorization in seen)
    assert "390612345678" not in caplog.text


def test_a_recording_too_large_is_left(
    loopback: tuple[str, list[tuple[str, str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    http = SwappedHost(loopback[0])
    monkeypatch.setattr(rest, "LARGEST", 3999)
    with pytest.raises(RefusedByCarrier, match="large"):
        telephone(http, loopback[0]).fetch_recording(rest.API + AUDIO_AT)
    http.session.close()


def test_a_recording_that_is_elsewhere_is_not_followed(loopback: tuple[str, list[tuple[str, str, str]]]) -> None:
    http = SwappedHost(loopback[0])
    with pytest.raises(RefusedByCarrier, match="307"):
        telephone(http, loopback[0]).fetch_recording(rest.API + AUDIO_AT + "moved")
    http.session.close()
    assert len(loopback[1]) == 1


def test_a_carrier_that_does_not_answer_is_unavailable() -> None:
    http = SwappedHost("http://127.0.0.1:9", patience=2)
    phone = telephone(http, "http://127.0.0.1:9")
    with pytest.raises(CarrierUnavailable):
        phone.hang_up(CALL)
    with pytest.raises(CarrierUnavailable):
        phone.fetch_recording(rest.API + AUDIO_AT)
    http.session.close()


def test_in_one_process_the_same_requests_reach_a_wsgi_application(spec: Any) -> None:
    wrong: list[str] = []

    @WsgiRequest.application
    def carrier(request: WsgiRequest) -> WsgiResponse:
        assert request.authorization is not None and request.authorization.username == ACCOUNT
        if request.path.endswith(".wav"):
            return WsgiResponse(b"RIFF\xff\x00", mimetype="audio/x-wav")
        query, form = request.args.to_dict(flat=False), request.form.to_dict(flat=False)
        status, body = spec.answer(request.method, request.path, query, form)
        if status >= 400:
            wrong.append(body["message"])
        return WsgiResponse("" if body is None else json.dumps(body), status, mimetype="application/json")

    phone = telephone(WsgiHttpClient(carrier), "http://exchange.invalid")
    assert phone.move(CALL, "https://ivr.example/x?a=1&b=è") is True
    assert phone.text(PhoneNumber("+390612345678"), "+390698765432", "Pronto è l'ordine", TEXT_NEWS)
    phone.delete_recording(RECORDING)
    assert list(phone.live_calls())
    assert phone.recordings_of(CALL)
    assert phone.fetch_recording(rest.API + AUDIO_AT) == b"RIFF\xff\x00"
    assert wrong == []


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("ringing", None),
        ("in-progress", None),
        ("no-answer", LegEnd.NO_ANSWER),
        ("busy", LegEnd.BUSY),
        ("completed", LegEnd.COMPLETED),
        ("", LegEnd.COMPLETED),  # it knows no such call
    ],
)
def test_how_a_call_ended_is_the_carriers_word(status: str, how: LegEnd | None) -> None:
    known = Answering(200, {"sid": CALL, "status": status}) if status else Answering(404, {"code": 20404})
    assert telephone(known).how_ended(CALL) is how
