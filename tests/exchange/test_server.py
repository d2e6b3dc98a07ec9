"""The exchange as a server: phones over HTTP in real time, loopback only, a clean end."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator

import pytest
import requests
from werkzeug.serving import make_server

from ivr.exchange.chance import Chance
from ivr.exchange.handset import Behaviour
from ivr.exchange.http_handset import HttpTelephones
from ivr.exchange.network import Network
from ivr.exchange.records import Account, CarrierRefused
from ivr.exchange.scheduler import RealScheduler
from ivr.exchange.server import ExchangeServer
from ivr.exchange.voices import Voices
from ivr.exchange.webhooks import HttpOutside

ACCOUNT = Account("AC" + "0b" * 16, "the token")
LINE, CALLER = "+39800123456", "+390612345678"

DOCUMENTS = {
    "/ask": '<Response><Gather numDigits="1" timeout="60" action="/pressed">'
    '<Say language="it-IT">Premi uno.</Say></Gather></Response>',
    "/pressed": '<Response><Say language="en-GB">Thank you.</Say><Hangup/></Response>',
    "/record": '<Response><Record timeout="30" maxLength="60" action="/pressed"/></Response>',
    "/speech": '<Response><Gather input="speech" timeout="60" speechTimeout="1" action="/pressed">'
    "<Say>Why do you call?</Say></Gather></Response>",
}


class TinyApp:
    """A company's web application, over real HTTP; it keeps what the carrier told it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str]]] = []
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.port}"

    def _answer(self, environ, start_response):
        from werkzeug.wrappers import Request

        request = Request(environ)
        self.told.append((request.path, request.form.to_dict()))
        start_response("200 OK", [("Content-Type", "text/xml")])
        return [DOCUMENTS.get(request.path, "<Response/>").encode()]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Exchange:
    def __init__(self) -> None:
        self.company = TinyApp()
        self.scheduler = RealScheduler()
        self.outside = HttpOutside(self.scheduler)
        self.network = Network(ACCOUNT, self.scheduler, self.outside, Chance(3), Voices())
        self.scheduler.start()
        self.line = self.scheduler.call(lambda: self.network.add_number(LINE, voice_url=f"{self.company.url}/ask"))
        self.server = ExchangeServer(self.network, Voices()).start()
        self.phones = HttpTelephones(self.server.url)

    def voice(self, path: str) -> None:
        self.scheduler.call(lambda: self.network.update_number(self.line.sid, voice_url=self.company.url + path))

    def close(self) -> None:
        self.phones.close()
        self.server.stop()
        self.scheduler.stop()
        self.outside.close()
        self.company.close()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


def until(handset, kind: str, longest: float = 60.0):
    """What was perceived of that kind, waiting for it."""
    seen, end = 0, time.monotonic() + longest
    while time.monotonic() < end:
        for news in handset.perceived():
            if news.kind == kind:
                return news
            seen = news.n
        handset.await_news(seen, 2.0)
    raise AssertionError(f"no {kind!r} in {[(n.kind, n.text) for n in handset.perceived()]}")


def voice(seconds: float) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(b"\x00\x10\x00\xf0" * int(4000 * seconds))
    return made.getvalue()


def test_a_phone_across_http_hears_presses_and_is_thanked(exchange):
    handset = exchange.phones.dial(CALLER, LINE)
    until(handset, "answered")
    until(handset, "question")
    assert [n.text for n in handset.perceived() if n.kind == "said"] == ["Premi uno."]
    handset.press("1")
    until(handset, "ended")
    assert [(n.text, n.language) for n in handset.perceived() if n.kind == "said"][-1] == ("Thank you.", "en-GB")
    told = dict(exchange.company.told)
    assert told["/pressed"]["Digits"] == "1" and told["/ask"]["From"] == CALLER
    assert exchange.phones.wait_for_news(handset, len(handset.perceived()), 0.1) is False


