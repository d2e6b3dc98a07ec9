"""What an agent hears before they take a call: who, why, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ivr.core.company import Company
from ivr.core.flow.model import FlowVersion, Menu
from ivr.core.flow.sentences import sentence
from ivr.core.flow.speaking import Spoken, Voice, fill, in_language, pronounced
from ivr.core.flow.turn import Utter, Wording
from ivr.core.words import Language, QueueName

SHORT = 90
"""Seconds; a longer wait is told in minutes."""


def spoken(company: Company, wording: Wording, language: Language, now: datetime, name: str, **slots: str) -> Utter:
    """A sentence of the house to an agent or a called customer, with these words in its slots."""
    voice = Voice(company, wording, language, False, now)
    words = {slot: Spoken(text, text) for slot, text in slots.items()}
    filled = fill(in_language(sentence(company, name), language), lambda slot: words.get(slot.name, Spoken("", "")))
    return Utter(pronounced(filled.text, voice).strip(), language)


def whisper(
    company: Company,
    wording: Wording,
    language: Language,
    queue: QueueName,
    caller: str,
    waited: timedelta,
    again: bool,
    now: datetime,
    reason: str | None = None,
) -> Utter:
    """``Orders. Maria Rossi, waiting for 3 minutes. …``; ``again``: the keys only, since nothing was pressed.

    ``reason``: what they chose last, in the menu's own words.
    """
    if again:
        return spoken(company, wording, language, now, "whisper_again")
    seconds = max(1, round(waited.total_seconds()))
    told = seconds if seconds < SHORT else round(seconds / 60) * 60
    wait = wording.spoken(told, "duration", language, now)
    slots = {"queue": title(company, queue, language), "caller": caller, "wait": wait}
    if reason is None:
        return spoken(company, wording, language, now, "whisper", **slots)
    return spoken(company, wording, language, now, "whisper_reason", reason=reason, **slots)


def last_choice(version: FlowVersion, left: Iterable[tuple[str, str]], language: Language) -> str | None:
    """What a caller chose in the last menu that says what keys are for; ``left``: (node, exit), the latest first."""
    for node, way in left:
        menu = version.flow.nodes.get(node)
        if not isinstance(menu, Menu):
            continue
        chosen = next((option for option in menu.options if option.keys == way), None)
        if chosen is not None and chosen.purpose is not None:
            return fill(in_language(chosen.purpose, language), lambda _: Spoken("", "")).text
    return None


def title(company: Company, queue: QueueName, language: Language) -> str:
    """What people call a queue; its name where the company has no title for it."""
    known = company.queues.get(queue)
    if known is None or known.title is None:
        return queue
    return fill(in_language(known.title, language), lambda _: Spoken("", "")).text
