"""The sentences of the house: there in each language, with the same slots, and a company may replace them."""

from __future__ import annotations

import pytest

from ivr.core.company import Company
from ivr.core.flow.sentences import BUILT_IN, ENGLISH, ITALIAN, LANGUAGES, key_words, sentence, template
from ivr.core.flow.text import Prompt, Slot, Template


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_sentence_exists_in_each_language_with_the_same_slots(name: str) -> None:
    prompt = BUILT_IN[name]
    assert set(prompt.texts) == set(LANGUAGES)
    assert len({tuple(sorted(slot.name for slot in text.slots())) for text in prompt.texts.values()}) == 1
    assert all(text.plain().strip() for text in prompt.texts.values())


def test_a_menu_says_its_keys_as_a_caller_hears_them() -> None:
    option = BUILT_IN["option"].texts
    assert option[ITALIAN].plain() == "Per {purpose}, premi {keys}."
    assert option[ENGLISH].plain() == "For {purpose}, press {keys}."
    assert [key_words(keys, ITALIAN) for keys in ("2", "12", "*", "#")] == ["2", "12", "asterisco", "cancelletto"]
    assert [key_words(keys, ENGLISH) for keys in ("2", "*", "#")] == ["2", "star", "hash"]


def test_a_company_says_it_its_own_way() -> None:
    ours = Prompt({ITALIAN: template("Ciao!")})
    company = Company("Officine Verdi", "IT", "Europe/Rome", phrases={"goodbye": ours})
    assert sentence(company, "goodbye") is ours
    assert sentence(company, "wait") is BUILT_IN["wait"]


def test_a_template_is_text_and_slots_in_order() -> None:
    assert template("a {b} c {d:money}") == Template(("a ", Slot("b"), " c ", Slot("d", "money")))
    assert template("{b}") == Template((Slot("b"),))
    assert template("plain") == Template(("plain",))
    assert template("") == Template(())