def test_what_is_said_can_be_heard_as_sound_while_it_is_said(exchange):
    handset = exchange.phones.dial(CALLER, LINE)
    news = requests.get(
        f"{exchange.server.url}/phones/calls/{handset.sid}/perceived?after=99&sounds=0&wait=10", timeout=60
    ).json()
    (sound,) = news["sounds"]
    assert (sound["text"], sound["language"], sound["kind"]) == ("Premi uno.", "it-IT", "said")
    audio = requests.get(exchange.server.url + sound["audio"], timeout=30)
    assert audio.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(audio.content)) as wav:
        assert wav.getnframes() / wav.getframerate() == pytest.approx(sound["seconds"], abs=1.5)
    assert requests.get(f"{exchange.server.url}/phones/calls/{handset.sid}/audio/7.wav", timeout=30).status_code == 404
    handset.hang_up()
    until(handset, "ended")


def test_a_voice_over_http_becomes_a_recording(exchange):
    exchange.voice("/record")
    handset = exchange.phones.dial(CALLER, LINE)
    until(handset, "tone")
    assert handset.speak(voice(2)) == pytest.approx(2, abs=0.2)
    time.sleep(2.2)
    handset.press("#")
    until(handset, "ended")
    pressed = dict(exchange.company.told)["/pressed"]
    assert 1 <= int(pressed["RecordingDuration"]) < 30  # the key ended it: neither silence nor the longest
    auth = (ACCOUNT.sid, ACCOUNT.token)
    address = f"{exchange.server.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Recordings/{pressed['RecordingSid']}.wav"
    deadline = time.monotonic() + 60
    while (media := requests.get(address, auth=auth, timeout=30)).status_code == 404 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert media.status_code == 200
    with wave.open(io.BytesIO(media.content)) as wav:
        assert wav.getnframes() / wav.getframerate() >= 1.5


def test_words_over_http_reach_a_speech_gather(exchange):
    exchange.voice("/speech")
    handset = exchange.phones.dial(CALLER, LINE)
    until(handset, "question")
    handset.say_words("vorrei un ordine", 0.8)
    until(handset, "ended")
    assert dict(exchange.company.told)["/pressed"]["SpeechResult"].lower().startswith("vorrei un ordine")


def test_a_phone_in_the_hand_rings_and_is_answered(exchange):
    exchange.phones.hold("+390698765432")
    sid = exchange.scheduler.call(
        lambda: exchange.network.create_call("+390698765432", LINE, url=f"{exchange.company.url}/ask").sid
    )
    (handset,) = exchange.phones.ringing("+390698765432", longest=60)
    assert handset.sid == sid
    handset.answer()
    until(handset, "question")
    handset.hang_up()
    until(handset, "ended")
    assert exchange.phones.ringing("+390698765432") == []


def test_somebody_with_a_phone_answers_by_themselves_and_what_they_heard_is_kept(exchange):
    anna = exchange.phones.subscriber("+390698765432", Behaviour(answers_after=0.2, presses=("1",)), misses=1)
    assert anna.calls() == ()
    for timeout in (1, 30):
        call = exchange.scheduler.call(
            lambda timeout=timeout: exchange.network.create_call(
                "+390698765432", LINE, url=f"{exchange.company.url}/ask", timeout=timeout
            )
        )
        handset = wait_for(lambda sid=call.sid: next((phone for phone in anna.calls() if phone.sid == sid), None))
        until(handset, "ended")
    missed, answered = anna.calls()
    assert [news.kind for news in missed.perceived()] == ["ringing", "ended"]
    assert "said" in [news.kind for news in answered.perceived()]
    assert exchange.phones.ringing("+390698765432") == []


def test_a_machine_picks_up_over_http(exchange):
    exchange.phones.hold("+390698765432")
    exchange.scheduler.call(
        lambda: exchange.network.create_call(
            "+390698765432", LINE, url=f"{exchange.company.url}/ask", machine_detection="Enable"
        )
    )
    (handset,) = exchange.phones.ringing("+390698765432", longest=60)
    handset.answer(machine=True)
    call = wait_for(lambda: exchange.network.call(handset.sid).answered_by)
    assert call == "machine_start"
    handset.hang_up()
    until(handset, "ended")


