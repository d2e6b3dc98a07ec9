"""Say, Gather, Redirect, Reject, Hangup on an incoming call, as a caller meets them."""

from __future__ import annotations

from tests.exchange.engine_bench import Bench, heard, xml


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
