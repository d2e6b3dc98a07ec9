"""The official Python library against the exchange: requests and answers both as Twilio's own description has them."""

from __future__ import annotations

import io
import wave
from datetime import timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from ivr.exchange.phones import Behaviour
from tests.exchange.rest_world import AGENT, APP, CALLER, LINE, START, Described, World


@pytest.fixture(scope="module")
def described(shared):
    return Described(shared)


@pytest.fixture
def world(described):
    made = World(described)
    yield made
    made.close()


def tone(seconds: float) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(
            b"".join(
                (3000 if n % 40 < 20 else -3000).to_bytes(2, "little", signed=True) for n in range(int(8000 * seconds))
            )
        )
    return made.getvalue()


# --- Calls ----------------------------------------------------------------------------------------------------------


def test_an_incoming_call_is_listed_and_fetched(world):
    handset = world.rings()
    (call,) = world.twilio.calls.list()
    assert (call.sid, call.status, call.direction, call._from, call.to) == (
        handset.sid,
        "in-progress",
        "inbound",
        CALLER,
        LINE,
    )
    assert call.phone_number_sid == world.line.sid
    assert call.price is None and call.duration is None
    assert world.twilio.calls(call.sid).fetch().start_time == call.start_time


def test_a_call_is_made_answered_and_its_length_told(world):
    world.network.phones.put(AGENT, Behaviour(answers_after=2, hangs_up_after=30))
    made = world.twilio.calls.create(
        to=AGENT,
        from_=LINE,
        url=f"{APP}/pause",
        status_callback=f"{APP}/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        timeout=20,
    )
    assert (made.status, made.direction) == ("queued", "outbound-api")
    world.telephones.wait(60)
    done = made.fetch()
    assert (done.status, done.duration) == ("completed", "30")
    assert done.end_time - done.start_time == timedelta(seconds=30)


def test_a_call_is_redirected_and_ended(world):
    handset = world.rings()
    world.twilio.calls(handset.sid).update(url=f"{APP}/pause", method="POST")
    world.telephones.wait(2)
    assert (
        world.twilio.calls(handset.sid).update(twiml="<Response><Pause length='9'/></Response>").status == "in-progress"
    )
    world.telephones.wait(2)
    assert world.twilio.calls(handset.sid).update(status="completed").status in ("completed", "in-progress")
    world.telephones.wait(1)
    assert world.twilio.calls(handset.sid).fetch().status == "completed"


def test_lists_of_calls_are_filtered(world):
    first = world.rings("+390611111111")
    first.hang_up()
    world.telephones.wait(3600)
    second = world.rings("+390622222222")
    calls = world.twilio.calls
    assert [c.sid for c in calls.list()] == [second.sid, first.sid]
    assert [c.sid for c in calls.list(status="completed")] == [first.sid]
    assert [c.sid for c in calls.list(from_="+390622222222", to=LINE)] == [second.sid]
    noon = START + timedelta(minutes=30)
    assert [c.sid for c in calls.list(start_time_after=noon)] == [second.sid]
    assert [c.sid for c in calls.list(start_time_before=noon)] == [first.sid]
    assert [c.sid for c in calls.list(start_time=START.date())] == [second.sid, first.sid]
    assert calls.list(start_time=START.date() - timedelta(days=1)) == []
    assert [c.sid for c in calls.list(end_time_before=noon)] == [first.sid]
    assert calls.list(parent_call_sid=first.sid) == []


def test_an_ended_call_can_be_deleted_and_a_live_one_cannot(world):
    handset = world.rings()
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.calls(handset.sid).delete()
    assert refused.value.code == 20009  # Twilio docs: error 20009
    handset.hang_up()
    world.telephones.wait(5)
    assert world.twilio.calls(handset.sid).delete()
    with pytest.raises(TwilioRestException) as gone:
        world.twilio.calls(handset.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)


# --- Queues ---------------------------------------------------------------------------------------------------------


def test_a_queue_lives_from_creation_to_deletion(world):
    queue = world.twilio.queues.create(friendly_name="complaints", max_size=20)
    assert (queue.current_size, queue.average_wait_time, queue.max_size) == (0, 0, 20)
    assert queue.update(friendly_name="complaints-it", max_size=30).friendly_name == "complaints-it"
    assert [q.sid for q in world.twilio.queues.list()] == [queue.sid]
    assert queue.fetch().max_size == 30
    assert queue.delete()
    assert world.twilio.queues.list() == []


