"""Surveys, texts and transfers played on a whole line: what callers hear, and what is on record and sent after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ivr.core.flow.turn import DialEnded
from ivr.core.metrics import HappyShare, happy_shares
from ivr.exchange.phones import Behaviour
from ivr.testing import scripts
from ivr.testing.play import Played, Player
from ivr.testing.world import World, open_world
from ivr.twilio import twiml

FLOWS = Path(__file__).resolve().parents[1] / "flowfiles" / "after_talk"
TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
LINE, MOBILE, FIXED, ON_CALL = "+39800123456", "+393401234567", "+390612345678", "+390212345699"


@pytest.fixture
def world() -> Iterator[World]:
    with open_world(TUESDAY, FLOWS, None, 1) as opened:
        yield opened


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every TwiML document that is rendered."""
    seen: list[str] = []
    render = twiml.render

    def watched(*given: Any, **named: Any) -> str:
        seen.append(render(*given, **named))
        return seen[-1]

    monkeypatch.setattr("ivr.wiring.twiml.render", watched)
    return seen


def play(world: World, steps: str, expect: str, from_: str = MOBILE) -> Played:
    text = f"call: c\nat: {TUESDAY.isoformat()}\nfrom: '{from_}'\nto: '{LINE}'\nsteps:\n{steps}expect: {expect}\n"
    read, problems = scripts.read("c.calls.yaml", text)
    assert problems == ()
    (played,) = Player(world.telephones, world.evidence).play(read)
    assert played.problems == ()
    return played


def kinds(played: Played) -> list[str]:
    return [event["kind"] for event in played.findings.records["events"]]


def event(played: Played, kind: str) -> dict[str, Any]:
    (found,) = [each for each in played.findings.records["events"] if each["kind"] == kind]
    return dict(found)


UNHAPPY = """\
- hear: premi 1
- press: 1
- hear: per sì premete 1
- press: 2
- hear: vi ricontattiamo noi entro
- hear: quanto siete soddisfatti
- press: 1
- hear: grazie per le risposte
"""


def test_who_is_unhappy_twice_is_promised_once_and_counted(
    world: World, documents: list[str], twiml_check: Callable[..., list[Any]]
) -> None:
    played = play(world, UNHAPPY, "{outcome: self_service, promise: {due_within: 26 h}}")
    (promise,) = played.findings.records["promises"]
    assert (promise["what"], promise["owner"]) == ("follow_up", "sales")
    assert promise["due_at"] - promise["made_at"] == timedelta(hours=8)  # from 10 to 18 on an open day
    assert kinds(played).count("survey.answered") == 2
    with world.records.read() as tx:
        answers = tx.answers.between(TUESDAY, TUESDAY + timedelta(hours=1))
    assert [(each.question, each.value, each.number) for each in answers] == [
        ("helped", "no", 1),
        ("satisfaction", "1", 1),
    ]
    assert happy_shares(answers) == {"helped": HappyShare(1, 0), "satisfaction": HappyShare(1, 0)}
    assert not [(text, wrong) for text in set(documents) if (wrong := twiml_check(text))]


TEXT_ME = """\
- hear: premi 2
- press: 9
- hear: press 2
- press: 2
- hear: we are sending you a text message
"""


def test_a_mobile_gets_its_text_once_in_the_callers_language(world: World) -> None:
    played = play(world, TEXT_ME, "{outcome: self_service, path: [main, other_language, main, price_list, goodbye]}")
    world.telephones.wait(60)
    (sent,) = world.network.messages()
    assert (sent.to, sent.from_, sent.body) == (
        MOBILE,
        "OffVerdi",
        "Officine Verdi: our price list is at verdi.example/prices",
    )
    assert event(played, "text.ended")["state"] == "sent"
    assert event(played, "text.ended")["text"] == event(played, "text.promised")["text"]


@pytest.mark.parametrize("caller", [FIXED, "anonymous"])
def test_who_can_get_no_text_hears_so(world: World, caller: str) -> None:
    steps = "- press: 2\n- hear: non possiamo mandare messaggi di testo\n- hear: premi 1\n- hangup\n"
    play(world, steps, "{outcome: abandoned, path: [main, price_list, main]}", caller)
    world.telephones.wait(60)
    assert world.network.messages() == []


PUT_THROUGH = "- press: 3\n- hear: vi mettiamo in comunicazione\n"


def test_a_transfer_shows_the_lines_number_and_comes_back_for_the_survey(
    world: World, documents: list[str], twiml_check: Callable[..., list[Any]]
) -> None:
    technician = world.network.phones.hold(ON_CALL)
    phone = world.telephones.dial(MOBILE, LINE)
    world.telephones.wait(3)
    phone.press("3")
    world.telephones.wait(15)
    (rung,) = technician.calls
    assert rung.number == "+390212345678"
    rung.answer()
    world.telephones.wait(30)
    rung.hang_up()
    world.telephones.wait(5)
    said = [news.text for news in phone.perceived() if news.kind == "said"]
    assert any("stati d'aiuto" in text for text in [*said, getattr(phone.playing, "text", "")])
    phone.hang_up()
    world.telephones.wait(10)
    found = world.evidence.of(phone.sid)
    assert found.outcome == "transferred"
    assert found.path == ("main", "on_call", "survey")
    assert not [(text, wrong) for text in set(documents) if (wrong := twiml_check(text))]


@pytest.mark.parametrize(
    ("behaviour", "heard", "path"),
    [
        (Behaviour(busy=True), "il numero è occupato", "[main, on_call, leave_message]"),
        (Behaviour(no_answer=True), "non risponde nessuno", "[main, on_call, price_list, goodbye]"),
        (Behaviour(fails=True), "non siamo riusciti", "[main, on_call, leave_message]"),
    ],
)
def test_nobody_there_has_words_and_a_way_out(world: World, behaviour: Behaviour, heard: str, path: str) -> None:
    world.network.phones.put(ON_CALL, behaviour)
    leaves = "leave_message" in path
    end = "- hangup\n" if leaves else ""
    outcome = "abandoned" if leaves else "self_service"
    played = play(world, f"{PUT_THROUGH}- hear: {heard}\n{end}", f"{{outcome: {outcome}, path: {path}}}")
    assert "transfer.connected" not in kinds(played)
    assert "transfer.ended" in kinds(played)


def test_a_caller_who_hangs_up_in_the_talk_was_put_through(world: World) -> None:
    world.network.phones.put(ON_CALL, Behaviour(answers_after=3))
    phone = world.telephones.dial(MOBILE, LINE)
    world.telephones.wait(3)
    phone.press("3")
    world.telephones.wait(20)
    phone.hang_up()
    world.telephones.wait(10)
    assert world.evidence.of(phone.sid).outcome == "transferred"


def test_a_talk_told_of_after_the_calls_end_still_makes_it_a_transfer(world: World) -> None:
    """The carrier's news of the call and its request for the action come in any order."""
    world.network.phones.put(ON_CALL, Behaviour(answers_after=3))
    phone = world.telephones.dial(MOBILE, LINE)
    world.telephones.wait(3)
    phone.press("3")
    world.telephones.wait(20)
    with world.records.read() as tx:
        (call,) = tx.calls.unfinished()
    doors = world.office.doors
    doors.call_status(call.key, "completed", 20, "status:first", {})
    assert world.evidence.of(phone.sid).outcome == "abandoned"
    doors.take_turn(call.id, call.turn, "dialled", DialEnded("completed"), "late")
    assert world.evidence.of(phone.sid).outcome == "transferred"
