"""A recording without a call: kept until the carrier says whose it is, and left alone when nobody's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ivr import wiring
from ivr.core.call import CarrierKey
from ivr.core.flow.turn import Keys
from ivr.exchange.chance import Chance
from ivr.exchange.sound import RATE, wav_of
from ivr.exchange.webhooks import Courier, Unreached
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
        world.telephones.wait(90)
        with world.records.read() as tx:
            assert tx.facts.unclaimed(10) == []
            assert tx.calls.find(key) is None


class NobodyThere:
    """No process of ours answers, whatever the carrier asks."""

    def request(self, method: str, url: str, form: str, headers: object, timeout: object, done: Any) -> None:
        done(Unreached.CONNECT)


def test_a_message_left_with_the_fallback_is_found_though_no_callback_of_it_ever_came() -> None:
    hum = wav_of(b"\x00\x20\x00\xe0" * RATE)
    with open_world(AT, ROOT / "call_flows", None, 1) as world:
        network, scheduler = world.network, world.scheduler
        phone = world.telephones.dial("+390612345678", "+39800123456")
        world.telephones.wait(1)
        there = network.courier
        network.courier = Courier(network.account.token, NobodyThere(), scheduler, Chance(7))
        document = world.office.doors.fallback("+39800123456")
        network.update_call(phone.sid, twiml=document)
        while not any(moment.kind == "tone" for moment in phone.perceived()):
            world.telephones.wait(1)
        phone.speak(hum)
        world.telephones.wait(30)
        network.courier = there
        assert [one.status for one in network.recordings()] == ["completed"]
        world.telephones.wait(900)
        assert world.evidence.of(phone.sid).records["voicemails"], "the carrier's list was never asked for"


def test_a_message_whose_callback_died_half_way_is_kept_when_the_callback_comes_again() -> None:
    with open_world(AT, ROOT / "call_flows", None, 1) as world:
        phone = world.telephones.dial("+390612345678", "+39800123456")
        world.telephones.wait(1)
        key = CarrierKey("twilio", world.office.settings.account_sid, phone.sid)
        with world.records.write() as tx:
            assert tx.facts.keep("recording:RE9", "recording.status", {}, world.scheduler.now(), None)
        world.office.doors.recording_ready(key, "RE9", "https://x/RE9", "completed", None, "recording:RE9", {})
        with world.records.read() as tx:
            assert tx.voicemails.by_recording("RE9") is not None


def test_the_first_turn_after_a_restart_reads_its_flow_in_the_transaction_it_has() -> None:
    with open_world(AT, ROOT / "call_flows", None, 1) as world:
        phone = world.telephones.dial("+390612345678", "+39800123456")
        world.telephones.wait(20)
        fresh = wiring.open_office(
            world.office.settings, world.office.later, world.scheduler, world.office.ids, kept=world.records
        )
        call = world.evidence.of(phone.sid).records["call"]
        answer = fresh.doors.take_turn(call["id"], call["turn"], "keys", Keys("3"), "after-the-restart")
        assert answer.turn == call["turn"] + 1