def test_who_waits_is_listed_and_taken_from_the_front(world):
    world.voice("/wait")
    first, second = world.rings("+390611111111"), world.rings("+390622222222")
    (queue,) = world.twilio.queues.list()
    assert (queue.friendly_name, queue.current_size) == ("orders", 2)
    members = world.twilio.queues(queue.sid).members
    assert [(m.call_sid, m.position) for m in members.list()] == [(first.sid, 1), (second.sid, 2)]
    assert world.twilio.queues(queue.sid).members("Front").fetch().call_sid == first.sid
    assert world.twilio.queues(queue.sid).members(second.sid).fetch().wait_time >= 4
    with pytest.raises(TwilioRestException):
        queue.delete()
    taken = world.twilio.queues(queue.sid).members("Front").update(url=f"{APP}/pause", method="POST")
    assert taken.call_sid == first.sid
    world.telephones.wait(1)
    assert [m.call_sid for m in members.list()] == [second.sid]


# --- Conferences ----------------------------------------------------------------------------------------------------


def test_a_room_and_who_is_in_it(world):
    world.voice("/room")
    caller = world.rings()
    world.network.phones.put(AGENT, Behaviour(answers_after=1))
    (room,) = world.twilio.conferences.list(friendly_name="room-1")
    assert room.friendly_name == "room-1" and room.reason_conference_ended is None
    added = world.twilio.conferences(room.sid).participants.create(
        to=AGENT,
        from_=LINE,
        label="agent",
        end_conference_on_exit=False,
        beep="false",
        status_callback=f"{APP}/status",
        status_callback_event=["answered", "completed"],
        conference_status_callback=f"{APP}/room-events",
        conference_status_callback_event=["join", "leave"],
    )
    assert added.label == "agent"
    world.telephones.wait(5)
    participants = world.twilio.conferences(room.sid).participants
    assert {p.call_sid for p in participants.list()} == {caller.sid, added.call_sid}
    assert participants("agent").fetch().status == "connected"
    assert participants(caller.sid).update(hold=True, hold_url=f"{APP}/music", hold_method="POST").hold is True
    assert [p.call_sid for p in participants.list(hold=True)] == [caller.sid]
    assert participants(caller.sid).update(hold=False).hold is False
    assert participants("agent").update(muted=True).muted is True
    assert participants("agent").update(muted=False).muted is False
    assert participants("agent").update(coaching=True, call_sid_to_coach=caller.sid).call_sid_to_coach == caller.sid
    assert participants("agent").delete()
    world.telephones.wait(2)
    assert [p.call_sid for p in participants.list()] == [caller.sid]
    assert world.twilio.conferences(room.sid).update(status="completed").sid == room.sid
    world.telephones.wait(2)
    assert world.twilio.conferences(room.sid).fetch().status == "completed"
    assert world.twilio.conferences.list(friendly_name="no such room") == []


# --- Recordings -----------------------------------------------------------------------------------------------------


def test_a_message_is_recorded_fetched_heard_and_deleted(world):
    world.voice("/record")
    handset = world.rings()
    handset.speak(tone(4))
    world.telephones.wait(4)
    handset.press("#")
    world.telephones.wait(5)
    (recording,) = world.twilio.recordings.list()
    assert (recording.status, recording.source, recording.call_sid) == ("completed", "RecordVerb", handset.sid)
    assert int(recording.duration) >= 4
    for suffix in (".wav", ""):
        media = world.get(f"/Recordings/{recording.sid}{suffix}")
        assert (media.status_code, media.mimetype) == (200, "audio/x-wav")
        with wave.open(io.BytesIO(media.data)) as wav:
            assert wav.getnframes() / wav.getframerate() >= 4
    refused = world.get(f"/Recordings/{recording.sid}.mp3")
    assert (refused.status_code, refused.json["code"]) == (400, 20001)
    assert [r.sid for r in world.twilio.calls(handset.sid).recordings.list()] == [recording.sid]
    assert world.twilio.calls(handset.sid).recordings(recording.sid).fetch().sid == recording.sid
    assert world.twilio.recordings.list(call_sid="CA" + 32 * "0") == []
    assert world.twilio.recordings.list(date_created_before=START - timedelta(days=1)) == []
    assert world.twilio.recordings(recording.sid).delete()
    assert world.get(f"/Recordings/{recording.sid}.wav").status_code == 404


