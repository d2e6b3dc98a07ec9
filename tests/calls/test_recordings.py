"""Talks on tape, on the exchange in virtual time: who was told or asked, what runs, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr.core.recording import TalkRecording, TapeState
from ivr.core.ticket import TicketState
from ivr.core.timeline import timeline
from ivr.core.words import Language, TicketId
from ivr.exchange.handset import Handset
from ivr.exchange.records import RecordingResource
from ivr.switchboard.ports import TicketOnRecord
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "recording_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
TOLD, ASKED = "+39800123456", "+39800123457"
MARIA = "+393331234567"
NOTICE, QUESTION = "questa conversazione viene registrata", "Se siete d'accordo premete 1"


@pytest.fixture
def world() -> Iterator[World]:
    with open_world(MORNING, FLOWS, None, 1) as opened:
        opened.sign_in(OnDuty("anna", address="+390298765001", talks=timedelta(minutes=20)))
        yield opened


def rings(world: World, line: str, *keys: str) -> Handset:
    """Maria, who presses these keys one after another, five seconds between them."""
    phone = world.telephones.dial(MARIA, line)
    for key in keys:
        world.telephones.wait(5)
        phone.press(key)
    return phone


def talking(world: World, line: str = TOLD, *keys: str) -> tuple[Handset, TicketId]:
    phone = rings(world, line, "1", *keys)
    world.telephones.wait(30)
    (place,) = places(world)
    assert place.ticket.state is TicketState.TALKING, heard(phone)
    return phone, place.ticket.id


def places(world: World) -> list[TicketOnRecord]:
    with world.records.read() as tx:
        return list(tx.tickets.live())


def tape(world: World) -> TalkRecording:
    with world.records.read() as tx:
        (call,) = tx.calls.recent(5)
        (found,) = tx.recordings.of_call(call.id)
    return found


def at_carrier(world: World) -> list[RecordingResource]:
    return world.network.recordings()


def told(world: World, language: str = "it") -> list[str]:
    """What the timeline says of recordings."""
    with world.records.read() as tx:
        (call,) = tx.calls.recent(5)
        events = [each for each in tx.log.of_call(call.id) if each.kind.startswith("recording.")]
    return [entry.text for entry in timeline(events, Language(language), ZoneInfo("Europe/Rome"))]


def heard(phone: Handset) -> str:
    return " ".join(moment.text for moment in phone.perceived(0) if moment.kind == "said")


def test_who_was_told_and_stayed_is_recorded_and_the_audio_is_kept(world: World) -> None:
    phone, _ = talking(world)
    assert heard(phone).index(NOTICE) < heard(phone).index("restate in linea")
    (running,) = at_carrier(world)
    assert (running.source, running.status, tape(world).state) == (
        "StartCallRecordingAPI",
        "in-progress",
        TapeState.RUNNING,
    )
    world.telephones.wait(60)
    phone.hang_up()
    world.telephones.wait(15)
    kept = tape(world)
    assert (kept.state, kept.next_at, at_carrier(world)) == (TapeState.KEPT, None, [])
    audio = world.office.audio.path(kept.id)
    assert audio is not None and kept.seconds is not None and 60 < kept.seconds < 100
    assert told(world) == [
        "Ha sentito l'avviso che il colloquio viene registrato ed è rimasto in linea.",
        "Da qui il colloquio viene registrato.",
        f"Registrazione al sicuro da noi (1 min {round(kept.seconds) - 60} s).",
    ]
    with world.records.read() as tx:
        assert tx.voicemails.recent(5) == []
