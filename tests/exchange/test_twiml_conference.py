"""Conferences. https://www.twilio.com/docs/voice/twiml/conference and the Conference Participant resource."""

from __future__ import annotations

import pytest

from ivr.exchange.phones import Behaviour
from ivr.exchange.records import CarrierRefused
from tests.exchange.engine_bench import AGENT, BASE, LINE, Bench, heard, tone_wav, xml

EVENTS = "start end join leave mute hold modify speaker announcement"


def room(attributes: str = "") -> str:
    return xml(
        f'<Dial action="/out"><Conference {attributes} statusCallback="/room" statusCallbackEvent="{EVENTS}">'
        "t-1</Conference></Dial><Say>Dopo.</Say>"
    )


@pytest.fixture
def house(bench: Bench) -> Bench:
    bench.app.at("/in", room('endConferenceOnExit="true" waitUrl="/wait"')).at("/room", 204).at("/status", 204)
    bench.app.at("/wait", xml("<Say>Attenda.</Say><Redirect/>")).at("/out", xml("<Say>Fuori.</Say>"))
    bench.app.at("/hold", xml("<Say>In attesa.</Say>")).at("/tell", xml("<Say>Annuncio.</Say>"))
    return bench


def agent_joins(bench: Bench, **options: object) -> str:
    bench.network.phones.put(AGENT, Behaviour(answers_after=2))
    one = bench.network.create_participant("t-1", LINE, AGENT, label="anna", **options)  # type: ignore[arg-type]
    bench.run(5)
    return one.call_sid


def events(bench: Bench) -> list[str]:
    return [form["StatusCallbackEvent"] for form in bench.app.to("/room")]


def test_the_first_one_waits_and_the_room_starts_with_the_second(house: Bench) -> None:
    """conference-start: two participants, one with startConferenceOnEnter; SequenceNumber counts per room."""
    phone = house.ring()
    house.run(3)
    assert "said Attenda." in heard(phone) and events(house) == ["participant-join"]
    (resource,) = house.network.conferences()
    assert resource.status == "init"
    sid = agent_joins(house)
    assert events(house) == ["participant-join", "participant-join", "conference-start"]
    assert [form["SequenceNumber"] for form in house.app.to("/room")] == ["1", "2", "3"]
    second = house.app.to("/room")[1]
    assert (second["CallSid"], second["ParticipantLabel"], second["Muted"]) == (sid, "anna", "false")
    assert resource.status == "in-progress" and "CallSid" not in house.app.to("/room")[2]
    said = heard(phone).count("said Attenda.")
    house.run(20)
    assert heard(phone).count("said Attenda.") == said


def test_wait_documents_ask_with_the_room(house: Bench) -> None:
    """waitUrl; ConferenceSid and FriendlyName are sent (an assumption of the test data)."""
    house.ring()
    house.run(1)
    assert house.app.to("/wait")[0]["FriendlyName"] == "t-1"


