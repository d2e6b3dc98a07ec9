"""What we say is legal, and exactly this."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.core.flow.turn import (
    Ask,
    Dial,
    GoOn,
    HangUp,
    Join,
    Park,
    Record,
    Rest,
    Said,
    Sound,
    Speak,
    Utter,
)
from ivr.core.words import Language, PhoneNumber, QueueName
from ivr.twilio import twiml

IT, EN = Language("it"), Language("en")
HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'
BIANCA = '<Say voice="Polly.Bianca-Neural" language="it-IT">'
AMY = '<Say voice="Polly.Amy-Neural" language="en-GB">'
Check = Callable[..., list[tuple[int, str, str]]]


def rendered(*says: Said) -> str:
    return twiml.render(
        says,
        address=lambda door: f"/voice/calls/c1/turns/2/{door}",
        sound=lambda name: f"https://ivr.example/sounds/{name}.wav",
        wait=lambda park: f"/voice/wait/{park.ticket}",
        recording_callback="/voice/recordings",
    )


EXACTLY: list[tuple[tuple[Said, ...], str]] = [
    ((HangUp(),), "<Hangup/>"),
    ((Speak((Utter("Buongiorno.", IT),)), HangUp()), f"{BIANCA}Buongiorno.</Say><Hangup/>"),
    (
        (Speak((Utter("Con calma.", IT, slow=True),)), HangUp()),
        f'{BIANCA}<prosody rate="85%">Con calma.</prosody></Say><Hangup/>',
    ),
    (
        (Speak((Sound("jingle"), Rest(2), Rest(0), Utter("Fish & <chips>", EN))), HangUp()),
        '<Play>https://ivr.example/sounds/jingle.wav</Play><Pause length="2"/>'
        f"{AMY}Fish &amp; &lt;chips&gt;</Say><Hangup/>",
    ),
    (
        (Ask((Utter("Premi 1.", IT),), digits=1, finish="", patience=6, language=IT),),
        '<Gather input="dtmf" action="/voice/calls/c1/turns/2/keys" method="POST" actionOnEmptyResult="true" '
        f'timeout="6" finishOnKey="" numDigits="1">{BIANCA}Premi 1.</Say></Gather>',
    ),
    (
        (Ask((), digits=None, finish="#", patience=10, language=IT, hints=("ordine", "reso, cambio")),),
        '<Gather input="dtmf speech" language="it-IT" hints="ordine,reso  cambio" '
        'action="/voice/calls/c1/turns/2/keys" method="POST" actionOnEmptyResult="true" '
        'timeout="10" finishOnKey="#"></Gather>',
    ),
    (
        (Record((Utter("Dopo il segnale.", IT),), longest=120, silence=5, language=IT),),
        f'{BIANCA}Dopo il segnale.</Say><Record action="/voice/calls/c1/turns/2/recorded" method="POST" '
        'finishOnKey="#" timeout="5" maxLength="120" trim="do-not-trim" playBeep="true" '
        'recordingStatusCallback="/voice/recordings" recordingStatusCallbackMethod="POST" '
        'recordingStatusCallbackEvent="completed absent"/>'
        '<Redirect method="POST">/voice/calls/c1/turns/2/empty</Redirect>',
    ),
    (
        (Park(QueueName("sales"), IT, "t7"),),
        '<Enqueue action="/voice/calls/c1/turns/2/queue_left" method="POST" waitUrl="/voice/wait/t7" '
        'waitUrlMethod="POST">sales</Enqueue>',
    ),
    (
        (Join("t1-1"),),
        '<Dial action="/voice/calls/c1/turns/2/left_room" method="POST"><Conference beep="false" '
        'startConferenceOnEnter="true" endConferenceOnExit="true">t1-1</Conference></Dial>',
    ),
    (
        (Dial(PhoneNumber("+390612345678"), 25, PhoneNumber("+390698765432")),),
        '<Dial action="/voice/calls/c1/turns/2/dialled" method="POST" timeout="25" callerId="+390698765432">'
        "<Number>+390612345678</Number></Dial>",
    ),
    (
        (Dial(PhoneNumber("+390612345678"), 9000, None),),
        '<Dial action="/voice/calls/c1/turns/2/dialled" method="POST" timeout="600">'
        "<Number>+390612345678</Number></Dial>",
    ),
    (
        (Speak((Utter("Un attimo.", IT),)), GoOn(2)),
        f'{BIANCA}Un attimo.</Say><Pause length="2"/><Redirect method="POST">/voice/calls/c1/turns/2/moved</Redirect>',
    ),
    ((GoOn(),), '<Redirect method="POST">/voice/calls/c1/turns/2/moved</Redirect>'),
    (
        (Speak((Utter("Dobrý den", Language("cs")), Utter("  ", IT), Utter("", IT))), HangUp()),
        "<Say>Dobrý den</Say><Hangup/>",
    ),
]


@pytest.mark.parametrize(("says", "body"), EXACTLY)
def test_each_thing_said_is_exactly_this(says: tuple[Said, ...], body: str, twiml_check: Check) -> None:
    document = rendered(*says)
    assert document == HEAD + body + "</Response>"
    assert twiml_check(document) == []


def test_an_address_with_a_query_is_escaped(twiml_check: Check) -> None:
    document = twiml.render(
        [Park(QueueName("a&b"), IT)], lambda door: f"/x?door={door}&n=1", str, lambda park: '/w?q="', "/r"
    )
    assert 'action="/x?door=queue_left&amp;n=1"' in document
    assert ET.fromstring(document)[0].text == "a&b"


def test_a_round_of_the_wait_hears_a_key_at_any_time_and_comes_again(twiml_check: Check) -> None:
    """A queue's wait document holds Play, Say, Gather, Pause, Hangup, Redirect, Leave ("TwiML Voice: <Enqueue>")."""
    document = twiml.wait_document(
        (Utter("Siete i prossimi.", IT), Sound("waltz")),
        2,
        "/voice/wait/t7/keys?round=0&spoken=it",
        "/voice/wait/t7?round=1",
        lambda name: f"/sounds/{name}.wav",
    )
    assert document == (
        f'{HEAD}<Gather input="dtmf" action="/voice/wait/t7/keys?round=0&amp;spoken=it" method="POST" timeout="2" '
        f'numDigits="1" finishOnKey="">{BIANCA}Siete i prossimi.</Say><Play>/sounds/waltz.wav</Play></Gather>'
        '<Redirect method="POST">/voice/wait/t7?round=1</Redirect></Response>'
    )
    for each in (document, twiml.static_wait("/voice/wait/t7?round=1&static=1"), twiml.LEAVE):
        assert twiml_check(each, "queue-wait") == []


