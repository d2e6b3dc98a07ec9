"""A text message on its way: sent once, tried again when it was not taken, never blindly repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from ivr.core.call import CallRecord, Sure
from ivr.core.customer import Customer, CustomerKind
from ivr.core.errors import AnswerLost, CarrierUnavailable, NoSuchText, RefusedByCarrier
from ivr.core.flow.turn import FollowUp, KeepAnswer, Recognise, SendText
from ivr.core.text_message import GIVEN_UP_AFTER, LEASE, PAUSES, SendState, TextMessage
from ivr.core.words import CustomerId, PhoneNumber, TextId
from ivr.store.session import SqlRecords
from ivr.switchboard.calls.deeds import plan
from ivr.switchboard.messages import send_text
from tests.databases import START, SetClock
from tests.store.conftest import CALL, MARIA
from tests.store.test_calls import at_once
from tests.store.test_surveys_texts import TEXT
from tests.switchboard.conftest import CountedIds
from tests.switchboard.test_voicemail import Hints


@dataclass
class Carrier:
    """Takes texts, unless it is told to raise."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: Exception | None = None
    meanwhile: Callable[[], object] = lambda: None

    def text(self, to: PhoneNumber, sender: str, body: str, status_url: str) -> str:
        self.meanwhile()
        if self.trouble:
            raise self.trouble
        self.sent.append((str(to), sender, body))
        return f"SM{len(self.sent)}"


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def send(records: SqlRecords, clock: SetClock, carrier: Carrier, ids: CountedIds) -> send_text.SendText:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
        tx.texts.promise(TEXT)
    return send_text.SendText(records, carrier, None, "https://line.example", ids, Hints(), clock)  # type: ignore[arg-type]


def on_record(records: SqlRecords) -> TextMessage:
    with records.read() as tx:
        return tx.texts.get(TEXT.id)


def told(records: SqlRecords) -> list[tuple[str, object]]:
    with records.read() as tx:
        return [(event.kind, event.data["state"]) for event in tx.log.of_call(CALL.id)]


def test_it_is_sent_once_however_often_the_job_comes(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier
) -> None:
    assert [send(TEXT.id) for _ in range(3)] == [None, None, None]
    assert carrier.sent == [("+393401234567", "OffVerdi", TEXT.body)]
    assert on_record(records).state is SendState.SENT
    assert on_record(records).carrier_id == "SM1"
    assert told(records) == [("text.ended", "sent")]


def test_of_workers_at_once_one_sends(records: SqlRecords, send: send_text.SendText, carrier: Carrier) -> None:
    at_once(4, lambda _: send(TEXT.id))
    assert len(carrier.sent) == 1
    assert told(records) == [("text.ended", "sent")]


def test_it_is_marked_before_it_is_handed_over(records: SqlRecords, send: send_text.SendText, carrier: Carrier) -> None:
    seen: list[SendState] = []
    carrier.meanwhile = lambda: seen.append(on_record(records).state)
    send(TEXT.id)
    assert seen == [SendState.SENDING]


def test_a_carrier_that_refuses_ends_it(records: SqlRecords, send: send_text.SendText, carrier: Carrier) -> None:
    carrier.trouble = RefusedByCarrier("the carrier answered 400, code 21635")
    assert send(TEXT.id) is None
    carrier.trouble = None
    assert send(TEXT.id) is None
    assert carrier.sent == []
    assert (on_record(records).state, on_record(records).because) == (
        SendState.FAILED,
        "the carrier answered 400, code 21635",
    )
    assert told(records) == [("text.ended", "failed")]


def test_a_carrier_that_is_away_is_asked_again_later_and_not_before(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier, clock: SetClock
) -> None:
    carrier.trouble = CarrierUnavailable("the carrier answered 503")
    assert send(TEXT.id) == START + PAUSES[0]
    carrier.trouble = None
    assert send(TEXT.id) is None
    assert carrier.sent == []
    clock.passes(seconds=PAUSES[0].total_seconds())
    assert send(TEXT.id) is None
    assert len(carrier.sent) == 1
    assert on_record(records).attempts == 2
    assert told(records) == [("text.ended", "sent")]


