"""What the carrier sends, in our words; whatever it sends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.call import CarrierKey
from ivr.core.flow.turn import (
    CameBack,
    DialEnded,
    Heard,
    Keys,
    LeftQueue,
    LeftRoom,
    NothingRecorded,
    Recorded,
    Silence,
    Words,
)
from ivr.core.words import PhoneNumber, Withheld
from ivr.twilio import inbound
from ivr.world.numbering import PhoneNumbers

NUMBERS = PhoneNumbers("IT")
RECORDING = "RE00000000000000000000000000000006"
RECORDING_URL = f"https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Recordings/{RECORDING}"


def posted(params: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in params.items()}


HEARD: dict[str, tuple[str, Heard]] = {
    "gather.digits": ("keys", Keys("2")),
    "gather.digits.many": ("keys", Keys("4155550142")),
    "gather.empty": ("keys", Silence()),
    "gather.speech": ("keys", Words("I would like to talk to billing.", 0.9128386)),
    "record.action": ("recorded", Recorded(RECORDING, RECORDING_URL, timedelta(seconds=17))),
    "record.action.hangup": ("recorded", Recorded(RECORDING, RECORDING_URL, timedelta(seconds=9), hung_up=True)),
    "voice.redirected": ("moved", CameBack()),
    "member.url": ("moved", CameBack()),
    "dial.action.completed": ("dialled", DialEnded("completed")),
    "dial.action.busy": ("dialled", DialEnded("busy")),
    "dial.action.no-answer": ("dialled", DialEnded("no_answer")),
    "dial.action.failed": ("dialled", DialEnded("failed")),
    "dial.action.canceled": ("dialled", DialEnded("no_answer")),
    "dial.action.conference": ("left_room", LeftRoom()),
    "dial.action.queue": ("dialled", DialEnded("completed")),
    "enqueue.action.bridged": ("queue_left", LeftQueue("bridged")),
    "enqueue.action.bridging-in-process": ("queue_left", LeftQueue("bridging-in-process")),
    "enqueue.action.error": ("queue_left", LeftQueue("error")),
    "enqueue.action.hangup": ("queue_left", LeftQueue("hangup")),
    "enqueue.action.leave": ("queue_left", LeftQueue("leave")),
    "enqueue.action.redirected": ("queue_left", LeftQueue("redirected")),
    "enqueue.action.redirected-from-bridged": ("queue_left", LeftQueue("redirected-from-bridged")),
    "enqueue.action.queue-full": ("queue_left", LeftQueue("queue-full")),
    "enqueue.action.system-error": ("queue_left", LeftQueue("system-error")),
}


def test_each_answer_in_the_table_is_heard(webhooks: dict[str, Any]) -> None:
    events = webhooks["events"]
    assert {name: inbound.heard(door, posted(events[name]["params"])) for name, (door, _) in HEARD.items()} == {
        name: heard for name, (_, heard) in HEARD.items()
    }
    actions = ("gather.", "record.action", "dial.action", "enqueue.action")
    untold = {name for name in events if name.startswith(actions)} - set(HEARD)
    assert untold == {"gather.speech.partial"}  # asynchronous; we never ask for it


def test_every_event_goes_through_every_door_with_and_without_its_optional_fields(webhooks: dict[str, Any]) -> None:
    for event in webhooks["events"].values():
        whole = posted(event["params"])
        least = {name: value for name, value in whole.items() if name not in event["optional"]}
        for form in (whole, least, {}):
            for door in (*inbound.DOORS, "nonsense"):
                assert isinstance(inbound.heard(door, form), Heard)
            assert inbound.token(None, form)
            assert inbound.status(form).fact_key.startswith("status:")
            assert inbound.recording(form).fact_key.startswith("recording:")
            assert inbound.incoming(form, NUMBERS).token


def test_a_call_comes_in(webhooks: dict[str, Any]) -> None:
    came = inbound.incoming(posted(webhooks["events"]["voice.incoming"]["params"]), NUMBERS)
    assert came.key == CarrierKey("twilio", "AC0123456789abcdef0123456789abcdef", "CA00000000000000000000000000000001")
    assert (came.caller, came.called) == (PhoneNumber("+14155550101"), PhoneNumber("+14155550199"))


@pytest.mark.parametrize(
    ("event", "said", "called"),
    [
        ("voice.incoming.anonymous", "+266696687", "+14155550199"),
        ("voice.incoming.sip", "sip:kate@example.com", None),
        ("voice.incoming.client", "client:agent_7", None),
    ],
)
def test_some_callers_have_no_number(webhooks: dict[str, Any], event: str, said: str, called: str | None) -> None:
    came = inbound.incoming(posted(webhooks["events"][event]["params"]), NUMBERS)
    assert (came.caller, came.called) == (Withheld(said), called)


def test_every_spelling_of_anonymous_is_withheld(webhooks: dict[str, Any]) -> None:
    for caller in webhooks["anonymous_callers"]:
        form = {"From": [caller["value"]], "To": ["+39800123456"]}
        assert inbound.incoming(form, NUMBERS).caller == Withheld(caller["value"])


@pytest.mark.parametrize(
    ("params", "heard"),
    [
        ({"Digits": "*#"}, Keys("*#")),
        ({"Digits": "#", "FinishedOnKey": "#"}, Keys("#")),
        ({"Digits": "0" * 5000}, Keys("0" * 100)),
        ({"Digits": "1\x002"}, Keys("12")),
        ({"Digits": "hangup"}, Silence()),
        ({"Digits": "\ud800\udfff\ufffd"}, Silence()),
        ({"Digits": ""}, Silence()),
        ({}, Silence()),
        ({"Digits": "1", "SpeechResult": "uno"}, Keys("1")),
        ({"SpeechResult": "  ", "Confidence": "0.9"}, Silence()),
        ({"SpeechResult": "ordine"}, Words("ordine", None)),
        ({"SpeechResult": "ordine", "Confidence": "0.0"}, Words("ordine", None)),
        ({"SpeechResult": "ordine", "Confidence": "nan"}, Words("ordine", None)),
        ({"SpeechResult": "ordine", "Confidence": "7"}, Words("ordine", None)),
        ({"SpeechResult": "ordine\x00\n", "Confidence": "1"}, Words("ordine", 1.0)),
    ],
)
def test_odd_answers_at_the_keys_door(params: dict[str, str], heard: Heard) -> None:
    assert inbound.heard("keys", posted(params)) == heard


@pytest.mark.parametrize(
    ("params", "heard"),
    [
        ({}, NothingRecorded()),
        ({"RecordingUrl": RECORDING_URL + ".wav?x=1"}, Recorded(RECORDING, RECORDING_URL + ".wav?x=1")),
        ({"RecordingSid": "RE1"}, Recorded("RE1", "")),
        ({"RecordingSid": "RE1", "RecordingDuration": "-1"}, Recorded("RE1", "")),
        ({"RecordingSid": "RE1", "RecordingDuration": "0"}, Recorded("RE1", "", timedelta(0))),
        ({"RecordingSid": "../../etc", "RecordingUrl": "x/ü"}, NothingRecorded()),
        ({"RecordingSid": "RE1", "Digits": "hangup"}, Recorded("RE1", "", hung_up=True)),
    ],
)
def test_odd_recordings(params: dict[str, str], heard: Heard) -> None:
    assert inbound.heard("recorded", posted(params)) == heard


def test_an_empty_recording_comes_through_its_own_door() -> None:
    assert inbound.heard("empty", {}) == NothingRecorded()


def test_an_answer_that_was_not_bridged_is_no_answer() -> None:
    form = posted({"DialCallStatus": "completed", "DialBridged": "false"})
    assert inbound.heard("dialled", form) == DialEnded("no_answer")


def test_unknown_words_of_the_carrier_are_told_as_unknown() -> None:
    assert inbound.heard("queue_left", {"QueueResult": ["<script>"]}) == LeftQueue("unknown")
    assert inbound.heard("dialled", {"DialCallStatus": ["?"]}) == DialEnded("failed")


def test_the_carriers_token_is_taken_when_it_is_one() -> None:
    form = posted({"CallSid": "CA1", "Digits": "2"})
    assert inbound.token({inbound.IDEMPOTENCY: "d9a1-42"}, form) == "d9a1-42"
    assert inbound.token({inbound.IDEMPOTENCY: "x" * 9000}, form) == inbound.token(None, form)


def test_without_a_token_the_same_words_are_the_same_request() -> None:
    form = posted({"CallSid": "CA1", "Digits": "2", "CallStatus": "in-progress"})
    assert inbound.token(None, form) == inbound.token({}, {**form, "CallStatus": ["completed"]})
    assert inbound.token(None, form) != inbound.token(None, {**form, "Digits": ["3"]})
    assert inbound.token(None, {}) == inbound.token(None, {})


def test_the_end_of_a_call(webhooks: dict[str, Any]) -> None:
    news = inbound.status(posted(webhooks["events"]["number.status.completed"]["params"]))
    assert news == inbound.CallStatus(
        "CA00000000000000000000000000000001",
        "completed",
        204,
        0,
        "status:CA00000000000000000000000000000001:completed:0",
    )


def test_the_news_of_a_dialled_leg_names_its_parent(webhooks: dict[str, Any]) -> None:
    news = inbound.status(posted(webhooks["events"]["call.status.child.completed"]["params"]))
    assert (news.parent, news.seconds) == ("CA00000000000000000000000000000001", 70)


def test_the_same_news_has_the_same_key_and_other_news_another(webhooks: dict[str, Any]) -> None:
    params = webhooks["events"]["call.status.completed"]["params"]
    key = inbound.status(posted(params)).fact_key
    assert inbound.status(posted({**params, "Timestamp": "later", "SipResponseCode": ""})).fact_key == key
    for other in ({"CallStatus": "busy"}, {"SequenceNumber": "9"}, {"CallSid": "CA9"}):
        assert inbound.status(posted({**params, **other})).fact_key != key


def test_news_of_recordings(webhooks: dict[str, Any]) -> None:
    events = webhooks["events"]
    kept = inbound.recording(posted(events["recording.status.record"]["params"]))
    assert (kept.recording, kept.status, kept.length) == (RECORDING, "completed", timedelta(seconds=16))
    gone = inbound.recording(posted(events["recording.status.absent"]["params"]))
    assert (gone.status, gone.length) == ("absent", None)
    assert kept.fact_key != gone.fact_key
    room = inbound.recording(posted(events["recording.status.conference"]["params"]))
    assert (room.sid, room.recording) == ("", RECORDING)


FIELDS = [
    "CallSid", "AccountSid", "From", "To", "Digits", "SpeechResult", "Confidence", "RecordingSid", "RecordingUrl",
    "RecordingDuration", "QueueResult", "DialCallStatus", "CallStatus", "SequenceNumber", "CallDuration",
]  # fmt: skip
anything = st.text(st.characters(), max_size=300)


@given(
    st.dictionaries(st.sampled_from(FIELDS), st.lists(anything, max_size=3)),
    st.sampled_from([*inbound.DOORS, ""]),
    anything,
)
def test_nothing_makes_it_raise(form: dict[str, list[str]], door: str, header: str) -> None:
    heard = inbound.heard(door, form)
    repr(heard).encode("utf-8")  # no half of a surrogate pair gets in
    assert "\x00" not in repr(heard)
    news, fact = inbound.status(form), inbound.recording(form)
    came = inbound.incoming(form, NUMBERS, {inbound.IDEMPOTENCY: header})
    for text in (news.fact_key, fact.fact_key, fact.url, came.token, came.key.sid):
        text.encode("utf-8")
        assert "\x00" not in text
