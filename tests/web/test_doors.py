"""The carrier's doors: what it really sends, in whatever order, however often; always legal TwiML, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from ivr.core.call import CarrierKey
from ivr.core.errors import RecordsUnavailable
from ivr.core.events import KINDS
from tests.line import ACCOUNT, EVENING, TestLine, open_line, said

SID = "CA" + "1" * 32


@pytest.fixture
def line(tmp_path: Path) -> TestLine:
    return open_line(tmp_path)


@pytest.fixture(autouse=True)
def every_answer_is_legal_twiml(
    monkeypatch: pytest.MonkeyPatch, twiml_check: Callable[..., list[Any]]
) -> Iterator[None]:
    """Of every line that a test opens."""
    opened: list[TestLine] = []
    made = TestLine.__init__

    def remembered(line: TestLine, *given: Any, **named: Any) -> None:
        made(line, *given, **named)
        opened.append(line)

    monkeypatch.setattr(TestLine, "__init__", remembered)
    yield
    answers = [answer for line in opened for answer in line.answers]
    assert not [(answer, wrong) for answer in answers if (wrong := twiml_check(answer))]


def call_of(line: TestLine, sid: str = SID) -> Any:
    with line.office.records.read() as tx:
        return tx.calls.find(CarrierKey("twilio", ACCOUNT, sid))


def kinds(line: TestLine, sid: str = SID) -> list[str]:
    call = call_of(line, sid)
    with line.office.records.read() as tx:
        return [event.kind for event in tx.log.of_call(call.id)]


def test_a_caller_hears_a_greeting_and_a_menu_at_the_first_ring(line: TestLine) -> None:
    heard = said(line.ring())
    assert "Officine Verdi" in heard
    assert "premi 1" in heard


def test_a_request_that_the_carrier_did_not_sign_is_refused_and_says_nothing(line: TestLine) -> None:
    answer = line.post("/voice/incoming", line.form(SID), sign=False)
    assert answer.status_code == 403
    assert "Officine" not in answer.text
    assert call_of(line) is None


def test_the_same_ring_twice_is_one_call_and_one_answer(line: TestLine) -> None:
    first = line.post("/voice/incoming", line.form(SID)).text
    again = line.post("/voice/incoming", line.form(SID)).text
    assert first == again
    assert kinds(line).count("call.rang") == 1


def test_two_rings_of_one_call_at_once_are_one_call(line: TestLine) -> None:
    answers: list[str] = []
    app = line.client.application

    def ring() -> None:
        with app.test_client() as client:
            mine = TestLine(line.office, client, line.clock, line.hints)
            answers.append(mine.post("/voice/incoming", mine.form(SID)).text)

    threads = [threading.Thread(target=ring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert kinds(line).count("call.rang") == 1


def test_a_key_delivered_twice_moves_once_and_is_answered_the_same(line: TestLine) -> None:
    question = line.ring()
    token = {"I-Twilio-Idempotency-Token": "abc-1"}
    action = next(question.iter("Gather")).attrib["action"]
    first = line.post("", line.form(SID, Digits="3"), url=action, headers=token).text
    again = line.post("", line.form(SID, Digits="3"), url=action, headers=token).text
    assert first == again
    assert call_of(line).turn == 2
    assert "odd.fact" not in kinds(line)


def test_a_key_delivered_on_two_servers_at_once_moves_once(line: TestLine) -> None:
    action = next(line.ring().iter("Gather")).attrib["action"]
    answers: list[str] = []
    app = line.client.application

    def press() -> None:
        with app.test_client() as client:
            mine = TestLine(line.office, client, line.clock, line.hints)
            answers.append(mine.post("", mine.form(SID, Digits="3"), url=action).text)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert call_of(line).turn == 2


@pytest.mark.parametrize("turn", [0, 7, 99999999])
def test_a_turn_of_the_past_or_the_future_moves_nothing_and_is_counted(line: TestLine, turn: int) -> None:
    line.ring()
    call = call_of(line)
    answer = line.post(f"/voice/calls/{call.id}/turns/{turn}/keys", line.form(SID, Digits="1"))
    assert fromstring(answer.text).find("Gather") is not None
    assert call_of(line).turn == call.turn
    assert kinds(line).count("odd.fact") == 1


def test_a_turn_of_an_unknown_call_reaches_the_fallback_with_words(line: TestLine) -> None:
    answer = line.post("/voice/calls/0190e000-0000-7000-8000-000000000000/turns/1/keys", line.form(SID, Digits="1"))
    assert answer.status_code == 200
    assert said(fromstring(answer.text))


def test_a_number_that_is_none_of_ours_still_hears_words(line: TestLine) -> None:
    answer = line.post("/voice/incoming", line.form(SID, called="+390699999999"))
    assert said(fromstring(answer.text))


def test_an_unknown_door_hears_words(line: TestLine) -> None:
    line.ring()
    answer = line.post(f"/voice/calls/{call_of(line).id}/turns/1/window", line.form(SID))
    assert said(fromstring(answer.text))


def test_a_caller_whose_records_are_down_hears_words_and_can_reach_a_person(
    line: TestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = line.ring()

    def down() -> Any:
        raise RecordsUnavailable("the database is away")

    monkeypatch.setattr(type(line.office.records), "read", lambda self: down())
    monkeypatch.setattr(type(line.office.records), "write", lambda self: down())
    document = line.answer(question, Digits="3")
    assert said(document)
    assert document.find("Dial") is not None or document.find("Record") is not None


def test_a_caller_who_meets_a_bug_of_ours_hears_words_and_no_traceback(
    line: TestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = line.ring()
    monkeypatch.setattr("ivr.switchboard.calls.take_turn.advance", lambda *_: 1 / 0)
    document = line.answer(question, Digits="3")
    assert said(document)
    assert "Traceback" not in line.answers[-1]
    assert "ZeroDivision" not in line.answers[-1]


@pytest.mark.parametrize("digits", ["*#", "#*#*", "0" * 5000, "abc", "\x00", "１２", "ABCD"])
def test_strange_keys_get_an_answer(line: TestLine, digits: str) -> None:
    document = line.answer(line.ring(), Digits=digits)
    assert said(document)


@pytest.mark.parametrize(
    "body",
    [b"", b"CallSid=%FF%FE&To=%FF", b"To=" + b"9" * 200_000, b"&&&=&=", b"CallSid=CA1&CallSid=CA2&To=a&To=b"],
)
def test_mangled_bodies_are_refused_or_answered_never_broken(line: TestLine, body: bytes) -> None:
    answer = line.client.post(
        "/voice/incoming", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 403


def test_every_event_that_the_carrier_is_known_to_send_goes_through_the_doors(
    line: TestLine, webhooks: dict[str, Any]
) -> None:
    question = line.ring()
    call = call_of(line)
    doors = {
        "voice.incoming": "/voice/incoming",
        "voice.fallback": "/voice/fallback",
        "voice.redirected": "moved",
        "voice.outbound": "moved",
        "gather": "keys",
        "record.action": "recorded",
        "recording.status": "/voice/recordings",
        "transcription": "/voice/recordings",
        "dial.action": "dialled",
        "enqueue.action": "queue_left",
        "enqueue.wait": "moved",
        "queue.url": "moved",
        "member.url": "moved",
        "number.whisper": "moved",
        "call.status": "/voice/status",
        "number.status": "/voice/status",
        "amd": "/voice/status",
        "conference": "/voice/status",
        "sms": "/voice/status",
    }
    assert next(question.iter("Gather"), None) is not None
    for name, event in webhooks["events"].items():
        door = doors[max((d for d in doors if name.startswith(d)), key=len)]
        path = door if door.startswith("/") else f"/voice/calls/{call.id}/turns/{call.turn}/{door}"
        form = {**event["params"], "AccountSid": ACCOUNT}
        if "CallSid" in form and not name.startswith("voice.incoming"):
            form["CallSid"] = SID
        for _ in range(2):
            answer = line.post(path, form)
            assert answer.status_code in (200, 204), name
            if answer.mimetype == "text/xml":
                assert list(fromstring(answer.text)), name
        call = call_of(line)


def test_anonymous_callers_each_have_a_record_of_their_own(line: TestLine, webhooks: dict[str, Any]) -> None:
    customers = set()
    withheld = [one["value"] for one in webhooks["anonymous_callers"]]
    for n, caller in enumerate(withheld):
        sid = f"CA{n:032}"
        line.ring(sid, caller=caller)
        call = call_of(line, sid)
        assert call.sure.value == "withheld", caller
        customers.add(call.customer)
    assert len(customers) == len(withheld)


def test_a_message_is_on_record_before_it_is_acknowledged_and_its_promise_with_it(tmp_path: Path) -> None:
    line = open_line(tmp_path, at=EVENING)
    record = line.answer(line.ring(), Digits="2")
    thanks = line.answer(
        record, RecordingSid="RE1", RecordingUrl="https://api.twilio.com/r/RE1", RecordingDuration="7", Digits="#"
    )
    assert said(thanks)
    with line.office.records.read() as tx:
        kept = tx.voicemails.by_recording("RE1")
        assert kept is not None
        assert [promise.id for promise in tx.promises.open()] == [kept.promise]
    assert line.hints.given == [("fetch_voicemail", kept.id)]


def test_a_caller_who_hangs_up_while_recording_has_left_a_message(tmp_path: Path) -> None:
    line = open_line(tmp_path, at=EVENING)
    record = line.answer(line.ring(), Digits="2")
    status = line.form(SID, CallStatus="completed", CallDuration="30", SequenceNumber="3")
    assert line.post("/voice/status", status).status_code == 204
    line.answer(record, RecordingSid="RE2", RecordingUrl="https://x/RE2", RecordingDuration="9", Digits="hangup")
    with line.office.records.read() as tx:
        assert tx.voicemails.by_recording("RE2") is not None
    assert call_of(line).outcome == "voicemail"


def test_the_recording_callback_alone_is_enough_and_the_action_after_it_makes_no_second_message(
    tmp_path: Path,
) -> None:
    line = open_line(tmp_path, at=EVENING)
    record = line.answer(line.ring(), Digits="2")
    fact = {
        "AccountSid": ACCOUNT,
        "CallSid": SID,
        "RecordingSid": "RE3",
        "RecordingUrl": "https://x/RE3",
        "RecordingStatus": "completed",
        "RecordingDuration": "5",
    }
    for _ in range(2):
        assert line.post("/voice/recordings", fact).status_code == 204
    document = line.answer(record, RecordingSid="RE3", RecordingUrl="https://x/RE3", RecordingDuration="5")
    assert said(document)
    with line.office.records.read() as tx:
        assert len(tx.voicemails.of(call_of(line).customer)) == 1
        assert len(tx.promises.open()) == 1


def test_a_caller_who_hangs_up_at_the_greeting_is_on_record_as_abandoned(line: TestLine) -> None:
    line.ring()
    line.post("/voice/status", line.form(SID, CallStatus="completed", CallDuration="2"))
    assert call_of(line).outcome == "abandoned"
    assert kinds(line)[-1] == "call.ended"


def test_statuses_that_overtake_one_another_and_repeat_end_the_call_once(line: TestLine) -> None:
    line.ring()
    done = line.form(SID, CallStatus="completed", CallDuration="9", SequenceNumber="3")
    for form in (done, line.form(SID, CallStatus="in-progress", SequenceNumber="2"), done, done):
        assert line.post("/voice/status", form).status_code == 204
    assert kinds(line).count("call.ended") == 1


def test_a_status_of_an_unknown_call_is_counted_and_answered(line: TestLine) -> None:
    assert line.post("/voice/status", line.form("CA" + "9" * 32, CallStatus="completed")).status_code == 204


def test_every_event_on_record_has_a_public_name(line: TestLine) -> None:
    question = line.ring()
    for digits in ("7", "3", "2", "9", "4", "3"):
        question = line.answer(question, Digits=digits)
    assert set(kinds(line)) <= set(KINDS)
    assert isinstance(question, Element)


def test_a_plain_turn_costs_three_statements(line: TestLine) -> None:
    question = line.ring()
    statements: list[str] = []
    link = line.office.records.engine.raw_connection()
    link.driver_connection.set_trace_callback(statements.append)
    link.close()
    line.answer(question, Digits="3")
    plain = [text for text in statements if not text.startswith(("BEGIN", "COMMIT", "--"))]
    assert 1 < len(plain) <= 3, plain
