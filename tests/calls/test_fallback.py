"""Law 1 to the end: a message left while nothing of ours answered is on record once we are back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ivr.core.errors import RecordsUnavailable
from ivr.core.flow.turn import HangUp
from ivr.core.words import PhoneNumber
from ivr.testing.world import open_world

ROOT = Path(__file__).resolve().parents[2]
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
CALLER = "+390612345678"


def test_a_message_left_while_the_records_were_down_is_on_the_callers_record_when_they_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def down(_: object) -> Any:
        raise RecordsUnavailable

    with open_world(MORNING, ROOT / "call_flows", None, 1) as world:
        with monkeypatch.context() as broken:
            for door in ("read", "write"):
                broken.setattr(type(world.records), door, down)
            phone = world.telephones.dial(CALLER, "+39800123456")
            world.telephones.wait(45)  # the fallback speaks, rings for a person in vain, and asks for a message
            heard = " ".join(moment.text for moment in phone.perceived() if moment.kind == "said")
            assert "problema tecnico" in heard
            while not any(moment.kind == "tone" for moment in phone.perceived()):
                world.telephones.wait(1)
            phone.speak((ROOT / "call_flows/voices/it_200.wav").read_bytes())
        world.telephones.wait(90)
        with world.records.read() as tx:
            (customer,) = tx.customers.by_number(PhoneNumber(CALLER)).exact
            (message,) = tx.voicemails.of(customer.id)
            assert tx.promises.of(customer.id) == []
        assert message.recording
        assert message.audio.value == "kept"
        found = world.evidence.of(phone.sid)
        assert found.outcome == "voicemail"
        # The carrier's request of when it rang was held up on its way: nobody hears the answer, and it is a whole one.
        with world.records.read() as tx:
            key = tx.calls.at(message.call).key
        late = world.office.doors.ring(key, PhoneNumber(CALLER), PhoneNumber("+39800123456"), "again")
        assert late.says == (HangUp(),)
