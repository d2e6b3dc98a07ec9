"""Call backs as phone calls: the number, the time, the confirmation; and nothing promised before it is a deed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from ivr.core.callbacks import HANGS_UP
from ivr.core.company import EmergencyClosing, Hours, Line, Queue
from ivr.core.events import CallbackChosen, CallbackPromised, CallbackRefused, CallerAnswered, NodeFailed, NodeLeft
from ivr.core.flow.model import Callback, FlowVersion
from ivr.core.flow.sentences import ITALIAN
from ivr.core.flow.turn import (
    Ask,
    AskCallback,
    CancelCallback,
    GoOn,
    GotNumber,
    LiveCallback,
    WaitAtCallback,
    WantNumber,
    WantSlots,
)
from ivr.core.words import PhoneNumber, QueueName
from tests.core.flow.builders import (
    ROME,
    TUESDAY,
    Caller,
    World,
    both,
    collect,
    company,
    end,
    menu,
    option,
    say,
    version,
    week,
)

SALES = QueueName("sales")
MINE, OTHER = PhoneNumber("+390612345678"), PhoneNumber("+393331234567")
OFFICE = Hours("office", ROME, week((time(8, 30), time(19, 30))))
VERDE = Line("verde", PhoneNumber("+39800123456"), "main", shows=PhoneNumber("+390212345678"))
EVENING = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
WEDNESDAY = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # 9 o'clock in Rome: the callee's day begins


def node(slots: str | None = None) -> Callback:
    return Callback(name="call_me", queue=SALES, when_done="done", refused="refused", failed="failed", slots=slots)


def flow(slots: str | None = None, line: Line = VERDE, capacity: int = 4) -> FlowVersion:
    queue = Queue(SALES, hours="office", skills={"orders": 1}, callback_capacity=capacity)
    of_company = company(lines={"verde": line}, queues={SALES: queue}, hours={"office": OFFICE})
    first = collect("order", variable="order_number", then="pin", shortest=2, longest=2)
    pin = collect("pin", variable="pin", private=True, then="call_me", shortest=2, longest=2)
    ends = (end("refused"), end("failed"))
    return version(node(slots), first, pin, *ends, company=of_company, line="verde")


def good(number: PhoneNumber = MINE, **fields: object) -> GotNumber:
    known = GotNumber(number, own=number == MINE, country="IT", zones=(ROME,))
    return replace(known, **fields)  # type: ignore[arg-type]


def world(own: GotNumber | None = None, **typed: GotNumber) -> World:
    mine = own or good()
    numbers = {"": mine, str(MINE): mine, **{keys.lstrip("n"): got for keys, got in typed.items()}}
    return World(numbers={**numbers, **{str(got.number): got for got in typed.values() if got.number}})


def caller(slots: str | None = None, now: datetime = TUESDAY, records: World | None = None, **fields: object) -> Caller:
    return Caller(flow(slots, **fields), records or world(), now=now)  # type: ignore[arg-type]


# --- As soon as possible --------------------------------------------------------------------------------------------


def test_a_call_back_as_soon_as_possible_is_owed_when_it_is_confirmed_and_not_before() -> None:
    ringing = caller().hears("Vi richiamiamo al numero <phone_number +390612345678>.", "premete 2")
    assert ringing.presses("1").deeds == []
    ringing.hears("Sul vostro telefono apparirà il numero <phone_number +390212345678>.", "Volete essere richiamati")
    ringing.never_hears("Siamo d'accordo")
    ringing.presses("1").hears("Siamo d'accordo: vi richiamiamo appena è il vostro turno", "Fine done.")
    assert ringing.last.deeds == (
        AskCallback(
            queue=SALES,
            number=MINE,
            country="IT",
            zones=(ROME,),
            language=ITALIAN,
            next_at=TUESDAY + HANGS_UP,
            due=TUESDAY + timedelta(hours=2, minutes=10),
            zone=ROME,
            capacity=4,
            shows=VERDE.shows,
            needs={"orders": 1},
            path=("call_me",),
        ),
    )
    due = (TUESDAY + timedelta(hours=2, minutes=10)).isoformat()
    assert ringing.noted(CallbackPromised) == [CallbackPromised("sales", due, None, other_number=False)]
    assert f"<moment:Europe/Rome {due}>" in ringing.heard


def test_what_was_keyed_in_travels_along_but_for_what_is_private() -> None:
    built = flow()
    typing = Caller(replace(built, flow=replace(built.flow, start="order")), world())
    typing.presses("42").presses("99").presses("1").presses("1")
    (asked,) = typing.did(AskCallback)
    assert asked.typed == {"order_number": "42"}
    assert asked.path == ("order", "pin", "call_me")


def test_after_closing_it_is_promised_for_two_hours_after_we_open_and_may_call() -> None:
    (asked,) = caller(now=EVENING).presses("1").presses("1").did(AskCallback)
    assert (asked.next_at, asked.due) == (WEDNESDAY, WEDNESDAY + timedelta(hours=2))


def test_who_does_not_confirm_is_promised_nothing() -> None:
    ringing = caller().presses("1").presses("2").hears("Fine refused.")
    assert ringing.deeds == []


def test_a_line_without_a_number_of_its_own_says_that_another_may_show() -> None:
    caller(line=replace(VERDE, shows=None)).presses("1").hears("un numero diverso dal nostro")


def test_the_number_is_in_no_event() -> None:
    ringing = caller(records=world(**{"n3331234567": good(OTHER)}))
    ringing.presses("2").presses("3331234567").presses("1").presses("1")
    assert ringing.noted(CallerAnswered)[1] == CallerAnswered("keys", "10", masked=True)
    assert ringing.noted(CallbackPromised)[0].other_number
    assert not any("3331234567" in str(event.data()) for event in ringing.events)


# --- Another number -------------------------------------------------------------------------------------------------


def test_another_number_is_read_back_before_it_counts() -> None:
    ringing = caller(records=world(**{"n3331234567": good(OTHER)}))
    ringing.presses("2").hears("Digitate il numero a cui richiamarvi")
    assert ringing.ask.finish == "#" and ringing.ask.digits is None
    ringing.presses("3331234567").hears("Avete digitato <phone_number +393331234567>.", "Se è giusto premete 1")
    ringing.presses("2").hears("Digitate il numero").presses("3331234567").presses("1").presses("1")
    assert ringing.did(AskCallback)[0].number == OTHER


def test_withheld_callers_type_at_once() -> None:
    ringing = caller(records=World(numbers={"3331234567": good(OTHER), str(OTHER): good(OTHER)}))
    ringing.hears("Digitate il numero").never_hears("Vi richiamiamo al numero")
    ringing.presses("123").hears("Il numero di telefono digitato non è valido.")
    ringing.presses("3331234567").hears("Avete digitato")


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ("ours", "Questo numero è nostro."),
        ("country", "i numeri di questo paese"),
        ("kind", "numeri di questo tipo"),
        ("too_often", "molte richieste"),
    ],
)
def test_a_refused_number_hears_why_and_may_type_another_twice(refusal: str, why: str) -> None:
    bad = good(OTHER, refusal=refusal, because="for the supervisor")
    ringing = caller(records=world(good(refusal=refusal, because="for the supervisor"), n899=bad))
    ringing.hears(why, "Digitate il numero").presses("899").hears(why, "Digitate il numero").presses("899")
    ringing.hears(why, "Fine refused.")
    assert ringing.deeds == []
    assert [each.refusal for each in ringing.noted(CallbackRefused)] == [refusal] * 3


def test_when_too_many_were_asked_for_no_other_number_helps() -> None:
    caller(records=world(good(refusal="too_many"))).hears("non possiamo prendere altre richieste", "Fine refused.")


def test_a_number_that_is_refused_by_now_is_not_confirmed() -> None:
    ringing = caller().presses("1")
    ringing.world.numbers[str(MINE)] = good(refusal="too_often")
    ringing.presses("1").hears("molte richieste", "Digitate il numero")
    assert ringing.deeds == []


# --- Slots ----------------------------------------------------------------------------------------------------------


def test_slots_are_offered_beside_the_own_turn_and_the_chosen_one_is_booked() -> None:
    ringing = (
        caller("office").presses("1").hears("Quando possiamo richiamarvi?", "Appena è il vostro turno, premete 1.")
    )
    ringing.hears("Per <moment:Europe/Rome 2026-11-24T09:10:00+00:00>, premete 3.", "premete 4")
    assert isinstance(ringing.world.wanted[-1], WantSlots)
    ringing.presses("3").hears("Volete essere richiamati <moment:Europe/Rome 2026-11-24T09:10:00+00:00>?").presses("1")
    (asked,) = ringing.did(AskCallback)
    slot = datetime(2026, 11, 24, 9, 10, tzinfo=UTC)
    assert (asked.slot, asked.next_at, asked.due, asked.capacity) == (slot, slot, slot + timedelta(minutes=10), 4)
    assert ringing.noted(CallbackPromised)[0].slot == slot.isoformat()
    ringing.hears("Siamo d'accordo: vi richiamiamo <moment:Europe/Rome 2026-11-24T09:10:00+00:00>.")


def test_when_we_are_closed_there_are_slots_only() -> None:
    ringing = caller("office", now=EVENING).presses("1")
    ringing.hears("Per <moment:Europe/Rome 2026-11-25T08:00:00+00:00>, premete 1.").never_hears("il vostro turno")


def test_while_the_emergency_switch_is_on_nothing_is_promised_for_today() -> None:
    closed = replace(world(), emergency=EmergencyClosing("office", TUESDAY))
    caller("office", records=closed).presses("1").never_hears("Appena è il vostro turno").hears(
        f"Per <moment:Europe/Rome {WEDNESDAY.isoformat()}>, premete 1."
    )
    until = replace(world(), emergency=EmergencyClosing("office", TUESDAY, TUESDAY + timedelta(hours=1)))
    (asked,) = caller(records=until).presses("1").presses("1").did(AskCallback)
    assert (asked.next_at, asked.due) == (TUESDAY + timedelta(hours=1), TUESDAY + timedelta(hours=3))


def test_a_slot_that_was_taken_meanwhile_is_not_confirmed_and_others_are_offered() -> None:
    ringing = caller("office", now=EVENING).presses("1").presses("1")
    ringing.world.booked = (WEDNESDAY,)
    ringing.presses("1").hears("stato appena preso", "Per <moment:Europe/Rome 2026-11-25T08:10:00+00:00>, premete 1.")
    assert ringing.deeds == []


def test_a_slot_that_passed_while_the_caller_thought_is_gone() -> None:
    ringing = caller("office").presses("1").presses("3")
    ringing.now += timedelta(minutes=10)
    ringing.presses("1").hears("stato appena preso")


def test_without_a_free_slot_nothing_is_promised() -> None:
    caller("office", now=EVENING, capacity=0).presses("1").hears("Non ci sono orari liberi", "Fine refused.")


# --- Who has one already --------------------------------------------------------------------------------------------


def having(waits: bool = True, place: int | None = 3, slot: datetime | None = None, own: bool = True) -> GotNumber:
    live = LiveCallback("cb", "t", place=place, slot=slot, waits=waits)
    return good(live=live, own=own)


def test_who_has_one_hears_the_place_and_keeps_it() -> None:
    ringing = caller(records=world(having())).hears(
        "siete al posto 3 della fila", "premete 1", "premete 2", "premete 3"
    )
    ringing.presses("1").hears("Va bene: vi richiamiamo.", "Fine done.")
    assert ringing.deeds == [] and ringing.noted(CallbackChosen) == [CallbackChosen("cb", "keep")]


def test_who_has_one_may_wait_on_the_line_at_that_place() -> None:
    ringing = caller(records=world(having())).presses("2").hears("Il vostro posto in fila resta")
    assert ringing.deeds == [WaitAtCallback("cb")] and ringing.said == GoOn()
    ringing.waits().hears("Fine person.")


def test_who_has_one_may_cancel_it() -> None:
    ringing = caller(records=world(having())).presses("3").hears("La richiamata è annullata.", "Fine done.")
    assert ringing.deeds == [CancelCallback("cb", "t")]


def test_a_booked_one_is_told_by_its_time() -> None:
    caller(records=world(having(slot=WEDNESDAY))).hears("programma, <moment:Europe/Rome 2026-11-25T08:00:00+00:00>")


@pytest.mark.parametrize(("waits", "now"), [(False, TUESDAY), (True, EVENING)])
def test_nobody_waits_where_the_phone_rings_already_or_when_we_are_closed(waits: bool, now: datetime) -> None:
    ringing = caller(records=world(having(waits)), now=now).never_hears("premete 2").presses("2")
    ringing.hears("non è tra le scelte")
    assert ringing.deeds == []


def test_one_that_ended_meanwhile_is_asked_for_anew() -> None:
    ringing = caller(records=world(having()))
    ringing.world.numbers[""] = good()
    ringing.presses("2").hears("Vi richiamiamo al numero")
    assert ringing.deeds == []


def test_one_that_came_meanwhile_is_not_promised_twice() -> None:
    ringing = caller().presses("1")
    ringing.world.numbers[str(MINE)] = having()
    ringing.presses("1").hears("siete al posto 3 della fila")
    assert ringing.deeds == []


def test_nobody_cancels_the_call_back_of_somebody_elses_number() -> None:
    others = replace(having(own=False), number=OTHER)
    ringing = caller(records=world(**{"n3331234567": others})).presses("2").presses("3331234567")
    ringing.hears("Per questo numero c'è già una richiamata", "Fine done.").never_hears("premete 3")
    assert ringing.deeds == []


# --- Silence, mistakes, trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [(), ("1",), ("2",)])
def test_silence_at_any_question_ends_at_refused(keys: tuple[str, ...]) -> None:
    ringing = caller("office")
    for key in keys:
        ringing.presses(key)
    ringing.is_silent().hears("Non abbiamo ricevuto risposta.").is_silent().is_silent().hears("Fine refused.")
    assert ringing.deeds == []
    assert ringing.noted(NodeLeft)[-1].exit == "refused"


def test_star_repeats_and_zero_is_a_person() -> None:
    ringing = caller("office").presses("*").hears("Vi richiamiamo al numero").presses("1")
    ringing.presses("*").hears("Quando possiamo").presses("2").presses("*").hears("Volete essere richiamati")
    ringing.presses("0").hears("Fine person.")


def test_when_the_records_are_down_the_node_fails_aloud() -> None:
    ringing = caller(records=World(down=True)).hears("Fine failed.")
    assert ringing.noted(NodeFailed)[0].because == "the records are down"


def test_a_flow_without_a_line_fails_aloud() -> None:
    built = flow()
    assert "Fine failed." in Caller(replace(built, flow=replace(built.flow, line=None)), world()).heard


def test_our_own_numbers_are_never_called() -> None:
    wanted = next(want for want in caller().world.wanted if isinstance(want, WantNumber))
    assert wanted == WantNumber("", VERDE, "IT", frozenset({VERDE.number, PhoneNumber("+390212345678")}))


# --- The next slot, spoken in a menu --------------------------------------------------------------------------------


def test_a_menu_tells_the_next_free_slot_of_the_call_back_it_leads_to() -> None:
    built = flow("office")
    told = menu(
        "closed", option("1", "essere richiamati {callback.next_slot}", "call_me"), option("2", "altro", "done")
    )
    nodes = {**built.flow.nodes, "closed": told}
    later = replace(built, flow=replace(built.flow, nodes=nodes, start="closed"))
    ringing = Caller(later, World(booked=(WEDNESDAY,)), now=EVENING)
    ringing.hears("Per essere richiamati <moment:Europe/Rome 2026-11-25T08:10:00+00:00>, premi 1.")
    assert "{callback.next_slot}" not in ringing.dialogue
    ringing.world.down = True
    ringing.presses("*").hears("Per essere richiamati, premi 1.")


def test_nothing_is_looked_up_for_nodes_that_do_not_speak_of_it() -> None:
    ringing = Caller(version(say("hello", "Salve.", "done"), node("office"), company=company()))
    assert ringing.world.wanted == []
    assert both("x").slots() == frozenset()
    assert isinstance(caller().said, Ask)
