"""People with telephones whom the application rings by REST: agents, and customers who are called back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from twilio.rest import Client

from ivr.exchange.handset import Behaviour, Perceived
from ivr.exchange.phones import Phone, Rung
from ivr.exchange.records import CarrierRefused
from ivr.exchange.rest import create_app
from ivr.twilio.rest import WsgiHttpClient
from tests.exchange.engine_bench import ACCOUNT, AGENT, BASE, CALLER, LINE, Bench, heard, xml

EVENTS = ["initiated", "ringing", "answered", "completed"]
ROOM = "start end join leave"
ANNA = Behaviour(answers_after=8, presses=("1",), talks=120)


def room(attributes: str) -> str:
    return xml(
        f'<Dial><Conference {attributes} statusCallback="/room" statusCallbackEvent="{ROOM}">t-1</Conference></Dial>'
    )


class Desk(Bench):
    """A caller waits in a room; whom the application rings hears a whisper, and by pressing 1 joins it."""

    def __init__(self) -> None:
        super().__init__()
        rest = create_app(self.network, self.clock.call)
        self.twilio = Client(ACCOUNT.sid, ACCOUNT.token, http_client=WsgiHttpClient(rest))
        self.app.at("/in", room('endConferenceOnExit="true" waitUrl=""')).at("/room", 204).at("/status", 204)
        self.app.at("/whisper", xml('<Gather numDigits="1" timeout="5" action="/key"><Say>Ordini. Uno.</Say></Gather>'))
        self.app.at("/key", lambda form: room('endConferenceOnExit="false"') if form["Digits"] == "1" else xml(""))
        self.app.at("/progress", 204)

    def person(self, behaviour: Behaviour, to: str = AGENT, misses: int = 0) -> Rung:
        return self.phones.subscriber(to, behaviour, misses)

    def call(self, to: str = AGENT, **more: Any) -> str:
        created = self.twilio.calls.create(
            to=to, from_=LINE, url=BASE + "/whisper", status_callback=BASE + "/progress",
            status_callback_event=EVENTS, **{"timeout": 20, **more},
        )  # fmt: skip
        return str(created.sid)

    def told(self) -> list[tuple[str, str]]:
        return [(form["CallStatus"], form["CallSid"]) for form in self.app.to("/progress")]

    def rooms(self) -> list[tuple[str, str]]:
        return [(form["StatusCallbackEvent"], form.get("CallSid", "")) for form in self.app.to("/room")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def since(phone: Phone, first: str, then: str) -> float:
    """Seconds from one thing noticed to another."""
    moments: Sequence[Perceived] = phone.perceived()
    began = next(news.at for news in moments if news.kind == first)
    return (next(news.at for news in moments if news.kind == then) - began) / timedelta(seconds=1)


def test_an_agent_hears_the_whisper_presses_talks_and_hangs_up(desk: Desk) -> None:
    """https://www.twilio.com/docs/voice/api/call-resource (Url, StatusCallbackEvent, Timeout) and
    https://www.twilio.com/docs/voice/twiml/conference (startConferenceOnEnter, endConferenceOnExit).
    """
    anna, caller = desk.person(ANNA), desk.ring()
    desk.run(2)
    sid = desk.call()
    desk.run(200)
    (phone,) = anna.calls()
    assert heard(phone) == [
        f"ringing {LINE}", "answered", "said Ordini. Uno.", "question", "connected", "ended you hung up"
    ]  # fmt: skip
    assert since(phone, "ringing", "answered") == pytest.approx(8, abs=0.1)
    assert since(phone, "connected", "ended") == pytest.approx(120)
    assert heard(caller)[-2:] == ["connected", "alone"]
    assert [status for status, _ in desk.told()] == ["initiated", "ringing", "in-progress", "completed"]
    assert desk.rooms() == [
        ("participant-join", caller.sid),
        ("participant-join", sid),
        ("conference-start", ""),
        ("participant-leave", sid),
    ]


def test_when_the_customer_leaves_the_agents_phone_is_hung_up(desk: Desk) -> None:
    """https://www.twilio.com/docs/voice/twiml/conference: endConferenceOnExit."""
    anna, caller = desk.person(ANNA), desk.ring()
    desk.call()
    desk.run(30)
    caller.hang_up()
    desk.run(2)
    assert heard(anna.calls()[0])[-3:] == ["connected", "alone", "ended the other side hung up"]
    assert [event for event, _ in desk.rooms()][-1] == "conference-end"


def test_one_call_after_another_each_answered_anew(desk: Desk) -> None:
    anna = desk.person(Behaviour(answers_after=2, presses=("1",), talks=30))
    for _ in range(3):
        caller = desk.ring()
        desk.call()
        desk.run(60)
        caller.hang_up()
        desk.run(2)
    assert [heard(phone).count("connected") for phone in anna.calls()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("behaviour", "status", "progress"),
    [
        (Behaviour(busy=True), "busy", ["initiated", "busy"]),
        (Behaviour(fails=True), "failed", ["initiated", "failed"]),
        (Behaviour(rejects=True, answers_after=3), "busy", ["initiated", "ringing", "busy"]),
        (Behaviour(no_answer=True), "no-answer", ["initiated", "ringing", "no-answer"]),
        (Behaviour(answers_after=21), "no-answer", ["initiated", "ringing", "no-answer"]),
    ],
)
def test_who_does_not_answer(desk: Desk, behaviour: Behaviour, status: str, progress: list[str]) -> None:
    """https://support.twilio.com/hc/en-us/articles/223132547 (possible call statuses): an engaged line never rings."""
    desk.person(behaviour)
    sid = desk.call(timeout=20)
    desk.run(30)
    assert desk.twilio.calls(sid).fetch().status == status
    assert [told for told, _ in desk.told()] == progress and desk.app.to("/whisper") == []


