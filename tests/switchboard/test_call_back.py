"""A callback asked for at once by two, refused, out of hours, kept, missed: over the whole turn, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr import config, wiring
from ivr.core import callbacks as decided
from ivr.core.call import CallState, CarrierKey
from ivr.core.callbacks import Callback, CallbackState, Outcome
from ivr.core.flow import cursor as cursors
from ivr.core.flow.steps.queue import TALKING
from ivr.core.flow.turn import CameBack, HangUp, Heard, Join, Keys, LeftRoom, Silence
from ivr.core.leg import Leg, LegEnd, LegKind, room
from ivr.core.promises import PromiseState
from ivr.core.ticket import TicketEvent, TicketKind, TicketState
from ivr.core.words import AgentId, CallId, PhoneNumber, TicketId
from ivr.flowfiles.shelf import publish_folder
from ivr.switchboard.calls.take_turn import Answer
from ivr.switchboard.legs.call_back import ASKED, ASKED_AGAIN, OVER, CallBack
from ivr.switchboard.legs.leg_turn import LegStep
from ivr.switchboard.ports.queue import ClaimOnRecord, TicketOnRecord
from ivr.switchboard.record import callbacks, places
from ivr.world.ids import Chance
from tests.core.flow.builders import spoken
from tests.databases import clock, database, postgresql  # noqa: F401
from tests.line import Hints, SetClock
from tests.store.test_calls import at_once

FLOWS = Path(__file__).resolve().parents[1] / "calls" / "callback_flow"
MARIA, LINE = PhoneNumber("+393331234567"), PhoneNumber("+39800123456")
MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOON, BOOK = "1", "2"


@dataclass
class House:
    """A line with the flow of call backs, as its doors have it."""

    office: wiring.Office
    clock: SetClock
    hints: Hints

    def rings(self, caller: PhoneNumber = MARIA) -> Answer:
        key = CarrierKey("twilio", "AC1", self.office.ids.new())
        return self.office.doors.ring(key, caller, LINE, "t")

    def presses(self, answer: Answer, *keys: str) -> Answer:
        for each in keys:
            answer = self.office.doors.take_turn(answer.call, answer.turn, "keys", Keys(each), self.office.ids.new())
        return answer

    def asks(self, *, slot: str | None = None, caller: PhoneNumber = MARIA) -> Callback:
        """A callback on record, and the phone put down."""
        answer = self.rings(caller)
        self.presses(answer, *((SOON, "1", "1") if slot is None else (BOOK, "1", slot, "1")))
        self.puts_down(answer.call)
        with self.office.records.read() as tx:
            callback = tx.callbacks.live_of(caller)
        assert callback is not None
        return callback

    def puts_down(self, call: CallId) -> None:
        with self.office.records.read() as tx:
            key = tx.calls.at(call).key
        self.office.doors.call_status(key, "completed", 30, self.office.ids.new(), {})

    def taken(self, callback: Callback, at: datetime) -> Leg | None:
        """An agent pressed 1 at this time."""
        self.clock.at = at
        place = self.place(callback)
        claim = ClaimOnRecord("token", AgentId("anna"), place.ticket.id, place.attempt + 1, 1, at, at, "waits longest")
        with self.office.records.write() as tx:
            talking = replace(place.ticket, state=TicketState.TALKING)
            assert tx.tickets.change(
                replace(place, ticket=talking, attempt=claim.attempt, agent=claim.agent, taken_at=at)
            )
            return self.call_back.begin(tx, tx.tickets.get(talking.id), claim, at)

    def ends(self, leg: Leg, how: LegEnd, at: datetime, turn: int = 0) -> Outcome | None:
        with self.office.records.write() as tx:
            return self.call_back.ended(tx, replace(leg, turn=turn), how, at)

    @property
    def call_back(self) -> CallBack:
        return self.office.call_back

    def place(self, callback: Callback) -> TicketOnRecord:
        assert callback.ticket is not None
        with self.office.records.read() as tx:
            return tx.tickets.get(callback.ticket)

    def now_is(self, callback: Callback) -> tuple[Callback, PromiseState]:
        assert callback.promise is not None
        with self.office.records.read() as tx:
            return tx.callbacks.get(callback.id), tx.promises.get(callback.promise).state

    def told(self, callback: Callback) -> list[str]:
        assert callback.call is not None
        with self.office.records.read() as tx:
            return [event.kind for event in tx.log.of_call(callback.call)]


@pytest.fixture
def house(database: str, tmp_path: Path) -> Iterator[House]:  # noqa: F811
    settings = config.load(
        {
            "IVR_PUBLIC_URL": "https://line.example",
            "IVR_DATABASE_URL": database,
            "IVR_FLOWS_DIR": str(FLOWS),
            "IVR_VAR_DIR": str(tmp_path),
            "TWILIO_AUTH_TOKEN": "t",
            "TWILIO_ACCOUNT_SID": "AC1",
        },
        dotenv=None,
    )
    clock, hints = SetClock(MORNING), Hints()  # noqa: F811
    office = wiring.open_office(settings, hints, clock=clock, ids=Chance(clock, seed=1))
    publish_folder(FLOWS, office.records, "test", "fixture", MORNING)
    yield House(office, clock, hints)
    office.records.close()


def words(answer: Answer) -> str:
    return " ".join(spoken(said) for said in answer.says)


# --- Asked for ------------------------------------------------------------------------------------------------------


def test_what_is_said_to_be_promised_is_on_record_with_its_ticket_and_a_hint(house: House) -> None:
    answer = house.presses(house.rings(), SOON, "1")
    with house.office.records.read() as tx:
        assert tx.callbacks.live_of(MARIA) is None
    answer = house.presses(answer, "1")
    assert "Siamo d'accordo" in words(answer)
    with house.office.records.read() as tx:
        callback = tx.callbacks.live_of(MARIA)
        assert callback is not None and callback.promise is not None
        assert tx.promises.get(callback.promise).due_at == MORNING + timedelta(hours=2, minutes=10)
    place = house.place(callback)
    assert (place.ticket.kind, place.ticket.state) == (TicketKind.CALLBACK, TicketState.IN_LINE)
    assert place.ticket.not_before == callback.next_at
    assert ("line_up", place.ticket.id) in house.hints.given
    assert {"callback.promised", "promise.made"} <= set(house.told(callback))


def test_the_place_of_the_call_is_kept(house: House) -> None:
    waiting = house.presses(house.rings(), "0")
    with house.office.records.write() as tx:
        place = tx.tickets.of_call(waiting.call)
        assert place is not None
        assert tx.tickets.change(callbacks.moved(place, TicketEvent.LEFT, "callback", MORNING))
        call = tx.calls.at(waiting.call)
        cursor = replace(cursors.from_json(call.cursor), stage="")
        frame = replace(cursor.frames[0], node="call_me")
        assert tx.calls.move(
            replace(call, turn=call.turn + 1, cursor=cursors.as_json(replace(cursor, frames=(frame,)))), call.turn
        )
    house.clock.passes(300)
    answer = replace(waiting, turn=waiting.turn + 1)
    answer = house.office.doors.take_turn(answer.call, answer.turn, "moved", CameBack(), "m")
    house.presses(answer, "1", "1")
    with house.office.records.read() as tx:
        callback = tx.callbacks.live_of(MARIA)
    assert callback is not None and callback.arrived_at == MORNING
    assert house.place(callback).ticket.order == place.ticket.order


def test_two_calls_of_one_number_that_ask_in_the_same_moment_are_owed_one(house: House) -> None:
    asking = [house.presses(house.rings(), SOON, "1") for _ in range(2)]
    heard = at_once(2, lambda n: words(house.presses(asking[n], "1")))
    assert sorted("Siamo d'accordo" in each for each in heard) == [False, True]
    assert sum("Avete già una richiamata" in each for each in heard) == 1
    with house.office.records.read() as tx:
        (callback,) = tx.callbacks.live()
        assert [each.what for each in tx.promises.open()] == ["callback"]
        assert [place.ticket.id for place in tx.tickets.live()] == [callback.ticket]


def test_two_who_want_the_last_place_of_an_hour_get_one_each_of_what_there_is(house: House) -> None:
    house.clock.at = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    others = [PhoneNumber(f"+39333123456{n}") for n in range(7)]
    for each in others[:5]:
        house.asks(slot="1", caller=each)
    asking = [house.presses(house.rings(each), BOOK, "1", "1") for each in others[5:]]
    heard = at_once(2, lambda n: words(house.presses(asking[n], "1")))
    assert sorted("Siamo d'accordo" in each for each in heard) == [False, True]
    assert sum("stato appena preso" in each for each in heard) == 1
    with house.office.records.read() as tx:
        assert len(tx.callbacks.live()) == 6


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("899123456", "numeri di questo tipo"),
        ("0012125551234", "numeri di questo paese"),
        ("800123456", "Questo numero è nostro"),
        ("12", "non è valido"),
    ],
)
def test_numbers_that_are_not_called_hear_why_before_anything_is_confirmed(house: House, number: str, why: str) -> None:
    answer = house.presses(house.rings(), SOON, "2", number)
    assert why in words(answer) and "Digitate il numero" in words(answer)


def test_nobody_has_a_phone_rung_by_asking_for_it_again_and_again(house: House) -> None:
    for n in range(3):
        asked = house.asks()
        with house.office.records.write() as tx:
            callbacks.cancel(tx, asked.id, MORNING + n * MINUTE)
    assert "molte richieste" in words(house.presses(house.rings(), SOON))
    house.clock.passes(25 * 3600)
    assert "Vi richiamiamo al numero" in words(house.presses(house.rings(), SOON))


# --- Kept -----------------------------------------------------------------------------------------------------------


def test_the_leg_is_on_record_before_anybody_dials(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    with house.office.records.read() as tx:
        assert tx.legs.get(leg.id) == leg
        assert [each.agent for each in tx.callbacks.attempts(asked.id)] == ["anna"]
    assert (leg.kind, leg.to, leg.shows, leg.callback, leg.attempt) == (
        LegKind.CUSTOMER,
        MARIA,
        "+390212345678",
        asked.id,
        1,
    )
    assert house.now_is(asked)[0].state is CallbackState.DIALLING


def test_nobody_is_dialled_in_their_quiet_hours(house: House) -> None:
    asked = house.asks()
    late = datetime(2026, 11, 24, 19, 1, tzinfo=UTC)
    assert house.taken(asked, late) is None
    callback, _ = house.now_is(asked)
    morning = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # nine in Rome, though we open at half past eight
    assert (callback.state, callback.next_at, callback.attempts) == (CallbackState.WAITING, morning, 0)
    place = house.place(asked)
    assert (place.ticket.state, place.ticket.not_before, place.agent) == (TicketState.IN_LINE, morning, None)
    assert place.ticket.arrived_at == MORNING


def test_nobody_is_dialled_while_they_are_still_on_the_line(house: House) -> None:
    answer = house.presses(house.rings(), SOON, "1", "1")
    with house.office.records.read() as tx:
        asked = tx.callbacks.live_of(MARIA)
    assert asked is not None
    assert house.taken(asked, MORNING + MINUTE) is None
    assert house.place(asked).ticket.not_before == MORNING + MINUTE + timedelta(seconds=30)
    house.puts_down(answer.call)
    assert house.taken(asked, MORNING + 2 * MINUTE) is not None


def test_one_that_was_cancelled_meanwhile_is_not_dialled(house: House) -> None:
    asked = house.asks()
    place = house.place(asked)
    with house.office.records.write() as tx:
        callbacks.settle(tx, decided.cancelled(tx.callbacks.get(asked.id), "by letter", MORNING), MORNING)
    assert house.taken(asked, MORNING + MINUTE) is None
    assert house.place(asked).ticket.state is TicketState.CANCELLED
    assert place.ticket.state is TicketState.IN_LINE


def says(house: House, leg: Leg, heard: Heard, stage: str) -> LegStep:
    with house.office.records.write() as tx:
        return house.call_back.heard(tx, replace(leg, stage=stage), heard, house.clock.now())


def test_who_answers_hears_why_and_presses_1(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    greeting = says(house, leg, CameBack(), "")
    assert greeting.stage == ASKED
    assert "qui Officine Verdi. Ci avevate chiesto di richiamarvi. Per parlare con noi premete 1" in spoken(
        greeting.says[0]
    )
    joined = says(house, leg, Keys("1"), ASKED)
    assert joined.says[-1] == Join(room(leg.ticket, 1))
    callback, promise = house.now_is(asked)
    assert (callback.state, promise) == (CallbackState.REACHED, PromiseState.KEPT)
    assert house.ends(leg, LegEnd.COMPLETED, MORNING + 2 * MINUTE, turn=2) is None
    assert "callback.tried" in house.told(asked)


@pytest.mark.parametrize("key", ["2", "9"])
def test_who_wants_no_call_ends_it(house: House, key: str) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    assert says(house, leg, Keys(key), ASKED).stage == OVER
    callback, promise = house.now_is(asked)
    assert (callback.state, promise) == (CallbackState.CANCELLED, PromiseState.WITHDRAWN)
    assert house.place(asked).ticket.state is TicketState.CANCELLED


def test_two_silences_are_a_machine(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    again = says(house, leg, Silence(), ASKED)
    assert again.stage == ASKED_AGAIN and house.now_is(asked)[0].state is CallbackState.DIALLING
    assert says(house, leg, Silence(), ASKED_AGAIN).says == (HangUp(),)
    callback, _ = house.now_is(asked)
    assert (callback.state, callback.last_outcome) == (CallbackState.WAITING, Outcome.MACHINE)


@pytest.mark.parametrize(
    ("how", "turn", "outcome", "misses"),
    [
        (LegEnd.BUSY, 0, Outcome.BUSY, 1),
        (LegEnd.NO_ANSWER, 0, Outcome.NO_ANSWER, 1),
        (LegEnd.FAILED, 0, Outcome.FAILED, 1),
        (LegEnd.COMPLETED, 1, Outcome.MACHINE, 1),
        (LegEnd.COMPLETED, 0, Outcome.LOST, 0),
        (LegEnd.CANCELLED, 0, Outcome.LOST, 0),
    ],
)
def test_a_leg_that_ends_before_they_press_1_puts_them_back_at_their_place(
    house: House, how: LegEnd, turn: int, outcome: Outcome, misses: int
) -> None:
    asked = house.asks()
    at = MORNING + MINUTE
    leg = house.taken(asked, at)
    assert leg is not None
    assert house.ends(leg, how, at, turn) is outcome
    callback, promise = house.now_is(asked)
    assert (callback.misses, promise) == (misses, PromiseState.OPEN)
    place = house.place(asked)
    assert (place.ticket.state, place.ticket.arrived_at) == (TicketState.IN_LINE, MORNING)
    assert place.ticket.not_before == callback.next_at == (at + 10 * MINUTE if misses else at)
    assert house.ends(leg, how, at, turn) is None  # the same news again
    with house.office.records.read() as tx:
        texts = tx.texts.of(asked.customer)
    assert len(texts) == misses
    assert callback.tell is False


def test_who_answers_a_call_that_is_over_on_record_hears_so(house: House) -> None:
    leg = house.taken(house.asks(), MORNING + MINUTE)
    assert leg is not None
    house.office.doors.leg_news(leg.id, "CA2", "completed", "over", {})  # it overtook what follows
    for turn in (0, 0, 1):  # at 1: they had heard words, which a power cut took from the record
        late = house.office.doors.leg_turn(leg.id, turn, "answered", Silence(), "late", "CA-late")
        assert "la linea è caduta" in spoken(late.says[0]) and late.says[-1] == HangUp()


def test_a_number_that_cannot_have_texts_hears_of_the_miss_in_the_next_attempt(house: House) -> None:
    fixed = PhoneNumber("+390612345678")
    asked = house.asks(caller=fixed)
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    house.ends(leg, LegEnd.BUSY, MORNING + MINUTE)
    with house.office.records.read() as tx:
        assert tx.texts.of(asked.customer) == []
    leg = house.taken(asked, MORNING + 12 * MINUTE)
    assert leg is not None and leg.attempt == 2
    assert "Vi avevamo già cercato" in spoken(says(house, leg, CameBack(), "").says[0])


def test_a_promise_that_the_next_attempt_breaks_is_moved_and_told(house: House) -> None:
    house.clock.at = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    asked = house.asks(slot="1")
    slot = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    leg = house.taken(asked, slot)
    assert leg is not None
    house.ends(leg, LegEnd.NO_ANSWER, slot + MINUTE)
    with house.office.records.read() as tx:
        assert asked.promise is not None
        promise = tx.promises.get(asked.promise)
    assert (promise.due_at, promise.moved_to) == (slot + 21 * MINUTE, None)


def test_late_news_of_an_earlier_attempt_moves_nothing(house: House) -> None:
    asked = house.asks()
    first = house.taken(asked, MORNING + MINUTE)
    assert first is not None
    house.ends(first, LegEnd.BUSY, MORNING + MINUTE)
    second = house.taken(asked, MORNING + 20 * MINUTE)
    assert second is not None
    assert house.ends(first, LegEnd.NO_ANSWER, MORNING + 20 * MINUTE) is None
    assert house.now_is(asked)[0].state is CallbackState.DIALLING


def test_a_dropped_line_is_called_again_from_the_same_place(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    says(house, leg, Keys("1"), ASKED)
    with house.office.records.write() as tx:
        places.end_talk(tx, tx.tickets.get(leg.ticket), "lost", MINUTE, house.clock.now())
    over = says(house, leg, CameBack(), TALKING)
    assert "la linea è caduta" in spoken(over.says[0])
    callback, promise = house.now_is(asked)
    assert (callback.state, promise) == (CallbackState.WAITING, PromiseState.KEPT)
    assert house.place(asked).ticket.arrived_at == MORNING
    assert house.taken(asked, MORNING + 5 * MINUTE) is not None


def test_who_comes_out_of_the_talk_hears_goodbye(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    says(house, leg, Keys("1"), ASKED)
    assert says(house, leg, CameBack(), TALKING).says == (Join(room(leg.ticket, 1)),)
    assert "Arrivederci" in spoken(says(house, leg, LeftRoom(), TALKING).says[0])
    assert house.place(asked).ticket.state is TicketState.SERVED


def test_who_is_answered_otherwise_is_owed_no_call(house: House) -> None:
    asked = house.asks()
    leg = house.taken(asked, MORNING + MINUTE)
    assert leg is not None
    waiting = house.rings()
    mine = house.place(asked).ticket
    with house.office.records.write() as tx:
        place = TicketOnRecord(replace(mine, id=TicketId("mine"), kind=TicketKind.WAITING, call=waiting.call))
        assert tx.tickets.take(place)
        (other,) = callbacks.served(tx, place, MARIA, "answered by bruno", house.clock.now())
    assert (other.ticket.id, other.ticket.state) == (asked.ticket, TicketState.CANCELLED)
    assert house.now_is(asked) == (house.now_is(asked)[0], PromiseState.KEPT)
    assert house.now_is(asked)[0].state is CallbackState.SERVED
    with house.office.records.read() as tx:
        assert tx.legs.get(leg.id).unwanted
        assert tx.calls.at(waiting.call).state is not CallState.ENDED
