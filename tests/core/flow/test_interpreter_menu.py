"""Menus as phone calls: keys, silence, mistakes, a person, repeats, long keys, slow mode, words."""

from __future__ import annotations

import pytest

from ivr.core.events import CallerAnswered, CallerMistook, CallerSilent, NodeEntered, NodeLeft, SaidToCaller
from ivr.core.flow.model import Option
from ivr.core.flow.sentences import ENGLISH, ITALIAN
from ivr.core.flow.turn import Ask, HangUp, Rest, Speak, Utter
from ivr.core.flow.walk import LONGEST_PATH
from tests.core.flow.builders import Caller, both, company, end, menu, option, reprompt, say, version

MAIN = menu(
    "main",
    option("1", "un ordine", "orders"),
    option("2", "un reclamo", "complaints"),
    ask=both("Come possiamo aiutarvi?"),
    no_input=reprompt("silent", tries=2, say="Con calma."),
    no_match=reprompt("mistaken", tries=3),
)
LINE = version(say("welcome", "Buongiorno.", "main"), MAIN, end("orders"), end("complaints"))


def test_a_menu_speaks_itself_inside_the_question_so_that_the_caller_may_answer_at_once() -> None:
    caller = Caller(LINE)
    assert caller.last.says == (
        Ask(
            (
                Utter("Buongiorno.", ITALIAN),
                Utter("Come possiamo aiutarvi?", ITALIAN),
                Utter("Per un ordine, premi 1. Per un reclamo, premi 2.", ITALIAN),
            ),
            digits=1,
            finish="",
            patience=6,
            language=ITALIAN,
        ),
    )


def test_a_key_leads_on_and_the_way_is_noted() -> None:
    caller = Caller(LINE).presses("2").hears("Fine complaints.")
    assert isinstance(caller.last.says[0], Speak)
    assert isinstance(caller.said, HangUp)
    assert caller.cursor.ended
    assert caller.path == ("welcome", "main", "complaints")
    assert caller.events == [
        NodeEntered("welcome", "say", "main"),
        NodeLeft("welcome", "then", "said", "main"),
        NodeEntered("main", "menu", "main"),
        SaidToCaller("Buongiorno. Come possiamo aiutarvi? Per un ordine, premi 1. Per un reclamo, premi 2.", "it"),
        CallerAnswered("keys", "2"),
        NodeLeft("main", "2", "pressed 2", "main"),
        NodeEntered("complaints", "hangup", "main"),
        SaidToCaller("Fine complaints.", "it"),
    ]


def test_silence_and_wrong_keys_have_their_own_prompts_counters_and_ways_out() -> None:
    caller = Caller(LINE).is_silent().hears("Con calma. Come possiamo aiutarvi?", "premi 2")
    caller.presses("9").hears("Questo tasto non è tra le scelte.")
    caller.presses("8").hears("Questo tasto", "premi 1")
    assert caller.cursor.no_input == 1
    assert caller.cursor.no_match == 2
    caller.presses("7").hears("Fine mistaken.")
    assert caller.noted(CallerSilent) == [CallerSilent("main", 1)]
    assert [mistake.tries for mistake in caller.noted(CallerMistook)] == [1, 2, 3]


def test_tries_count_the_first_ask() -> None:
    Caller(LINE).is_silent().hears("premi 1").is_silent().hears("Fine silent.").never_hears("Con calma")
    once = version(menu("main", option("1", "x", "done"), no_input=reprompt("silent", tries=1)))
    Caller(once).is_silent().hears("Fine silent.")


def test_counters_begin_anew_at_the_next_menu() -> None:
    again = version(menu("main", option("1", "tornare", "main"), no_input=reprompt("silent", tries=2)))
    caller = Caller(again).is_silent().presses("1").is_silent()
    assert caller.cursor.no_input == 1
    caller.is_silent().hears("Fine silent.")