def test_a_carrier_that_stays_away_is_given_up(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier, clock: SetClock
) -> None:
    carrier.trouble = CarrierUnavailable("the carrier answered 503")
    while (again := send(TEXT.id)) is not None:
        clock.time = again
    assert on_record(records).state is SendState.FAILED
    assert clock.now() - START <= GIVEN_UP_AFTER
    assert told(records) == [("text.ended", "failed")]


def test_a_lost_answer_is_never_asked_for_by_sending_again(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier, clock: SetClock
) -> None:
    carrier.trouble = AnswerLost("the carrier's answer did not come: ReadTimeout")
    assert send(TEXT.id) is None
    carrier.trouble = None
    clock.passes(days=1)
    assert send(TEXT.id) is None
    assert carrier.sent == []
    assert told(records) == [("text.ended", "unknown")]


def test_a_worker_killed_while_the_carrier_was_asked_leaves_what_nobody_knows(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier, clock: SetClock
) -> None:
    carrier.trouble = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        send(TEXT.id)
    carrier.trouble = None
    clock.passes(seconds=LEASE.total_seconds() - 1)
    send(TEXT.id)
    assert on_record(records).state is SendState.SENDING
    clock.passes(seconds=1)
    with records.read() as tx:
        assert [each.id for each in tx.texts.due(clock.now(), 10)] == [TEXT.id]
    send(TEXT.id)
    assert carrier.sent == []
    assert on_record(records).state is SendState.UNKNOWN
    assert told(records) == [("text.ended", "unknown")]


def test_a_text_of_no_call_is_sent_without_an_event_and_none_at_all_is_refused(
    records: SqlRecords, send: send_text.SendText, carrier: Carrier
) -> None:
    with records.write() as tx:
        tx.texts.promise(replace(TEXT, id=TextId("u"), call=None))
    send(TextId("u"))
    assert len(carrier.sent) == 1
    assert told(records) == []
    with pytest.raises(NoSuchText):
        send(TextId("nothing"))


# --- Deeds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def call(records: SqlRecords) -> CallRecord:
    with records.write() as tx:
        tx.customers.add(MARIA)
        tx.calls.start(CALL)
    return CALL


def test_answers_promises_and_texts_are_rows_of_the_turn(
    records: SqlRecords, call: CallRecord, ids: CountedIds
) -> None:
    hints = Hints()
    due = START + timedelta(hours=20)
    deeds = [
        KeepAnswer("service", "solved", "solved", "no", True),
        FollowUp(due, "sales"),
        SendText(PhoneNumber("+393401234567"), "OffVerdi", "Il listino"),
    ]
    planned = plan(deeds, call, "Europe/Rome", ids, hints, START)
    assert hints.given == []
    with records.write() as tx:
        for write in planned.writes:
            write(tx)
    with records.read() as tx:
        (answer,) = tx.answers.of_call(call.id)
        (promise,) = tx.promises.of(MARIA.id)
        (text,) = tx.texts.of(MARIA.id)
    assert (answer.question, answer.value, answer.unhappy, answer.answered_at) == ("solved", "no", True, START)
    assert (promise.what, promise.owner, promise.due_at, promise.zone, promise.call) == (
        "follow_up",
        "sales",
        due,
        "Europe/Rome",
        call.id,
    )
    assert (text.body, text.state, text.next_at) == ("Il listino", SendState.WAITING, START)
    assert [event.kind for event in planned.events] == ["promise.made", "text.promised"]
    assert [hint() for hint in planned.hints] == [None]
    assert hints.given == [("text", text.id)]


def test_they_belong_to_whom_the_caller_proves_to_be_in_the_same_turn(
    records: SqlRecords, call: CallRecord, ids: CountedIds
) -> None:
    anna = Customer(CustomerId("anna"), CustomerKind.CUSTOMER)
    with records.write() as tx:
        tx.customers.add(anna)
    deeds = [Recognise(anna.id), SendText(PhoneNumber("+393401234567"), "OffVerdi", "Ciao"), FollowUp(START, "sales")]
    planned = plan(deeds, call, "Europe/Rome", ids, Hints(), START)
    with records.write() as tx:
        for write in planned.writes:
            write(tx)
        assert tx.calls.at(call.id).sure is Sure.KNOWN
        assert len(tx.texts.of(anna.id)) == len(tx.promises.of(anna.id)) == 1
