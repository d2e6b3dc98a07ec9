"""The wait document and its writing door: rounds, keys, overflow, repeats, and what is heard when all is broken."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from ivr.core.agent import signed_in
from ivr.core.call import CarrierKey
from ivr.core.company import EmergencyClosing
from ivr.core.errors import RecordsUnavailable
from ivr.core.flow import cursor as cursors
from ivr.core.flow.turn import Cursor, Frame
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.ticket import Ticket, TicketKind, TicketState
from ivr.core.words import AgentId, Language, QueueName, TicketId
from ivr.store.link import Link
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.queue.waiting import KEPT as LATELY_KEPT
from tests.line import ACCOUNT, CALLER, FLOWS, WORKING_MORNING, TestLine, open_line, said

SID = "CA" + "1" * 32
MINUTE = timedelta(minutes=1)
WAIT = "/voice/wait/t1"


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestLine:
    return with_a_caller_in_line(tmp_path, monkeypatch)


def with_a_caller_in_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str | None = None) -> TestLine:
    """The flow with queues, a caller who waits at the order desk, and Anna, who is at work."""
    flows = tmp_path / "flows"
    shutil.copytree(FLOWS, flows)
    monkeypatch.setattr("tests.line.FLOWS", flows)
    opened = open_line(tmp_path, database)
    agent(opened, "anna")
    ring(opened)
    return opened


@pytest.fixture(autouse=True)
def every_answer_may_stand_in_a_queue(
    monkeypatch: pytest.MonkeyPatch, twiml_check: Callable[..., list[Any]]
) -> Iterator[None]:
    """Of every line that a test opens; only the ring itself is answered with a document of another kind."""
    opened: list[TestLine] = []
    made = TestLine.__init__

    def remembered(line: TestLine, *given: Any, **named: Any) -> None:
        made(line, *given, **named)
        opened.append(line)

    monkeypatch.setattr(TestLine, "__init__", remembered)
    yield
    waits = [answer for line in opened for answer in line.answers if "/voice/calls/" not in answer]
    assert not [(answer, wrong) for answer in waits if (wrong := twiml_check(answer, "queue-wait"))]


def agent(line: TestLine, name: str) -> None:
    with line.office.records.write() as tx:
        record = AgentRecord(AgentId(name), (QueueName("sales"),), Address(AddressKind.BROWSER, name), {"orders": 3})
        tx.agents.put(record, line.clock.at)
        tx.agents.change(signed_in(AgentId(name), line.clock.at), tx.agents.get(AgentId(name)).version)


def ring(line: TestLine, ticket: str = "t1", sid: str = SID, slow: bool = False, **fields: Any) -> None:
    """A caller who is parked at the order desk, however they came there."""
    line.ring(sid, CALLER[:-2] + ticket[-1] * 2)
    with line.office.records.write() as tx:
        call = tx.calls.find(CarrierKey("twilio", ACCOUNT, sid))
        assert call is not None
        cursor = Cursor((Frame("numero_verde", "order_desk"),), Language("it"), slow=slow, stage="park")
        assert tx.calls.move(replace(call, turn=call.turn + 1, cursor=cursors.as_json(cursor)), call.turn)
        place = Ticket(
            id=TicketId(ticket),
            kind=TicketKind.WAITING,
            queue=QueueName("sales"),
            arrived_at=line.clock.at,
            order=tx.tickets.next_order(),
            customer=call.customer,
            call=call.id,
            language=Language("it"),
            needs={"orders": 1},
        )
        assert tx.tickets.take(TicketOnRecord(replace(place, **fields), node="order_desk"))


def on_record(line: TestLine, ticket: str = "t1") -> TicketOnRecord:
    with line.office.records.read() as tx:
        return tx.tickets.get(TicketId(ticket))


def change(line: TestLine, ticket: str = "t1", state: TicketState | None = None, **fields: Any) -> None:
    with line.office.records.write() as tx:
        record = tx.tickets.get(TicketId(ticket))
        if state is not None:
            record = replace(record, ticket=replace(record.ticket, state=state))
        assert tx.tickets.change(replace(record, **fields))


def ask(line: TestLine, address: str, **fields: str) -> Element:
    """A request of the carrier's for a wait document, or with a key."""
    path = address.removeprefix(line.office.settings.public_url)
    answer = line.post(path, line.form(SID, **fields))
    assert answer.status_code == 200
    return fromstring(answer.text)


def press(line: TestLine, document: Element, key: str) -> Element:
    return ask(line, document.find("Gather").attrib["action"], Digits=key)  # type: ignore[union-attr]


def goes_on_at(document: Element) -> str:
    again = document.find("Redirect")
    assert again is not None and again.text
    return again.text


