"""How the network asks: signatures, retries, failures, fallback."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from ivr.exchange.chance import Chance
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones
from ivr.exchange.records import Account
from ivr.exchange.scheduler import RealScheduler, VirtualScheduler
from ivr.exchange.webhooks import USUAL, Answer, HttpOutside, Unreached, patience, signature
from tests.exchange.engine_bench import ACCOUNT, BASE, CALLER, LINE, START, App, Bench, Reply, heard, wsgi, xml

APOLOGY = "said We are sorry, an application error has occurred. Goodbye."


def test_the_signature_is_the_one_twilios_library_computes() -> None:
    """https://www.twilio.com/docs/usage/security"""
    params = {"To": "+39800123456", "Digits": "1", "From": "", "ErrorUrl": "https://x.example/ò?a=1"}
    url = "https://app.example/voice?turn=4"
    assert signature("t", url, params) == RequestValidator("t").compute_signature(url, params)


def test_every_request_is_signed_and_carries_a_token(bench: Bench) -> None:
    bench.app.at("/in", xml('<Redirect method="GET">/two</Redirect>')).at("/two", xml("")).at("/status", 204)
    bench.ring()
    bench.run(1)
    validator = RequestValidator(ACCOUNT.token)
    for asked in bench.app.asked:
        assert validator.validate(asked.url, asked.form, asked.headers["X-Twilio-Signature"])
        assert asked.headers["I-Twilio-Idempotency-Token"] and asked.headers["User-Agent"].startswith("TwilioProxy")
    assert len({asked.headers["I-Twilio-Idempotency-Token"] for asked in bench.app.asked}) == 3


def test_a_refused_connection_is_tried_once_more_with_the_same_token(bench: Bench) -> None:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides: rc=1, rp=ct."""
    bench.app.at("/in", Unreached.CONNECT, xml("<Say>Ciao.</Say>"))
    phone = bench.ring()
    bench.run(5)
    first, second = bench.app.asked[:2]
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]
    assert "said Ciao." in heard(phone)


@pytest.mark.parametrize("reply", [500, Unreached.READ])
def test_other_failures_are_not_repeated(bench: Bench, reply: Reply) -> None:
    """The same page: only connection failures by default."""
    bench.app.at("/in", reply).at("/status", 204)
    phone = bench.ring()
    bench.run(30)
    assert bench.app.paths() == ["/in", "/status"]
    assert heard(phone)[1:] == ["answered", APOLOGY, "ended the other side hung up"]


def test_the_fragment_of_an_address_overrides_retries_and_is_not_sent(bench: Bench) -> None:
    """The same page: #rc=2&rp=5xx."""
    bench.network.update_number(bench.number.sid, voice_url=BASE + "/in#rc=2&rp=5xx,rt")
    bench.app.at("/in", 503, Unreached.READ, xml("<Say>Ciao.</Say>"))
    phone = bench.ring()
    bench.run(5)
    assert [asked.url for asked in bench.app.asked[:3]] == [BASE + "/in"] * 3
    assert "said Ciao." in heard(phone)


def test_overrides_out_of_range_are_ignored() -> None:
    assert patience("") == USUAL
    assert patience("ct=99&rt=99999&rc=9&rp=ct") == USUAL
    assert patience("ct=2000&tt=4000").connect == 2.0 and patience("ct=2000&tt=4000").read == 4.0


FAILURES = [
    (500, "11200"),
    (404, "11200"),
    (Unreached.READ, "11200"),
    (Unreached.CONNECT, "11205"),
    ("<Response><Say>", "12100"),
    ("<Answer/>", "12100"),
    (b"\xff\xfe\x00garbage", "12100"),
    ('<!DOCTYPE x [<!ENTITY a "b">]><Response/>', "12100"),
    (xml("<Stop><Stream/></Stop>"), "12200"),
    (xml("<Start><Transcription/></Start>"), "12200"),
    (xml("<Connect/>"), "12200"),
    (xml("<Sing/>"), "12200"),
    (xml('<Say volume="11">x</Say>'), "12200"),
    (xml('<Gather numDigits="many"/>'), "12200"),
    (xml("<Gather><Dial>+39061</Dial></Gather>"), "12200"),
    (xml("<Leave/>"), "12200"),
    (xml('<Record transcribe="true"/>'), "12200"),
    (xml("<Say>" + "x" * 70000 + "</Say>"), "11750"),
    ((200, "application/json", b"{}"), "12300"),
    (xml("<Redirect>ftp://x.example/</Redirect>"), "11100"),
]


