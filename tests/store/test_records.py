"""The other ports, on both databases; and what happens when a database is not there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from ivr.core.call import CallRecord
from ivr.core.company import EmergencyClosing
from ivr.core.customer import CaseRecord, Customer, CustomerKind, Note, Order
from ivr.core.errors import ChangedMeanwhile, NoSuchCustomer, NoSuchFlow, NoSuchVoicemail, RecordsUnavailable
from ivr.core.events import CallerSilent
from ivr.core.promises import Promise
from ivr.core.voicemail import AudioState, HeardWord, TextState, Transcript, Voicemail
from ivr.core.words import (
    CallId,
    CaseId,
    CustomerId,
    FlowVersionId,
    Language,
    PhoneNumber,
    PromiseId,
    QueueName,
    VoicemailId,
)
from ivr.store.session import SqlRecords, open_records
from ivr.switchboard.ports.calls import Fetching
from tests.databases import START, SetClock
from tests.store.conftest import CALL, next_turn

HOUR = timedelta(hours=1)


def test_a_customer_comes_back_whole_and_is_found_in_every_way(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        tx.customers.change(maria.id, name="Nicolò  D'Amico 100%", pin_hash="x", kind=CustomerKind.CUSTOMER)
    with records.read() as tx:
        known = tx.customers.get(maria.id)
        assert known == replace(maria, name="Nicolò  D'Amico 100%", has_pin=True)
        for text in (maria.id, "C-0042", "+39 06 1234 5678", "NICOLO d'am", "100%"):
            assert tx.customers.find(text) == [known]
        for text in ("C-004", "%", "_", "", "+39 06 1234 567"):
            assert tx.customers.find(text) == ([known] if text == "%" else [])
        assert tx.customers.pin_hash(maria.id) == "x"
        with pytest.raises(NoSuchCustomer):
            tx.customers.get(CustomerId("nobody"))


def test_only_a_number_without_owner_is_compared_by_its_end(records: SqlRecords, maria: Customer) -> None:
    with records.read() as tx:
        assert tx.customers.by_number(PhoneNumber("+390612345678")).exact == (maria,)
        alike = tx.customers.by_number(PhoneNumber("+390212345678"))
        assert (alike.exact, alike.similar) == ((), (maria,))
        assert tx.customers.by_number(PhoneNumber("+390612345670")).similar == ()


def test_customers_cannot_be_changed_in_what_they_have_not(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        with pytest.raises(TypeError, match="shoe_size"):
            tx.customers.change(maria.id, shoe_size=42)
        with pytest.raises(NoSuchCustomer):
            tx.customers.change(CustomerId("nobody"), slow=True)


def test_an_order_is_replaced_by_what_is_known_now(records: SqlRecords, maria: Customer) -> None:
    order = Order("00417", maria.id, "placed", date(2026, 11, 20), date(2026, 11, 25), 123450, "EUR", ("b", "a"))
    with records.write() as tx:
        tx.customers.put_order(order)
        assert tx.customers.order("00417") == order
        later = replace(order, status="shipped", items=("c",))
        tx.customers.put_order(later)
        assert tx.customers.orders_of(maria.id) == [later]
        assert tx.customers.order("417") is None
        tx.customers.note(Note(maria.id, START, "anna", "prefers mornings"))
        assert tx.customers.notes_of(maria.id) == [Note(maria.id, START, "anna", "prefers mornings")]


def test_who_proves_it_takes_the_call_with_all_that_came_of_it(records: SqlRecords, call: CallRecord) -> None:
    other = CustomerId("0193-other")
    with records.write() as tx:
        tx.customers.add(Customer(other, CustomerKind.CUSTOMER, created_at=START))
        tx.log.add(call.id, [CallerSilent("menu", 1)], START)
        tx.cases.open(CaseRecord(CaseId("k"), "48213", "complaint", call.customer, call.id, "open", START, "x"))
        tx.voicemails.take(_message(call))
        tx.promises.make(_promise(call))
        tx.customers.merge_call(call.customer, other, call.id)
    with records.read() as tx:
        assert tx.calls.at(call.id).customer == other
        assert [each.code for each in tx.cases.of(other)] == ["48213"]
        assert tx.cases.by_code("48213") == tx.cases.of(other)[0]
        assert [each.id for each in tx.voicemails.of(other)] == ["vm"]
        assert [each.id for each in tx.promises.of(other)] == ["p"]
        (event_,) = tx.log.of_customer(other)
        assert event_.customer == call.customer


def _message(call: CallRecord) -> Voicemail:
    return Voicemail(
        id=VoicemailId("vm"),
        call=call.id,
        customer=call.customer,
        queue=QueueName("orders"),
        recording="RE1",
        url="https://carrier.example/RE1",
        taken_at=START,
        audio=AudioState.AT_CARRIER,
        text=TextState.WAITING,
        next_at=START,
    )


def _promise(call: CallRecord) -> Promise:
    return Promise(
        PromiseId("p"), "answer_voicemail", call.customer, call.id, START, START + HOUR, "Europe/Rome", "orders"
    )


def test_two_cases_never_share_a_code(records: SqlRecords, call: CallRecord) -> None:
    case = CaseRecord(CaseId("k"), "48213", "complaint", call.customer, call.id, "open", START)
    with records.write() as tx:
        tx.cases.open(case)
    with pytest.raises(IntegrityError) as refused, records.write() as tx:
        tx.cases.open(replace(case, id=CaseId("other"), about="private words"))
    assert "private words" not in str(refused.value)


def test_a_voicemail_goes_from_the_carrier_to_text(records: SqlRecords, call: CallRecord) -> None:
    message = _message(call)
    read = Transcript(
        TextState.READ, Language("it"), "dov'è", (HeardWord("dov'è", 0.5, 0.9, 0.98),), 12.5, "vosk-it", None
    )
    with records.write() as tx:
        assert tx.voicemails.take(message)
        assert not tx.voicemails.take(replace(message, id=VoicemailId("again")))
        assert tx.voicemails.due(START, 10) == [message]
        assert tx.voicemails.due(START - HOUR, 10) == []
        tx.voicemails.audio(message.id, AudioState.KEPT, 12.5)
        tx.voicemails.transcript(message.id, read)
        assert tx.voicemails.postpone(message.id, 1, None, seen=0)
        assert not tx.voicemails.postpone(message.id, 1, None, seen=0)
        done = tx.voicemails.get(message.id)
        assert done == replace(
            message, audio=AudioState.KEPT, seconds=12.5, text=TextState.READ, transcript=read, attempts=1, next_at=None
        )
        assert tx.voicemails.by_recording("RE1") == done
        assert tx.voicemails.due(START + HOUR, 10) == []
        with pytest.raises(NoSuchVoicemail):
            tx.voicemails.get(VoicemailId("nothing"))


def test_promises_stay_open_most_urgent_first(records: SqlRecords, call: CallRecord) -> None:
    later = _promise(call)
    sooner = replace(later, id=PromiseId("s"), due_at=START)
    with records.write() as tx:
        tx.promises.make(later)
        tx.promises.make(sooner)
        assert tx.promises.open() == [sooner, later]


def test_a_fetch_is_asked_once_and_ends_once(records: SqlRecords, call: CallRecord) -> None:
    asked = Fetching("k", call.id, "stock", "https://api.example/", "GET", "{}", 3.0, START)
    with records.write() as tx:
        tx.fetches.ask(asked)
        tx.fetches.ask(replace(asked, url="other"))
        assert tx.fetches.waiting(10) == [asked]
        assert tx.fetches.end("k", "success", '{"n": 1}')
        assert not tx.fetches.end("k", "timeout", None)
        assert tx.fetches.get("k") == replace(asked, state="success", answer='{"n": 1}')
        assert tx.fetches.get("x") is None
        assert tx.fetches.waiting(10) == []


def test_publishing_moves_the_alias_and_is_remembered(records: SqlRecords) -> None:
    one, two = FlowVersionId("v1"), FlowVersionId("v2")
    with records.write() as tx:
        tx.flows.keep(one, "verde", {"verde.yaml": "è uno"}, START)
        tx.flows.keep(one, "verde", {"verde.yaml": "forged"}, START)
        tx.flows.keep(two, "verde", {"verde.yaml": "due"}, START)
        assert tx.flows.published("verde") is None
        for version in (one, two, one):
            tx.flows.publish("verde", version, "anna", "because", START)
        assert tx.flows.published("verde") == one
        assert tx.flows.text(one) == {"verde.yaml": "è uno"}
        assert [told["version"] for told in tx.flows.history("verde")] == [one, two, one]
        with pytest.raises(NoSuchFlow):
            tx.flows.publish("verde", FlowVersionId("v3"), "anna", "because", START)


def test_the_emergency_switch_closes_opens_and_ends_by_itself(records: SqlRecords) -> None:
    until = EmergencyClosing("office", START, START + HOUR, "neve")
    with records.write() as tx:
        tx.switches.close_now(until)
        assert tx.switches.emergency("office", START) == until
        assert tx.switches.emergency("office", START - HOUR) is None
        assert tx.switches.emergency("office", START + HOUR) is None
        assert tx.switches.emergency("shop", START) is None
        tx.switches.close_now(EmergencyClosing("office", START))
        assert tx.switches.emergency("office", START + 9 * HOUR) is not None
        tx.switches.open_again("office", START + HOUR)
        assert tx.switches.emergency("office", START + HOUR) is None


def test_odd_things_are_counted(records: SqlRecords) -> None:
    for _ in range(3):
        with records.write() as tx:
            tx.facts.count_odd("unknown call", START)
    with records.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT times FROM odd_counts").scalar_one() == 3


def test_a_plain_turn_takes_three_statements(records: SqlRecords, call: CallRecord) -> None:
    said: list[str] = []

    class Counting:
        def __init__(self, cursor: object) -> None:
            self._cursor = cursor

        def execute(self, sql: str, values: object = ()) -> object:
            said.append(sql.split()[0])
            return self._cursor.execute(sql, values)  # type: ignore[attr-defined]

        def __getattr__(self, name: str) -> object:
            return getattr(self._cursor, name)

    @event.listens_for(records.engine, "before_cursor_execute")
    def _slow_way(_c: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement.split()[0])

    with records.write() as tx:
        link = tx.calls._link  # type: ignore[attr-defined]
        link._cursor = Counting(link._cursor)
        now = tx.calls.at(call.id)
        tx.calls.move(next_turn(now, events=3), from_turn=now.turn)
        tx.log.append(call.id, now.next_seq, [CallerSilent("menu", n) for n in range(3)], START, now.customer)
    assert said == ["SELECT", "UPDATE", "INSERT"]


def test_a_database_that_is_not_there_is_unavailable_with_its_cause(tmp_path: Path, clock: SetClock) -> None:
    for address in (f"sqlite:///{tmp_path / 'no' / 'folder.db'}", "postgresql+psycopg://ivr:secret@127.0.0.1:1/ivr"):
        records = open_records(address, clock)
        with pytest.raises(RecordsUnavailable) as refused:
            records.write().__enter__()
        assert refused.value.__cause__ is not None
        assert "secret" not in str(refused.value)
        records.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "ivr.db").write_bytes(b"garbage " * 1000)
    records = open_records(f"sqlite:///{tmp_path / 'ivr.db'}", clock)
    with pytest.raises(RecordsUnavailable):
        records.read().__enter__()
    records.close()


def test_a_connection_that_died_in_the_pool_is_replaced(records: SqlRecords, call: CallRecord) -> None:
    if records.engine.dialect.name == "sqlite":
        pytest.skip("a file does not hang up")
    with records.engine.connect() as other:
        me = other.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with records.read() as tx:
            tx.calls.at(call.id)
        other.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> {me}"
        )
    with records.write() as tx:
        assert tx.calls.at(call.id) == call


def test_a_writer_that_waits_too_long_is_told_so(records: SqlRecords, call: CallRecord) -> None:
    def move() -> None:
        with records.write() as second:
            second.calls.move(next_turn(CALL), from_turn=1)

    with records.write() as first:
        first.calls.at(call.id)
        with ThreadPoolExecutor(1) as thread, pytest.raises(RecordsUnavailable):
            thread.submit(move).result()
    with records.read() as tx:
        assert tx.calls.at(call.id).turn == 1


def test_of_two_who_wait_for_one_another_one_is_told_to_look_again(records: SqlRecords, call: CallRecord) -> None:
    if records.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    with records.write() as tx:
        other = replace(call, id=CallId("other"), key=replace(call.key, sid="CA-other"))
        assert tx.calls.start(other)
    both_hold_one = threading.Barrier(2)

    def hold(first: CallId, second: CallId) -> str:
        try:
            with records.write() as tx:
                tx.calls.at(first)
                both_hold_one.wait(5)
                tx.calls.at(second)
        except ChangedMeanwhile:
            return "looks again"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(hold, (call.id, other.id), (other.id, call.id)))
    assert sorted(ends) == ["done", "looks again"]


def test_on_postgresql_a_witnessed_commit_is_asynchronous_and_the_next_one_is_not(records: SqlRecords) -> None:
    if records.engine.dialect.name == "sqlite":
        pytest.skip("its log is synced by us: test_write_ahead.py")

    def waits(witnessed: bool) -> object:
        with records.write() as tx:
            link = tx._link  # type: ignore[attr-defined]
            link.run(text("SET LOCAL synchronous_commit TO ON"))  # the tests' server has it off for all
            if witnessed:
                tx.witnessed()
            return link.one(text("SHOW synchronous_commit"))[0]

    assert (waits(True), waits(False)) == ("off", "on")
