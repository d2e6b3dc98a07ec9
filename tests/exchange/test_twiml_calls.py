"""Say, Gather, Redirect, Reject, Hangup on an incoming call, as a caller meets them."""

from __future__ import annotations

import pytest

from ivr.exchange.records import CarrierRefused
from tests.exchange.engine_bench import CALLER, Bench, heard, tone_wav, xml


def test_a_call_hears_a_greeting_and_is_hung_up_at_the_end_of_the_document(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml: no more verbs end the call."""
    bench.app.at("/in", xml('<Say language="it-IT">Buongiorno.</Say>')).at("/status", 204)
    phone = bench.ring()
    bench.run(30)
    assert heard(phone) == ["ringback", "answered", "said Buongiorno.", "ended the other side hung up"]
    assert [news.language for news in phone.perceived() if news.kind == "said"] == ["it-IT"]
    (first,) = bench.app.to("/in")
    assert (first["CallStatus"], first["Direction"], first["From"]) == ("ringing", "inbound", "+390612345678")
    assert first["Called"] == first["To"] == "+39800123456" and first["FromCountry"] == "IT"


def test_a_key_stops_the_prompt_and_is_sent_to_the_action(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: numDigits, barge-in, Digits."""
    bench.app.at("/in", xml('<Gather numDigits="1" action="/menu"><Say>Premi uno per gli ordini.</Say></Gather>'))
    bench.app.at("/menu", xml("<Say>Ordini.</Say>"))
    phone = bench.ring()
    bench.run(1)
    phone.press("1")
    bench.run(10)
    assert heard(phone)[2:] == ["said Premi uno (cut)", "said Ordini.", "ended the other side hung up"]
    (menu,) = bench.app.to("/menu")
    assert menu["Digits"] == "1" and menu["CallStatus"] == "in-progress" and menu["msg"] == "Gather End"


def test_a_key_before_the_gather_has_begun_is_lost(bench: Bench) -> None:
    """https://support.twilio.com/hc/en-us/articles/223180068-Troubleshooting-issues-with-Gather"""
    bench.app.at("/in", xml('<Say>Benvenuti a tutti quanti.</Say><Gather numDigits="1" action="/menu"/>'))
    phone = bench.ring()
    bench.run(0.5)
    phone.press("1")
    bench.run(60)
    assert bench.app.to("/menu") == []
    assert "said Benvenuti a tutti quanti." in heard(phone)


def test_silence_falls_through_to_the_next_verb(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: timeout counts from the end of the nested prompt."""
    bench.app.at("/in", xml('<Gather timeout="4" action="/menu"><Say>Uno.</Say></Gather><Say>Nessuno.</Say>'))
    phone = bench.ring()
    bench.until(phone, "question")
    asked = bench.clock.now()
    news = bench.until(phone, "said")
    assert news.text == "Nessuno." and bench.app.to("/menu") == []
    assert 4.0 <= (news.at - asked).total_seconds() <= 6.0


def test_silence_asks_the_action_when_told_so(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: actionOnEmptyResult."""
    bench.app.at("/in", xml('<Gather timeout="3" action="/menu" actionOnEmptyResult="true"/>')).at("/menu", xml(""))
    bench.ring()
    bench.run(5)
    assert [form["Digits"] for form in bench.app.to("/menu")] == [""]


def test_each_key_starts_the_timeout_anew_and_the_finishing_key_is_not_sent(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: timeout, finishOnKey."""
    bench.app.at("/in", xml('<Gather timeout="3" action="/menu"/>')).at("/menu", xml(""))
    phone = bench.questioned()
    for key in "123":
        phone.press(key)
        bench.run(2)
    phone.press("#")
    bench.run(1)
    (menu,) = bench.app.to("/menu")
    assert (menu["Digits"], menu["FinishedOnKey"]) == ("123", "#")


def test_the_timeout_submits_the_keys_pressed_so_far(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: timeout."""
    bench.app.at("/in", xml('<Gather timeout="3" action="/menu"/>')).at("/menu", xml(""))
    bench.questioned().press("42")
    bench.run(5)
    assert [form["Digits"] for form in bench.app.to("/menu")] == ["42"]


def test_the_finishing_key_alone_is_no_input(bench: Bench) -> None:
    """https://www.twilio.com/docs/api/twiml/gather: finishOnKey before any other digit makes no request."""
    bench.app.at("/in", xml('<Gather action="/menu"/><Say>Niente.</Say>'))
    phone = bench.ring()
    phone.press("#")
    bench.run(10)
    assert bench.app.to("/menu") == [] and "said Niente." in heard(phone)


def test_with_an_empty_finishing_key_the_hash_is_a_digit(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: finishOnKey may be empty."""
    bench.app.at("/in", xml('<Gather finishOnKey="" numDigits="3" action="/menu"/>')).at("/menu", xml(""))
    bench.questioned().press("1#w*")
    bench.run(2)
    assert [form["Digits"] for form in bench.app.to("/menu")] == ["1#*"]


def test_gather_asks_its_own_document_again_without_an_action(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: action defaults to the current document."""
    bench.app.at("/in", xml('<Gather numDigits="1"/>'), xml("<Hangup/>"))
    bench.questioned().press("5")
    bench.run(1)
    assert bench.app.to("/in")[1]["Digits"] == "5"


def test_words_reach_a_speech_gather(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: input="dtmf speech", SpeechResult, Confidence."""
    bench.app.at("/in", xml('<Gather input="dtmf speech" speechTimeout="2" action="/menu"><Say>Dica.</Say></Gather>'))
    bench.app.at("/menu", xml(""))
    phone = bench.ring()
    bench.until(phone, "question")
    phone.say_words("vorrei un ordine", 0.8)
    bench.run(10)
    (menu,) = bench.app.to("/menu")
    assert (menu["SpeechResult"], menu["Confidence"]) == ("vorrei un ordine", "0.8") and "Digits" not in menu


def test_words_do_nothing_in_a_keys_only_gather(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: input defaults to dtmf."""
    bench.app.at("/in", xml('<Gather action="/menu" timeout="3"/>'))
    phone = bench.ring()
    phone.say_words("ordine", 0.8)
    bench.run(5)
    assert bench.app.to("/menu") == []


def test_redirect_resolves_against_the_document_and_drops_the_rest(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/redirect: verbs after it are unreachable."""
    bench.app.at("/in", xml("<Redirect>voice/two?x=1</Redirect><Say>Mai.</Say>"))
    bench.app.at("/voice/two", xml('<Say>Due.</Say><Redirect method="GET">three</Redirect>'))
    bench.app.at("/voice/three", xml("<Hangup/><Say>Mai.</Say>"))
    phone = bench.ring()
    bench.run(10)
    assert bench.app.paths()[:3] == ["/in", "/voice/two", "/voice/three"]
    assert bench.app.asked[1].url.endswith("/voice/two?x=1") and bench.app.asked[2].method == "GET"
    assert "said Mai." not in heard(phone)


def test_reject_first_never_answers(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/reject"""
    bench.app.at("/in", xml('<Reject reason="busy"/>')).at("/status", 204)
    phone = bench.ring()
    bench.run(5)
    assert heard(phone) == ["ringback", "busy", "ended busy"]
    call = bench.network.call(phone.sid)
    assert (call.status, call.start_time, call.duration) == ("busy", None, 0)
    assert [form["CallStatus"] for form in bench.app.to("/status")] == ["busy"]


def test_reject_later_hangs_up(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/reject: only the first verb rejects."""
    bench.app.at("/in", xml("<Say>Ciao.</Say><Reject/>")).at("/status", 204)
    phone = bench.ring()
    bench.run(5)
    assert bench.network.call(phone.sid).status == "completed"


def test_a_pause_first_lets_it_ring(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/pause: waits before picking up."""
    bench.app.at("/in", xml('<Pause length="6"/><Say>Ciao.</Say>'))
    phone = bench.ring()
    bench.run(5)
    assert heard(phone) == ["ringback"]
    bench.run(2)
    assert heard(phone)[1] == "answered"


def test_a_loop_says_it_again(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/say: loop."""
    bench.app.at("/in", xml('<Say loop="3">Eco.</Say>'))
    phone = bench.ring()
    bench.run(20)
    assert heard(phone).count("said Eco.") == 3


def test_slow_speech_takes_longer_and_ssml_is_read(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/say/text-speech#ssml"""
    text = "Questa frase ha quarantacinque caratteri circa"
    bench.app.at("/in", xml(f'<Say><prosody rate="50%">{text}<break time="2s"/></prosody> fine</Say>'))
    phone = bench.ring()
    news = bench.until(phone, "said")
    assert news.text == f"{text} fine"
    assert 8 < (news.at - phone.perceived()[0].at).total_seconds() < 10


def test_play_takes_the_length_of_the_file_and_is_fetched_once(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/play: audio is cached."""
    wav = tone_wav(3)
    bench.app.at("/in", xml("<Play>/music.wav</Play><Play>/music.wav</Play>"))
    bench.app.at("/music.wav", (200, "audio/wav", wav))
    phone = bench.ring()
    bench.run(5)
    first = bench.until(phone, "played")
    assert first.text == "https://app.example/music.wav"
    assert len([path for path in bench.app.paths() if path == "/music.wav"]) == 1
    assert bench.app.asked[1].method == "GET"


def test_the_number_is_told_once_when_the_call_has_ended(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml: statusCallback of a number; Duration counts begun minutes."""
    bench.app.at("/in", xml('<Pause length="1"/><Say>Ciao.</Say><Pause length="65"/>')).at("/status", 204)
    bench.ring()
    bench.run(200)
    (told,) = bench.app.to("/status")
    assert told["CallStatus"] == "completed" and told["CallbackSource"] == "call-progress-events"
    assert told["Duration"] == "2" and 64 <= int(told["CallDuration"]) <= 67
    assert told["SequenceNumber"] == "0" and told["Timestamp"].endswith("2026 09:01:06 +0000")


@pytest.mark.parametrize("after", [0.0, 0.01, 1.0, 2.5, 4.0, 6.0, 9.0, 10.0])
def test_a_caller_may_hang_up_at_any_moment(bench: Bench, after: float) -> None:
    """https://www.twilio.com/docs/voice/twiml: one last status callback, whatever was going on."""
    bench.app.at("/in", xml('<Gather timeout="3"><Say>Premi uno per gli ordini.</Say></Gather><Record/>'))
    bench.app.at("/status", 204)
    phone = bench.ring()
    bench.run(after)
    phone.hang_up()
    phone.press("1")
    bench.run(60)
    assert len(bench.app.to("/status")) == 1
    assert heard(phone)[-1] == "ended you hung up"
    assert bench.network.calls(status="in-progress") == []


def test_a_number_of_somebody_else_cannot_be_dialled(bench: Bench) -> None:
    with pytest.raises(CarrierRefused):
        bench.phones.dial(CALLER, "+39800999999")


def test_numbers_are_dialled_in_any_spelling(bench: Bench) -> None:
    bench.app.at("/in", xml(""))
    bench.phones.dial("anonymous", "0039 800 123 456")
    bench.run(1)
    assert bench.app.to("/in")[0]["From"] == "anonymous"
