"""What a flow learns of the world: hours, records, proof, codes, other systems; and when the records are down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ivr.core.company import Closing, EmergencyClosing, Item, Line
from ivr.core.events import (
    CallerAnswered,
    CallerVerified,
    CaseOpened,
    FetchAsked,
    FetchEnded,
    NodeFailed,
    NodeLeft,
    RecordLooked,
    VerificationFailed,
)
from ivr.core.flow import model
from ivr.core.flow.expression import read
from ivr.core.flow.model import CaseNode, HoursNode, Http, Info, Lookup, Verify
from ivr.core.flow.sentences import ENGLISH
from ivr.core.flow.steps.http import at_path, typed
from ivr.core.flow.turn import (
    Fetch,
    GoOn,
    GotFetched,
    GotProof,
    GotRecord,
    HangUp,
    OpenCase,
    Recognise,
    Speak,
    WantEmergency,
    WantProof,
    WantRecord,
)
from ivr.core.words import PhoneNumber
from tests.core.flow.builders import (
    OFFICE,
    TUESDAY,
    Calendar,
    Caller,
    World,
    both,
    branch,
    collect,
    company,
    end,
    menu,
    option,
    say,
    version,
)

NIGHT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)

# --- Hours ------------------------------------------------------------------------------------------------------------

CLOSED = say(
    "closed", "Siamo chiusi{closed.because}. Riapriamo {hours.next_open}.", "done", "We are closed{closed.because}."
)
OPENING = HoursNode(name="opening", hours="office", open="open", closed="closed")
SHOP = version(OPENING, CLOSED, end("open"))


def test_open_hours_let_the_caller_in() -> None:
    caller = Caller(SHOP).hears("Fine open.")
    assert caller.world.wanted == [WantEmergency("office")]


def test_closed_hours_say_when_they_open_again() -> None:
    Caller(SHOP, now=NIGHT).hears("Siamo chiusi. Riapriamo <moment:Europe/Rome 2026-11-25T08:30:00+01:00>.")


def test_a_holiday_is_named_and_falls_back_to_closed() -> None:
    calendar = Calendar({date(2026, 11, 24): "Festa"})
    caller = Caller(SHOP, calendar=calendar).hears("Siamo chiusi per festa: Festa. Riapriamo")
    assert caller.noted(NodeLeft)[0] == NodeLeft("opening", "closed", "holiday: Festa", "main")
    assert caller.variables["closed.reason"] == "holiday"
    own = version(replace(OPENING, holiday="party"), CLOSED, end("open"), end("party"))
    Caller(own, calendar=calendar).hears("Fine party.")
    Caller(SHOP, calendar=calendar, language=ENGLISH).hears("We are closed for a public holiday: Festa.")


def test_a_closing_of_the_company_is_told_in_its_own_words() -> None:
    closings = (
        Closing("stock", date(2026, 11, 24), date(2026, 11, 24), both("inventario", "stock-taking")),
        Closing("quiet", date(2026, 11, 25), date(2026, 11, 25)),
    )
    office = replace(OFFICE, closings=closings)
    shop = version(OPENING, CLOSED, end("open"), company=company(hours={"office": office}))
    Caller(shop).hears("Siamo chiusi: inventario.")
    Caller(shop, language=ENGLISH).hears("We are closed: stock-taking.")
    Caller(shop, now=TUESDAY + timedelta(days=1)).hears("Siamo chiusi. Riapriamo")


def test_the_emergency_switch_has_its_words_and_its_way_out() -> None:
    world = World(emergency=EmergencyClosing("office", TUESDAY, because="guasto alla rete"))
    Caller(SHOP, world).hears("Siamo chiusi: guasto alla rete. Riapriamo.")
    wordless = World(emergency=EmergencyClosing("office", TUESDAY))
    Caller(SHOP, wordless).hears("Siamo chiusi per un imprevisto.")
    own = version(replace(OPENING, emergency="alarm"), CLOSED, end("open"), end("alarm"))
    Caller(own, world).hears("Fine alarm.")


def test_without_the_records_the_schedule_decides() -> None:
    caller = Caller(SHOP, World(down=True)).hears("Fine open.").never_hears("Mi dispiace")
    assert "could not be read" in caller.noted(NodeLeft)[0].because


def test_hours_that_the_company_has_not_are_a_failure_aloud() -> None:
    Caller(version(replace(OPENING, hours="nowhere"), CLOSED, end("open"))).hears("Mi dispiace", "Fine rescue.")


# --- Lookup -----------------------------------------------------------------------------------------------------------

ORDER = GotRecord(
    {"number": "00123", "status": "shipped", "total": 1250, "due": "2026-11-30", "note": None},
    {"number": "digits", "status": "enum:order_status", "total": "money", "due": "date"},
)
LOOK = Lookup(name="look", record="order", by="entry", found="found", not_found="not_found", failed="failed")
LOOKING = (collect("number", then="look"), LOOK, end("not_found"), end("failed"))
RECORDS = World(records={("order", "123456"): ORDER})


def test_a_record_becomes_variables_with_types() -> None:
    lookup = version(*LOOKING, branch("found", "done", shipped='order.status == "shipped"'), end("shipped"))
    caller = Caller(lookup, World(records={("order", "123456"): ORDER})).presses("123456").hears("Fine shipped.")
    assert caller.variables["order.number"] == "00123"
    assert caller.cursor.types["order.status"] == "enum:order_status"
    assert caller.noted(RecordLooked) == [RecordLooked("order", found=True)]


def test_no_record_and_no_records_are_two_things() -> None:
    lookup = version(*LOOKING, end("found"))
    Caller(lookup).presses("999999").hears("Fine not_found.").never_hears("Mi dispiace")
    world = World()
    caller = Caller(lookup, world)
    world.down = True
    caller.presses("123456").hears("Mi dispiace, questo servizio non risponde. Fine failed.")
    assert caller.noted(NodeFailed) == [NodeFailed("look", "the records are down", "main")]
    assert caller.noted(NodeLeft)[-1] == NodeLeft("look", "failed", "the records are down", "main")


def test_another_record_leaves_nothing_of_the_one_before() -> None:
    lookup = version(*LOOKING, collect("found", then="again"), replace(LOOK, name="again", found="done"))
    records = {("order", "1"): ORDER, ("order", "2"): GotRecord({"number": "2"})}
    caller = Caller(lookup, World(records=records)).presses("1").presses("2")
    assert {name: value for name, value in caller.variables.items() if name.startswith("order.")} == {
        "order.number": "2"
    }
    assert "order.status" not in caller.cursor.types


def test_a_lookup_by_a_variable_without_a_value_asks_nobody() -> None:
    caller = Caller(version(LOOK, end("found"), end("not_found"), end("failed"))).hears("Fine not_found.")
    assert caller.world.wanted == []


# --- Who is it --------------------------------------------------------------------------------------------------------

PERSONAL = say("known", "Buongiorno {customer.name}, ordine {order.number}.", "done")
PIN = Verify(name="who", by="pin", ask=both("Il PIN?"), known="known", unknown="unknown", failed="failed", longest=5)
PROOF = GotProof({"name": "Maria Rossi", "order.number": "00123"}, "C1", {"order.number": "digits"})


def test_a_pin_proves_who_calls_and_never_stands_in_the_log() -> None:
    line = version(PIN, PERSONAL, end("unknown"), end("failed"))
    caller = Caller(line, World(proofs={("pin", "54321", None): PROOF}))
    assert (caller.ask.digits, caller.ask.finish) == (5, "#")
    caller.presses("54321").hears("Buongiorno Maria Rossi, ordine 0 0 1, 2 3.")
    assert caller.cursor.known == "C1"
    assert caller.did(Recognise) == [Recognise("C1")]
    assert caller.noted(CallerVerified) == [CallerVerified("pin", "C1")]
    assert caller.noted(CallerAnswered) == [CallerAnswered("keys", "5", masked=True)]
    assert "54321" not in repr(caller.events)
    assert "Buongiorno {customer.name}, ordine {order.number}." in caller.dialogue
    assert "Maria" not in repr(caller.events)


def test_another_customer_proven_on_the_same_call_leaves_nothing_of_the_first() -> None:
    again = replace(PIN, name="known", known="told")
    line = version(PIN, again, replace(PERSONAL, name="told"), end("unknown"), end("failed"))
    other = GotProof({"number": "7"}, "C2")
    caller = Caller(line, World(proofs={("pin", "1", None): PROOF, ("pin", "2", None): other}))
    first = caller.cursor.frames[0]
    caller.cursor = replace(caller.cursor, frames=(replace(first, variables={"customer.maybe.language": "it"}),))
    caller.presses("1").presses("2").hears("Buongiorno, ordine.")
    assert caller.variables == {"customer.maybe.language": "it", "customer.number": "7"}
    assert caller.cursor.known == "C2"


def test_who_is_known_hears_nothing_of_another_customers_order() -> None:
    proofs = {("pin", "54321", None): GotProof({"name": "Maria Rossi"}, "C1")}
    world = World(records={("order", "123456"): replace(ORDER, owner="C2")}, proofs=proofs)
    ends = [end(name) for name in ("unknown", "not_found", "failed", "found")]
    asks = collect("number", then="look")
    first_proven = version(replace(PIN, known="number"), asks, LOOK, *ends)
    Caller(first_proven, world).presses("54321").presses("123456").hears("Fine not_found.")
    first_looked = version(asks, replace(LOOK, found="who"), PIN, PERSONAL, *ends)
    caller = Caller(first_looked, world).presses("123456").presses("54321").hears("Buongiorno Maria Rossi, ordine.")
    assert "order.number" not in caller.variables


def test_a_wrong_pin_uses_up_tries_and_leads_to_unknown() -> None:
    line = version(PIN, PERSONAL, end("unknown"), end("failed"))
    caller = Caller(line).presses("11111").hears("Il codice digitato non corrisponde.", "Il PIN?")
    caller.is_silent().hears("Non abbiamo ricevuto risposta.").presses("*").hears("Il PIN?")
    caller.presses("22222").hears("Fine unknown.")
    assert caller.noted(VerificationFailed) == [VerificationFailed("pin")] * 2
    assert caller.cursor.known is None
    Caller(line).presses("0").hears("Fine person.")


def test_an_order_number_with_its_postcode_proves_it_too() -> None:
    by_order = replace(PIN, by="order", order_variable="entry", ask=both("Il CAP?"))
    line = version(collect("number", then="who"), by_order, PERSONAL, end("unknown"), end("failed"))
    caller = Caller(line, World(proofs={("order", "00184", "123456"): PROOF})).presses("123456").presses("00184")
    caller.hears("Maria Rossi")
    assert caller.world.wanted == [WantProof("order", "00184", "123456")]
    Caller(version(by_order, PERSONAL, end("unknown"), end("failed"))).hears("Fine unknown.")


def test_verify_fails_aloud_without_the_records() -> None:
    line = version(PIN, PERSONAL, end("unknown"), end("failed"))
    world = World(down=True)
    Caller(line, world).presses("54321").hears("Mi dispiace", "Fine failed.")


def test_personal_words_are_never_said_to_a_caller_who_is_not_known() -> None:
    line = version(*LOOKING, replace(PERSONAL, name="found", say=both("Ordine {order.number}, {customer.name}!")))
    Caller(line, World(records={("order", "123456"): ORDER})).presses("123456").hears("Ordine!").never_hears("0 0 1")


def test_whom_the_number_points_at_may_decide_but_is_not_said() -> None:
    line = version(
        branch("b", "done", regular='customer.maybe.name == "Maria"'),
        say("regular", "Ciao {customer.maybe.name}.", "done"),
    )
    Caller(line, maybe={"name": "Maria"}).hears("Ciao. Fine done.")
    Caller(line, maybe={"customer.maybe.name": "Maria"}).hears("Ciao. Fine done.")
    Caller(line).hears("Fine done.").never_hears("Ciao")


def test_a_line_may_allow_the_greeting_by_name() -> None:
    greeting = Line("toll_free", PhoneNumber("+39800123456"), "main", greets_by_name=True)
    line = version(
        say("hello", "Ciao {customer.maybe.name}.", "done"),
        line="toll_free",
        company=company(lines={"toll_free": greeting}),
    )
    caller = Caller(line, maybe={"name": "Maria"}).hears("Ciao Maria.")
    assert "Maria" not in repr(caller.events)


# --- Cases ------------------------------------------------------------------------------------------------------------


def test_a_case_is_opened_in_the_turn_that_says_its_code_twice() -> None:
    node = CaseNode(name="case", case="complaint", then="done", failed="failed", about="entry")
    caller = Caller(version(collect("number", then="case"), node, end("failed"))).presses("777")
    assert caller.heard.count("Il vostro codice è 4 8 2, 9 1 3.") == 1
    caller.hears("Ripeto, il vostro codice è 4 8 2, 9 1 3.")
    assert caller.last.deeds == (OpenCase("complaint", "482913", "777"),)
    assert caller.noted(CaseOpened) == [CaseOpened("complaint", "482913")]
    assert caller.variables["case.code"] == "482913"


def test_slow_mode_says_the_code_in_pairs_and_no_records_open_no_case() -> None:
    line = version(CaseNode(name="case", case="order", then="done", failed="failed"), end("failed"))
    Caller(line, slow=True).hears("4 8, 2 9, 1 3")
    caller = Caller(line, World(down=True)).hears("Mi dispiace", "Fine failed.").never_hears("codice")
    assert caller.deeds == []


# --- Other systems ----------------------------------------------------------------------------------------------------

HTTP = Http(
    name="ask",
    url="https://api.verdi.test/orders/{entry}?lang={caller.language}",
    method="GET",
    wait=both("Controllo."),
    success="told",
    failure="broken",
    timed_out="late",
    limit=timedelta(seconds=3),
    gives=(("state", "text", "data.status"), ("price", "money", "data.lines.0.price"), ("gone", "text", "no.where")),
    sends=(("slow", read("caller.slow")),),
)
FETCHING = version(
    collect("number", then="ask"), HTTP, say("told", "Stato {state}, {price}.", "done"), end("broken"), end("late")
)


def test_a_worker_fetches_while_the_caller_hears_a_sentence() -> None:
    caller = Caller(FETCHING).presses("123")
    assert isinstance(caller.last.says[0], Speak)
    caller.hears("Controllo.")
    assert caller.said == GoOn(0)
    (fetch,) = caller.did(Fetch)
    assert fetch == Fetch(
        "call:1:main:ask", "https://api.verdi.test/orders/123?lang=it", "GET", {"slow": False}, HTTP.limit
    )
    assert caller.noted(FetchAsked) == [FetchAsked("ask", "api.verdi.test")]
    caller.waits(1)
    assert caller.last.says == (GoOn(1),)
    caller.world.fetched = GotFetched("success", {"data": {"status": "pronto", "lines": [{"price": "12.50"}]}})
    caller.waits(1).hears("Stato pronto, <money:EUR 1250>.")
    assert caller.variables["gone"] is None
    assert caller.noted(FetchEnded) == [FetchEnded("ask", "success")]
    assert caller.path == ("number", "ask", "told", "done")


@pytest.mark.parametrize(("state", "hears"), [("failure", "Fine broken."), ("timeout", "Fine late.")])
def test_a_fetch_that_ends_badly_has_its_own_exits(state: str, hears: str) -> None:
    Caller(FETCHING, World(fetched=GotFetched(state))).presses("123").waits(1).hears(hears)


def test_a_worker_that_never_answers_is_left_by_the_clock() -> None:
    caller = Caller(FETCHING).presses("123").waits(4.9)
    assert caller.said == GoOn(1)
    caller.waits(0.1).hears("Fine late.")
    assert isinstance(caller.said, HangUp)


def test_without_the_records_a_fetch_fails_aloud() -> None:
    caller = Caller(FETCHING).presses("123")
    caller.world.down = True
    caller.waits(1).hears("Mi dispiace", "Fine broken.")


def test_values_in_an_address_are_quoted() -> None:
    line = version(
        model.Set(name="set", values=(("entry", read('"a/b ?&è"')),), then="ask"),
        HTTP,
        end("told"),
        end("broken"),
        end("late"),
    )
    assert Caller(line).did(Fetch)[0].url == "https://api.verdi.test/orders/a%2Fb%20%3F%26%C3%A8?lang=it"


@pytest.mark.parametrize(
    ("found", "type_", "value"),
    [
        (12, "number", 12),
        ("12", "number", 12),
        (12.5, "number", None),
        (12.0, "number", 12),
        (True, "number", None),
        (10**30, "number", None),
        ("1e999999999", "number", None),
        (float("nan"), "number", None),
        (float("inf"), "money", None),
        (12.5, "money", 1250),
        (0.1, "money", 10),
        ("12.345", "money", None),
        ([], "money", None),
        (True, "boolean", True),
        ("true", "boolean", None),
        ("2026-11-24", "date", "2026-11-24"),
        ("2026-13-24", "date", None),
        (5, "date", None),
        ("2026-11-24T10:00:00+01:00", "moment", "2026-11-24T10:00:00+01:00"),
        ("2026-11-24T10:00:00", "moment", None),
        ("x" * 600, "text", "x" * 500),
        (7, "text", "7"),
        ({}, "text", None),
        (None, "text", None),
        ("00123", "digits", "00123"),
        (123, "digits", "123"),
    ],
)
def test_a_json_value_becomes_a_value_of_the_type_or_nothing(found: object, type_: str, value: object) -> None:
    assert typed(found, type_) == value


def test_a_path_that_leads_nowhere_finds_nothing() -> None:
    answer = {"a": [{"b": 1}], "c": None}
    assert at_path(answer, "a.0.b") == 1
    assert [at_path(answer, path) for path in ("a.1.b", "a.-1", "a.b", "c.d", "", "a.0.b.c", "x")] == [None] * 7


# --- Items ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "hears"),
    [
        ("2026-11-22T22:59:00+00:00", "Fine nothing."),
        ("2026-11-22T23:00:00+00:00", "Fiera a Roma."),
        ("2026-11-24T22:59:00+00:00", "Fiera a Roma. Sconti. Fine done."),
        ("2026-11-24T23:00:00+00:00", "Sconti."),
        ("2026-11-25T23:00:00+00:00", "Fine nothing."),
    ],
)
def test_items_are_read_out_on_their_days_by_the_company_s_calendar(now: str, hears: str) -> None:
    items = {
        "fair": Item("fair", both("Fiera a Roma."), date(2026, 11, 23), date(2026, 11, 24)),
        "sales": Item("sales", both("Sconti."), date(2026, 11, 24), date(2026, 11, 25)),
    }
    node = Info(name="news", items=("fair", "sales", "unknown"), then="done", none="nothing")
    caller = Caller(version(node, end("nothing"), company=company(items=items)), now=datetime.fromisoformat(now))
    caller.hears(hears)


def test_the_world_is_asked_only_for_what_a_node_needs() -> None:
    plain = version(menu("main", option("1", "uno", "done")))
    assert Caller(plain).presses("1").world.wanted == []
    assert Caller(version(*LOOKING, end("found")), RECORDS).presses("123456").world.wanted == [
        WantRecord("order", "123456")
    ]
