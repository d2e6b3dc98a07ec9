"""A parked caller on the exchange: round after round, a key, and out of the queue; all of it in virtual time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr.core.agent import Wish, signed_in, wishes
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, QueueName
from ivr.exchange.handset import Handset
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.testing.world import World, open_world

ROOT = Path(__file__).resolve().parents[2]
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
LINE = "+39800123456"
WALTZ = 38.4


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The flow with queues; Anna, who could serve both, is signed in and has a break."""
    flows = tmp_path / "flows"
    shutil.copytree(ROOT / "call_flows", flows)
    anna, queues = AgentId("anna"), (QueueName("complaints"), QueueName("sales"))
    record = AgentRecord(anna, queues, Address(AddressKind.BROWSER, "anna"), {"complaints": 3, "orders": 3})
    with open_world(MORNING, flows, None, 1) as opened:
        with opened.records.write() as tx:
            tx.agents.put(record, MORNING)
            on_a_break = wishes(signed_in(anna, MORNING), Wish.BREAK, "lunch", MORNING)
            assert tx.agents.change(on_a_break, tx.agents.get(anna).version)
        yield opened


def parked(world: World, key: str) -> Handset:
    """Somebody who rings and chooses, and is in line then."""
    phone = world.telephones.dial("+390612345678", LINE)
    asked(world, phone)
    phone.press(key)
    return phone


def asked(world: World, phone: Handset, after: int = 0) -> None:
    for _ in range(60):
        if any(moment.kind == "question" for moment in phone.perceived(after)):
            return
        world.telephones.wait(1)
    raise AssertionError("no question came")


def heard(phone: Handset, after: int = 0) -> list[str]:
    return [moment.text for moment in phone.perceived(after) if moment.kind in ("said", "played") and not moment.cut]


def last(phone: Handset) -> int:
    return phone.perceived()[-1].n


def only_ticket(world: World) -> TicketOnRecord:
    with world.records.read() as tx:
        found = tx.tickets.of_call(tx.calls.recent(1)[0].id)
    assert found is not None
    return found


def in_the_carrier_s_queue(world: World) -> int:
    return sum(queue.current_size for queue in world.network.queues())


def test_two_rounds_are_heard_and_the_voicemail_key_leads_out(world: World) -> None:
    phone = parked(world, "2")
    world.telephones.wait(130)
    said = heard(phone)
    first = said.index("ufficio reclami: vi risponderà una persona, restate in linea.")
    waltz = "https://line.example/sounds/waltz.wav"
    assert said[first + 1 : first + 6] == [
        "Siete i prossimi.", "Per lasciare un messaggio, premi 2.", waltz, "Siete i prossimi.", waltz
    ]  # fmt: skip
    assert in_the_carrier_s_queue(world) == 1

    before = last(phone)
    phone.press("2")
    world.telephones.wait(20)
    assert any(moment.kind == "tone" for moment in phone.perceived(before))
    assert in_the_carrier_s_queue(world) == 0
    left = only_ticket(world)
    assert (left.ticket.state, left.wish, left.because) == (TicketState.LEFT, "voicemail", "voicemail")
    assert left.told_position == 1


def test_information_and_the_language_leave_the_caller_in_line(world: World) -> None:
    phone = parked(world, "0")
    world.telephones.wait(10)
    before = last(phone)
    phone.press("3")
    world.telephones.wait(30)
    assert any("fiera di primavera" in text for text in heard(phone, before))
    before = last(phone)
    phone.press("4")
    world.telephones.wait(30)
    assert heard(phone, before)[0] == "order desk: a person will answer you, please hold the line."
    assert in_the_carrier_s_queue(world) == 1
    assert only_ticket(world).ticket.state is TicketState.IN_LINE


def test_a_round_takes_the_waltz_and_some_words_and_the_wait_overflows_in_time(world: World) -> None:
    phone = parked(world, "0")
    world.telephones.wait(660)
    tunes = [moment.at for moment in phone.perceived() if moment.kind == "played"]
    gaps = [(later - one).total_seconds() for one, later in pairwise(tunes)]
    assert 8 < len(tunes) < 16
    assert all(WALTZ < gap < WALTZ + 20 for gap in gaps)
    assert only_ticket(world).wish == "overflow_3"
    assert in_the_carrier_s_queue(world) == 0
