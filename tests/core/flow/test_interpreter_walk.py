"""From node to node: sounds, languages, pace, variables, subflows, and what a broken flow does to a caller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.core.events import LanguageChosen, NodeFailed, NodeLeft, PaceChosen, SaidToCaller
from ivr.core.flow import model
from ivr.core.flow.expression import read
from ivr.core.flow.interpreter import begin
from ivr.core.flow.sentences import ENGLISH, ITALIAN
from ivr.core.flow.turn import (
    Ask,
    Cursor,
    Frame,
    HangUp,
    Keys,
    RememberLanguage,
    RememberPace,
    Silence,
    Sound,
    Speak,
    Utter,
)
from ivr.core.words import Language
from tests.core.flow.builders import (
    Caller,
    both,
    branch,
    collect,
    company,
    end,
    flow,
    menu,
    option,
    reprompt,
    say,
    version,
)

HELLO = say("hello", "Buongiorno.", "done", "Hello.")


def set_(name: str, then: str, **values: str) -> model.Set:
    return model.Set(name=name, values=tuple((key, read(text)) for key, text in values.items()), then=then)


# --- Languages and pace ----------------------------------------------------------------------------------------------


def test_a_call_begins_in_the_caller_s_language_or_the_flow_s_first() -> None:
    line = version(HELLO)
    assert begin(line, ENGLISH, slow=False).language == ENGLISH
    assert begin(line, Language("de"), slow=True) == Cursor((Frame("main", "hello"),), ITALIAN, slow=True)
    assert begin(line, None, slow=False, speech=True).speech
    Caller(line, language=ENGLISH).hears("Hello. End done.")


def test_the_language_changes_at_once_and_is_remembered() -> None:
    line = version(
        menu("main", option("9", "l'altra lingua", "other")),
        model.LanguageNode(name="other", language="next", then="main"),
    )
    caller = Caller(line).presses("9").hears("For l'altra lingua in English, press 9.")
    assert caller.did(RememberLanguage) == [RememberLanguage(ENGLISH)]
    assert caller.noted(LanguageChosen) == [LanguageChosen("en")]
    assert caller.ask.language == ENGLISH
    caller.presses("9").hears("premi 9")
    assert [told.language for told in caller.noted(SaidToCaller)] == ["it", "en", "it"]


def test_a_language_may_be_named_and_one_that_the_flow_has_not_changes_nothing() -> None:
    named = model.LanguageNode(name="other", language="en", then="hello")
    Caller(version(named, HELLO)).hears("Hello.")
    caller = Caller(version(replace(named, language="de"), HELLO)).hears("Buongiorno.")
    assert caller.deeds == []


@pytest.mark.parametrize(
    ("pace", "slow", "then"), [("slow", False, True), ("normal", True, False), ("other", True, False)]
)
def test_the_pace_changes_at_once_and_is_remembered(pace: str, slow: bool, then: bool) -> None:
    line = version(model.Pace(name="pace", pace=pace, then="ask"), menu("ask", option("1", "uno", "done")))
    caller = Caller(line, slow=slow)
    assert caller.cursor.slow is then
    assert caller.ask.patience == (12 if then else 6)
    assert caller.did(RememberPace) == [RememberPace(then)]
    assert caller.noted(PaceChosen) == [PaceChosen(then)]


# --- Speaking --------------------------------------------------------------------------------------------------------


def test_sounds_and_sentences_come_in_their_order() -> None:
    line = version(HELLO, model.Play(name="done", sound="jingle", then="bye"), end("bye", "Ciao."))
    assert Caller(line).last.says == (
        Speak((Utter("Buongiorno.", ITALIAN), Sound("jingle"), Utter("Ciao.", ITALIAN))),
        HangUp(),
    )


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Siamo chiusi{gone}.", "Siamo chiusi."),
        ("Riapriamo {gone}.", "Riapriamo."),
        ("{gone}, buongiorno.", "buongiorno."),
        ("Ordine {gone}, per {gone}!", "Ordine, per!"),
        ("A {gone} B", "A B"),
        ("{gone}", ""),
    ],
)
def test_a_slot_without_a_value_is_said_as_nothing(text: str, heard: str) -> None:
    assert Caller(version(say("a", text, "done"))).heard == f"{heard} Fine done.".strip()


def test_values_are_said_by_their_types_and_styles() -> None:
    line = version(
        set_("set", "tell", count="41 + 1", price="1250", state='"shipped"', code='"1234567"'),
        say("tell", "{count} {count:digits} {price} {state:enum:order_status} {code:digits} {caller.language}", "done"),
        variables={"price": "money"},
    )
    caller = Caller(line)
    caller.hears("<number 42> 4 2 <money:EUR 1250> spedito 1 2 3, 4 5 6 7 it")
    assert caller.dialogue.startswith("{count} {count} {price} {state} {code} it")


def test_a_company_s_respellings_help_the_voice_and_not_the_log() -> None:
    respelled = company(pronunciations={ITALIAN: {"Wi-Fi": "uaifai", "IVA": "iva"}})
    caller = Caller(version(say("a", "Wi-Fi, IVA e PRIVATO.", "done"), company=respelled)).hears(
        "uaifai, iva e PRIVATO."
    )
    assert "Wi-Fi" in caller.dialogue


def test_a_sentence_missing_in_a_language_is_said_in_another_rather_than_not() -> None:
    only = model.Say(name="a", say=model.Prompt({ITALIAN: both("Solo italiano.").texts[ITALIAN]}), then="done")
    Caller(version(only), language=ENGLISH).hears("Solo italiano.")


def test_a_company_replaces_a_sentence_of_the_house() -> None:
    ours = company(phrases={"wrong_key": both("Ops.")})
    Caller(version(menu("m", option("1", "uno", "done")), company=ours)).presses("9").hears("Ops.")


def test_a_hangup_without_words_says_goodbye_unless_something_was_said() -> None:
    bare = model.Hangup(name="bye")
    Caller(version(bare)).hears("Arrivederci.")
    Caller(version(say("a", "Grazie.", "bye"), bare)).never_hears("Arrivederci.")


# --- Variables -------------------------------------------------------------------------------------------------------


def test_a_branch_takes_the_first_case_that_holds() -> None:
    line = version(
        set_("set", "b", n="5"),
        branch("b", "other", low="n < 3", five="n == 5", big="n > 1"),
        *map(end, ("low", "five", "other")),
    )
    caller = Caller(line).hears("Fine five.")
    assert caller.noted(NodeLeft)[1] == NodeLeft("b", "n == 5", "n == 5 holds", "main")


def test_values_are_set_in_the_order_written() -> None:
    line = version(
        set_("set", "b", a="1", b="a + 1", c="b + missing"),
        branch("b", "done", two="b == 2 and c == nothing"),
        end("two"),
    )
    Caller(line).hears("Fine two.")


def test_slow_callers_and_languages_can_be_told_apart() -> None:
    line = version(branch("b", "done", slow='caller.slow and caller.language == "it"'), end("slow"))
    Caller(line, slow=True).hears("Fine slow.")
    Caller(line).hears("Fine done.")


# --- Subflows --------------------------------------------------------------------------------------------------------

ASK_NUMBER = flow(
    collect("entry", variable="entry", then="check", shortest=3),
    branch("check", "back", bad='entry == "000"'),
    model.Return(name="back", exit="given", gives=(("order", read("entry")), ("twice", read("limit + limit")))),
    model.Return(name="bad", exit="none"),
    name="ask_number",
    person=None,
    parameters={"limit": "money"},
    returns={"twice": "money"},
)
CALLS = model.Subflow(
    name="number",
    flow="ask_number",
    exits={"given": "told", "none": "none"},
    failed="failed",
    parameters=(("limit", read("200 + 5")),),
)
TOLD = say("told", "Ordine {order}, {twice}, {entry}.", "done")
CALLING = version(CALLS, TOLD, end("none"), end("failed"), subflows=(ASK_NUMBER,))


def test_a_subflow_takes_parameters_and_gives_values_back() -> None:
    caller = Caller(CALLING)
    assert [frame.flow for frame in caller.cursor.frames] == ["main", "ask_number"]
    caller.presses("12345").hears("Ordine 1 2 3, 4 5, <money:EUR 410>. Fine done.")
    assert caller.variables == {"order": "12345", "twice": 410}
    assert caller.cursor.types == {"order": "digits", "twice": "money"}
    assert caller.path == ("number", "entry", "check", "back", "told", "done")
    left = [(each.flow, each.node, each.exit) for each in caller.noted(NodeLeft)]
    assert left[-3:] == [("ask_number", "back", "given"), ("main", "number", "given"), ("main", "told", "then")]


def test_a_subflow_has_more_than_one_way_out() -> None:
    Caller(CALLING).presses("000").hears("Fine none.")


def test_zero_in_a_subflow_is_the_person_of_the_flow_that_called_it() -> None:
    caller = Caller(CALLING).presses("0").hears("Fine person.")
    assert [frame.flow for frame in caller.cursor.frames] == ["main"]


def test_an_exit_that_the_caller_does_not_know_and_a_flow_that_is_not_there_fail_aloud() -> None:
    deaf = version(replace(CALLS, exits={"given": "told"}), TOLD, end("failed"), subflows=(ASK_NUMBER,))
    Caller(deaf).presses("000").hears("Mi dispiace", "Fine failed.")
    caller = Caller(version(CALLS, TOLD, end("none"), end("failed"))).hears("Mi dispiace", "Fine failed.")
    assert caller.noted(NodeFailed)[0].because == "there is no flow ask_number"


def test_flows_go_eight_deep_and_no_deeper() -> None:
    again = model.Subflow(name="again", flow="deep", exits={}, failed="out")
    deep = flow(again, model.Return(name="out", exit="up"), name="deep")
    line = version(replace(again, name="first"), end("out"), subflows=(deep,))
    caller = Caller(line).hears("Mi dispiace", "Fine")
    assert "more than 8 flows" in caller.noted(NodeFailed)[0].because
    assert caller.path.count("again") == 7


def test_a_return_that_nobody_called_ends_the_call_with_a_goodbye() -> None:
    Caller(version(model.Return(name="back", exit="x"))).hears("Arrivederci.")


# --- Broken flows ----------------------------------------------------------------------------------------------------


def test_a_node_that_is_not_there_is_left_aloud_for_the_last_resort() -> None:
    caller = Caller(version(say("a", "Ciao.", "nowhere"))).hears(
        "Ciao. Mi dispiace, questo servizio non risponde. Fine rescue."
    )
    assert caller.noted(NodeFailed) == [NodeFailed("nowhere", "there is no such node", "main")]


def test_a_last_resort_that_is_not_there_ends_with_a_sentence() -> None:
    caller = Caller(version(say("a", "Ciao.", "nowhere"), if_all_fails="nowhere"))
    caller.hears("Ciao.", "non possiamo proseguire")
    assert isinstance(caller.said, HangUp)


def test_a_broken_last_resort_of_a_subflow_leads_to_the_one_above() -> None:
    broken = flow(say("x", "Sotto.", "nowhere"), name="ask_number", if_all_fails="nowhere")
    Caller(version(CALLS, TOLD, end("none"), end("failed"), subflows=(broken,))).hears("Sotto.", "Fine rescue.")


def test_a_loop_in_which_nobody_waits_ends_at_the_last_resort() -> None:
    circle = (say("a", "A.", "b"), set_("b", "a", n="n + 1"))
    caller = Caller(version(*circle)).hears("Fine rescue.")
    assert caller.noted(NodeFailed)[0].because == "too many nodes in one turn"
    hopeless = version(*circle, if_all_fails="a")
    caller = Caller(hopeless).hears("non possiamo proseguire")
    assert isinstance(caller.said, HangUp)


def test_a_version_that_lost_the_caller_s_flow_goes_to_the_last_resort() -> None:
    caller = Caller(version(menu("m", option("1", "uno", "done"))))
    caller.cursor = replace(caller.cursor, frames=(Frame("gone", "m"),))
    caller.presses("1").hears("Mi dispiace", "Fine rescue.")


def test_an_ended_call_only_hangs_up() -> None:
    caller = Caller(version(end("bye")))
    for heard in (Keys("1"), Silence()):
        caller.takes(heard)
        assert caller.last.says == (HangUp(),)
        assert caller.last.events == ()


def test_a_turn_apologises_once_however_much_fails() -> None:
    first = model.SurveyNode(name="x", survey="service", then="done", failed="y")
    second = model.SurveyNode(name="y", survey="service", then="done", failed="ask")
    caller = Caller(version(first, second, menu("ask", option("1", "uno", "done"), no_input=reprompt("silent"))))
    assert caller.heard.count("Mi dispiace") == 1
    assert isinstance(caller.said, Ask)
