"""Dial: numbers, clients, whispers. https://www.twilio.com/docs/voice/twiml/dial"""

from __future__ import annotations

import pytest

from ivr.exchange.phones import Behaviour
from tests.exchange.engine_bench import AGENT, BASE, CALLER, LINE, Bench, heard, tone_wav, xml

SECOND = "+390600000002"


@pytest.fixture
def line(bench: Bench) -> Bench:
    bench.app.at("/in", xml(f'<Dial action="/after" timeout="20">{AGENT}</Dial>')).at("/status", 204)
    bench.app.at("/after", xml("<Say>Finito.</Say>"))
    return bench


def test_two_people_talk_and_the_action_is_told_when_the_other_leaves(line: Bench) -> None:
    """DialCallStatus, DialCallSid, DialCallDuration; the caller's number is shown; the call goes on."""
    agent = line.network.phones.hold(AGENT)
    phone = line.ring()
    line.run(3)
    (leg,) = agent.calls
    assert heard(leg) == [f"ringing {CALLER}"] and heard(phone)[-1] == "ringback"
    leg.answer()
    line.run(60)
    leg.hang_up()
    line.run(10)
    (form,) = line.app.to("/after")
    assert form["DialCallStatus"] == "completed" and form["DialCallSid"] == leg.sid
    assert (form["DialCallDuration"], form["DialBridged"], form["CallStatus"]) == ("60", "true", "in-progress")
    assert "said Finito." in heard(phone)
    child = line.network.call(leg.sid)
    assert (child.direction, child.parent_sid, child.status, child.duration) == (
        "outbound-dial", phone.sid, "completed", 60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (Behaviour(busy=True), "busy"),
        (Behaviour(no_answer=True), "no-answer"),
        (Behaviour(fails=True), "failed"),
        (Behaviour(rejects=True), "busy"),
    ],
)
def test_nobody_to_talk_to(line: Bench, behaviour: Behaviour, status: str) -> None:
    """DialCallStatus; the timeout is the Dial's."""
    line.network.phones.put(AGENT, behaviour)
    line.ring()
    line.run(30)
    (form,) = line.app.to("/after")
    assert (form["DialCallStatus"], form["DialBridged"]) == (status, "false") and "DialCallDuration" not in form


def test_an_unknown_number_rings_until_the_timeout(line: Bench) -> None:
    line.ring()
    line.run(19.9)
    assert line.app.to("/after") == []
    line.run(0.2)
    assert line.app.to("/after")[0]["DialCallStatus"] == "no-answer"


@pytest.mark.parametrize(("after", "status"), [(2.0, "canceled"), (20.0, "completed")])
def test_a_caller_who_hangs_up_first(line: Bench, after: float, status: str) -> None:
    """The action is asked with CallStatus completed, its answer is not executed; the other leg ends."""
    line.network.phones.put(AGENT, Behaviour(answers_after=5))
    phone = line.ring()
    line.run(after)
    phone.hang_up()
    line.run(5)
    (form,) = line.app.to("/after")
    assert (form["DialCallStatus"], form["CallStatus"]) == (status, "completed")
    assert line.network.call(form["DialCallSid"]).status == status
    assert "said Finito." not in heard(phone)