def test_an_agent_who_is_rung_no_longer_is_canceled(desk: Desk) -> None:
    """https://www.twilio.com/docs/voice/api/call-resource, update: canceled ends queued or ringing calls."""
    anna = desk.person(ANNA)
    sid = desk.call()
    desk.run(4)
    desk.twilio.calls(sid).update(status="canceled")
    desk.run(20)
    assert [told for told, _ in desk.told()] == ["initiated", "ringing", "canceled"]
    assert heard(anna.calls()[0]) == [f"ringing {LINE}", "ended canceled"]


def test_a_phone_in_use_is_engaged(desk: Desk) -> None:
    anna = desk.person(ANNA)
    desk.ring()
    first = desk.call()
    desk.run(20)
    second = desk.call()
    desk.run(5)
    assert (desk.network.call(first).status, desk.network.call(second).status) == ("in-progress", "busy")
    desk.run(200)
    desk.call()
    desk.run(20)
    assert [heard(phone)[1] for phone in anna.calls()] == ["answered", "ended busy", "answered"]


def test_the_first_calls_are_missed(desk: Desk) -> None:
    anna = desk.person(ANNA, misses=2)
    for _ in range(3):
        desk.call()
        desk.run(30)
    assert [desk.network.call(phone.sid).status for phone in anna.calls()] == ["no-answer", "no-answer", "in-progress"]


@pytest.mark.parametrize(("keys", "asked"), [(("2",), ["2"]), ((), [])])
def test_who_declines_or_never_presses_is_not_put_through(desk: Desk, keys: tuple[str, ...], asked: list[str]) -> None:
    """https://www.twilio.com/docs/voice/twiml/gather: without keys the document goes on, and ends."""
    anna, caller = desk.person(Behaviour(presses=keys, talks=9)), desk.ring()
    desk.call()
    desk.run(60)
    assert [form["Digits"] for form in desk.app.to("/key")] == asked
    assert "connected" not in heard(anna.calls()[0]) + heard(caller)


@pytest.mark.parametrize("to", ["sip:anna@pbx.example", "client:anna"])
def test_agents_at_sip_addresses_and_in_browsers_are_rung(desk: Desk, to: str) -> None:
    """https://www.twilio.com/docs/voice/api/call-resource: To may be a SIP address or a client."""
    anna = desk.person(ANNA, to)
    desk.ring()
    desk.call(to)
    desk.run(20)
    assert "connected" in heard(anna.calls()[0])
    assert desk.app.to("/whisper")[0]["To"] == to


def test_a_call_shows_no_number_of_somebody_else(desk: Desk) -> None:
    """https://www.twilio.com/docs/api/errors/21210"""
    with pytest.raises(CarrierRefused) as refused:
        desk.network.create_call("sip:anna@pbx.example", CALLER, url=BASE + "/whisper")
    assert refused.value.code == 21210


def test_a_supervisor_who_listens_or_whispers_is_noticed_by_whom_they_speak_to(desk: Desk) -> None:
    """https://www.twilio.com/docs/voice/api/conference-participant-resource: Muted, Coaching, CallSidToCoach."""
    anna, caller = desk.person(ANNA), desk.ring()
    sid = desk.call()
    desk.run(20)
    room_ = desk.twilio.conferences.list(friendly_name="t-1")[0].sid
    boss = desk.person(Behaviour(answers_after=1), "+390698765432")
    desk.twilio.conferences(room_).participants.create(from_=LINE, to="+390698765432", muted=True)
    desk.run(5)
    desk.twilio.calls(sid).update(status="completed")
    desk.run(1)
    assert heard(caller)[-2:] == ["connected", "alone"]
    assert heard(boss.calls()[0])[-1] == "connected"
    assert heard(anna.calls()[0])[-1] == "ended the other side hung up"


def test_a_customer_is_called_back_and_presses(desk: Desk) -> None:
    """Callbacks: agent first, then the customer's phone is rung into the same room."""
    anna = desk.person(ANNA)
    customer = desk.person(Behaviour(answers_after=6, presses=("1",)), CALLER)
    desk.call()
    desk.run(15)
    assert "connected" not in heard(anna.calls()[0])
    desk.call(CALLER)
    desk.run(15)
    assert heard(customer.calls()[0])[-1] == heard(anna.calls()[0])[-1] == "connected"
    desk.run(120)
    assert heard(customer.calls()[0])[-1] == "alone"


def test_a_machine_that_takes_the_callback_is_told(desk: Desk) -> None:
    """https://www.twilio.com/docs/voice/answering-machine-detection: AnsweredBy."""
    desk.phones.hold(CALLER)
    desk.call(CALLER, machine_detection="Enable")
    (phone,) = desk.phones.ringing(CALLER, 5)
    phone.answer(machine=True)
    desk.run(30)
    assert desk.app.to("/whisper")[0]["AnsweredBy"] == "machine_start"


def test_a_phone_in_the_hand_is_waited_for(desk: Desk) -> None:
    desk.phones.hold(CALLER)
    assert desk.phones.ringing(CALLER) == desk.phones.ringing(CALLER, 30) == []
    at = desk.clock.now()
    desk.clock.after(40, lambda: desk.call(CALLER))
    (phone,) = desk.phones.ringing(CALLER, 600)
    assert (desk.clock.now() - at) / timedelta(seconds=1) == pytest.approx(40, abs=1)
    phone.reject()
    assert desk.phones.ringing(CALLER) == []
