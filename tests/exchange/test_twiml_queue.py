"""Enqueue, Leave, Dial's Queue, and the Member resource.

https://www.twilio.com/docs/voice/twiml/enqueue, https://www.twilio.com/docs/voice/twiml/queue
"""

from __future__ import annotations

import pytest

from ivr.exchange.phones import Behaviour, Phone
from ivr.exchange.records import CarrierRefused
from tests.exchange.engine_bench import AGENT, BASE, LINE, Bench, heard, xml

WAIT = xml('<Gather numDigits="1" action="/wish" timeout="9"><Say>Attenda.</Say></Gather>')
ENQUEUE = '<Enqueue action="/left" waitUrl="/wait">ordini</Enqueue><Say>Dopo.</Say>'


@pytest.fixture
def queue(bench: Bench) -> Bench:
    bench.app.at("/in", xml(ENQUEUE)).at("/wait", WAIT).at("/wish", xml("<Leave/>")).at("/status", 204)
    bench.app.at("/left", xml("<Say>Uscito.</Say>")).at("/other", xml("<Say>Altrove.</Say>"))
    bench.app.at("/agent", xml('<Dial action="/agent-after"><Queue>ordini</Queue></Dial>')).at("/agent-after", xml(""))
    return bench


def agent_takes(bench: Bench, seconds: float | None = 60) -> None:
    bench.network.phones.put(AGENT, Behaviour(answers_after=1, hangs_up_after=seconds))
    bench.network.create_call(AGENT, LINE, url=BASE + "/agent")


def result(bench: Bench) -> list[str]:
    return [form["QueueResult"] for form in bench.app.to("/left")]


def test_the_wait_document_is_asked_again_and_told_the_place(queue: Bench) -> None:
    """QueuePosition, QueueTime, AvgQueueTime, CurrentQueueSize; the document loops."""
    queue.ring()
    queue.run(5)
    queue.ring("+390611111111")
    queue.run(30)
    first, *again = queue.app.to("/wait")
    assert (first["QueuePosition"], first["QueueTime"], first["CurrentQueueSize"]) == ("1", "0", "1")
    assert first["MaxQueueSize"] == "1000" and len(again) >= 4
    second = next(form for form in again if form["From"] == "+390611111111")
    assert (second["QueuePosition"], second["CurrentQueueSize"], second["AvgQueueTime"]) == ("2", "2", "2")
    (shown,) = queue.network.queues()
    assert (shown.friendly_name, shown.current_size, shown.average_wait_time) == ("ordini", 2, 32)


