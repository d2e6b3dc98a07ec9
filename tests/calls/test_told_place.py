"""Somebody leaves the line for another way, thinks better of it, and is back at the place they had."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ivr.core.flow.turn import TakePlace
from ivr.core.ticket import TicketState
from ivr.core.words import Language, TicketId
from ivr.switchboard.record import places
from ivr.testing.on_duty import OnDuty
from ivr.testing.world import open_world

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Rome"))


def test_who_comes_back_to_the_line_is_not_told_a_worse_place() -> None:
    with open_world(MORNING, FLOWS, None, 1) as world:
        world.sign_in(OnDuty("anna", skills={"orders": 4}, address="+390212345601", answers_after=timedelta(minutes=5)))
        phone = world.telephones.dial("+390612345678", "+39800123456")
        world.telephones.wait(8)
        phone.press("0")
        world.telephones.wait(15)
        now = world.scheduler.now()
        with world.records.write() as tx:
            call = tx.calls.recent(1)[0]
            first = tx.tickets.of_call(call.id)
            assert first is not None
            assert tx.tickets.change(replace(first, told_position=2, told_at=now))
            places.leave(tx, first.ticket.id, "callback", now)
            arrived, queue = first.ticket.arrived_at, first.ticket.queue
            deed = TakePlace("back", queue, Language("it"), since=arrived)
            places.take(tx, call, first.ticket.customer, deed, now)
        with world.records.read() as tx:
            left, back = tx.tickets.get(first.ticket.id), tx.tickets.get(TicketId("back"))
        assert (left.ticket.state, back.ticket.state) == (TicketState.LEFT, TicketState.IN_LINE)
        assert back.ticket.arrived_at == arrived
        assert (back.told_position, back.told_at) == (2, now)
