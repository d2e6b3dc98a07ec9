"""A recording without a call: kept until the carrier says whose it is, and left alone when nobody's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ivr.core.call import CarrierKey
from ivr.testing.world import open_world

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))


def test_a_recording_of_a_call_that_the_carrier_does_not_know_either_is_counted_once_and_kept_as_a_fact() -> None:
    sid = "CA" + "9" * 32
    body = {"AccountSid": "AC" + "0" * 32, "CallSid": sid, "RecordingSid": "RE9", "RecordingUrl": "https://x/RE9"}
    with open_world(AT, ROOT / "call_flows", None, 1) as world:
        key = CarrierKey("twilio", body["AccountSid"], sid)
        for _ in range(2):
            world.office.doors.recording_ready(key, "RE9", "https://x/RE9", "completed", None, "recording:RE9", body)
        with world.records.read() as tx:
            assert [one.recording for one in tx.facts.unclaimed(10)] == ["RE9"]
        world.telephones.wait(30)
        with world.records.read() as tx:
            assert tx.facts.unclaimed(10) == []
            assert tx.calls.find(key) is None