def test_characters_that_xml_cannot_hold_are_left_out(twiml_check: Check) -> None:
    document = rendered(Speak((Utter("uno\x00\x0b\ud800due\ufffe\ntre", IT),)), HangUp())
    assert ET.fromstring(document)[0].text == "unodue\ntre"
    assert twiml_check(document) == []


@pytest.mark.parametrize("word", ["Parola molto lunga. ", "x", "è", "早上好，", "😀", "a b"])
def test_a_text_too_long_for_one_say_is_cut_and_nothing_is_lost(word: str, twiml_check: Check) -> None:
    """Error 13521 (twilio.com/docs/api/errors/13521)."""
    text = (word * 9000)[:9000]
    document = rendered(Speak((Utter(text, IT, slow=True),)), HangUp())
    parts = ["".join(say.itertext()) for say in ET.fromstring(document).iter("Say")]
    assert len(parts) > 1
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert all(len(part.encode()) <= 3000 and len(quote(part, safe="")) <= 4500 for part in parts)


def test_a_long_text_is_cut_where_sentences_end() -> None:
    sentence = "Questa frase ha una certa lunghezza e finisce con un punto."
    document = rendered(Speak((Utter(" ".join([sentence] * 100), IT),)), HangUp())
    parts = [say.text or "" for say in ET.fromstring(document).iter("Say")]
    assert len(parts) > 1
    assert all(part.endswith("punto.") for part in parts)


def test_the_default_voices_are_the_carriers(twiml_check: Check) -> None:
    for language in twiml.VOICES:
        assert twiml_check(rendered(Speak((Utter("a", language),)), HangUp())) == []


words = st.text(st.characters(), max_size=60)
languages = st.sampled_from([IT, EN, Language("de"), Language("xx")])
utterances = st.lists(
    st.one_of(
        st.builds(Utter, words, languages, st.booleans()),
        st.builds(Sound, st.sampled_from(["jingle", "music"])),
        st.builds(Rest, st.integers(-1, 20)),
    ),
    max_size=4,
).map(tuple)
endings: st.SearchStrategy[Said] = st.one_of(
    st.builds(
        Ask,
        utterances,
        st.none() | st.integers(0, 20),
        st.sampled_from(["", "#", "*"]),
        st.integers(0, 30),
        languages,
        st.lists(words, max_size=3).map(tuple),
    ),
    st.builds(Record, utterances, st.integers(0, 100_000), st.integers(0, 30), languages),
    st.builds(Park, st.sampled_from([QueueName("sales"), QueueName("ordini e resi")]), languages),
    st.builds(Join, st.just("t1-1")),
    st.builds(Dial, st.just(PhoneNumber("+390612345678")), st.integers(-1, 900), st.none()),
    st.builds(GoOn, st.integers(-1, 5)),
    st.just(HangUp()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.builds(Speak, utterances), max_size=3), endings)
def test_whatever_is_said_is_legal(twiml_check: Check, speaks: list[Speak], ending: Said) -> None:
    unfilled = "unfilled value"  # the random words may look like a template
    assert [p for p in twiml_check(rendered(*speaks, ending)) if unfilled not in p[2]] == []