def test_a_key_in_the_wait_document_leads_out_of_the_queue(queue: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/leave: the Enqueue's action is asked at once."""
    phone = queue.questioned()
    queue.run(3)
    phone.press("1")
    queue.run(10)
    (form,) = queue.app.to("/left")
    assert (form["QueueResult"], form["CallStatus"]) == ("leave", "in-progress") and int(form["QueueTime"]) >= 3
    assert "said Uscito." in heard(phone) and queue.network.queues()[0].current_size == 0


def test_without_an_action_the_next_verb_follows(bench: Bench) -> None:
    bench.app.at("/in", xml('<Enqueue waitUrl="/wait">ordini</Enqueue><Say>Dopo.</Say>')).at("/wait", xml("<Leave/>"))
    phone = bench.ring()
    bench.run(5)
    assert "said Dopo." in heard(phone)


def test_without_a_wait_document_music_plays(bench: Bench) -> None:
    bench.app.at("/in", xml("<Enqueue>ordini</Enqueue>"))
    phone = bench.ring()
    bench.run(700)
    assert heard(phone)[2:] == ["played hold music"]


def test_an_empty_wait_document_does_not_stop_the_clock(queue: Bench) -> None:
    queue.app.at("/wait", xml(""))
    queue.ring()
    queue.run(10)
    assert 10 <= len(queue.app.to("/wait")) <= 11


def test_a_full_queue_sends_on(bench: Bench) -> None:
    """QueueResult=queue-full, without QueueSid and QueueTime."""
    bench.network.create_queue("ordini", 1)
    bench.app.at("/in", xml('<Enqueue action="/left">ordini</Enqueue>')).at("/left", xml("<Say>Pieno.</Say>"))
    bench.ring()
    bench.run(1)
    second = bench.ring("+390611111111")
    bench.run(5)
    (form,) = bench.app.to("/left")
    assert form["QueueResult"] == "queue-full" and "QueueSid" not in form and "said Pieno." in heard(second)


@pytest.mark.parametrize("wait", [500, xml("<Dial>+39061</Dial>"), xml("<Record/>"), "no xml"])
def test_a_wrong_wait_document_ends_in_an_error(queue: Bench, wait: str | int) -> None:
    """QueueResult=error; only Play, Say, Pause, Hangup, Redirect, Leave and Gather are legal while waiting."""
    queue.app.at("/wait", wait)
    queue.ring()
    queue.run(5)
    assert result(queue) == ["error"]


def test_an_agent_takes_who_waits_longest_and_the_action_comes_after_the_talk(queue: Bench) -> None:
    """QueueResult=bridged once both have disconnected; the agent's Dial is told DialCallSid, QueueTime."""
    first = queue.ring()
    queue.run(10)
    queue.ring("+390611111111")
    queue.run(10)
    agent_takes(queue)
    queue.run(30)
    assert queue.app.to("/left") == [] and [
        m.position for m in queue.network.members(queue.network.queues()[0].sid)
    ] == [1]
    queue.run(40)
    (form,) = queue.app.to("/left")
    assert (form["CallSid"], form["QueueResult"], form["CallStatus"]) == (first.sid, "bridged", "in-progress")
    assert 20 <= int(form["QueueTime"]) <= 22
    (agent,) = queue.app.to("/agent-after")
    assert (agent["DialCallStatus"], agent["DialCallSid"], agent["DialBridged"]) == ("completed", first.sid, "true")
    assert agent["DialCallDuration"] == "60" and agent["CallStatus"] == "completed"
    assert "said Uscito." in heard(first)


def test_an_agent_may_wait_for_the_next_caller(queue: Bench) -> None:
    """https://www.twilio.com/docs/voice/twiml/queue: an empty queue is waited at until Dial's timeout."""
    queue.network.create_queue("ordini")
    agent_takes(queue)
    queue.run(11)
    queue.ring()
    queue.run(2)
    assert [call.status for call in queue.network.calls()] == ["in-progress"] * 2
    queue.run(60)
    assert queue.app.to("/agent-after")[0]["DialBridged"] == "true"


def test_nobody_comes_to_an_empty_queue(queue: Bench) -> None:
    queue.network.create_queue("ordini")
    agent_takes(queue, None)
    queue.run(40)
    assert queue.app.to("/agent-after")[0]["DialCallStatus"] == "no-answer"


def test_dialling_no_queue_fails(queue: Bench) -> None:
    agent_takes(queue, None)
    queue.run(5)
    assert queue.app.to("/agent-after")[0]["DialCallStatus"] == "failed"


def test_the_waiting_caller_hears_a_document_before_the_bridge(queue: Bench) -> None:
    """url of Queue: QueueSid, QueueTime, DequeingCallSid (Twilio's spelling)."""
    queue.app.at("/agent", xml('<Dial><Queue url="/hello">ordini</Queue></Dial>')).at("/hello", xml("<Say>Ecco.</Say>"))
    phone = queue.ring()
    queue.run(5)
    agent_takes(queue)
    queue.run(10)
    (form,) = queue.app.to("/hello")
    agent = next(call for call in queue.network.calls() if call.direction == "outbound-api")
    assert (form["CallSid"], form["DequeingCallSid"]) == (phone.sid, agent.sid) and "said Ecco." in heard(phone)


@pytest.mark.parametrize(("after", "expected"), [(3.0, "hangup"), (20.0, "bridged")])
def test_a_caller_who_hangs_up(queue: Bench, after: float, expected: str) -> None:
    """QueueResult hangup in the queue, bridged while talking; nothing in the answer is executed."""
    phone = queue.ring()
    queue.run(1)
    if expected == "bridged":
        agent_takes(queue)
    queue.run(after)
    phone.hang_up()
    queue.run(5)
    (form,) = queue.app.to("/left")
    assert (form["QueueResult"], form["CallStatus"]) == (expected, "completed")
    assert len(queue.app.to("/status")) == 1 and queue.network.queues()[0].current_size == 0


@pytest.mark.parametrize(("talking", "expected"), [(False, "redirected"), (True, "redirected-from-bridged")])
def test_a_rest_redirect_ends_the_stay(queue: Bench, talking: bool, expected: str) -> None:
    """The action is asked, its answer is not executed: the call is at the other document already."""
    phone = queue.ring()
    queue.run(2)
    if talking:
        agent_takes(queue)
    queue.run(10)
    queue.network.update_call(phone.sid, url=BASE + "/other")
    queue.run(5)
    assert result(queue) == [expected]
    assert "said Altrove." in heard(phone) and "said Uscito." not in heard(phone)


def test_a_member_is_sent_elsewhere_by_rest(queue: Bench) -> None:
    """https://www.twilio.com/docs/voice/api/member-resource: Front."""
    phone: Phone = queue.ring()
    queue.run(5)
    sid = queue.network.queues()[0].sid
    member = queue.network.dequeue(sid, "Front", BASE + "/other")
    assert (member.call_sid, member.position, member.wait_time) == (phone.sid, 1, 5)
    queue.run(5)
    assert result(queue) == ["redirected"] and "said Altrove." in heard(phone)
    with pytest.raises(CarrierRefused):
        queue.network.member(sid, "Front")


def test_a_queue_in_use_is_not_deleted(queue: Bench) -> None:
    phone = queue.ring()
    queue.run(1)
    sid = queue.network.queues()[0].sid
    with pytest.raises(CarrierRefused):
        queue.network.delete_queue(sid)
    phone.hang_up()
    queue.network.delete_queue(sid)
    assert queue.network.queues() == []
