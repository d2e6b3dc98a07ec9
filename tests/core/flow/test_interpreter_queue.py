"""Waiting for a person, as a caller's turns go through it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ivr.core.flow import model
from ivr.core.flow.turn import EndTalk, GotPlace, GotRecord, LeavePlace, LeftQueue, LeftRoom, Park, TakePlace
from ivr.core.ticket import TicketState
from ivr.core.words import QueueName
from tests.core.flow.builders import TUESDAY, Caller, World, collect, end, version

SALES, COMPLAINTS = QueueName("sales"), QueueName("complaints")
DESK = model.QueueNode(
    name="desk",
    queue=SALES,
    overflow=(model.Overflow("end", when="closing", name="overflow_1"),),
    when_done="end",
    failed="end",
)


def complaints(to: str) -> model.QueueNode:
    way = model.Overflow(to, after=timedelta(minutes=8), name="overflow_1")
    return model.QueueNode(name="complaints", queue=COMPLAINTS, overflow=(way,), when_done=to, failed="end")


def in_line(**changes: object) -> Caller:
    """A caller in line for complaints; on record nothing of a turn is there before it ends."""
    caller = Caller(version(complaints("desk"), DESK, end("end")))
    assert isinstance(caller.said, Park)
    standing = GotPlace("t2", "t1", state=TicketState.IN_LINE, since=TUESDAY)
    caller.world.place = replace(standing, **changes)  # type: ignore[arg-type]
    return caller


def test_who_waited_too_long_at_one_desk_lines_up_at_the_next_with_the_time_they_waited() -> None:
    caller = in_line(wish="overflow_1").takes(LeftQueue("leave"))
    left, taken = caller.last.deeds
    assert left == LeavePlace("t1", "overflow_1")
    assert isinstance(taken, TakePlace)
    assert (taken.ticket, taken.queue, taken.since) == ("t2", SALES, TUESDAY)
    assert caller.cursor.frames[-1].node == "desk"
    assert caller.said == Park(SALES, caller.cursor.language, "t2")


def test_after_a_talk_the_next_desk_gives_a_place_of_its_own() -> None:
    caller = in_line(state=TicketState.TALKING, room="t1-1")
    caller.takes(LeftQueue("moved")).takes(LeftRoom())
    ended, taken = caller.last.deeds
    assert isinstance(ended, EndTalk) and isinstance(taken, TakePlace)
    assert (taken.ticket, taken.queue, taken.since) == ("t2", SALES, None)
    assert isinstance(caller.said, Park)


def test_a_code_that_is_on_record_goes_with_its_caller_into_the_line() -> None:
    look = model.Lookup(name="look", record="callback", by="entry", found="desk", not_found="desk", failed="desk")
    world = World(records={("callback", "417006"): GotRecord({"code": "417006"}, {"code": "digits"})})
    for keyed, code in (("417006", "417006"), ("417007", None)):
        caller = Caller(version(collect("number", then="look"), look, DESK, end("end")), world).presses(keyed)
        (taken,) = caller.did(TakePlace)
        assert taken.code == code
