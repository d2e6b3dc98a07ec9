"""A process that starts again while callers wait: it knows no flow version yet, and speaks all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivr import wiring
from ivr.core.ticket import TicketState
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.testing.floors import redis_for_a_world
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import LateApp, World, open_world
from ivr.twilio.rest import WsgiHttpClient
from ivr.worker.inline import InlineLater

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))
ANNA = OnDuty("anna", skills={"orders": 4}, address="+390212345601", signs_in_at=timedelta(minutes=5))


@pytest.fixture
def world() -> Iterator[World]:
    """Somebody waits for Anna, who signs in on a break of five minutes."""
    with open_world(MORNING, FLOWS, None, 1) as opened:
        opened.sign_in(ANNA)
        opened.sign_in(OnDuty("bruno", skills={"orders": 1}, address="+390212345602", busy=True))
        phone = opened.telephones.dial("+390612345678", "+39800123456")
        opened.telephones.wait(8)
        phone.press("0")
        opened.telephones.wait(15)
        yield opened


def only_ticket(world: World) -> TicketOnRecord:
    with world.records.read() as tx:
        found = tx.tickets.of_call(tx.calls.recent(1)[0].id)
    assert found is not None
    return found


@pytest.fixture
def started_again(world: World) -> Iterator[wiring.Office]:
    """A new process over the same records, with a floor of its own that is empty."""
    later = InlineLater(lambda _seconds, _callback: None)
    with redis_for_a_world() as floor:
        office = world.office
        nobody = WsgiHttpClient(LateApp())  # the carrier is not asked here
        yield wiring.open_office(
            office.settings, later, world.scheduler, office.ids, nobody, redis=floor, kept=world.records
        )


def test_who_waits_through_a_restart_hears_the_wait_go_on(world: World, started_again: wiring.Office) -> None:
    place = only_ticket(world)
    assert place.ticket.state in (TicketState.IN_LINE, TicketState.CLAIMED)

    answer = started_again.doors.waiting.round(place.ticket.id, 2)

    assert not answer.leaves
    assert answer.utterances, "the wait's own words and music, not the static round"


def test_who_hangs_up_after_a_restart_keeps_the_place(world: World, started_again: wiring.Office) -> None:
    with world.records.read() as tx:
        call = tx.calls.recent(1)[0]

    started_again.doors.call_status(call.key, "completed", 20, "after-the-restart", {})

    assert only_ticket(world).ticket.state is TicketState.AWAY
