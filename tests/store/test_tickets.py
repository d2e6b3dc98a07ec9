"""Tickets on both databases: one live a call, one order for all, and who stands ahead of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ivr.core.call import CallRecord, CarrierKey
from ivr.core.customer import Customer, CustomerKind
from ivr.core.errors import NoSuchTicket
from ivr.core.ticket import ENDS, Relaxation, Ticket, TicketKind, TicketState
from ivr.core.words import AgentId, CallId, CustomerId, Language, QueueName, TicketId
from ivr.store.session import SqlRecords
from ivr.store.tables import LIVE_TICKETS
from ivr.switchboard.ports.queue import TicketOnRecord
from tests.databases import START
from tests.store.test_calls import at_once

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SALES = QueueName("sales")


@pytest.fixture
def place(call: CallRecord) -> TicketOnRecord:
    """Somebody who waits, with everything that a ticket can say."""
    return TicketOnRecord(
        Ticket(
            id=TicketId("t"),
            kind=TicketKind.WAITING,
            queue=SALES,
            arrived_at=START,
            order=7,
            customer=call.customer,
            call=call.id,
            language=Language("it"),
            needs={"orders": 2, "città": 5},
            preferred={"italian": 3},
            relaxations=(Relaxation(30 * SECOND, ("città",)), Relaxation(1.5 * MINUTE, ("orders", "italian"))),
            boost=timedelta(minutes=2, microseconds=1),
            last_agent=AgentId("anna"),
            last_agent_until=START + 20 * SECOND,
            refused_by=frozenset({AgentId("bruno"), AgentId("carla")}),
            state=TicketState.TALKING,
            not_before=START + SECOND,
        ),
        version=3,
        attempt=2,
        fence=2**40,
        wish="callback",
        agent=AgentId("anna"),
        node="sales_queue",
        taken_at=START + MINUTE,
        away_at=START + 2 * MINUTE,
        ended_at=None,
        because="asked to",
        told_position=4,
        told_low=2 * MINUTE,
        told_high=timedelta(minutes=5, microseconds=1),
        told_at=START + 3 * SECOND,
    )


def waits(customer: CustomerId, name: str, arrived_at: datetime = START, order: int = 0) -> TicketOnRecord:
    """Somebody without a call of ours, whom no constraint holds."""
    ticket = Ticket(
        id=TicketId(name),
        kind=TicketKind.CALLBACK,
        queue=SALES,
        arrived_at=arrived_at,
        order=order,
        customer=customer,
        call=None,
    )
    return TicketOnRecord(ticket)


def moved(place: TicketOnRecord, state: TicketState, at: datetime | None = None) -> TicketOnRecord:
    return replace(place, ticket=replace(place.ticket, state=state), ended_at=at if state in ENDS else None)


def names(places: list[TicketOnRecord]) -> list[str]:
    return [str(place.ticket.id) for place in places]


def test_a_ticket_comes_back_whole(records: SqlRecords, place: TicketOnRecord) -> None:
    bare = waits(place.ticket.customer, "bare", order=8)
    with records.write() as tx:
        assert tx.tickets.take(place)
        assert tx.tickets.take(bare)
    with records.read() as tx:
        assert tx.tickets.get(place.ticket.id) == place
        assert tx.tickets.get(bare.ticket.id) == bare
        assert tx.tickets.of_call(CallId("0193-call")) == place
        assert tx.tickets.of_call(CallId("another")) is None
        with pytest.raises(NoSuchTicket):
            tx.tickets.get(TicketId("nothing"))


def test_a_changed_ticket_comes_back_as_it_was_written(records: SqlRecords, place: TicketOnRecord) -> None:
    first = waits(place.ticket.customer, "t", arrived_at=place.ticket.arrived_at, order=7)
    with records.write() as tx:
        assert tx.tickets.take(first)
        assert tx.tickets.change(replace(place, version=0))
        assert tx.tickets.get(place.ticket.id) == replace(place, version=1)
        assert not tx.tickets.change(waits(place.ticket.customer, "nothing"))


def test_the_database_knows_the_same_live_states_as_the_core() -> None:
    live = ", ".join(f"'{state}'" for state in TicketState if state not in ENDS)
    assert f"state IN ({live})" == LIVE_TICKETS


@pytest.mark.parametrize("state", list(TicketState))
def test_a_call_gets_another_ticket_once_its_last_one_has_ended(
    records: SqlRecords, place: TicketOnRecord, state: TicketState
) -> None:
    first = moved(place, state, START + HOUR)
    second = replace(first, ticket=replace(place.ticket, id=TicketId("s"), state=TicketState.IN_LINE), ended_at=None)
    with records.write() as tx:
        assert tx.tickets.take(first)
        assert tx.tickets.take(second) is (state in ENDS)
        newest = tx.tickets.of_call(place.ticket.call or CallId(""))
        assert newest == (second if state in ENDS else first)
        # What was refused has left the transaction usable.
        assert tx.tickets.take(waits(place.ticket.customer, "after"))


def test_of_a_calls_tickets_the_newest_is_the_last_to_end(records: SqlRecords, place: TicketOnRecord) -> None:
    call = place.ticket.call or CallId("")
    with records.write() as tx:
        for name, minutes in (("z", 1), ("a", 3), ("m", 2)):
            ended = moved(place, TicketState.LEFT, START + minutes * MINUTE)
            assert tx.tickets.take(replace(ended, ticket=replace(ended.ticket, id=TicketId(name))))
        newest = tx.tickets.of_call(call)
        assert newest is not None and newest.ticket.id == "a"


def test_of_those_who_queue_one_call_at_once_one_does(records: SqlRecords, place: TicketOnRecord) -> None:
    def take(n: int) -> bool:
        with records.write() as tx:
            return tx.tickets.take(replace(place, ticket=replace(place.ticket, id=TicketId(f"t{n}"))))

    assert sorted(at_once(4, take)) == [False, False, False, True]


def test_no_two_get_the_same_order(records: SqlRecords) -> None:
    def draw(_: int) -> list[int]:
        drawn = []
        for _ in range(10):
            with records.write() as tx:
                drawn.append(tx.tickets.next_order())
        return drawn

    mine = at_once(4, draw)
    assert all(numbers == sorted(numbers) for numbers in mine)
    assert sorted(number for numbers in mine for number in numbers) == list(range(1, 41))


def test_orders_drawn_in_one_transaction_follow_one_another(records: SqlRecords) -> None:
    with records.write() as tx:
        assert [tx.tickets.next_order() for _ in range(3)] == [1, 2, 3]


def test_of_two_who_change_a_ticket_at_once_one_does(records: SqlRecords, place: TicketOnRecord) -> None:
    with records.write() as tx:
        tx.tickets.take(place)

    def tell(n: int) -> bool:
        with records.write() as tx:
            return tx.tickets.change(replace(place, told_position=n))

    told = at_once(4, tell)
    assert sorted(told) == [False, False, False, True]
    with records.read() as tx:
        assert tx.tickets.get(place.ticket.id) == replace(place, told_position=told.index(True), version=4)


def test_the_line_goes_by_arrival_less_boost_and_then_by_order(records: SqlRecords, maria: Customer) -> None:
    first = waits(maria.id, "first", START, order=1)
    tied = waits(maria.id, "tied", START, order=2)
    late = waits(maria.id, "late", START + MINUTE, order=3)
    boosted = waits(maria.id, "boosted", START + 2 * MINUTE, order=4)
    boosted = replace(boosted, ticket=replace(boosted.ticket, boost=HOUR))
    elsewhere = waits(maria.id, "elsewhere", START - HOUR, order=5)
    elsewhere = replace(elsewhere, ticket=replace(elsewhere.ticket, queue=QueueName("complaints")))
    line = [boosted, first, tied, late]
    with records.write() as tx:
        for place in (late, elsewhere, tied, first, boosted):
            assert tx.tickets.take(place)
        assert [tx.tickets.ahead(place.ticket, START) for place in line] == [0, 1, 2, 3]
        assert tx.tickets.ahead(elsewhere.ticket, START) == 0
        # One that is not on record yet has a place already.
        assert tx.tickets.ahead(waits(maria.id, "new", START, order=9).ticket, START) == 3
        assert names([*tx.tickets.live()]) == ["elsewhere", "first", "tied", "late", "boosted"]
        assert names([*tx.tickets.live(SALES)]) == ["first", "tied", "late", "boosted"]
        # A boost that changes moves the place.
        assert tx.tickets.change(replace(boosted, ticket=replace(boosted.ticket, boost=timedelta())))
        assert tx.tickets.ahead(late.ticket, START) == 2


@pytest.mark.parametrize("state", list(TicketState))
def test_ahead_counts_those_in_line_and_those_being_connected(
    records: SqlRecords, maria: Customer, state: TicketState
) -> None:
    mine = waits(maria.id, "mine", START + MINUTE, order=2)
    with records.write() as tx:
        tx.tickets.take(moved(waits(maria.id, "other", order=1), state, START + HOUR))
        tx.tickets.take(mine)
        assert tx.tickets.ahead(mine.ticket, START) == (state in {TicketState.IN_LINE, TicketState.CLAIMED})
        assert len(tx.tickets.live()) == 1 + (state not in ENDS)


def test_a_callback_before_its_time_stands_ahead_of_nobody(records: SqlRecords, maria: Customer) -> None:
    slot = waits(maria.id, "slot", order=1)
    slot = replace(slot, ticket=replace(slot.ticket, not_before=START + HOUR))
    mine = waits(maria.id, "mine", START + MINUTE, order=2)
    with records.write() as tx:
        tx.tickets.take(slot)
        tx.tickets.take(mine)
        assert tx.tickets.ahead(mine.ticket, START + HOUR - SECOND) == 0
        assert tx.tickets.ahead(mine.ticket, START + HOUR) == 1
        assert names([*tx.tickets.live()]) == ["slot", "mine"]


def test_who_went_away_is_found_by_who_they_are_and_by_when(records: SqlRecords, maria: Customer) -> None:
    other = CustomerId("0193-other")
    with records.write() as tx:
        tx.customers.add(Customer(other, CustomerKind.PROSPECT, created_at=START))
        for name, who, minutes in (("a", maria.id, 3), ("b", maria.id, 1), ("c", other, 2)):
            tx.tickets.take(replace(moved(waits(who, name), TicketState.AWAY), away_at=START + minutes * MINUTE))
        back = replace(moved(waits(maria.id, "back"), TicketState.IN_LINE), away_at=START + 4 * MINUTE)
        tx.tickets.take(back)

        def found(who: CustomerId, minutes: int) -> str | None:
            place = tx.tickets.away_of(who, START + minutes * MINUTE)
            return None if place is None else str(place.ticket.id)

        assert [found(maria.id, minutes) for minutes in (0, 3, 4)] == ["a", "a", None]
        assert [found(other, minutes) for minutes in (0, 2, 3)] == ["c", "c", None]
        assert names([*tx.tickets.away_before(START + 3 * MINUTE, 10)]) == ["b", "c"]
        assert names([*tx.tickets.away_before(START + HOUR, 10)]) == ["b", "c", "a"]
        assert names([*tx.tickets.away_before(START + HOUR, 2)]) == ["b", "c"]


def test_what_ended_is_found_by_the_time_of_its_end(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        for name, minutes in (("late", 3), ("early", 1), ("middle", 2)):
            tx.tickets.take(moved(waits(maria.id, name), TicketState.SERVED, START + minutes * MINUTE))
        tx.tickets.take(waits(maria.id, "live"))
        assert names([*tx.tickets.ended_between(START, START + HOUR)]) == ["early", "middle", "late"]
        assert names([*tx.tickets.ended_between(START + MINUTE, START + 3 * MINUTE)]) == ["early", "middle"]


def test_the_last_agent_is_who_served_last(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        assert tx.tickets.last_agent_of(maria.id) is None
        for name, agent, state, minutes in (
            ("a", "bruno", TicketState.SERVED, 2),
            ("b", "anna", TicketState.SERVED, 1),
            ("c", "carla", TicketState.ABANDONED, 3),
            ("d", "dario", TicketState.TALKING, 4),
        ):
            ended = moved(waits(maria.id, name), state, START + minutes * MINUTE)
            tx.tickets.take(replace(ended, agent=AgentId(agent)))
        assert tx.tickets.last_agent_of(maria.id) == "bruno"
        assert tx.tickets.last_agent_of(CustomerId("somebody")) is None


def test_who_proves_it_takes_the_ticket_along_and_nobody_puts_it_back(
    records: SqlRecords, place: TicketOnRecord
) -> None:
    someone = CustomerId("0193-other")
    with records.write() as tx:
        tx.customers.add(Customer(someone, CustomerKind.CUSTOMER, created_at=START))
        tx.tickets.take(place)
        tx.customers.merge_call(place.ticket.customer, someone, place.ticket.call or CallId(""))
        assert not tx.tickets.change(place)
        assert tx.tickets.get(place.ticket.id).ticket.customer == someone


def test_a_callbacks_place_goes_over_to_the_call_of_one_who_rings_again(
    records: SqlRecords, call: CallRecord, place: TicketOnRecord
) -> None:
    again = replace(call, id=CallId("again"), key=CarrierKey("exchange", "AC1", "CA2"))
    callback = waits(call.customer, "t", order=7)
    with records.write() as tx:
        tx.calls.start(again)
        tx.tickets.take(callback)
        on_the_line = replace(callback.ticket, kind=TicketKind.WAITING, call=again.id)
        assert tx.tickets.change(replace(callback, ticket=on_the_line))
        found = tx.tickets.of_call(again.id)
        assert found is not None and found.ticket == on_the_line


def test_who_stood_at_some_moment_of_a_time(records: SqlRecords, maria: Customer) -> None:
    def ended(name: str, arrived: timedelta, over: timedelta) -> TicketOnRecord:
        return moved(waits(maria.id, name, START + arrived), TicketState.SERVED, START + over)

    before, across, inside = (
        ended("before", -HOUR, -SECOND),
        ended("across", -HOUR, MINUTE),
        ended("inside", SECOND, MINUTE),
    )
    still, later = waits(maria.id, "still", START - 2 * HOUR), waits(maria.id, "later", START + HOUR)
    with records.write() as tx:
        for each in (inside, before, still, later, across):
            assert tx.tickets.take(each)
    with records.read() as tx:
        assert names(list(tx.tickets.standing(START, START + HOUR))) == ["still", "across", "inside"]
        assert names(list(tx.tickets.standing(START - 3 * HOUR, START - HOUR))) == ["still"]


def test_the_lengths_of_all_lines_count_who_stands_in_them(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        assert tx.tickets.lengths() == {}
        for n, state in enumerate(TicketState):
            tx.tickets.take(moved(waits(maria.id, state, order=n), state, START + HOUR))
        elsewhere = waits(maria.id, "elsewhere", order=99)
        tx.tickets.take(replace(elsewhere, ticket=replace(elsewhere.ticket, queue=QueueName("complaints"))))
        assert tx.tickets.lengths() == {SALES: 2, QueueName("complaints"): 1}


def test_answered_are_those_who_talk_and_those_whose_talk_ended_of_late(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        for name, state, minutes, taken in (
            ("long ago", TicketState.SERVED, 1, True),
            ("of late", TicketState.SERVED, 3, True),
            ("gave up", TicketState.ABANDONED, 3, False),
            ("talks", TicketState.TALKING, 0, True),
            ("waits", TicketState.IN_LINE, 0, False),
        ):
            place = moved(waits(maria.id, name), state, START + minutes * MINUTE)
            load = float(len(name)) if taken else None
            tx.tickets.take(replace(place, taken_at=START + SECOND if taken else None, load=load))
        found = sorted(tx.tickets.answered_since(START + 2 * MINUTE), key=lambda one: str(one.load))
        assert [(one.load, one.ended_at) for one in found] == [(5.0, None), (7.0, START + 3 * MINUTE)]
        assert {(one.kind, one.queue, one.arrived_at, one.taken_at) for one in found} == {
            (TicketKind.CALLBACK, SALES, START, START + SECOND)
        }
