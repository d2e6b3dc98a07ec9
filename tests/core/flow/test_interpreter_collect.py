"""Entries as phone calls: digits as text, lengths, check digits, types, read-back, privacy."""

from __future__ import annotations

import pytest

from ivr.core.events import CallerAnswered, CallerMistook, NodeLeft
from ivr.core.flow.sentences import BUILT_IN, ITALIAN
from ivr.core.flow.turn import Ask
from tests.core.flow.builders import Caller, collect, end, reprompt, say, version

TOLD = say("done", "Grazie, {entry}.", "bye")


def line(**fields: object):  # type: ignore[no-untyped-def]
    return version(collect("number", **fields), TOLD, end("bye"), end("other"))


def test_digits_are_kept_as_text_and_end_with_the_terminator() -> None:
    caller = Caller(line(shortest=6, longest=8))
    assert (caller.ask.digits, caller.ask.finish, caller.ask.patience) == (None, "#", 6)
    caller.hears("Digitate il numero.").presses("00123456").hears("Grazie, 0 0 1, 2 3 4, 5 6.")
    assert caller.variables["entry"] == "00123456"
    assert caller.cursor.types == {"entry": "digits"}


def test_one_length_ends_the_question_at_once() -> None:
    assert Caller(line(shortest=5, longest=5)).ask.digits == 5


@pytest.mark.parametrize(
    ("fields", "keys", "because"),
    [
        ({"shortest": 6, "longest": 8}, "12345", "too_short"),
        ({"shortest": 6, "longest": 8}, "123456789", "too_long"),
        ({"shortest": 6, "longest": 8}, "12*456", "not_a_number"),
        ({"shortest": 6, "longest": 8}, "*#", "not_a_number"),
        ({"check": "luhn"}, "79927398710", "wrong_check"),
        ({"check": "italian_vat"}, "12345678901", "wrong_check"),
        ({"type": "number"}, "1234567890123456", "not_a_number"),
        ({"type": "number"}, "1*5", "not_a_number"),
        ({"type": "money"}, "12*5", "not_money"),
        ({"type": "money"}, "*50", "not_money"),
        ({"type": "date"}, "31022026", "not_a_date"),
        ({"type": "date"}, "241126", "not_a_date"),
        ({"type": "phone_number"}, "123", "not_a_phone_number"),
        ({"type": "phone_number"}, "000123456", "not_a_phone_number"),
    ],
)
def test_an_entry_that_will_not_do_is_asked_again_with_the_reason(
    fields: dict[str, object], keys: str, because: str
) -> None:
    caller = Caller(line(**fields)).presses(keys)
    caller.hears(BUILT_IN[because].texts[ITALIAN].plain(), "Digitate il numero.")
    assert caller.noted(CallerMistook) == [CallerMistook("number", 1, because)]
    caller.presses(keys).presses(keys).hears("Fine mistaken.")


@pytest.mark.parametrize(
    ("fields", "keys", "value", "heard"),
    [
        ({"check": "luhn"}, "79927398713", "79927398713", "7 9 9, 2 7 3, 9 8 7, 1 3"),
        ({"type": "number"}, "007", 7, "<number 7>"),
        ({"type": "number"}, "0", 0, "<number 0>"),
        ({"type": "money"}, "12", 1200, "<money:EUR 1200>"),
        ({"type": "money"}, "12*05", 1205, "<money:EUR 1205>"),
        ({"type": "date"}, "24112026", "2026-11-24", "<date 2026-11-24>"),
        ({"type": "phone_number"}, "0039061234567", "+39061234567", "<phone_number +39061234567>"),
        ({"type": "phone_number"}, "0612345678", "0612345678", "<phone_number 0612345678>"),
        ({"shortest": 1}, "0", "0", "Grazie, 0."),
    ],
)
def test_each_type_gives_its_value(fields: dict[str, object], keys: str, value: object, heard: str) -> None:
    caller = Caller(line(**fields)).presses(keys).hears(heard)
    assert caller.variables["entry"] == value


