"""What every question shares: patience, tries, and the answers that are the same everywhere."""

from __future__ import annotations

from collections.abc import Container

from ivr.core.events import CallerAnswered, CallerMistook, CallerSilent
from ivr.core.flow.model import Reprompt
from ivr.core.flow.turn import Heard, Keys, Words
from ivr.core.flow.walk import Leave, ToPerson, Walk

PATIENCE, SLOW_PATIENCE = 6, 12  # seconds, for an answer
REST_PATIENCE, SLOW_REST_PATIENCE = 3, 6  # seconds, for the rest of a key that begins another


def patience(walk: Walk) -> int:
    return SLOW_PATIENCE if walk.slow else PATIENCE


def rest_patience(walk: Walk) -> int:
    return SLOW_REST_PATIENCE if walk.slow else REST_PATIENCE


def note_answer(walk: Walk, heard: Heard, *, private: bool = False) -> None:
    """Note keys or words; of a private answer only how long it was."""
    match heard:
        case Keys(digits):
            walk.note(CallerAnswered("keys", str(len(digits)) if private else digits, private))
        case Words(text):
            walk.note(CallerAnswered("words", str(len(text)) if private else text, private))


def silence(walk: Walk, reprompt: Reprompt) -> Leave | None:
    """Count a silence: out after the last try, else its sentence is said and None means: ask again."""
    walk.no_input += 1
    walk.note(CallerSilent(walk.here.node, walk.no_input))
    if walk.no_input >= reprompt.tries:
        return Leave("no_input", f"silent {walk.no_input} times")
    excuse(walk, reprompt, "not_heard")
    return None


def mistake(walk: Walk, reprompt: Reprompt, because: str) -> Leave | None:
    """Count a wrong answer (``because`` names our sentence about it): out after the last try, else None."""
    walk.no_match += 1
    walk.note(CallerMistook(walk.here.node, walk.no_match, because))
    if walk.no_match >= reprompt.tries:
        return Leave("no_match", f"{walk.no_match} wrong answers, the last: {because}")
    excuse(walk, reprompt, because)
    return None


def excuse(walk: Walk, reprompt: Reprompt, sentence: str) -> None:
    if reprompt.say is not None:
        walk.say(reprompt.say)
    else:
        walk.say_sentence(sentence)


def person_asked(walk: Walk) -> ToPerson | None:
    """`0` is a person wherever the flow has a way to one."""
    return None if walk.person() is None else ToPerson("pressed 0")


def say_hints(walk: Walk, taken: Container[str] = ()) -> None:
    """How to hear it again, in slow mode; how to reach a person, in slow mode and after silence or a mistake.

    ``taken``: keys that mean something else here.
    """
    if walk.slow and "*" not in taken:
        walk.say_sentence("repeat_hint")
    in_trouble = walk.no_input + walk.no_match > 0
    if (walk.slow or in_trouble) and "0" not in taken and walk.person() is not None:
        walk.say_sentence("person_hint")
