"""Callers who press, speak, hang up and are moved by REST at any moment: whatever happens, everything ends."""

from __future__ import annotations

import random

import pytest

from ivr.exchange.phones import Behaviour, Phone
from ivr.exchange.records import CarrierRefused
from tests.exchange.engine_bench import AGENT, BASE, LINE, Bench, tone_wav, xml

DOORS = {
    "/in": '<Gather numDigits="1" action="/menu" timeout="3"><Say>Uno, due, tre o quattro.</Say></Gather>',
    "/mail": '<Record action="/in" timeout="2" recordingStatusCallback="/told"/><Redirect>/in</Redirect>',
    "/dial": f'<Dial action="/in" timeout="6"><Number url="/whisper">{AGENT}</Number></Dial>',
    "/whisper": '<Gather numDigits="1" action="/yes" timeout="3"><Say>Premi uno.</Say></Gather><Hangup/>',
    "/yes": "",
    "/queue": '<Enqueue action="/in" waitUrl="/wait">ordini</Enqueue>',
    "/wait": '<Gather numDigits="1" action="/leave" timeout="2"><Say>Attenda.</Say></Gather>',
    "/leave": "<Leave/>",
    "/agent": '<Dial timeout="9"><Queue url="/hello">ordini</Queue></Dial>',
    "/hello": "<Say>Ecco.</Say>",
    "/room": '<Dial action="/in"><Conference endConferenceOnExit="true" statusCallback="/told" '
    'statusCallbackEvent="start end join leave">stanza</Conference></Dial>',
}
MENU = {"1": "/mail", "2": "/dial", "3": "/queue", "4": "/room"}


def open_house(seed: int) -> Bench:
    bench = Bench(seed)
    for path, inside in DOORS.items():
        bench.app.at(path, xml(inside))
    bench.app.at("/menu", lambda form: xml(f"<Redirect>{MENU.get(form['Digits'], '/in')}</Redirect>"))
    bench.app.at("/status", 204).at("/told", 204)
    return bench


def stir(bench: Bench, chance: random.Random, phones: list[Phone]) -> None:
    phone = chance.choice(phones)
    match chance.randrange(8):
        case 0:
            phone.hang_up()
        case 1 | 2 | 3:
            phone.press(chance.choice("1234*#"))
        case 4:
            phone.speak(tone_wav(chance.random() * 3))
        case 5:
            bench.network.create_call(AGENT, LINE, url=BASE + "/agent")
        case 6:
            bench.network.update_call(phone.sid, url=BASE + chance.choice(list(MENU.values())))
        case 7:
            bench.network.create_participant("stanza", LINE, AGENT)


def live_through(seed: int) -> Bench:
    bench, chance = open_house(seed), random.Random(seed)
    phones: list[Phone] = []
    for n in range(12):
        answers = chance.choice([0.5, 3.0, None])
        bench.network.phones.put(AGENT, Behaviour(answers, presses=("1",), hangs_up_after=chance.random() * 9))
        phones.append(bench.ring(f"+3906123456{n:02}"))
        for _ in range(6):
            bench.run(chance.random() * 3)
            try:
                stir(bench, chance, phones)
            except CarrierRefused as refused:
                if refused.code != 21220:
                    raise
    for phone in phones:
        phone.hang_up()
    bench.run(60)
    return bench


@pytest.mark.parametrize("seed", range(40))
def test_everything_ends(seed: int) -> None:
    bench = live_through(seed)
    network = bench.network
    assert {call.status for call in network.calls()} <= {"completed", "no-answer", "canceled", "busy", "failed"}
    inbound = [call.sid for call in network.calls() if call.direction == "inbound"]
    assert sorted(form["CallSid"] for form in bench.app.to("/status")) == sorted(inbound)
    assert all(queue.current_size == 0 for queue in network.queues())
    assert all(room.status == "completed" for room in network.conferences())
    assert all(one.status in ("completed", "absent") for one in network.recordings()) and not network.tapes
    assert not network.refusals


def test_chaos_replays_byte_for_byte() -> None:
    one, same = live_through(5), live_through(5)
    assert [(a.url, a.form, a.headers, a.at) for a in one.app.asked] == [
        (a.url, a.form, a.headers, a.at) for a in same.app.asked
    ]
