"""A whole line in one process: one seed is one run, and a message is read though its hint was lost."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ivr.core.voicemail import TextState, Transcript
from ivr.core.words import Language
from ivr.testing.world import World, open_world

ROOT = Path(__file__).resolve().parents[2]
EVENING = datetime(2026, 11, 24, 20, 30, tzinfo=ZoneInfo("Europe/Rome"))
LINE = "+39800123456"


class Reader:
    """Reads one sentence out of everything."""

    def transcribe(self, path: Path, language: Language | None, progress: object = None) -> Transcript:
        assert path.read_bytes()[:4] == b"RIFF"
        return Transcript(TextState.READ, language, "ho bisogno di aiuto")


def leave_a_message(world: World, caller: str) -> str:
    phone = world.telephones.dial(caller, LINE)
    world.telephones.wait(3)
    phone.press("2")
    while not any(moment.kind == "tone" for moment in phone.perceived()):
        world.telephones.wait(1)
    phone.speak((ROOT / "call_flows/voices/it_200.wav").read_bytes())
    world.telephones.wait(60)
    return phone.sid


def a_run(seed: int) -> str:
    with open_world(EVENING, ROOT / "call_flows", None, seed, Reader()) as world:
        sids = [leave_a_message(world, f"+39061234567{n}") for n in range(3)]
        return json.dumps([world.evidence.of(sid).records for sid in sids], default=str)


def test_one_seed_is_one_run_byte_for_byte_and_another_seed_another() -> None:
    once = a_run(7)
    assert a_run(7) == once
    assert a_run(8) != once


def test_a_message_ends_on_the_record_read_and_promised() -> None:
    with open_world(EVENING, ROOT / "call_flows", None, 1, Reader()) as world:
        found = world.evidence.of(leave_a_message(world, "+390612345678"))
    assert found.outcome == "voicemail"
    assert found.transcript is not None
    assert found.transcript.text == "ho bisogno di aiuto"
    assert found.promise is not None


def test_a_two_hour_silence_of_the_clock_takes_no_time_and_ends_nothing_by_itself() -> None:
    with open_world(EVENING, ROOT / "call_flows", None, 1, Reader()) as world:
        sid = leave_a_message(world, "+390612345678")
        before = world.evidence.of(sid)
        world.telephones.wait(7200)
        assert world.evidence.of(sid) == before