def test_a_conversation_is_recorded_paused_and_stopped(world):
    world.voice("/pause")
    handset = world.rings()
    recordings = world.twilio.calls(handset.sid).recordings
    started = recordings.create(
        recording_status_callback=f"{APP}/recorded", recording_status_callback_event=["completed"], trim="do-not-trim"
    )
    assert (started.status, started.source, started.duration) == ("in-progress", "StartCallRecordingAPI", None)
    assert recordings(started.sid).update(status="paused", pause_behavior="silence").status == "paused"
    assert recordings("Twilio.CURRENT").update(status="in-progress").status == "in-progress"
    world.telephones.wait(3)
    assert recordings("Twilio.CURRENT").update(status="stopped").sid == started.sid
    world.telephones.wait(5)
    assert recordings(started.sid).fetch().status == "completed"
    assert recordings(started.sid).delete()


def test_a_call_that_is_over_is_not_recorded(world):
    handset = world.rings()
    handset.hang_up()
    world.telephones.wait(2)
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.calls(handset.sid).recordings.create()
    assert refused.value.status == 400


# --- Messages -------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_listed_redacted_and_deleted(world):
    sent = world.twilio.messages.create(to=CALLER, from_=LINE, body="La richiamiamo alle 15.")
    assert (sent.direction, sent.num_segments, sent.num_media) == ("outbound-api", "1", "0")
    world.telephones.wait(10)
    assert sent.fetch().body == "La richiamiamo alle 15."
    assert [m.sid for m in world.twilio.messages.list(to=CALLER, from_=LINE)] == [sent.sid]
    assert world.twilio.messages.list(to="+390600000000") == []
    assert sent.update(body="").body == ""
    assert world.twilio.messages(sent.sid).fetch().body == ""
    assert sent.delete()
    assert world.twilio.messages.list() == []


# --- Numbers and the account ----------------------------------------------------------------------------------------


def test_a_number_is_bought_pointed_elsewhere_and_given_back(world):
    number = world.twilio.incoming_phone_numbers.create(
        phone_number="+390699999999", voice_url=f"{APP}/ask", voice_method="POST", friendly_name="second line"
    )
    assert (number.phone_number, number.voice_url, number.friendly_name) == (
        "+390699999999",
        f"{APP}/ask",
        "second line",
    )
    assert number.update(voice_url=f"{APP}/bye", status_callback=f"{APP}/status").voice_url == f"{APP}/bye"
    assert number.fetch().status_callback == f"{APP}/status"
    found = world.twilio.incoming_phone_numbers.list(phone_number="+390699999999")
    assert [n.sid for n in found] == [number.sid]
    assert number.delete()
    assert [n.phone_number for n in world.twilio.incoming_phone_numbers.list()] == [LINE]


def test_nobody_pays(world):
    assert world.twilio.api.account.balance.fetch().balance == "0.00"


# --- Pages ----------------------------------------------------------------------------------------------------------


def test_a_list_is_turned_page_by_page_while_others_arrive(world):
    for n in range(7):
        world.twilio.queues.create(friendly_name=f"queue {n}")
    before = [q.sid for q in world.twilio.queues.list()]
    page = world.twilio.queues.page(page_size=3)
    seen = [q.sid for q in page]
    world.twilio.queues.create(friendly_name="arrived meanwhile")
    while (page := page.next_page()) is not None:
        seen += [q.sid for q in page]
    assert seen[:7] == before and len(seen) == len(set(seen))
    assert len(world.twilio.queues.list(page_size=2)) == 8


def test_a_page_knows_its_neighbours(world):
    for n in range(5):
        world.twilio.queues.create(friendly_name=f"queue {n}")
    first = world.get("/Queues.json", PageSize="2").json
    assert (first["page"], first["start"], first["end"], first["page_size"]) == (0, 0, 1, 2)
    assert first["previous_page_uri"] is None
    second = world.http.get(first["next_page_uri"], auth=(world.network.account.sid, world.network.account.token)).json
    assert (second["page"], second["start"], second["end"]) == (1, 2, 3)
    back = world.http.get(
        second["previous_page_uri"], auth=(world.network.account.sid, world.network.account.token)
    ).json
    assert [q["sid"] for q in back["queues"]] == [q["sid"] for q in first["queues"]]
    assert world.get("/Queues.json", PageSize="2", Page="2").json["next_page_uri"] is None


def test_filters_go_from_page_to_page(world):
    for n in range(3):
        world.twilio.messages.create(to=CALLER, from_=LINE, body=str(n))
    world.twilio.messages.create(to=AGENT, from_=LINE, body="other")
    page = world.get("/Messages.json", To=CALLER, PageSize="2").json
    assert "To=%2B390612345678" in page["next_page_uri"]
    assert len(world.twilio.messages.list(to=CALLER, page_size=2)) == 3