@pytest.mark.parametrize(("reply", "code"), FAILURES)
def test_what_is_no_document_goes_to_the_fallback_address(bench: Bench, reply: Reply, code: str) -> None:
    """https://www.twilio.com/docs/usage/webhooks/voice-webhooks: VoiceFallbackUrl with ErrorCode and ErrorUrl."""
    bench.network.update_number(bench.number.sid, voice_fallback_url=BASE + "/fallback")
    bench.app.at("/in", reply).at("/fallback", xml("<Say>Un guasto.</Say>"))
    phone = bench.ring()
    bench.run(10)
    (form,) = bench.app.to("/fallback")
    assert form["ErrorCode"] == code
    assert form["ErrorUrl"] == ("ftp://x.example/" if code == "11100" else BASE + "/in")
    assert "said Un guasto." in heard(phone)


def test_a_later_document_that_fails_also_falls_back(bench: Bench) -> None:
    bench.network.update_number(bench.number.sid, voice_fallback_url=BASE + "/fallback")
    bench.app.at("/in", xml('<Gather numDigits="1" action="/menu"/>')).at("/menu", 500)
    bench.app.at("/fallback", xml("<Say>Un guasto.</Say>"))
    bench.questioned().press("1")
    bench.run(10)
    (form,) = bench.app.to("/fallback")
    assert (form["ErrorCode"], form["ErrorUrl"], form["CallStatus"]) == ("11200", BASE + "/menu", "in-progress")


def test_a_fallback_that_fails_too_ends_with_an_apology(bench: Bench) -> None:
    bench.network.update_number(bench.number.sid, voice_fallback_url=BASE + "/fallback")
    bench.app.at("/in", 500).at("/fallback", 500)
    phone = bench.ring()
    bench.run(30)
    assert heard(phone)[-2:] == [APOLOGY, "ended the other side hung up"]
    assert bench.app.paths()[:2] == ["/in", "/fallback"]


def test_a_document_that_redirects_to_itself_forever_is_stopped(bench: Bench) -> None:
    bench.app.at("/in", xml("<Redirect/>"))
    phone = bench.ring()
    bench.run(30)
    assert heard(phone)[-1] == "ended the other side hung up"


def test_plain_text_is_read_aloud_and_audio_is_played(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml: MIME types."""
    bench.app.at("/in", (200, "text/plain; charset=utf-8", "Ciao à tutti".encode()))
    phone = bench.ring()
    bench.run(5)
    assert "said Ciao à tutti" in heard(phone)


def run_the_same(seed: int) -> list[tuple[str, str, str, str]]:
    bench = Bench(seed)
    bench.app.at("/in", xml('<Gather numDigits="1" action="/menu"><Say>Uno o due.</Say></Gather>'))
    bench.app.at("/menu", xml('<Dial action="/after"><Number>+390600000001</Number></Dial>')).at("/after", xml(""))
    bench.app.at("/status", 204)
    for n in range(5):
        phone = bench.ring(f"+3906123456{n:02}")
        bench.run(n)
        phone.press("12"[n % 2])
    bench.run(100)
    return [(a.url, str(a.form), str(a.headers), a.at.isoformat()) for a in bench.app.asked]


def test_a_seed_replays_byte_for_byte() -> None:
    log = run_the_same(3)
    assert len(log) == 20 and log == run_the_same(3) and log != run_the_same(4)


def test_a_wsgi_app_in_the_same_thread_is_an_outside() -> None:
    app, clock = App(), VirtualScheduler(START)
    _, outside = wsgi(app, clock.now)
    network = Network(ACCOUNT, clock, outside, Chance(1))
    network.add_number(LINE, voice_url=BASE + "/in", status_callback="https://elsewhere.example/status")
    app.at("/in", xml("<Say>Ciao.</Say><Redirect method='GET'>/caff%C3%A8?a=b</Redirect>")).at("/caff\xc3\xa8", 500)
    phone = InProcessTelephones(network, clock).dial(CALLER, LINE)
    clock.run_for(20)
    assert heard(phone)[2:4] == ["said Ciao.", APOLOGY]
    first = app.asked[0]
    assert RequestValidator(ACCOUNT.token).validate(first.url, first.form, first.headers["HTTP_X_TWILIO_SIGNATURE"])


def test_http_outside_says_when_nobody_is_there() -> None:
    scheduler = RealScheduler().start()
    outside = HttpOutside(scheduler, threads=1)
    came: list[Answer | Unreached] = []
    outside.request("POST", "http://127.0.0.1:9/in", "", {}, USUAL, came.append)
    outside.close()
    scheduler.call(lambda: None)
    scheduler.stop()
    assert came == [Unreached.CONNECT]


def test_secrets_stay_out_of_what_is_printed() -> None:
    assert "a-token" not in repr(Network(Account("AC1", "a-token"), VirtualScheduler(START), NoOutside(), Chance(0)))


class NoOutside:
    def request(self, *_: object) -> None:
        raise AssertionError("nothing is asked here")
