"""Talks on tape, on the exchange in virtual time: who was told or asked, what runs, what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from ivr import wiring
from ivr.cli import desk, line, talks
from ivr.core.errors import NoSuchRecording
from ivr.core.recording import Rule, TalkRecording, TapeState
from ivr.core.ticket import TicketState
from ivr.core.timeline import timeline
from ivr.core.words import AgentId, Language, RecordingId, TicketId
from ivr.exchange.handset import Behaviour, Handset
from ivr.exchange.records import CarrierRefused, RecordingResource
from ivr.switchboard.legs import outside
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.record import talk, tapes
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import PUBLIC_URL, World, open_world

FLOWS = Path(__file__).parent / "recording_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
TOLD, ASKED = "+39800123456", "+39800123457"
MARIA = "+393331234567"
NOTHING: Mapping[int, str] = {}
NOTICE, QUESTION = "questa conversazione viene registrata", "Con il vostro consenso"


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


def talking(world: World, line: str = TOLD, keys: Mapping[int, str] = NOTHING) -> tuple[Handset, TicketId]:
    """``keys``: each so many seconds after the one for the menu."""
    phone = rings(world, line, "1")
    for seconds, key in keys.items():
        world.telephones.wait(seconds)
        phone.press(key)
    world.telephones.wait(40)
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
    assert audio is not None and kept.seconds is not None and 60 < kept.seconds < 110
    assert told(world) == [
        "Ha sentito l'avviso che il colloquio viene registrato ed è rimasto in linea.",
        "Da qui il colloquio viene registrato.",
        f"Registrazione al sicuro da noi (1 min {round(kept.seconds) - 60} s).",
    ]
    with world.records.read() as tx:
        assert tx.voicemails.recent(5) == []


def test_no_key_cuts_the_notice_short_and_who_hangs_up_in_it_is_not_recorded(world: World) -> None:
    phone = rings(world, TOLD, "1")
    world.telephones.wait(1)
    phone.press("1")
    world.telephones.wait(1)
    assert places(world) == []  # still told: no place in line, so nobody is rung
    phone.hang_up()
    world.telephones.wait(30)
    assert (at_carrier(world), told(world)) == ([], [])


@pytest.mark.parametrize(
    ("keys", "runs", "says"),
    [
        ({9: "1"}, True, "Agreed to the recording by pressing 1."),
        ({9: "2"}, False, "Did not agree to the recording: there is none."),
        ({}, False, "Did not answer whether the talk may be recorded: it is not."),
        ({1: "1"}, False, "Did not answer whether the talk may be recorded: it is not."),  # meant for the menu
    ],
)
def test_who_is_asked_is_recorded_only_after_1_and_talks_in_any_case(
    world: World, keys: dict[int, str], runs: bool, says: str
) -> None:
    phone, _ = talking(world, ASKED, keys)
    assert heard(phone).count(QUESTION) == 1
    assert [each.status for each in at_carrier(world)] == (["in-progress"] if runs else [])
    assert told(world, "en")[0] == says


def test_the_notice_is_in_the_language_of_the_call(world: World) -> None:
    phone = rings(world, TOLD, "8")
    world.telephones.wait(10)
    assert "This conversation is recorded" in heard(phone)


def test_hold_and_a_transfer_are_silence_on_one_recording_that_ends_with_the_talk(world: World) -> None:
    phone, ticket = talking(world)
    with world.records.write() as tx:
        talk.hold(tx, ticket, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(5)
    assert at_carrier(world)[0].status == "paused"
    with world.records.write() as tx:
        talk.resume(tx, ticket, world.scheduler.now())
    world.telephones.wait(12)  # the hint was lost: the sweep finds it
    assert at_carrier(world)[0].status == "in-progress"
    world.sign_in(OnDuty("bruno", address="+390298765002", answers_after=timedelta(seconds=10)))
    with world.records.write() as tx:
        talk.to_agent(tx, ticket, AgentId("bruno"), timedelta(seconds=30), world.scheduler.now())
    world.office.later.steer(ticket)
    world.office.later.line_up(ticket)
    world.telephones.wait(8)
    assert at_carrier(world)[0].status == "paused"
    world.telephones.wait(20)
    assert (places(world)[0].agent, [each.status for each in at_carrier(world)]) == ("bruno", ["in-progress"])
    assert heard(phone).count(NOTICE) == 1
    world.telephones.wait(90)  # bruno hangs up, and the flow goes on
    assert (tape(world).state, at_carrier(world)) == (TapeState.KEPT, [])
    assert told(world)[2:6] == [
        "Registrazione sospesa: in attesa.",
        "Registrazione ripresa: si torna a parlare.",
        "Registrazione sospesa: di nuovo in fila.",
        "Registrazione ripresa: si torna a parlare.",
    ]


def test_a_number_outside_that_nobody_asked_is_not_on_the_recording(world: World) -> None:
    _, ticket = talking(world)
    expert = "+390612345678"
    world.telephones.subscriber(expert, Behaviour(answers_after=3, talks=20))
    dialling = outside.Dialling(world.office.flows, world.office.numbering, world.office.ids)
    with world.records.write() as tx:
        outside.ring(tx, dialling, ticket, expert, False, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(10)
    assert at_carrier(world)[0].status == "paused"
    world.telephones.wait(30)
    assert at_carrier(world)[0].status == "in-progress"
    assert told(world)[2:4] == [
        "Registrazione sospesa: con un numero esterno.",
        "Registrazione ripresa: si torna a parlare.",
    ]


def test_a_pause_for_card_data_ends_when_it_is_told_to_or_by_itself(world: World) -> None:
    _, ticket = talking(world)

    def paused(seconds: int) -> str:
        with world.records.write() as tx:
            tapes.pause(tx, ticket, timedelta(seconds=seconds), world.scheduler.now())
        world.office.later.steer(ticket)
        world.telephones.wait(2)
        return at_carrier(world)[0].status

    assert paused(30) == "paused"
    world.telephones.wait(40)
    assert at_carrier(world)[0].status == "in-progress"
    assert paused(120) == "paused"
    with world.records.write() as tx:
        tapes.resume(tx, ticket)
    world.office.later.steer(ticket)
    world.telephones.wait(2)
    assert at_carrier(world)[0].status == "in-progress"
    assert told(world)[2:] == [
        "Registrazione sospesa: dati riservati.",
        "Registrazione ripresa: tempo massimo della pausa.",
        "Registrazione sospesa: dati riservati.",
        "Registrazione ripresa: si torna a parlare.",
    ]


def test_consent_that_is_withdrawn_ends_it_and_marks_what_is_kept(world: World) -> None:
    phone, ticket = talking(world)
    with world.records.write() as tx:
        tapes.withdraw(tx, ticket, world.scheduler.now())
    world.office.later.steer(ticket)
    world.telephones.wait(10)
    assert not phone.over
    assert (tape(world).state, at_carrier(world), tape(world).withdrawn_at is None) == (TapeState.KEPT, [], False)
    with world.records.write() as tx, pytest.raises(tapes.NotRecorded):
        tapes.pause(tx, ticket, timedelta(seconds=30), world.scheduler.now())


def called_back(world: World, line: str, *presses: str) -> Handset:
    """Maria asks to be called back, hangs up, answers when her phone rings, and presses these keys."""
    subscriber = world.telephones.subscriber(MARIA, Behaviour(answers_after=2, presses=presses, talks=120))
    asks = rings(world, line, "2")
    for _ in range(2):
        world.telephones.wait(15)
        asks.press("1")
    world.telephones.wait(10)
    asks.hang_up()
    world.telephones.wait(75)
    (phone,) = subscriber.calls()
    return phone


def test_who_is_called_back_hears_the_notice_before_they_are_put_through(world: World) -> None:
    phone = called_back(world, TOLD, "1")
    (running,) = at_carrier(world)
    assert (running.call_sid, running.status) == (phone.sid, "in-progress")
    assert heard(phone).index(NOTICE) < heard(phone).index("Per parlare con noi") < heard(phone).index("in contatto")
    phone.hang_up()
    world.telephones.wait(15)
    assert tape(world).state is TapeState.KEPT


@pytest.mark.parametrize(("answer", "runs"), [("1", 1), ("2", 0)])
def test_who_is_called_back_is_asked_and_talks_either_way(world: World, answer: str, runs: int) -> None:
    phone = called_back(world, ASKED, "1", answer)
    assert QUESTION in heard(phone) and "Vi mettiamo in contatto" in heard(phone)
    assert places(world)[0].ticket.state is TicketState.TALKING
    assert len(at_carrier(world)) == runs


def test_a_carrier_that_cannot_record_leaves_the_talk_alone_and_the_timeline_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(*_: object, **__: object) -> None:
        asked.append(world.scheduler.now())
        raise CarrierRefused(503, 20503, "Service unavailable")

    monkeypatch.setattr(world.network, "start_recording", refuse)
    phone, _ = talking(world)
    world.telephones.wait(60)
    assert (len(asked), phone.over, tape(world).state) == (4, False, TapeState.UNMADE)
    assert told(world)[1:] == ["Il colloquio non è registrato: il gestore ha risposto 503, codice 20503."]


def test_a_lost_answer_and_lost_news_are_made_good_from_the_list_and_nothing_is_begun_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = world.network.start_recording

    def unheard(call_sid: str, **asked: str) -> None:
        begins(call_sid, recording_track=asked["recording_track"])  # and tells nobody
        raise CarrierRefused(504, 0, "Gateway timeout")

    monkeypatch.setattr(world.network, "start_recording", unheard)
    phone, _ = talking(world)
    world.telephones.wait(40)
    assert (tape(world).state, len(at_carrier(world))) == (TapeState.RUNNING, 1)
    phone.hang_up()
    world.telephones.wait(90)
    assert (tape(world).state, at_carrier(world)) == (TapeState.KEPT, [])


def test_news_that_come_late_twice_or_of_nobody_move_nothing(world: World) -> None:
    phone, ticket = talking(world)
    running, news = tape(world), world.office.doors.recording_news
    assert running.recording is not None
    with world.records.write() as tx:
        again = RecordingId("another")
        tapes.want(tx, again, running.call, running.customer, ticket, running.leg, Rule.ANNOUNCE, MORNING)
        assert [each.id for each in tx.recordings.of_call(running.call)] == [running.id]
    phone.hang_up()
    world.telephones.wait(15)
    kept, events = tape(world), told(world)
    for status in ("in-progress", "completed", "absent", "failed"):
        news(running.id, running.recording, "https://x/RE1", status, None, f"late:{status}", {})
    world.telephones.wait(15)
    assert (tape(world), told(world)) == (kept, events)
    with pytest.raises(NoSuchRecording):
        news(RecordingId("nobody"), "RE1", "", "completed", None, "f", {})


def test_the_commands_say_only_what_the_carrier_has_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, ticket = talking(world)
    at = desk.Desk(
        world.records, world.scheduler, world.office.ids, world.office.numbering, ZoneInfo("Europe/Rome"), "IT"
    )
    monkeypatch.setattr(desk, "open_desk", lambda: at)
    monkeypatch.setattr(wiring, "telephone", lambda _: world.office.telephone)
    monkeypatch.setattr(talks, "time", SimpleNamespace(sleep=world.telephones.wait))
    monkeypatch.setenv("IVR_PUBLIC_URL", PUBLIC_URL)
    monkeypatch.setenv("IVR_SECRET_KEY", "test")

    def ivr(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(line(), [*words])
        return done.exit_code, done.output

    def busy(*_: object, **__: object) -> None:
        raise CarrierRefused(503, 20503, "Service unavailable")

    with monkeypatch.context() as trouble:
        trouble.setattr(world.network, "update_recording", busy)
        assert ivr("talks", "pause-recording", ticket) == (
            1,
            "ivr: The carrier has not done it yet: the talk may still be recorded.\n",
        )
        assert at_carrier(world)[0].status == "in-progress"
    world.telephones.wait(5)
    assert ivr("talks", "pause-recording", ticket, "--seconds", "60") == (0, f"{ticket}: paused\n")
    assert at_carrier(world)[0].status == "paused"
    assert json.loads(ivr("talks", "list", "--json")[1])[0]["recording"] == "paused"
    assert ivr("talks", "resume-recording", ticket) == (0, f"{ticket}: not paused\n")
    assert at_carrier(world)[0].status == "in-progress"
    assert ivr("talks", "stop-recording", ticket) == (0, f"{ticket}: not recorded any more\n")
    assert ivr("talks", "pause-recording", ticket)[0] == 1
    world.telephones.wait(10)
    assert not phone.over
    shown = ivr("calls", "show", tape(world).call)[1]
    assert "Consenso alla registrazione ritirato, annotato da anna" in shown
    (listed,) = json.loads(ivr("calls", "show", tape(world).call, "--json")[1])["recordings"]
    assert (listed["state"], listed["rule"], listed["withdrawn_at"] is None) == ("kept", "announce", False)
