"""Callers who are called back, agents on duty, and what the player notices of them, on the exchange in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ivr.core.agent import Wish
from ivr.core.roster import Address, AddressKind
from ivr.core.words import AgentId
from ivr.exchange.handset import Behaviour
from ivr.testing import scripts
from ivr.testing.evidence import Findings
from ivr.testing.on_duty import CannotWork, OnDuty
from ivr.testing.play import PacedTelephones, Played, Player, as_dialogue
from ivr.testing.run import Shift
from ivr.testing.world import open_world
from tests.exchange.engine_bench import AGENT, BASE, CALLER, LINE, START, Bench, xml

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
SHOWN = "+390212345678"  # what calls of the shipped line show
ROOM = '<Dial><Conference waitUrl="" {}>t-1</Conference></Dial>'
AGENTS = f"agents: [{{name: anna, address: {AGENT}}}]"


class Ended:
    """Evidence that knows only that calls end, and that anna took them."""

    def of(self, sid: str) -> Findings:
        return Findings(ended=True, answered_by=("anna",))


class CallingBack(Bench):
    """A line that hangs up at once; a while later it rings the agent, then the customer, and joins both in a room."""

    def __init__(self) -> None:
        super().__init__()
        self.app.at("/in", xml("<Say>La richiamiamo.</Say><Pause length='9'/>")).at("/status", 204)
        self.app.at("/whisper", xml('<Gather numDigits="1" action="/key"><Say>Ordini, premi uno.</Say></Gather>'))
        self.app.at("/customer", xml('<Gather numDigits="1" action="/key"><Say>Premi uno.</Say></Gather>'))
        self.app.at(
            "/key", lambda form: xml(ROOM.format('endConferenceOnExit="true"') if form["Digits"] == "1" else "")
        )

    def calls(self, to: str, path: str, after: float, **more: Any) -> None:
        more = {"timeout": 20, **more}
        self.clock.after(after, lambda: self.network.create_call(to, LINE, url=BASE + path, **more))


@pytest.fixture
def line() -> CallingBack:
    return CallingBack()


def script(steps: str, more: str = "", at: datetime = START, from_: str = CALLER) -> scripts.Script:
    head = f"call: c\nat: {at.isoformat()}\nfrom: {from_}\nto: {LINE}\n"
    (read,), problems = scripts.read("x.calls.yaml", f"{head}steps: {steps}\n{more}\n")
    assert problems == ()
    return read


@pytest.fixture
def play(line: CallingBack) -> Callable[..., Played]:
    def played(steps: str, more: str = "", behaviour: Behaviour | None = None) -> Played:
        staff = {"anna": line.phones.subscriber(AGENT, behaviour)} if behaviour else {}
        return Player(line.phones, Ended(), staff=staff).play([script(steps, more)])[0]

    return played


def test_a_callback_is_played_from_the_wish_to_the_talk(line: CallingBack, play: Callable[..., Played]) -> None:
    line.calls(AGENT, "/whisper", 30)
    line.calls(CALLER, "/customer", 50)
    played = play(
        "[hear: richiamiamo, hangup, answer: {after: 4 s}, hear: premi uno, press: 1, talk: 30 s, hangup]",
        AGENTS + "\nexpect: {answered_by: anna, agent_heard: premi uno}",
        Behaviour(answers_after=5, presses=("1",), talks=60),
    )
    assert played.problems == ()
    assert as_dialogue(played)[3:] == [
        "  0:01  caller  hangs up",
        "  0:01          (the call ends: you hung up)",
        "  0:30  anna    (the phone rings: +39800123456)",
        "  0:35  anna    answers",
        "  0:36  anna    hears «Ordini, premi uno.»",
        "  0:50          (the phone rings: +39800123456)",
        "  0:54  caller  answers",
        "  0:54          (answers)",
        "  0:55  line    Premi uno.",
        "  0:55  caller  presses 1",
        "  0:55  anna    (somebody is on the line)",
        "  0:55          (somebody is on the line)",
        "  0:55  caller  talks",
        "  1:25  caller  hangs up",
        "  1:25          (the call ends: you hung up)",
    ]


def test_a_talk_ends_with_the_other_and_the_call_goes_on(line: CallingBack, play: Callable[..., Played]) -> None:
    line.app.at("/in", xml(f"{ROOM.format('')}<Say>Siamo stati utili?</Say>"))
    line.calls(AGENT, "/whisper", 300)
    line.app.at("/key", xml(ROOM.format('endConferenceOnExit="true"')))
    played = play("[talk, hear: siamo stati utili]", AGENTS, Behaviour(presses=("1",), talks=600))
    assert played.problems == ()
    assert played.dialogue[-1].at - START > timedelta(seconds=900)


def test_who_has_somebody_on_the_line_is_patient(line: CallingBack, play: Callable[..., Played]) -> None:
    line.app.at("/in", xml(f"{ROOM.format('')}<Say>Siamo stati utili?</Say>"))
    line.calls(AGENT, "/whisper", 30)
    played = play("[hear: siamo stati utili]", AGENTS, Behaviour(presses=("1",), talks=1000))
    assert played.problems == ()


def test_nobody_answers(play: Callable[..., Played]) -> None:
    (problem,) = play("[talk: {within: 5 s}]").problems
    assert problem.endswith("nobody came on the line; heard «La richiamiamo.»")
    (problem,) = play("[talk]").problems
    assert "heard «La richiamiamo.», then the call ended" in problem


@pytest.mark.parametrize(
    ("behaviour", "expect", "problem"),
    [
        (Behaviour(presses=("1",)), "answered_by: bruno", "on record anna answered, not bruno"),
        (
            Behaviour(presses=("2",)),
            "answered_by: anna",
            "on record anna answered, but their phone was never put through to the caller's",
        ),
        (Behaviour(presses=("2",)), "agent_heard: reclami", "no agent heard 'reclami', but «Ordini, premi uno.»"),
        (Behaviour(no_answer=True), "agent_heard: [ordini]", "no agent heard 'ordini', but nothing"),
    ],
)
def test_what_agents_did_is_compared(
    line: CallingBack, play: Callable[..., Played], behaviour: Behaviour, expect: str, problem: str
) -> None:
    line.app.at("/in", xml(ROOM.format("")))
    line.calls(AGENT, "/whisper", 2)
    (told,) = play("[wait: 60 s, hangup]", f"{AGENTS}\nexpect: {{{expect}}}", behaviour).problems
    assert told == f"x.calls.yaml:1: {problem}"


def test_a_third_on_the_line_was_put_through_too_but_not_who_meets_somebody_else(line: CallingBack) -> None:
    line.app.at("/in", xml(ROOM.format("")), xml("<Dial><Conference>t-2</Conference></Dial>"))
    line.app.at("/other", xml("<Dial><Conference>t-2</Conference></Dial>"))
    line.calls(AGENT, "/whisper", 2)
    line.calls("+390600000002", "/whisper", 20)
    line.calls("+390600000003", "/other", 20)
    busy = Behaviour(presses=("1",), talks=60)
    phones = {"anna": AGENT, "bruno": "+390600000002", "carla": "+390600000003"}
    staff = {name: line.phones.subscriber(number, busy) for name, number in phones.items()}
    agents = "agents: [{name: anna}, {name: bruno}, {name: carla}]"
    first, second = Player(line.phones, Ended(), staff=staff).play(
        [
            script("[wait: 60 s, hangup]", agents),
            script("[wait: 60 s, hangup]", agents, START + timedelta(seconds=10), "+390612345679"),
        ]
    )
    assert first.findings.put_through == ("anna", "bruno")
    assert second.findings.put_through == ("bruno", "carla")  # where a third sits, no other phone tells


@pytest.mark.parametrize(
    ("step", "status"), [("reject", "busy"), ("miss", "no-answer"), ("answer: {machine: yes}", "completed")]
)
def test_a_callback_that_reaches_nobody(line: CallingBack, play: Callable[..., Played], step: str, status: str) -> None:
    line.calls(CALLER, "/customer", 600, machine_detection="Enable")
    played = play(f"[hear: richiamiamo, hangup, {step}]")
    assert played.problems == ()
    back = next(call for call in line.network.calls() if call.direction == "outbound-api")
    assert (back.status, back.answered_by) == (status, "machine_start" if status == "completed" else None)


def test_missed_once_and_then_answered(line: CallingBack, play: Callable[..., Played]) -> None:
    line.calls(CALLER, "/customer", 60)
    line.calls(CALLER, "/customer", 900)
    assert play("[hangup, miss, answer, hear: premi uno, hangup]").problems == ()


def test_somebody_who_never_rang_is_called(line: CallingBack, play: Callable[..., Played]) -> None:
    line.calls(CALLER, "/customer", 60)
    played = play("[answer: {after: 2 s}, hear: premi uno, hangup]")
    assert played.problems == ()
    assert played.dialogue[0].text == "waits for a call"
    assert [call.sid for call in line.network.calls()] == [played.sid]


def test_a_phone_that_does_not_ring_is_told(play: Callable[..., Played]) -> None:
    (problem,) = play("[hangup, answer: {within: 3 min}]").problems
    assert "the phone did not ring in 0:03:00" in problem


def test_a_phone_in_use_cannot_ring(play: Callable[..., Played]) -> None:
    (problem,) = play("[hear: richiamiamo, answer]").problems
    assert "still on the line" in problem


def test_a_phone_that_stops_ringing_is_not_answered(line: CallingBack, play: Callable[..., Played]) -> None:
    line.calls(CALLER, "/customer", 60, timeout=5)
    (problem,) = play("[hangup, answer: {after: 8 s}]").problems
    assert "the caller answers, but the call is over" in problem


def test_calls_overlap_while_somebody_waits_to_be_called(line: CallingBack) -> None:
    line.calls(CALLER, "/customer", 40)
    first, second = Player(line.phones, Ended()).play(
        [
            script("[hangup, answer, hear: premi uno, hangup]"),
            script("[hear: richiamiamo]", at=START + timedelta(seconds=38), from_="+390698765432"),
        ]
    )
    assert (first.problems, second.problems) == ((), ())


def test_a_callback_at_the_speed_of_a_real_one(line: CallingBack) -> None:
    line.calls(CALLER, "/customer", 40)
    slept: list[float] = []
    telephones = PacedTelephones(line.phones, slept.append)
    (played,) = Player(telephones, Ended()).play([script("[hangup, answer, hear: premi uno, hangup]")])
    assert played.problems == ()
    assert sum(slept) == pytest.approx((line.clock.now() - START) / timedelta(seconds=1), abs=1)


# --- Agents of a world ------------------------------------------------------------------------------------------------


def test_an_agent_signs_in_and_off_and_their_phone_is_rung() -> None:
    anna = OnDuty(
        "anna",
        skills={"orders": 2},
        address=AGENT,
        signs_in_at=timedelta(minutes=1),
        signs_off_at=timedelta(hours=1),
    )
    with open_world(START, FLOWS, None, 1) as world:
        phone = world.sign_in(anna, timedelta(minutes=1))
        wishes = []
        for seconds in (60, 90, 3600):
            world.telephones.wait(seconds)
            with world.records.read() as kept:
                wishes.append(kept.agents.get(AgentId("anna")).status.wish)
        world.network.create_call(AGENT, SHOWN, twiml=xml("<Say>Ordini.</Say>"))
        world.telephones.wait(20)
        with world.records.read() as kept:
            record = kept.agents.get(AgentId("anna")).record
    assert wishes == [Wish.OFF, Wish.AVAILABLE, Wish.OFF]
    assert (record.queues, record.skills) == (("sales", "complaints"), {"orders": 2})
    assert record.address == Address(AddressKind.PHONE, AGENT)
    assert "Ordini." in [news.text for news in phone.calls()[0].perceived()]


@pytest.mark.parametrize(
    ("address", "kind", "at"),
    [
        ("sip:anna@pbx.example", AddressKind.SIP, "sip:anna@pbx.example"),
        ("client:anna", AddressKind.BROWSER, "anna"),
    ],
)
def test_an_agent_at_a_sip_address_or_in_the_browser(address: str, kind: AddressKind, at: str) -> None:
    with open_world(START, FLOWS, None, 1) as world:
        world.sign_in(OnDuty("anna", address=address))
        with world.records.read() as kept:
            known = kept.agents.get(AgentId("anna"))
    assert (known.record.address, known.status.wish) == (Address(kind, at), Wish.AVAILABLE)


def test_who_has_no_place_in_the_company_cannot_work() -> None:
    with open_world(START, FLOWS, None, 1) as world:
        with pytest.raises(CannotWork, match="no queue 'nowhere', no skill 'juggling'"):
            world.sign_in(OnDuty("anna", ("nowhere",), {"juggling": 1}, AGENT))
        with pytest.raises(CannotWork, match="nothing says where"):
            world.sign_in(OnDuty("anna"))


def test_agents_of_calls_that_meet_are_the_same_people() -> None:
    anna, other = "agents: [{name: anna}]", "agents: [{name: anna, busy: yes}, {name: bruno}]"
    group = [script("[hangup]", anna), script("[hangup]", anna), script("[hangup]", other)]
    staff = Shift(group)
    with open_world(START, FLOWS, None, 1) as world:
        told = [staff.sign_in(one, world) for one in group]
        with world.records.read() as kept:
            numbers = [known.record.address.at for known in kept.agents.all()]
    assert told == [[], [], ["agent anna is on duty in a call beside this one, and otherwise"]]
    assert numbers == ["+390298765001", "+390298765002"]
