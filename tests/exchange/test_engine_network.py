"""What REST asks of the network: calls, queues, messages, numbers; and its clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ivr.exchange.chance import Chance
from ivr.exchange.network import Network
from ivr.exchange.phones import Behaviour
from ivr.exchange.records import CarrierRefused
from ivr.exchange.scheduler import RealScheduler, VirtualScheduler
from tests.exchange.engine_bench import AGENT, BASE, LINE, Bench, heard, xml

EVENTS = ["initiated", "ringing", "answered", "completed"]


def test_a_call_made_by_rest_runs_its_document_when_answered(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/api/call-resource: create, statusCallbackEvent."""
    bench.app.at("/out", xml("<Say>Ciao.</Say>")).at("/progress", 204)
    bench.network.phones.put(AGENT, Behaviour(answers_after=4))
    call = bench.network.create_call(
        AGENT, LINE, url=BASE + "/out", status_callback=BASE + "/progress", status_callback_event=EVENTS
    )
    assert call.status == "queued" and call.direction == "outbound-api"
    bench.run(10)
    (form,) = bench.app.to("/out")
    assert (form["CallStatus"], form["To"], form["From"]) == ("in-progress", AGENT, LINE)
    told = bench.app.to("/progress")
    assert [one["CallStatus"] for one in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert told[-1]["SipResponseCode"] == "200" and told[0]["SequenceNumber"] == "0"


@pytest.mark.parametrize(
    ("behaviour", "status", "sip"),
    [
        (Behaviour(busy=True), "busy", "486"),
        (Behaviour(no_answer=True), "no-answer", "487"),
        (Behaviour(fails=True), "failed", "404"),
    ],
)
def test_a_call_that_is_not_answered(bench: Bench, behaviour: Behaviour, status: str, sip: str) -> None:
    """The same page: the final status is told under the completed event."""
    bench.app.at("/progress", 204)
    bench.network.phones.put(AGENT, behaviour)
    call = bench.network.create_call(AGENT, LINE, url=BASE + "/out", status_callback=BASE + "/progress", timeout=15)
    bench.run(20)
    (form,) = bench.app.to("/progress")
    assert (form["CallStatus"], form["SipResponseCode"], form["CallDuration"]) == (status, sip, "0")
    assert call.status == status and bench.app.to("/out") == []


@pytest.mark.parametrize(
    ("machine", "kind", "verdict"),
    [
        (False, "Enable", "human"),
        (True, "Enable", "machine_start"),
        (True, "DetectMessageEnd", "machine_end_beep"),
    ],
)
def test_the_document_is_held_back_until_the_verdict(bench: Bench, machine: bool, kind: str, verdict: str) -> None:
    """https://www.twilio.com/docs/voice/answering-machine-detection"""
    bench.app.at("/out", xml(""))
    bench.network.phones.put(AGENT, Behaviour(answers_after=1, machine=machine))
    bench.network.create_call(AGENT, LINE, url=BASE + "/out", machine_detection=kind)
    bench.run(3)
    assert bench.app.to("/out") == []
    bench.run(10)
    assert bench.app.to("/out")[0]["AnsweredBy"] == verdict


def test_an_asynchronous_verdict_is_told_beside_the_call(bench: Bench) -> None:
    """The same page: asyncAmdStatusCallback."""
    bench.app.at("/out", xml('<Pause length="20"/>')).at("/amd", 204)
    bench.network.phones.put(AGENT, Behaviour(answers_after=1, machine=True))
    bench.network.create_call(
        AGENT, LINE, url=BASE + "/out", machine_detection="Enable", async_amd=True,
        async_amd_status_callback=BASE + "/amd",
    )  # fmt: skip
    bench.run(10)
    assert "AnsweredBy" not in bench.app.to("/out")[0]
    assert bench.app.to("/amd")[0]["AnsweredBy"] == "machine_start"


def test_a_call_is_redirected_and_ended_by_rest(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/tutorials/how-to-modify-calls-in-progress"""
    bench.app.at("/in", xml("<Say>Una frase lunga che non finisce mai.</Say>")).at("/other", xml("<Pause length='9'/>"))
    bench.app.at("/status", 204)
    phone = bench.ring()
    bench.run(1)
    bench.network.update_call(phone.sid, url=BASE + "/other")
    bench.run(1)
    assert heard(phone)[-1] == "said Una frase (cut)"
    assert bench.app.to("/other")[0]["CallStatus"] == "in-progress"
    assert bench.network.update_call(phone.sid, status="completed").status == "completed"
    with pytest.raises(CarrierRefused) as refused:
        bench.network.update_call(phone.sid, url=BASE + "/other")
    assert (refused.value.status, refused.value.code) == (400, 21220)
    bench.run(20)
    assert len(bench.app.to("/status")) == 1


def test_a_ringing_call_is_canceled_by_rest(bench: Bench) -> None:
    """Call resource, update: canceled ends only queued or ringing calls."""
    held = bench.network.phones.hold(AGENT)
    call = bench.network.create_call(AGENT, LINE, twiml=xml("<Say>Ciao.</Say><Pause length='9'/>"))
    bench.run(2)
    assert bench.network.update_call(call.sid, status="canceled").status == "canceled"
    assert heard(held.calls[0])[-1] == "ended canceled"
    second = bench.network.create_call(AGENT, LINE, twiml=xml("<Say>Ciao.</Say><Pause length='9'/>"))
    bench.run(2)
    held.calls[1].answer()
    bench.run(2)
    assert bench.network.update_call(second.sid, status="canceled").status == "in-progress"


def test_a_call_has_a_time_limit(bench: Bench) -> None:
    """Call resource, create: timeLimit."""
    bench.network.phones.put(AGENT, Behaviour(answers_after=1))
    call = bench.network.create_call(AGENT, LINE, twiml=xml("<Enqueue>x</Enqueue>"), time_limit=30)
    bench.run(60)
    assert (call.status, call.duration) == ("completed", 30)


REFUSED: list[tuple[Callable[[Network], object], int]] = [
    (lambda n: n.create_call("", LINE, url=BASE), 21201),
    (lambda n: n.create_call("12", LINE, url=BASE), 21211),
    (lambda n: n.create_call(AGENT, "+390699999999", url=BASE), 21210),
    (lambda n: n.create_call(AGENT, LINE, url="voice"), 21205),
    (lambda n: n.create_call(AGENT, LINE), 21205),
    (lambda n: n.call("CA0"), 20404),
    (lambda n: n.update_call("CA0", status="completed"), 20404),
    (lambda n: n.queue("QU0"), 20404),
    (lambda n: n.conference("CF0"), 20404),
    (lambda n: n.participants("nobody"), 20404),
    (lambda n: n.recording("RE0"), 20404),
    (lambda n: n.delete_recording("RE0"), 20404),
    (lambda n: n.message("SM0"), 20404),
    (lambda n: n.number("PN0"), 20404),
    (lambda n: n.add_number("12"), 21421),
    (lambda n: n.add_number(LINE), 21422),
    (lambda n: n.send_message("12", LINE, "x"), 21211),
    (lambda n: n.send_message(AGENT, "+390699999999", "x"), 21606),
    (lambda n: n.send_message(AGENT, LINE, ""), 21602),
    (lambda n: n.create_queue("x", 5001), 20001),
    (lambda n: n.create_queue("x" * 65), 22001),
    (lambda n: n.start_recording("CA0"), 20404),
    (lambda n: n.create_participant("room", "+390699999999", AGENT), 21210),
]


@pytest.mark.parametrize(("ask", "code"), REFUSED)
def test_what_twilio_refuses_is_refused(bench: Bench, ask: Callable[[Network], object], code: int) -> None:
    """https://www.twilio.com/docs/api/errors"""
    with pytest.raises(CarrierRefused) as refused:
        ask(bench.network)
    assert refused.value.code == code
    assert bench.network.calls() == []


def test_a_message_is_sent_and_delivered(bench: Bench) -> None:
    """https://www.twilio.com/docs/messaging/guides/track-outbound-message-status"""
    bench.app.at("/sms", 204)
    message = bench.network.send_message(AGENT, LINE, "La richiamiamo.", status_callback=BASE + "/sms")
    assert message.status == "queued"
    bench.run(5)
    assert [form["MessageStatus"] for form in bench.app.to("/sms")] == ["sent", "delivered"]
    assert bench.app.to("/sms")[0]["SmsSid"] == message.sid and message.date_sent is not None
    bench.network.delete_message(message.sid)
    assert bench.network.messages() == []


def test_numbers_queues_and_finished_calls_come_and_go(bench: Bench) -> None:
    network = bench.network
    second = network.add_number("+39 800 222 333", friendly_name="ordini")
    assert [one.number for one in network.numbers()] == ["+39800222333", LINE]
    assert network.numbers(friendly_name="ordini") == [second]
    network.remove_number(second.sid)
    queue = network.create_queue("ordini", 5)
    assert network.update_queue(queue.sid, friendly_name="resi", max_size=9).max_size == 9
    with pytest.raises(CarrierRefused):
        network.create_queue("resi")
    bench.app.at("/in", xml(""))
    phone = bench.ring()
    with pytest.raises(CarrierRefused):
        network.delete_call(phone.sid)
    bench.run(1)
    network.delete_call(phone.sid)
    assert network.calls() == []


def test_what_is_due_together_happens_in_the_order_of_asking() -> None:
    clock = VirtualScheduler(datetime(2026, 1, 1, tzinfo=UTC))
    seen: list[str] = []
    clock.after(2, lambda: seen.append("b"))
    clock.after(1, lambda: seen.append("a"))
    clock.after(2, lambda: seen.append("c"))
    clock.after(2, lambda: seen.append("never")).cancel()
    clock.run_for(1.5)
    assert seen == ["a"] and clock.now() == datetime(2026, 1, 1, 0, 0, 1, 500000, tzinfo=UTC)
    assert clock.run_until(lambda: "b" in seen, 10)
    assert seen == ["a", "b"]
    assert not clock.run_until(lambda: False, 10) and seen == ["a", "b", "c"]


def test_real_time_runs_on_one_thread_and_hands_back_results() -> None:
    scheduler = RealScheduler().start()
    done = threading.Event()
    scheduler.after(0.01, done.set)
    assert done.wait(60)
    assert scheduler.call(threading.current_thread).name == "exchange"
    with pytest.raises(ZeroDivisionError):
        scheduler.call(lambda: 1 // 0)
    scheduler.stop()


def test_a_callback_that_fails_costs_itself_only() -> None:
    scheduler = RealScheduler().start()
    scheduler.post(lambda: 1 // 0)
    assert scheduler.call(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        scheduler.stop()


def test_sids_come_from_the_seed() -> None:
    one, same, other = Chance(1), Chance(1), Chance(2)
    assert one.sid("CA") == same.sid("CA") != other.sid("CA")
    assert len(one.sid("CA")) == 34 and one.token().count("-") == 4