def wait_for(found, longest=60):
    deadline = time.monotonic() + longest
    while (value := found()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def test_a_phone_in_the_hand_can_refuse(exchange):
    exchange.phones.hold("+390698765432")
    exchange.scheduler.call(
        lambda: exchange.network.create_call("+390698765432", LINE, url=f"{exchange.company.url}/ask")
    )
    (handset,) = exchange.phones.ringing("+390698765432", longest=60)
    handset.reject("busy")
    until(handset, "ended")
    assert exchange.scheduler.call(lambda: exchange.network.call(handset.sid).status) == "busy"


def test_a_number_that_nobody_owns_is_refused_as_by_the_network(exchange):
    with pytest.raises(CarrierRefused) as refused:
        exchange.phones.dial(CALLER, "+390600000000")
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/phones/calls", {"from": CALLER}, 400),
        ("/phones/calls", {"from": CALLER, "to": 39800123456}, 400),
        ("/phones/calls", [], 400),
        ("/phones/calls/CAnobody/keys", {"digits": "1"}, 404),
        ("/phones/calls/CAnobody/hangup", {}, 404),
        ("/phones/subscribers", {"number": "+390698765432", "behaviour": {"sings": True}}, 400),
        ("/phones/subscribers", {"number": "+390698765432", "behaviour": {"answers_after": "soon"}}, 400),
        ("/phones/subscribers", {"behaviour": "held"}, 400),
        ("/phones/subscribers", {"number": "+390698765432", "behaviour": {}, "misses": -1}, 400),
        ("/phones/subscribers", {"number": "+390698765432", "behaviour": {"talks": True}}, 400),
    ],
)
def test_wrong_use_of_the_phones_is_told(exchange, path, body, status):
    answer = requests.post(exchange.server.url + path, json=body, timeout=30)
    assert answer.status_code == status and answer.json()["error"]


def test_keys_and_voices_that_are_none_are_told(exchange):
    handset = exchange.phones.dial(CALLER, LINE)
    with pytest.raises(ValueError, match="key"):
        handset.press("1x")
    with pytest.raises(ValueError, match=r"(?i)wav"):
        handset.speak(b"garbage")
    form = requests.post(f"{exchange.server.url}/phones/calls", data={"from": CALLER, "to": LINE}, timeout=30)
    assert form.status_code == 400
    wrong = requests.get(f"{exchange.server.url}/phones/calls/{handset.sid}/perceived?wait=x", timeout=30)
    assert wrong.status_code == 400
    handset.hang_up()
    until(handset, "ended")


@pytest.mark.parametrize("header", [{"Origin": "https://evil.test"}, {"Host": "evil.test"}])
@pytest.mark.parametrize("path", ["/phones/lines", "/"])
def test_pages_of_other_sites_may_not_use_the_phones(exchange, header, path):
    assert requests.get(exchange.server.url + path, headers=header, timeout=30).status_code == 403


def test_only_this_machine_reaches_the_phones(exchange):
    answer = exchange.server.app.test_client().get("/phones/lines", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 403


def test_a_waiting_phone_is_let_go_when_the_exchange_closes(exchange, monkeypatch):
    handset = exchange.phones.dial(CALLER, LINE)
    until(handset, "question")
    after = len(handset.perceived())
    answer, asked = exchange.server.app.wsgi_app, threading.Event()

    def is_asked(*request):
        asked.set()
        return answer(*request)

    monkeypatch.setattr(exchange.server.app, "wsgi_app", is_asked)
    asking = threading.Thread(
        target=lambda: requests.get(
            f"{exchange.server.url}/phones/calls/{handset.sid}/perceived?after={after}&sounds=9&wait=60", timeout=90
        )
    )
    asking.start()
    assert asked.wait(60)
    time.sleep(0.1)  # from the door to the wait
    started = time.monotonic()
    exchange.server.stop()
    asking.join()
    assert time.monotonic() - started < 20


def test_sigterm_ends_the_exchange_cleanly():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = f"""
from ivr.exchange.records import Account
from ivr.exchange.server import run_exchange
run_exchange(Account({ACCOUNT.sid!r}, {ACCOUNT.token!r}), "127.0.0.1", {port},
             {{{LINE!r}: {{"voice_url": "http://127.0.0.1:1/voice/incoming"}}}},
             ready=lambda network: print("ready", flush=True))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while True:
            try:
                lines = requests.get(f"http://127.0.0.1:{port}/phones/lines", timeout=30).json()["lines"]
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert [line["number"] for line in lines] == [LINE]
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