def test_when_the_customer_leaves_the_room_ends(house: Bench) -> None:
    """endConferenceOnExit; ReasonConferenceEnded, ReasonParticipantLeft."""
    phone = house.ring()
    house.run(1)
    agent = agent_joins(house)
    phone.hang_up()
    house.run(3)
    left, other, end = house.app.to("/room")[-3:]
    assert (left["ReasonParticipantLeft"], left["ParticipantCallStatus"]) == ("participant_hung_up", "completed")
    assert other["ReasonParticipantLeft"] == "moderator_ended_conference" and other["CallSid"] == agent
    assert end["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert end["CallSidEndingConference"] == phone.sid
    assert house.network.call(agent).status == "completed"
    assert house.app.to("/out")[0]["CallStatus"] == "completed"
    assert house.network.conferences()[0].reason_conference_ended == end["ReasonConferenceEnded"]


def test_when_the_agent_leaves_the_customer_stays(house: Bench) -> None:
    """House plan: agents join with endConferenceOnExit=false; the app moves the customer by REST."""
    phone = house.ring()
    house.run(1)
    agent = agent_joins(house)
    house.network.update_call(agent, status="completed")
    house.run(5)
    assert events(house)[-1] == "participant-leave" and heard(phone)[-1] != "ended the other side hung up"
    house.network.update_call(phone.sid, twiml=xml("<Say>Com'è andata?</Say>"))
    house.run(10)
    assert "said Com'è andata?" in heard(phone)
    leave = [form for form in house.app.to("/room") if form["StatusCallbackEvent"] == "participant-leave"][-1]
    assert leave["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert house.app.to("/out") == [] and events(house)[-1] == "conference-end"


def test_the_last_one_to_leave_ends_the_room(bench: Bench) -> None:
    bench.app.at("/in", room()).at("/room", 204).at("/out", xml("")).at("/status", 204)
    bench.ring().hang_up()
    one, two = bench.ring("+390611111111"), bench.ring("+390622222222")
    bench.run(5)
    one.hang_up()
    two.hang_up()
    bench.run(5)
    assert events(bench)[-1] == "conference-end"
    assert bench.app.to("/room")[-1]["ReasonConferenceEnded"] == "last-participant-left"


def test_after_the_room_the_call_goes_on(house: Bench) -> None:
    """Dial's action after a conference: DialCallStatus answered, neither sid nor duration."""
    phone = house.ring()
    house.run(1)
    agent_joins(house)
    house.network.update_conference(house.network.conferences()[0].sid, status="completed")
    house.run(5)
    (form,) = house.app.to("/out")
    assert form["DialCallStatus"] == "answered" and "DialCallSid" not in form and "said Fuori." in heard(phone)
    end = house.app.to("/room")[-1]
    assert end["ReasonConferenceEnded"] == "conference-ended-via-api"


def test_hold_mute_coach_and_announcements(house: Bench) -> None:
    """Participant resource: hold with a document, mute, coaching, announceUrl; each with its event."""
    phone = house.ring()
    house.run(1)
    agent = agent_joins(house)
    network = house.network
    assert network.update_participant("t-1", phone.sid, hold=True, hold_url=BASE + "/hold").hold
    house.run(5)
    assert heard(phone)[-1] == "said In attesa."
    assert [one.call_sid for one in network.participants("t-1", hold=True)] == [phone.sid]
    network.update_participant("t-1", phone.sid, hold=False)
    network.update_participant("t-1", "anna", muted=True)
    network.update_participant("t-1", agent, muted=False)
    network.update_participant("t-1", agent, coaching=True, call_sid_to_coach=phone.sid)
    assert network.participant("t-1", "anna").call_sid_to_coach == phone.sid
    network.update_participant("t-1", phone.sid, announce_url=BASE + "/tell")
    house.run(5)
    assert heard(phone)[-1] == "said Annuncio."
    assert events(house)[3:] == [
        "participant-hold", "participant-unhold", "participant-mute", "participant-unmute", "participant-modify",
        "announcement-end",
    ]  # fmt: skip
    assert house.app.to("/room")[-1]["AnnounceUrl"] == BASE + "/tell"


def test_the_first_ones_callback_holds_for_the_room(house: Bench) -> None:
    """statusCallback: later settings are ignored."""
    house.ring()
    house.run(1)
    agent_joins(house, conference_status_callback=BASE + "/other", conference_status_callback_event=["join"])
    assert house.app.to("/other") == [] and events(house)[1] == "participant-join"


def test_somebody_who_does_not_answer_is_not_added(house: Bench) -> None:
    """ReasonParticipantLeft=participant_add_failed, without a join before."""
    phone = house.ring()
    house.run(1)
    house.network.phones.put(AGENT, Behaviour(busy=True))
    one = house.network.create_participant("t-1", LINE, AGENT, timeout=10)
    assert one.status == "queued"
    house.run(3)
    told = house.app.to("/room")[-1]
    assert (told["StatusCallbackEvent"], told["ReasonParticipantLeft"]) == (
        "participant-leave",
        "participant_add_failed",
    )
    assert told["ParticipantCallStatus"] == "busy"
    assert [one.call_sid for one in house.network.participants("t-1")] == [phone.sid]


def test_a_participant_is_removed_by_rest(house: Bench) -> None:
    """Participant resource, delete: kicked."""
    house.ring()
    house.run(1)
    agent = agent_joins(house, end_conference_on_exit=True)
    house.network.remove_participant("t-1", agent)
    house.run(3)
    assert house.app.to("/room")[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-kicked"
    assert house.network.call(agent).status == "completed"
    assert house.network.participants(house.network.conferences()[0].sid) == []
    with pytest.raises(CarrierRefused):
        house.network.participant("t-1", agent)


def test_a_label_is_given_once(bench: Bench) -> None:
    """https://www.twilio.com/docs/api/errors/16025: the call goes on with the next verb."""
    dial = '<Dial><Conference participantLabel="anna">t-1</Conference></Dial><Say>Dopo.</Say>'
    bench.app.at("/in", xml(dial))
    bench.ring()
    bench.run(1)
    second = bench.ring("+390611111111")
    bench.run(5)
    assert "said Dopo." in heard(second)


def test_a_wait_document_that_cannot_be_had_leaves_the_room(house: Bench) -> None:
    """waitUrl: the conference is not established, the call goes on with the action."""
    house.app.at("/wait", 500)
    phone = house.ring()
    house.run(5)
    assert house.app.to("/out")[0]["DialCallStatus"] == "failed" and "said Fuori." in heard(phone)


def test_who_does_not_start_the_room_waits_for_who_does(bench: Bench) -> None:
    """startConferenceOnEnter="false"."""
    bench.app.at("/in", room('startConferenceOnEnter="false"')).at("/room", 204)
    bench.ring()
    bench.run(1)
    bench.ring("+390611111111")
    bench.run(5)
    assert bench.network.conferences()[0].status == "init"
    agent_joins(bench)
    assert bench.network.conferences()[0].status == "in-progress"


def test_the_customers_leg_is_recorded_without_hold(house: Bench) -> None:
    """House plan: the recording belongs to the customer's leg; who is on hold is not heard."""
    phone = house.ring()
    house.run(1)
    agent = agent_joins(house)
    recording = house.network.start_recording(phone.sid, recording_channels="dual")
    leg = house.network.live_phone(agent)
    assert leg is not None
    leg.speak(tone_wav(1))
    house.run(2)
    house.network.update_participant("t-1", phone.sid, hold=True)
    leg.speak(tone_wav(1))
    house.run(2)
    phone.hang_up()
    house.run(2)
    assert (recording.channels, recording.status, recording.duration) == (2, "completed", 4)
    right = recording.wav[44:]
    heard_at = [any(right[n * 32000 : (n + 1) * 32000]) for n in range(4)]
    assert heard_at == [True, False, False, False]


def test_a_whole_room_is_recorded(bench: Bench) -> None:
    """record="record-from-start": begins when two are bridged; ConferenceSid, no CallSid."""
    dial = '<Dial><Conference record="record-from-start" recordingStatusCallback="/rec">t-1</Conference></Dial>'
    bench.app.at("/in", xml(dial)).at("/rec", 204).at("/status", 204)
    one = bench.ring()
    bench.run(10)
    two = bench.ring("+390611111111")
    bench.run(1)
    two.speak(tone_wav(3))
    bench.run(4)
    one.hang_up()
    two.hang_up()
    bench.run(3)
    (form,) = bench.app.to("/rec")
    assert form["RecordingSource"] == "Conference" and form["ConferenceSid"].startswith("CF")
    assert "CallSid" not in form and form["RecordingDuration"] == "3"
