"""Templates and values to what is said: slots filled, values in the words of the language, gaps closed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ivr.core.company import Company
from ivr.core.flow.expression import Value
from ivr.core.flow.sentences import sentence
from ivr.core.flow.text import Prompt, Slot, Template
from ivr.core.flow.turn import Wording
from ivr.core.words import Language


@dataclass(frozen=True)
class Spoken:
    """What the caller hears, and how the dialogue shows it: there a personal value stands as its slot's name."""

    text: str
    shown: str


@dataclass(frozen=True)
class Voice:
    """Everything that decides how a value sounds."""

    company: Company
    wording: Wording
    language: Language
    slow: bool
    now: datetime


def in_language(prompt: Prompt, language: Language) -> Template:
    """The prompt's text in the language; the first it has where that one is missing."""
    found = prompt.texts.get(language)
    return found if found is not None else next(iter(prompt.texts.values()), Template(()))


def fill(template: Template, say: Callable[[Slot], Spoken]) -> Spoken:
    """The template with each slot as ``say`` gives it; round an empty slot, spaces and punctuation close up."""
    parts = template.parts
    if len(parts) == 1 and isinstance(parts[0], str):
        return Spoken(parts[0], parts[0])
    text, shown, gaps = "", "", False
    for part in parts:
        if isinstance(part, str):
            text, shown = text + part, shown + part
        else:
            said = say(part)
            text, shown, gaps = text + said.text, shown + said.shown, gaps or not said.text
    return Spoken(tidy(text), tidy(shown)) if gaps else Spoken(text, shown)


def tidy(text: str) -> str:
    """Text in which a slot was empty: single spaces, none before punctuation, no comma that separates nothing."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" (?=[.,;:!?])", "", text)
    text = re.sub(r"[,;:]+(?=[.,;:!?])", "", text)
    return re.sub(r"^[ .,;:!?]+", "", text).rstrip()


def in_words(value: Value, kind: str, voice: Voice) -> str:
    """A value as it is said; nothing for no value.

    ``kind``: text, digits, number, money or money:EUR, date, moment or moment:ZONE, duration, phone_number, enum:NAME
    (``company.words``), because:holiday:COUNTRY:DATE, because:emergency, because:closing:HOURS.
    """
    if value is None or value == "":
        return ""
    name, _, detail = kind.partition(":")
    match name:
        case "text" if isinstance(value, str):
            return value
        case "digits":
            return in_groups(str(value), 2 if voice.slow else 3)
        case "enum":
            words = voice.company.words.get(detail, {}).get(str(value))
            return str(value) if words is None else in_language(words, voice.language).plain()
        case "because":
            return because(value, detail, voice)
        case "money" if not detail:
            kind = f"money:{voice.company.currency}"
        case "moment" if not detail:
            kind = f"moment:{voice.company.zone}"
    return voice.wording.spoken(value, kind, voice.language, voice.now)


def because(value: Value, why: str, voice: Voice) -> str:
    """Why it is closed, with the separator that joins it to "We are closed"; nothing where there is nothing to say."""
    match why.partition(":"):
        case ("holiday", _, _):
            name = voice.wording.spoken(value, why, voice.language, voice.now)
            return _sentence("closed_holiday", {"name": name}, voice)
        case ("emergency", _, _) if value is True:
            return _sentence("closed_emergency", {}, voice)
        case ("emergency", _, _):
            return _sentence("closed_emergency_because", {"because": str(value)}, voice)
        case ("closing", _, hours):
            words = closing_words(str(value), hours, voice)
            return _sentence("closed_closing", {"because": words}, voice) if words else ""
        case _:
            return ""


def closing_words(name: str, hours: str, voice: Voice) -> str:
    schedule = voice.company.hours.get(hours)
    closings = () if schedule is None else schedule.closings
    prompt = next((closing.because for closing in closings if closing.name == name), None)
    return "" if prompt is None else in_language(prompt, voice.language).plain()


def _sentence(name: str, slots: dict[str, str], voice: Voice) -> str:
    template = in_language(sentence(voice.company, name), voice.language)
    return "".join(part if isinstance(part, str) else slots.get(part.name, "") for part in template.parts)


def in_groups(digits: str, size: int) -> str:
    """Digits one by one, with a breath after each group: ``1 2 3, 4 5 6``; a last digit never stands alone."""
    groups = [digits[at : at + size] for at in range(0, len(digits), size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return ", ".join(" ".join(group) for group in groups)


def pronounced(text: str, voice: Voice) -> str:
    """The text with the company's respellings for the voice of this language, whole words only."""
    respelled = voice.company.pronunciations.get(voice.language)
    if not respelled or not any(word in text for word in respelled):
        return text
    either = "|".join(re.escape(word) for word in sorted(respelled, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{either})(?!\w)", lambda found: respelled[found[0]], text)


def folded(text: str) -> tuple[str, ...]:
    """The words of a text without case and accents, to compare what was said with what may be said."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return tuple(re.findall(r"\w+", plain))
