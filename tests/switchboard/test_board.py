"""What the board reads out of the records: who was in line when, for whom, and how an agent's log is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ivr.core.callbacks import Callback
from ivr.core.events import QueueJoined, QueueLeft
from ivr.core.order_proof import Absence
from ivr.core.routing.decide import Rules
from ivr.core.ticket import Ticket, TicketKind, TicketState
from ivr.core.words import AgentId, CallbackId, CallId, CustomerId, Language, PhoneNumber, QueueName, TicketId
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.calls import StoredEvent
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.queue import board
from ivr.switchboard.queue.board import AskBoard, absences
from ivr.switchboard.record import agents
from ivr.switchboard.record.agents import Wish
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.store.test_agents import ANNA

SALES, T = QueueName("sales"), TicketId("t")
SECOND = timedelta(seconds=1)


def place(arrived: float = 0, **more: object) -> TicketOnRecord:
    waits = Ticket(T, TicketKind.WAITING, SALES, START + arrived * SECOND, 1, MARIA.id, CALL.id)
    return TicketOnRecord(replace(waits, **more))  # type: ignore[arg-type]


def joined(at: float, again: bool = False) -> StoredEvent:
    return stored(at, QueueJoined(T, SALES, again))


def left(at: float, how: str = "hung_up") -> StoredEvent:
    return stored(at, QueueLeft(T, SALES, how, 0))


def stored(at: float, event: QueueJoined | QueueLeft) -> StoredEvent:
    happened = START + at * SECOND
    return StoredEvent(CallId("c"), 1, event.kind, 1, happened, happened, None, event.data())


def away(since: float, until: float | None, because: str = "the line had dropped") -> Absence:
    return Absence(START + since * SECOND, None if until is None else START + until * SECOND, because)


ELSEWHERE = "it was elsewhere in the flow: the arrival is that of its earlier place"


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], []),
        ([joined(0)], []),
        ([joined(0), left(30)], [away(30, None)]),
        ([joined(0), left(30), joined(90, again=True)], [away(30, 90)]),
        ([joined(0), left(30), joined(90, again=True), left(95)], [away(30, 90), away(95, None)]),
        ([joined(40, again=True)], [away(0, 40, ELSEWHERE)]),
        ([joined(0), left(30, "callback")], []),
        ([left(30)], [away(30, None)]),
    ],
)
def test_when_a_ticket_was_not_in_line(moves: list[StoredEvent], expected: list[Absence]) -> None:
    assert list(absences(place(), moves)) == expected


@pytest.fixture
def callback() -> Callback:
    return Callback(
        id=CallbackId("b"),
        customer=MARIA.id,
        call=CALL.id,
        line="verde",
        queue=SALES,
        number=PhoneNumber("+390612345678"),
        country="IT",
        zones=("Europe/Rome",),
        language=Language("it"),
        arrived_at=START,
        asked_at=START + 60 * SECOND,
        next_at=START + 60 * SECOND,
        ticket=T,
    )


def test_a_callback_is_in_line_from_when_it_was_asked_for(callback: Callback) -> None:
    expected = away(0, 60, "the callback was not asked for yet")
    assert absences(place(), [], callback) == (expected,)
    assert absences(place(), [joined(90, again=True), left(120)], callback) == (expected,)
    assert absences(place(60), [], callback) == ()


@pytest.fixture
def on_record(records: SqlRecords) -> SqlRecords:
    with records.write() as tx:
        tx.customers.add(MARIA)
        assert tx.calls.start(CALL)
    return records


@pytest.fixture
def ask(on_record: SqlRecords, clock: SetClock) -> AskBoard:
    return AskBoard(on_record, clock, Rules(), {SALES: 20 * SECOND})


def test_whoever_is_to_be_called_back_is_found_by_the_number_they_gave(
    on_record: SqlRecords, ask: AskBoard, callback: Callback
) -> None:
    elsewhere = replace(callback, number=PhoneNumber("+390698765432"))
    with on_record.write() as tx:
        assert tx.tickets.take(place(kind=TicketKind.CALLBACK))
        tx.callbacks.ask(elsewhere)
    assert ask.find(elsewhere.number) == T
    assert ask.find(PhoneNumber("+390612345678")) == T, "by the number they rang from too"
    (seen,) = ask.now().queues
    assert (seen.waiting, seen.callbacks, seen.resting) == (0, 1, 0)
    (row,) = ask.order(START, START + 90 * SECOND)
    assert (row.kind, row.served_at) == (TicketKind.CALLBACK, None)


def test_who_is_leaving_is_told_so(on_record: SqlRecords, ask: AskBoard) -> None:
    with on_record.write() as tx:
        assert tx.tickets.take(replace(place(), wish="voicemail"))
    found = ask.why(T)
    assert (found.state, found.leaves_by) == (TicketState.IN_LINE, "voicemail")


def test_a_queue_that_the_company_has_no_more_is_shown_while_somebody_stands_in_it(
    on_record: SqlRecords, ask: AskBoard, clock: SetClock
) -> None:
    with on_record.write() as tx:
        assert tx.tickets.take(place(queue=QueueName("gone")))
    assert [(queue.queue, queue.waiting) for queue in ask.now().queues] == [("sales", 0), ("gone", 1)]
    clock.passes(minutes=1)
    day = ask.day(START, clock.now())
    assert (day.queues[QueueName("gone")].offered, day.queues[QueueName("gone")].target) == (1, board.TARGET)


@pytest.fixture
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "LOG_AT_ONCE", 2)


@pytest.mark.usefixtures("_short_looks")
def test_an_agents_time_is_read_whole_however_long_the_log(
    on_record: SqlRecords, ask: AskBoard, clock: SetClock
) -> None:
    with on_record.write() as tx:
        agents.load(tx, [ANNA], START)
        agents.wish(tx, ANNA.name, Wish.AVAILABLE, None, START)
        for minute in range(1, 21):
            wish = Wish.BREAK if minute % 2 else Wish.AVAILABLE
            agents.wish(tx, ANNA.name, wish, "tea", START + minute * 60 * SECOND)
    clock.passes(minutes=30)

    def anna(since: datetime) -> tuple[float, float]:
        spent = ask.day(since, clock.now()).agents[AgentId("anna")]
        return spent.idle / (60 * SECOND), spent.pausing / (60 * SECOND)

    assert anna(START) == (20, 10)
    assert anna(START + 10 * 60 * SECOND) == (15, 5)
    assert anna(START + 25 * 60 * SECOND) == (5, 0), "the wish of before goes on"


def test_a_customer_who_waits_twice_is_asked_about_the_first(on_record: SqlRecords, ask: AskBoard) -> None:
    later = replace(
        place(30), ticket=replace(place(30).ticket, id=TicketId("u"), call=None, customer=CustomerId(MARIA.id))
    )
    with on_record.write() as tx:
        assert tx.tickets.take(later)
        assert tx.tickets.take(place())
    assert ask.find(PhoneNumber("+390612345678")) == T
