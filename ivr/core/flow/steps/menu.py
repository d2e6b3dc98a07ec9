"""Menus: they speak themselves, and know keys, words, silence and mistakes apart.

A carrier's Gather has one length and one time-out. Where all keys are equally long, the length ends it at once. A key
that begins another (1 and 12) is taken first, and a second, silent question listens shortly for the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ivr.core.flow.model import Menu, Option
from ivr.core.flow.sentences import key_words, sentence
from ivr.core.flow.speaking import Spoken, Voice, folded
from ivr.core.flow.steps.asking import mistake, note_answer, patience, person_asked, rest_patience, say_hints, silence
from ivr.core.flow.steps.manner import next_language
from ivr.core.flow.turn import Ask, Heard, Keys, Silence, Words
from ivr.core.flow.walk import Leave, ToPerson, Wait, Walk

AT_ONCE = 3  # options that slow mode says before it asks
BREATH = 1  # second between two options in slow mode

NOTICE = "call.speech_notice"
"""Whether the caller was told that the carrier's recogniser listens."""


def menu(walk: Walk, node: Menu, heard: Heard | None) -> Leave | ToPerson | Wait:
    held, walk.held = walk.held, ""
    match heard:
        case Keys(digits):
            note_answer(walk, heard)
            return keyed(walk, node, held + digits)
        case Silence() if held:
            return chosen(walk, node, held)
        case Silence():
            return silence(walk, node.no_input) or asked(walk, node)
        case Words(text):
            note_answer(walk, heard)
            return spoken(walk, node, text)
        case _:
            return asked(walk, node)


def keyed(walk: Walk, node: Menu, keys: str) -> Leave | ToPerson | Wait:
    """Wait for the rest of a key that begins another one; else take it as it is."""
    longer = [len(option.keys) for option in node.options if option.keys.startswith(keys) and option.keys != keys]
    if not longer:
        return chosen(walk, node, keys)
    walk.held = keys
    return Wait("rest", Ask((), min(longer) - len(keys), "", rest_patience(walk), walk.language))


def chosen(walk: Walk, node: Menu, keys: str) -> Leave | ToPerson | Wait:
    if any(option.keys == keys for option in node.options):
        return Leave(keys, f"pressed {keys}")
    if keys == "0" and (person := person_asked(walk)):
        return person
    if keys == "*":
        return asked(walk, node)
    if keys == "#" and pages(walk, node) > 1:
        walk.page = (walk.page + 1) % pages(walk, node)
        return asked(walk, node)
    return mistake(walk, node.no_match, "wrong_key") or asked(walk, node)


def spoken(walk: Walk, node: Menu, text: str) -> Leave | Wait:
    """The one option whose words occur in what was said; several or none is a mistake."""
    said = folded(text)
    meant = {option.keys for option in node.options if any(within(folded(w), said) for w in words_of(walk, option))}
    if len(meant) == 1:
        keys = meant.pop()
        return Leave(keys, f"said the words of {keys}")
    return mistake(walk, node.no_match, "not_understood") or asked(walk, node)


def words_of(walk: Walk, option: Option) -> tuple[str, ...]:
    return option.speech.get(walk.language, ()) if walk.speech else ()


def within(words: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whole words, one after the other."""
    return bool(words) and any(said[at : at + len(words)] == words for at in range(len(said) - len(words) + 1))


def asked(walk: Walk, node: Menu) -> Wait:
    """Say the menu and listen."""
    if node.ask is not None and walk.page == 0:
        walk.say(node.ask)
    hints = tuple(word for option in node.options for word in words_of(walk, option))
    if hints and not walk.value(NOTICE):
        walk.say_sentence("speech_notice")  # a voice leaves the house: once a call, before anybody speaks
        walk.give(NOTICE, True)
    for at, (line, voice) in enumerate(lines(walk, node)):
        if walk.slow and at:
            walk.pause(BREATH)
        walk.utter(line, voice)
    keys = {option.keys for option in node.options}
    if pages(walk, node) > 1 and "#" not in keys:
        walk.say_sentence("more_options")
    say_hints(walk, keys)
    shortest = min((len(option.keys) for option in node.options), default=1)
    return Wait("ask", Ask((), shortest, "", patience(walk), walk.language, hints))


def lines(walk: Walk, node: Menu) -> Iterator[tuple[Spoken, Voice]]:
    """A sentence an option in slow mode; else those of one voice in one breath."""
    sentences = [told for option in on_page(walk, node) if (told := option_line(walk, option)) is not None]
    if walk.slow:
        yield from sentences
        return
    run: list[Spoken] = []
    for at, (line, voice) in enumerate(sentences):
        run.append(line)
        if at + 1 == len(sentences) or sentences[at + 1][1].language != voice.language:
            yield Spoken(" ".join(each.text for each in run), " ".join(each.shown for each in run)), voice
            run = []


def on_page(walk: Walk, node: Menu) -> tuple[Option, ...]:
    return node.options[walk.page * AT_ONCE :][:AT_ONCE] if walk.slow else node.options


def pages(walk: Walk, node: Menu) -> int:
    return -(-len(node.options) // AT_ONCE) if walk.slow else 1


def option_line(walk: Walk, option: Option) -> tuple[Spoken, Voice] | None:
    """The option as a sentence, and the voice for it; an option without words is a key that nobody is told of."""
    voice = walk.voice()
    if option.words is not None:
        line = walk.spoken(option.words)
        return line, walk.voice(next_language(walk)) if option.spoken_in_other else voice
    if option.purpose is None:
        return None
    keys = key_words(option.keys, voice.language)
    said = walk.spoken(sentence(walk.company, "option"), purpose=walk.spoken(option.purpose), keys=Spoken(keys, keys))
    return said, voice