def leaves(document: Element) -> bool:
    return [verb.tag for verb in document] == ["Leave"]


def events(line: TestLine) -> list[tuple[str, Any]]:
    with line.office.records.read() as tx:
        call = on_record(line).ticket.call
        assert call is not None
        return [(event.kind, event.data) for event in tx.log.of_call(call)]


# --- Rounds


def test_the_first_round_greets_tells_the_place_and_plays_the_waltz(line: TestLine) -> None:
    document = ask(line, WAIT)
    assert said(document).startswith("ufficio ordini: vi risponderà una persona, restate in linea. Siete i prossimi.")
    gather = document.find("Gather")
    assert gather is not None
    assert (gather.attrib["numDigits"], gather.attrib["finishOnKey"]) == ("1", "")
    assert gather.find("Play").text == "https://line.example/sounds/waltz.wav"  # type: ignore[union-attr]
    assert goes_on_at(document) == f"https://line.example{WAIT}?round=1"


def test_what_was_told_is_on_record_and_in_the_call_s_dialogue(line: TestLine) -> None:
    ask(line, WAIT)
    assert (on_record(line).told_position, on_record(line).load) == (1, 0)
    kind, data = events(line)[-1]
    assert kind == "caller.told"
    assert data["language"] == "en"  # the last sentence offers English
    assert "Siete i prossimi." in events(line)[-2][1]["text"]


def test_the_second_round_says_something_else(line: TestLine) -> None:
    first = ask(line, WAIT)
    second = ask(line, goes_on_at(first))
    third = ask(line, goes_on_at(second))
    assert said(second) == "Siete i prossimi."
    assert said(third).startswith("Grazie di aspettare. Per lasciare un messaggio, premi 2.")
    assert goes_on_at(third).endswith("?round=3")


def test_the_place_is_people_of_the_same_queue_who_came_before(line: TestLine) -> None:
    line.clock.passes(10)
    ring(line, "t2", "CA" + "2" * 32)
    assert "Prima di voi c'è una persona." in said(ask(line, "/voice/wait/t2"))
    change(line, state=TicketState.TALKING, taken_at=line.clock.at)
    assert said(ask(line, "/voice/wait/t2?round=1")) == "Siete i prossimi."


def test_a_place_that_got_worse_is_not_mentioned_and_the_best_stays_on_record(line: TestLine) -> None:
    ask(line, WAIT)
    line.clock.passes(10)
    ring(line, "t2", "CA" + "2" * 32, boost=10 * MINUTE)
    assert said(ask(line, f"{WAIT}?round=1")).startswith("Vi teniamo il posto")
    assert on_record(line).told_position == 1


def test_the_range_is_told_once_from_real_waits_and_kept_before_it_is_heard(line: TestLine) -> None:
    for n in range(12):
        waited(line, n, minutes=2 + n / 4)
    ring(line, "t2", "CA" + "2" * 32)
    first = ask(line, "/voice/wait/t2")
    assert "Di solito si aspetta da 2 a 5 minuti." in said(first)
    kept = on_record(line, "t2")
    assert (kept.told_low, kept.told_high, kept.told_at) == (2 * MINUTE, 5 * MINUTE, line.clock.at)
    assert "Di solito" not in said(ask(line, goes_on_at(first)))


def waited(line: TestLine, n: int, minutes: float) -> None:
    """Somebody who came at a load of one, waited so long, was answered and talked for four minutes."""
    came: datetime = line.clock.at - 60 * MINUTE + n * MINUTE
    taken = came + timedelta(minutes=minutes)
    with line.office.records.write() as tx:
        like = tx.tickets.get(TicketId("t1"))
        ended = TicketOnRecord(
            replace(like.ticket, id=TicketId(f"old{n}"), call=None, arrived_at=came, state=TicketState.SERVED),
            taken_at=taken,
            ended_at=taken + 4 * MINUTE,
            load=1.0,
        )
        assert tx.tickets.take(ended)