def test_zero_is_a_person_and_star_repeats_without_using_up_a_try() -> None:
    caller = Caller(LINE)
    for _ in range(5):
        caller.presses("*").hears("Come possiamo aiutarvi?", "premi 1")
    assert caller.cursor.no_match == 0
    caller.presses("0").hears("Fine person.")
    assert caller.noted(NodeLeft)[-1] == NodeLeft("main", "person", "pressed 0", "main")


def test_a_menu_that_uses_zero_or_star_itself_keeps_them() -> None:
    own = version(menu("main", option("0", "zero", "zero"), option("*", "stella", "star")), end("zero"), end("star"))
    Caller(own).hears("premi 0", "premi asterisco").presses("0").hears("Fine zero.")
    Caller(own).presses("*").hears("Fine star.")
    Caller(own, slow=True).never_hears("Per riascoltare", "una persona")


def test_zero_is_a_wrong_key_where_the_flow_knows_no_person() -> None:
    alone = version(MAIN, end("orders"), end("complaints"), person=None)
    Caller(alone).presses("0").hears("Questo tasto non è tra le scelte.")


@pytest.mark.parametrize(
    ("presses", "hears"),
    [
        (["2"], "Fine two."),
        (["1", ""], "Fine one."),
        (["1", "2"], "Fine twelve."),
        (["1", "3"], "Questo tasto"),
        (["1", "0"], "Questo tasto"),
        (["3", ""], "Questo tasto"),
        (["3", "4"], "Fine thirty-four."),
        (["12"], "Fine twelve."),
        (["129"], "Questo tasto"),
        (["*#"], "Questo tasto"),
    ],
)
def test_a_key_that_begins_another_waits_shortly_for_the_rest(presses: list[str], hears: str) -> None:
    long = version(
        menu(
            "main",
            option("1", "uno", "one"),
            option("12", "dodici", "twelve"),
            option("2", "due", "two"),
            option("34", "trentaquattro", "thirty-four"),
        ),
        *(end(name) for name in ("one", "twelve", "two", "thirty-four")),
    )
    caller = Caller(long)
    assert caller.ask.digits == 1
    for at, keys in enumerate(presses):
        if at:
            assert caller.last.says == (Ask((), 1, "", 3, ITALIAN),)
        caller = caller.presses(keys) if keys else caller.is_silent()
    caller.hears(hears)


def test_keys_of_one_length_end_the_question_at_once() -> None:
    two = version(menu("main", option("11", "a", "done"), option("12", "b", "done")))
    caller = Caller(two)
    assert (caller.ask.digits, caller.ask.finish) == (2, "")
    caller.presses("0").hears("Fine person.")
    Caller(two).presses("*").hears("premi 12")
    Caller(two).presses("12").hears("Fine done.")


FIVE = version(
    menu("main", *(option(str(n), f"cosa {n}", "done") for n in range(1, 6)), ask=both("Scegliete.")),
    company=company(),
)


def test_slow_mode_says_three_options_at_once_and_hash_leads_to_the_others() -> None:
    caller = Caller(FIVE, slow=True)
    caller.hears("Scegliete.", "premi 1", "premi 3", "Per altre scelte, premi cancelletto.")
    caller.hears("premi asterisco", "Per parlare con una persona, premi 0.").never_hears("premi 4")
    assert caller.ask.patience == 12
    assert all(said.slow for said in caller.ask.utterances if isinstance(said, Utter))
    assert Rest(1) in caller.ask.utterances
    caller.presses("#").hears("premi 4", "premi 5", "premi cancelletto").never_hears("premi 1", "Scegliete.")
    caller.presses("*").hears("premi 4").never_hears("premi 1")
    caller.is_silent().hears("premi 4")
    caller.presses("#").hears("Scegliete.", "premi 1")
    assert (caller.cursor.no_match, caller.cursor.no_input) == (0, 1)
    caller.presses("5").hears("Fine done.")


def test_without_slow_mode_all_options_are_said_and_hash_is_no_choice() -> None:
    caller = Caller(FIVE).hears("premi 1", "premi 5").never_hears("cancelletto", "asterisco")
    caller.presses("#").hears("Questo tasto")


