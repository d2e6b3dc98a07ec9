"""Take digits from the caller, check them, read them back."""

from __future__ import annotations

from ivr.core.flow.model import Collect
from ivr.core.flow.speaking import Spoken, in_groups, in_words
from ivr.core.flow.steps.asking import mistake, note_answer, patience, person_asked, say_hints, silence
from ivr.core.flow.steps.entry import Good, Wrong, read_entry
from ivr.core.flow.turn import Ask, Heard, Keys, Silence
from ivr.core.flow.walk import Leave, ToPerson, Wait, Walk


def collect(walk: Walk, node: Collect, heard: Heard | None) -> Leave | ToPerson | Wait:
    """`0` alone is a person and `*` alone repeats, unless that is an entry the node would take."""
    if walk.stage == "confirm":
        return confirmation(walk, node, heard)
    match heard:
        case Keys(keys):
            return keyed(walk, node, keys)
        case Silence():
            return silence(walk, node.no_input) or asked(walk, node)
        case _:
            return asked(walk, node)


def keyed(walk: Walk, node: Collect, keys: str) -> Leave | ToPerson | Wait:
    entry = read_entry(node, keys)
    if isinstance(entry, Wrong) and keys in ("0", "*"):
        note_answer(walk, Keys(keys))
        if keys == "*":
            return asked(walk, node)
        if person := person_asked(walk):
            return person
    else:
        note_answer(walk, Keys(keys), private=node.private)
    match entry:
        case Wrong(because):
            return mistake(walk, node.no_match, because) or asked(walk, node)
        case Good() if node.read_back and not node.private:
            return read_back(walk, node, keys)
        case Good(value):
            return taken(walk, node, value)


def confirmation(walk: Walk, node: Collect, heard: Heard | None) -> Leave | ToPerson | Wait:
    """1 is right, 2 is another try; `*` and silence read it back again."""
    keys = walk.held
    if heard is not None:
        note_answer(walk, heard)
    match heard:
        case Keys("1"):
            entry = read_entry(node, keys)
            return taken(walk, node, entry.value) if isinstance(entry, Good) else asked(walk, node)
        case Keys("2") if node.not_confirmed is not None:
            return Leave("not_confirmed", "pressed 2: not what was meant")
        case Keys("2"):
            return mistake(walk, node.no_match, "ask_again") or asked(walk, node)
        case Keys("0") if person := person_asked(walk):
            return person
        case Keys("*"):
            return read_back(walk, node, keys)
        case Keys():
            return mistake(walk, node.no_match, "wrong_key") or read_back(walk, node, keys)
        case Silence():
            return silence(walk, node.no_input) or read_back(walk, node, keys)
        case _:
            return read_back(walk, node, keys)


def taken(walk: Walk, node: Collect, value: str | int | bool | None) -> Leave:
    walk.give(node.variable, value, node.type)
    return Leave("then", f"keyed in {node.variable}")


def read_back(walk: Walk, node: Collect, keys: str) -> Wait:
    walk.held = keys
    walk.say_sentence("read_back", entry=Spoken(entry_in_words(walk, node, keys), f"{{{node.variable}}}"))
    walk.say_sentence("confirm")
    say_hints(walk)
    return Wait("confirm", Ask((), 1, "", patience(walk), walk.language))


def entry_in_words(walk: Walk, node: Collect, keys: str) -> str:
    """Digits in groups, in slow mode in pairs; amounts, dates and the like as values of their type."""
    entry = read_entry(node, keys)
    if node.type in ("digits", "phone_number") or isinstance(entry, Wrong):
        return in_groups(keys, 2 if walk.slow else 3)
    return in_words(entry.value, node.type, walk.voice())


def asked(walk: Walk, node: Collect) -> Wait:
    """One length ends the question at once; several wait for the terminator."""
    walk.held = ""
    walk.say(node.ask)
    say_hints(walk, [key for key in ("0", "*") if key == node.terminator or isinstance(read_entry(node, key), Good)])
    digits = node.longest if node.shortest == node.longest and node.type != "money" else None
    return Wait("ask", Ask((), digits, node.terminator, patience(walk), walk.language))