def test_the_first_to_pick_up_gets_the_call(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/number: the rest are hung up."""
    bench.app.at("/in", xml(f"<Dial><Number>{AGENT}</Number><Number>{SECOND}</Number></Dial>"))
    bench.network.phones.put(AGENT, Behaviour(answers_after=9))
    bench.network.phones.put(SECOND, Behaviour(answers_after=4, hangs_up_after=10))
    bench.ring()
    bench.run(60)
    statuses = {call.to: call.status for call in bench.network.calls()}
    assert (statuses[AGENT], statuses[SECOND]) == ("canceled", "completed")


def test_one_after_another_when_told_so(bench: Bench) -> None:
    """sequential="true"."""
    dial = f'<Dial sequential="true" timeout="10"><Number>{AGENT}</Number><Number>{SECOND}</Number></Dial>'
    bench.app.at("/in", xml(dial))
    bench.network.phones.put(SECOND, Behaviour(answers_after=1, hangs_up_after=5))
    bench.ring()
    bench.run(60)
    second, first, _ = bench.network.calls()
    assert (first.status, second.status) == ("no-answer", "completed")
    assert (second.date_created - first.date_created).total_seconds() == 10


WHISPER = xml('<Gather numDigits="1" action="/accept" timeout="5"><Say>Premi uno.</Say></Gather><Hangup/>')


@pytest.mark.parametrize(("keys", "bridged"), [(("1",), "true"), ((), "false")])
def test_the_called_party_is_whispered_to_and_may_decline(bench: Bench, keys: tuple[str, ...], bridged: str) -> None:
    """https://www.twilio.com/docs/voice/twiml/number: url runs on the called leg before the bridge."""
    bench.app.at("/in", xml(f'<Dial action="/after"><Number url="/whisper">{AGENT}</Number></Dial>'))
    bench.app.at("/whisper", WHISPER).at("/accept", xml("")).at("/after", xml(""))
    bench.network.phones.put(AGENT, Behaviour(answers_after=2, presses=keys, hangs_up_after=30))
    phone = bench.ring()
    bench.run(60)
    (whisper,) = bench.app.to("/whisper")
    assert whisper["ParentCallSid"] == phone.sid and whisper["Direction"] == "outbound-dial"
    (form,) = bench.app.to("/after")
    assert (form["DialBridged"], form["DialCallStatus"]) == (bridged, "completed")


def test_a_dial_in_a_whisper_is_refused(bench: Bench) -> None:
    """https://www.twilio.com/docs/errors/13201"""
    bench.app.at("/in", xml(f'<Dial action="/after"><Number url="/whisper">{AGENT}</Number></Dial>'))
    bench.app.at("/whisper", xml(f"<Dial>{SECOND}</Dial>")).at("/after", xml(""))
    bench.network.phones.put(AGENT, Behaviour(answers_after=2))
    bench.ring()
    bench.run(60)
    assert bench.app.to("/after")[0]["DialBridged"] == "false"
    assert "13201" in bench.network.refusals[0]


def test_progress_of_the_called_leg_is_told(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/number: statusCallbackEvent; SequenceNumber counts from 0."""
    events = 'statusCallback="/child" statusCallbackEvent="initiated ringing answered completed"'
    bench.app.at("/in", xml(f"<Dial><Number {events}>{AGENT}</Number></Dial>")).at("/child", 204)
    bench.network.phones.put(AGENT, Behaviour(answers_after=5, hangs_up_after=70))
    phone = bench.ring()
    bench.run(100)
    told = bench.app.to("/child")
    assert [form["CallStatus"] for form in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in told] == ["0", "1", "2", "3"]
    assert {form["ParentCallSid"] for form in told} == {phone.sid}
    assert (told[-1]["CallDuration"], told[-1]["Duration"]) == ("70", "2")


def test_answer_on_bridge_keeps_the_caller_ringing(bench: Bench) -> None:
    """answerOnBridge."""
    bench.app.at("/in", xml(f'<Dial answerOnBridge="true">{AGENT}</Dial>'))
    bench.network.phones.put(AGENT, Behaviour(answers_after=8, hangs_up_after=5))
    phone = bench.ring()
    bench.run(7)
    assert bench.network.call(phone.sid).status == "ringing"
    bench.run(20)
    assert bench.network.call(phone.sid).duration == 5


def test_star_hangs_up_on_the_other(bench: Bench) -> None:
    """hangupOnStar."""
    bench.app.at("/in", xml(f'<Dial hangupOnStar="true" action="/after">{AGENT}</Dial>')).at("/after", xml(""))
    bench.network.phones.put(AGENT, Behaviour(answers_after=1))
    phone = bench.ring()
    bench.run(10)
    phone.press("*")
    bench.run(1)
    assert bench.app.to("/after")[0]["DialCallDuration"] == "9"


def test_a_talk_has_a_time_limit(bench: Bench) -> None:
    """timeLimit."""
    bench.app.at("/in", xml(f'<Dial timeLimit="30" action="/after">{AGENT}</Dial>')).at("/after", xml(""))
    bench.network.phones.put(AGENT, Behaviour(answers_after=1))
    bench.ring()
    bench.run(40)
    assert bench.app.to("/after")[0]["DialCallDuration"] == "30"


def test_a_number_that_is_not_ours_cannot_be_shown(bench: Bench) -> None:
    """callerId: owned, verified, or one of this call's; error 13214."""
    bench.network.update_number(bench.number.sid, voice_fallback_url=BASE + "/fallback")
    bench.app.at("/in", xml(f'<Dial callerId="+390699999999">{AGENT}</Dial>')).at("/fallback", xml(""))
    bench.ring()
    bench.run(5)
    assert bench.app.to("/fallback")[0]["ErrorCode"] == "13214"


def test_the_line_may_be_shown(bench: Bench) -> None:
    bench.app.at("/in", xml(f'<Dial callerId="{LINE}"><Client>anna</Client></Dial>'))
    anna = bench.network.phones.hold("client:anna")
    bench.ring()
    bench.run(5)
    assert heard(anna.calls[0]) == [f"ringing {LINE}"]


def test_both_sides_are_recorded(bench: Bench) -> None:
    """record="record-from-answer-dual": RecordingSource DialVerb, two channels, the parent's CallSid."""
    dial = f'<Dial record="record-from-answer-dual" recordingStatusCallback="/rec" action="/after">{AGENT}</Dial>'
    bench.app.at("/in", xml(dial)).at("/rec", 204).at("/after", xml(""))
    agent = bench.network.phones.hold(AGENT)
    phone = bench.ring()
    bench.run(1)
    agent.calls[0].answer()
    phone.speak(tone_wav(2))
    bench.run(3)
    agent.calls[0].speak(tone_wav(2))
    bench.run(3)
    agent.calls[0].hang_up()
    bench.run(3)
    (form,) = bench.app.to("/rec")
    assert (form["RecordingSource"], form["RecordingChannels"], form["CallSid"]) == ("DialVerb", "2", phone.sid)
    assert bench.app.to("/after")[0]["RecordingSid"] == form["RecordingSid"]


def test_a_redirected_child_leaves_the_bridge_and_the_parent_goes_on(line: Bench) -> None:
    """https://www.twilio.com/docs/voice/tutorials/how-to-modify-calls-in-progress"""
    agent = line.network.phones.hold(AGENT)
    phone = line.ring()
    line.run(1)
    agent.calls[0].answer()
    line.run(5)
    line.network.update_call(agent.calls[0].sid, twiml=xml("<Say>Altrove.</Say>"))
    line.run(10)
    assert "said Altrove." in heard(agent.calls[0])
    assert line.app.to("/after")[0]["DialCallStatus"] == "answered" and "said Finito." in heard(phone)


def test_a_redirected_parent_drops_the_child(line: Bench) -> None:
    line.network.phones.put(AGENT, Behaviour(answers_after=1))
    phone = line.ring()
    line.run(5)
    line.network.update_call(phone.sid, twiml=xml("<Say>Altrove.</Say>"))
    line.run(10)
    assert "said Altrove." in heard(phone) and line.app.to("/after") == []
    assert {call.status for call in line.network.calls()} == {"completed"}