def test_slow_mode_is_as_patient_with_the_rest_of_a_long_key() -> None:
    long = version(menu("main", option("1", "uno", "done"), option("12", "dodici", "done")))
    assert Caller(long, slow=True).presses("1").ask.patience == 6


def test_an_option_for_the_other_language_is_said_by_its_voice() -> None:
    other = version(
        menu(
            "main",
            option("1", "un ordine", "done"),
            option(
                "9", "", "done", words=both("For English, press 9.", "Per l'italiano, premi 9."), spoken_in_other=True
            ),
            option("2", "altro", "done"),
        )
    )
    assert Caller(other).ask.utterances == (
        Utter("Per un ordine, premi 1.", ITALIAN),
        Utter("For English, press 9.", ENGLISH),
        Utter("Per altro, premi 2.", ITALIAN),
    )
    caller = Caller(other, language=ENGLISH)
    assert caller.ask.utterances[1] == Utter("Per l'italiano, premi 9.", ITALIAN)
    assert [event.language for event in caller.noted(SaidToCaller)] == ["en", "it", "en"]


SPEAKING = version(
    menu(
        "main",
        option("1", "un ordine", "orders", speech={ITALIAN: ("ordine", "spedizione urgente"), ENGLISH: ("order",)}),
        option("2", "un reclamo", "complaints", speech={ITALIAN: ("reclamo", "città")}),
    ),
    end("orders"),
    end("complaints"),
)


@pytest.mark.parametrize(
    ("words", "hears"),
    [
        ("vorrei fare un Ordine, grazie", "Fine orders."),
        ("SPEDIZIONE  URGENTE", "Fine orders."),
        ("citta", "Fine complaints."),
        ("un ordine e un reclamo", "Non abbiamo capito."),
        ("disordine", "Non abbiamo capito."),
        ("spedizione non urgente", "Non abbiamo capito."),
        ("order", "Non abbiamo capito."),
        ("", "Non abbiamo capito."),
    ],
)
def test_words_choose_where_the_line_lets_the_carrier_listen(words: str, hears: str) -> None:
    caller = Caller(SPEAKING, speech=True)
    assert caller.ask.hints == ("ordine", "spedizione urgente", "reclamo", "città")
    caller.speaks(words).hears(hears)
    assert caller.noted(CallerAnswered) == [CallerAnswered("words", words)]


def test_who_may_speak_is_told_once_that_the_phone_company_listens() -> None:
    caller = Caller(SPEAKING, speech=True).hears("un servizio automatico del gestore telefonico")
    caller.presses("7").never_hears("gestore telefonico")
    Caller(SPEAKING).never_hears("gestore telefonico")


def test_after_silence_or_a_wrong_key_the_caller_is_told_how_to_reach_a_person() -> None:
    Caller(LINE).never_hears("premi 0").presses("7").hears("Per parlare con una persona, premi 0.")
    Caller(LINE).is_silent().hears("Per parlare con una persona, premi 0.")


def test_elsewhere_nobody_listens_for_words() -> None:
    assert Caller(SPEAKING).ask.hints == ()


def test_an_unexpected_way_in_repeats_the_question_and_counts_nothing() -> None:
    caller = Caller(LINE).waits().hears("premi 1")
    assert (caller.cursor.no_input, caller.cursor.no_match) == (0, 0)


def test_the_path_keeps_its_last_nodes_only() -> None:
    loop = version(menu("main", option("1", "ancora", "hello")), say("hello", "Ciao.", "main"))
    caller = Caller(loop)
    for _ in range(LONGEST_PATH):
        caller.presses("1")
    assert len(caller.path) == LONGEST_PATH
    assert caller.path[-1] == "main"


def test_an_option_without_words_is_a_key_that_nobody_is_told_of() -> None:
    hidden = version(menu("main", option("1", "uno", "done"), Option("5", "done")))
    Caller(hidden).hears("premi 1").never_hears("premi 5").presses("5").hears("Fine done.")
