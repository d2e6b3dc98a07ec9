"""The Record verb and recordings: https://www.twilio.com/docs/voice/twiml/record"""

from __future__ import annotations

import io
import wave

import pytest

from tests.exchange.engine_bench import Bench, heard, tone_wav, xml

RECORD = (
    '<Record action="/recorded" timeout="4" finishOnKey="#" trim="do-not-trim" recordingStatusCallback="/rec"'
    ' recordingStatusCallbackEvent="in-progress completed absent"/><Redirect>/empty</Redirect>'
)


@pytest.fixture
def voicemail(bench: Bench) -> Bench:
    bench.app.at("/in", xml(f"<Say>Dopo il segnale.</Say>{RECORD}")).at("/recorded", xml("<Say>Grazie.</Say>"))
    bench.app.at("/empty", xml("<Say>Vuoto.</Say>")).at("/rec", 204).at("/status", 204)
    return bench


def seconds(wav: bytes) -> float:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        return file.getnframes() / 8000


def test_what_is_spoken_after_the_beep_is_recorded_until_a_key(voicemail: Bench) -> None:
    """action, finishOnKey, RecordingDuration in whole seconds."""
    phone = voicemail.ring()
    voicemail.until(phone, "tone")
    assert phone.speak(tone_wav(3)) == pytest.approx(3)
    voicemail.run(5)
    phone.press("#")
    voicemail.run(10)
    (form,) = voicemail.app.to("/recorded")
    assert (form["RecordingDuration"], form["Digits"], form["CallStatus"]) == ("5", "#", "in-progress")
    recording = voicemail.network.recording(form["RecordingSid"])
    assert recording.status == "completed" and recording.source == "RecordVerb"
    assert seconds(recording.wav) == pytest.approx(5, abs=0.01)
    assert form["RecordingUrl"].endswith(f"/Recordings/{recording.sid}")
    assert [one["RecordingStatus"] for one in voicemail.app.to("/rec")] == ["in-progress", "completed"]
    done = voicemail.app.to("/rec")[-1]
    assert done["RecordingDuration"] == "5" and "From" not in done and done["ErrorCode"] == "0"


def test_silence_after_the_words_ends_it(voicemail: Bench) -> None:
    """timeout: seconds of silence."""
    phone = voicemail.ring()
    voicemail.until(phone, "tone")
    phone.speak(tone_wav(6))
    voicemail.run(9.9)
    assert voicemail.app.to("/recorded") == []
    voicemail.run(0.2)
    assert [form["Digits"] for form in voicemail.app.to("/recorded")] == [""]


def test_an_empty_recording_asks_no_action_and_goes_on(voicemail: Bench) -> None:
    """An empty recording: next verb, and the callback says absent."""
    phone = voicemail.ring()
    voicemail.run(30)
    assert voicemail.app.to("/recorded") == [] and "said Vuoto." in heard(phone)
    assert [one["RecordingStatus"] for one in voicemail.app.to("/rec")] == ["in-progress", "absent"]


def test_words_before_the_beep_are_lost(voicemail: Bench) -> None:
    phone = voicemail.ring()
    voicemail.run(0.1)
    phone.speak(tone_wav(0.5))
    voicemail.run(30)
    assert voicemail.app.to("/recorded") == []


def test_a_caller_who_hangs_up_while_recording_still_leaves_a_message(voicemail: Bench) -> None:
    """Digits=hangup; nothing in the answer is executed."""
    phone = voicemail.ring()
    voicemail.until(phone, "tone")
    phone.speak(tone_wav(2))
    voicemail.run(2.5)
    phone.hang_up()
    voicemail.run(10)
    (form,) = voicemail.app.to("/recorded")
    assert (form["Digits"], form["CallStatus"], form["RecordingDuration"]) == ("hangup", "completed", "3")
    assert "said Grazie." not in heard(phone)
    assert voicemail.app.to("/rec")[-1]["RecordingStatus"] == "completed"


def test_the_length_has_a_limit(bench: Bench) -> None:
    """maxLength."""
    bench.app.at("/in", xml('<Record maxLength="5" action="/recorded"/>')).at("/recorded", xml(""))
    phone = bench.ring()
    bench.until(phone, "tone")
    phone.speak(tone_wav(20))
    bench.run(6)
    assert [form["RecordingDuration"] for form in bench.app.to("/recorded")] == ["5"]


def test_silence_is_trimmed_unless_told_otherwise(bench: Bench) -> None:
    """trim defaults to trim-silence; the callback's duration can differ from the action's."""
    bench.app.at("/in", xml('<Record timeout="5" action="/recorded" recordingStatusCallback="/rec"/>'))
    bench.app.at("/recorded", xml("")).at("/rec", 204)
    phone = bench.ring()
    bench.until(phone, "tone")
    bench.run(2)
    phone.speak(tone_wav(3))
    bench.run(20)
    assert bench.app.to("/recorded")[0]["RecordingDuration"] == "10"
    assert bench.app.to("/rec")[0]["RecordingDuration"] == "3"
    (recording,) = bench.network.recordings(call_sid=phone.sid)
    assert seconds(recording.wav) == pytest.approx(3, abs=0.05)


def test_without_a_beep_nothing_sounds(bench: Bench) -> None:
    """playBeep="false"."""
    bench.app.at("/in", xml('<Record playBeep="false" timeout="2"/>'))
    phone = bench.ring()
    bench.run(10)
    assert not any(text.startswith("tone") for text in heard(phone))


def test_a_call_is_recorded_by_rest_with_pauses(bench: Bench) -> None:
    """https://www.twilio.com/docs/voice/api/recording: PauseBehavior skip and silence."""
    bench.app.at("/in", xml('<Say>Ciao.</Say><Pause length="60"/>'))
    phone = bench.ring()
    bench.run(2)
    recording = bench.network.start_recording(phone.sid)
    phone.speak(tone_wav(10))
    bench.run(2)
    bench.network.update_recording(phone.sid, "Twilio.CURRENT", "paused", "skip")
    bench.run(3)
    bench.network.update_recording(phone.sid, recording.sid, "in-progress")
    bench.run(2)
    assert bench.network.update_recording(phone.sid, recording.sid, "stopped").status == "processing"
    bench.run(2)
    assert recording.status == "completed" and recording.duration == 4
    assert seconds(recording.wav) == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("after", [0.0, 0.5, 1.5, 2.0, 3.0, 7.0])
def test_hanging_up_at_any_moment_of_a_voicemail_ends_every_tape(voicemail: Bench, after: float) -> None:
    phone = voicemail.ring()
    voicemail.run(after)
    phone.speak(tone_wav(1))
    phone.hang_up()
    voicemail.run(10)
    assert not voicemail.network.tapes
    assert all(one.status in ("completed", "absent") for one in voicemail.network.recordings())