def test_a_round_costs_the_same_however_many_wait_and_were_answered(
    line: TestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    read = Link.all

    def counted(link: Link, statement: Any) -> Any:
        found = read(link, statement)
        rows.append(len(found))
        return found

    monkeypatch.setattr(Link, "all", counted)

    def cost() -> tuple[int, int]:
        rows.clear()
        ask(line, f"{WAIT}?round=2")
        return len(rows), sum(rows)

    ask(line, WAIT)
    before = cost()
    for n in range(40):
        waited(line, n, minutes=3)
    like = on_record(line).ticket
    with line.office.records.write() as tx:
        for n in range(40):
            assert tx.tickets.take(TicketOnRecord(replace(like, id=TicketId(f"w{n}"), call=None, order=100 + n)))
    assert cost() == before
    line.clock.passes(LATELY_KEPT.total_seconds())
    assert cost()[1] - before[1] == 40  # those answered, once in some seconds for everybody who waits


def test_thin_data_says_nothing_of_the_wait(line: TestLine) -> None:
    for n in range(9):
        waited(line, n, minutes=3)
    assert "Di solito" not in said(ask(line, WAIT))
    assert on_record(line).told_at is None


def test_a_slow_caller_hears_it_slowly_and_has_longer(line: TestLine) -> None:
    ring(line, "t2", "CA" + "2" * 32, slow=True)
    document = ask(line, "/voice/wait/t2")
    assert document.find("Gather/Say/prosody") is not None
    assert document.find("Gather").attrib["timeout"] == "4"  # type: ignore[union-attr]


@pytest.mark.parametrize("number", ["", "?round=", "?round=x", "?round=-3", "?round=99999999999", "?round=%C2%B2"])
def test_a_mangled_round_is_the_first(line: TestLine, number: str) -> None:
    assert "restate in linea" in said(ask(line, WAIT + number))


def test_a_lost_race_says_nothing_new(line: TestLine, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivr.store.tickets import SqlTickets

    monkeypatch.setattr(SqlTickets, "change", lambda self, ticket: False)
    assert said(ask(line, f"{WAIT}?round=1")) == "Vi teniamo il posto: appena è libera, vi risponde una persona."


# --- Keys


def test_the_voicemail_key_commits_the_wish_once_and_leaves(line: TestLine) -> None:
    document = ask(line, WAIT)
    assert leaves(press(line, document, "2"))
    assert on_record(line).wish == "voicemail"
    version = on_record(line).version
    assert leaves(press(line, document, "2"))
    assert leaves(press(line, document, "1"))  # too late for another wish
    assert leaves(ask(line, f"{WAIT}?round=1"))
    assert (on_record(line).wish, on_record(line).version) == ("voicemail", version)


def test_the_callback_key_leaves_for_the_callback(line: TestLine) -> None:
    assert leaves(press(line, ask(line, WAIT), "1"))
    assert on_record(line).wish == "callback"
    assert ("caller.answered", {"how": "keys", "what": "1", "masked": False}) in events(line)


def test_the_callback_is_offered_aloud_from_a_minute_on(line: TestLine) -> None:
    assert "richiamati" not in said(ask(line, WAIT))
    line.clock.passes(60)
    assert "Per essere richiamati senza perdere il posto, premi 1." in said(ask(line, f"{WAIT}?round=1"))


def test_two_keys_on_several_servers_at_once_are_one_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: str
) -> None:
    line = with_a_caller_in_line(tmp_path, monkeypatch, empty_database)
    action = ask(line, WAIT).find("Gather").attrib["action"]  # type: ignore[union-attr]
    app, answers = line.client.application, list[str]()

    def pressed(key: str) -> None:
        with app.test_client() as client:
            mine = TestLine(line.office, client, line.clock, line.hints)
            answers.append(mine.post("", mine.form(SID, Digits=key), url=action).text)

    threads = [threading.Thread(target=pressed, args=(key,)) for key in "121212"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(leaves(fromstring(answer)) for answer in answers)
    assert [data["what"] for kind, data in events(line) if kind == "caller.answered"] in (["1"], ["2"])
    assert on_record(line).wish in ("callback", "voicemail")
    line.office.records.close()


def test_information_is_heard_in_line_and_the_place_is_kept(line: TestLine) -> None:
    before = ask(line, WAIT)
    answer = press(line, before, "3")
    assert said(answer)
    assert answer.find("Gather/Play") is not None
    assert goes_on_at(answer) == goes_on_at(before)
    assert on_record(line).ticket.state is TicketState.IN_LINE
    assert on_record(line).wish == ""


def test_the_language_changes_for_the_wait_and_a_repeat_changes_it_no_further(line: TestLine) -> None:
    document = ask(line, WAIT)
    for _ in range(2):
        answer = press(line, document, "4")
        assert said(answer).startswith("order desk: a person will answer you, please hold the line. You are next.")
    assert on_record(line).ticket.language == "en"
    assert said(ask(line, goes_on_at(answer))) == "You are next."
    assert [kind for kind, _ in events(line)].count("language.chosen") == 1
    assert "ufficio ordini" in said(press(line, answer, "4"))


def test_zero_star_and_a_wrong_key_are_answered_in_line(line: TestLine) -> None:
    document = ask(line, WAIT)
    assert said(press(line, document, "0")) == "Siete già in linea per parlare con una persona. Siete i prossimi."
    assert said(press(line, document, "*")).startswith("ufficio ordini: vi risponderà una persona")
    assert said(press(line, document, "9")).startswith("Questo tasto non è tra le scelte. Per lasciare un messaggio")
    assert not leaves(ask(line, document.find("Gather").attrib["action"]))  # type: ignore[union-attr]


@pytest.mark.parametrize("digits", ["", "\x00", "１", "2222", "ABCD", "#" * 5000])
def test_strange_keys_get_an_answer(line: TestLine, digits: str) -> None:
    answer = ask(line, f"{WAIT}/keys?round=x&spoken=zz", Digits=digits)
    assert leaves(answer) is (digits == "2222")


def test_whose_agent_is_being_rung_may_still_leave_a_message(line: TestLine) -> None:
    change(line, state=TicketState.CLAIMED)
    assert leaves(press(line, ask(line, WAIT), "2"))


@pytest.mark.parametrize("state", [TicketState.TALKING, TicketState.AWAY])
def test_who_is_being_connected_hears_music_whatever_they_press(line: TestLine, state: TicketState) -> None:
    document = ask(line, WAIT)
    change(line, state=state)
    for answer in (press(line, document, "2"), ask(line, goes_on_at(document))):
        assert (said(answer), answer.find("Gather/Play") is not None) == ("", True)
    assert on_record(line).wish == ""


def test_whose_place_has_ended_leaves(line: TestLine) -> None:
    document = ask(line, WAIT)
    change(line, state=TicketState.LEFT, ended_at=line.clock.at)
    assert leaves(press(line, document, "9"))
    assert leaves(ask(line, goes_on_at(document)))


# --- Overflow


def test_nobody_signed_in_ends_the_wait(line: TestLine) -> None:
    with line.office.records.write() as tx:
        tx.agents.remove(AgentId("anna"), tx.agents.get(AgentId("anna")).version, line.clock.at)
    assert leaves(ask(line, WAIT))
    assert on_record(line).wish == "overflow_1"


def test_five_minutes_before_closing_the_wait_ends(line: TestLine) -> None:
    line.clock.at = WORKING_MORNING.replace(hour=18, minute=24)  # the desk closes at half past seven in Rome
    ring(line, "t2", "CA" + "2" * 32)
    assert not leaves(ask(line, "/voice/wait/t2"))
    line.clock.passes(60)
    assert leaves(ask(line, "/voice/wait/t2"))
    assert on_record(line, "t2").wish == "overflow_2"


def test_the_emergency_switch_closes_the_wait_too(line: TestLine) -> None:
    with line.office.records.write() as tx:
        tx.switches.close_now(EmergencyClosing("office", line.clock.at))
    assert leaves(ask(line, WAIT))
    assert on_record(line).wish == "overflow_2"


def test_after_ten_minutes_the_wait_ends_but_not_while_an_agent_is_rung(line: TestLine) -> None:
    line.clock.passes(600)
    change(line, state=TicketState.CLAIMED)
    assert not leaves(ask(line, f"{WAIT}?round=12"))
    change(line, state=TicketState.IN_LINE)
    assert leaves(ask(line, f"{WAIT}?round=13"))
    assert on_record(line).wish == "overflow_3"


# --- Broken


def test_unsigned_requests_are_refused(line: TestLine) -> None:
    for path in (WAIT, f"{WAIT}/keys"):
        assert line.post(path, line.form(SID, Digits="2"), sign=False).status_code == 403
    assert on_record(line).wish == ""


def test_a_ticket_nobody_knows_leaves_for_the_turn(line: TestLine) -> None:
    assert leaves(ask(line, "/voice/wait/nobody"))
    assert leaves(ask(line, "/voice/wait/nobody/keys", Digits="1"))


@pytest.mark.parametrize("broken", [RecordsUnavailable("the database is away"), ZeroDivisionError("a bug of ours")])
def test_whatever_is_broken_the_caller_stays_in_line_for_minutes_and_then_goes_on(
    line: TestLine, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    document = ask(line, WAIT)

    def away(_: object) -> None:
        raise broken

    monkeypatch.setattr(type(line.office.records), "read", away)
    for answer in (ask(line, f"{WAIT}?round=5"), press(line, document, "2")):
        assert "Restate in linea" in said(answer)
        assert answer.find("Pause") is not None
    address, rounds = f"{WAIT}?round=5&static=12", 12
    while not leaves(answer := ask(line, address)):
        address, rounds = goes_on_at(answer), rounds + 1
        assert "round=5" in address
    assert rounds == 15
