"""Agents with only a telephone, on the exchange: who they are, then what they wish; in virtual time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ivr.core.agent import SystemState, Wish
from ivr.core.promises import PromiseState
from ivr.core.words import AgentId
from ivr.exchange.handset import Handset
from ivr.switchboard.record import agents
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "callback_flow"
MORNING = datetime.fromisoformat("2026-11-24T10:00:00+01:00")
LINE, STAFF = "+39800123456", "+390212345699"
ANNA, MARIA = "+390298765001", "+393331234567"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Anna answers for sales at a telephone, has a PIN and is not at work."""
    flows = tmp_path / "flows"
    shutil.copytree(FLOWS, flows)
    company = flows / "company.yaml"
    text = company.read_text()
    company.write_text(
        text.replace("    flow: callbacks\n", f"    flow: callbacks\n    staff: {STAFF}\n").replace(
            "    callback_capacity: 6\n", "    callback_capacity: 6\n    wrap_up: 3 min\n"
        )
    )
    with open_world(MORNING, flows, None, 1) as opened:
        opened.sign_in(OnDuty("anna", ("sales",), {"orders": 3}, ANNA, talks=timedelta(seconds=20)))
        opened.wish("anna", Wish.OFF, "not yet")
        with opened.records.write() as tx:
            agents.set_pin(tx, AgentId("anna"), "4711", b"salt")
        yield opened


def says(world: World, phone: Handset, keys: str = "") -> str:
    """What is heard after these keys, until it is our turn again."""
    after = phone.perceived()[-1].n if phone.perceived() else 0
    if keys:
        phone.press(keys)
    for _ in range(60):
        heard = phone.perceived(after)
        if any(moment.kind in ("question", "ended") for moment in heard) or phone.over:
            break
        world.telephones.wait(1)
    return " ".join(moment.text for moment in phone.perceived(after) if moment.kind == "said")


def wish(world: World) -> tuple[Wish, str]:
    with world.records.read() as tx:
        status = tx.agents.get(AgentId("anna")).status
    return status.wish, status.wish_because


def signed_in(world: World, to: str = STAFF) -> Handset:
    phone = world.telephones.dial(ANNA, to)
    assert "Digitate il vostro PIN" in says(world, phone)
    assert "anna, fuori servizio" in says(world, phone, "4711#")
    return phone


def test_an_agent_signs_in_has_a_break_and_finishes_by_telephone(world: World) -> None:
    phone = signed_in(world)
    assert "anna, disponibile" in says(world, phone, "1")
    assert wish(world) == (Wish.AVAILABLE, "by telephone")
    assert "Per il pranzo premete 1" in says(world, phone, "2")
    assert "anna, in pausa" in says(world, phone, "1")
    assert wish(world) == (Wish.BREAK, "lunch")
    assert "anna, fuori servizio" in says(world, phone, "3")
    assert wish(world)[0] is Wish.OFF


def test_who_signs_in_by_telephone_is_rung_for_the_caller_who_waits(world: World) -> None:
    caller = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    caller.press("0")
    world.telephones.wait(20)
    phone = signed_in(world)
    says(world, phone, "1")
    phone.hang_up()
    world.telephones.wait(12)
    with world.records.read() as tx:
        assert tx.agents.get(AgentId("anna")).status.state is SystemState.TALKING


def test_the_line_itself_rung_from_an_agent_s_telephone_asks_for_the_pin_and_nobody_else_s(world: World) -> None:
    signed_in(world, LINE)
    assert "PIN" not in says(world, world.telephones.dial(MARIA, LINE))
    with world.records.write() as tx:
        agents.set_pin(tx, AgentId("anna"), None, b"")
    assert "PIN" not in says(world, world.telephones.dial(ANNA, LINE))


def test_from_another_telephone_they_say_where_they_are_rung(world: World) -> None:
    phone = world.telephones.dial(MARIA, STAFF)
    assert "Digitate il numero a cui vi chiamiamo" in says(world, phone)
    assert "PIN" in says(world, phone, "0298765001#")
    assert "anna, fuori servizio" in says(world, phone, "4711#")


def test_a_wrong_pin_is_refused_and_nobody_can_try_for_ever(world: World) -> None:
    for first in (True, False):
        phone = world.telephones.dial(ANNA, STAFF)
        says(world, phone)
        assert "Non corrisponde" in says(world, phone, "0000#")
        assert "Non corrisponde" in says(world, phone, "0001#")
        assert "Troppi tentativi" in says(world, phone, "0002#"), first
        world.telephones.wait(5)
        assert phone.over
    phone = world.telephones.dial(ANNA, STAFF)
    says(world, phone)
    assert "Troppi tentativi" in says(world, phone, "4711#")
    assert wish(world)[0] is Wish.OFF
    world.telephones.wait(3700)
    signed_in(world)


def test_a_number_nobody_is_rung_at_is_refused_like_a_wrong_pin(world: World) -> None:
    phone = world.telephones.dial(MARIA, STAFF)
    says(world, phone)
    assert "PIN" in says(world, phone, "0298765099#")
    assert "Non corrisponde" in says(world, phone, "4711#")


def test_silence_closes_the_line_and_changes_nothing(world: World) -> None:
    phone = signed_in(world)
    world.telephones.wait(90)
    assert phone.over
    assert wish(world)[0] is Wish.OFF


def test_the_outcome_of_the_last_talk_ends_the_wrap_up_and_a_follow_up_is_a_promise_that_is_read_out(
    world: World,
) -> None:
    phone = signed_in(world)
    assert "Non c'è un colloquio" in says(world, phone, "4")
    assert "Nessuna promessa" in says(world, phone, "5")
    says(world, phone, "1")
    phone.hang_up()
    caller = world.telephones.dial(MARIA, LINE)
    world.telephones.wait(5)
    caller.press("0")
    world.telephones.wait(45)
    with world.records.read() as tx:
        assert tx.agents.get(AgentId("anna")).status.state is SystemState.WRAP_UP
    phone = world.telephones.dial(ANNA, STAFF)
    says(world, phone)
    says(world, phone, "4711#")
    assert "se va ricontattato 3" in says(world, phone, "4")
    assert "da ricontattare domani" in says(world, phone, "3")
    assert "Ricontattare cliente senza nome" in says(world, phone, "5")
    with world.records.read() as tx:
        (promise,) = tx.promises.open("anna")
        status = tx.agents.get(AgentId("anna")).status
        call = promise.call
        assert call is not None
        assert "talk.outcome" in tx.log.kinds_of(call)
    assert (promise.what, promise.state) == ("follow_up", PromiseState.OPEN)
    assert (status.state, status.state_because) == (SystemState.IDLE, "gave the outcome")