def test_zero_alone_is_a_person_and_star_alone_repeats_unless_zero_is_an_entry() -> None:
    asks = line(shortest=2)
    Caller(asks).presses("*").hears("Digitate il numero.").presses("0").hears("Fine person.")
    caller = Caller(asks).presses("*").presses("*")
    assert caller.cursor.no_match == 0
    Caller(line(type="date")).presses("0").hears("Fine person.")


def test_slow_mode_says_what_zero_and_star_do_where_they_do_it() -> None:
    Caller(line(shortest=2), slow=True).hears("Per riascoltare, premi asterisco.", "premi 0")
    Caller(line(shortest=1), slow=True).hears("premi asterisco").never_hears("premi 0")
    Caller(line(shortest=2, terminator="*"), slow=True).hears("premi 0").never_hears("premi asterisco")


def test_silence_has_its_own_way_out() -> None:
    caller = Caller(line(no_input=reprompt("silent", tries=2))).is_silent().hears("Non abbiamo ricevuto risposta.")
    caller.is_silent().hears("Fine silent.")


READ_BACK = line(shortest=6, longest=8, read_back=True)


def test_an_entry_is_read_back_in_groups_and_taken_when_it_is_right() -> None:
    caller = Caller(READ_BACK).presses("1234567")
    caller.hears("Avete digitato 1 2 3, 4 5 6 7.", "Se è giusto premete 1, altrimenti premete 2.")
    assert (caller.ask.digits, caller.ask.finish) == (1, "")
    caller.presses("1").hears("Grazie")
    assert "{entry}" in caller.dialogue
    assert "1 2 3, 4" not in caller.dialogue


def test_slow_mode_reads_back_in_pairs() -> None:
    Caller(READ_BACK, slow=True).presses("123456").hears("1 2, 3 4, 5 6", "premi asterisco")


def test_what_is_not_confirmed_is_asked_again_and_counts() -> None:
    caller = Caller(READ_BACK).presses("123456").presses("2").hears("Digitate di nuovo", "Digitate il numero.")
    assert caller.cursor.no_match == 1
    caller.presses("654321").hears("6 5 4").presses("1")
    assert caller.variables["entry"] == "654321"
    weary = Caller(READ_BACK)
    for _ in range(3):
        weary.presses("123456").presses("2")
    weary.hears("Fine mistaken.")


def test_not_confirmed_may_have_its_own_way_out() -> None:
    own = line(shortest=6, read_back=True, not_confirmed="other")
    caller = Caller(own).presses("123456").presses("2").hears("Fine other.")
    assert caller.noted(NodeLeft)[0].exit == "not_confirmed"


def test_while_reading_back_zero_star_silence_and_other_keys_do_what_they_do_everywhere() -> None:
    caller = Caller(READ_BACK).presses("123456")
    caller.presses("*").hears("Avete digitato 1 2 3, 4 5 6.")
    caller.is_silent().hears("Non abbiamo ricevuto risposta.", "Avete digitato")
    caller.presses("7").hears("Questo tasto", "Avete digitato")
    assert (caller.cursor.no_input, caller.cursor.no_match, caller.cursor.stage) == (1, 1, "confirm")
    caller.presses("0").hears("Fine person.")


def test_a_private_entry_is_neither_noted_nor_read_back() -> None:
    caller = Caller(line(shortest=4, read_back=True, private=True)).presses("9876")
    assert caller.noted(CallerAnswered) == [CallerAnswered("keys", "4", masked=True)]
    assert caller.variables["entry"] == "9876"
    assert all("9876" not in repr(event) for event in caller.events)


def test_other_terminators_and_none() -> None:
    assert Caller(line(terminator="*")).ask.finish == "*"
    assert isinstance(Caller(line(terminator="")).said, Ask)
