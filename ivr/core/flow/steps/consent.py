"""May the talk be recorded? Told or asked once a call, before the place in line, so that no agent waits for it.

The answer comes with the request that follows the words: whoever hangs up, or is moved, before that was not told.
"""

from __future__ import annotations

from ivr.core.company import Company
from ivr.core.events import CallerAnswered, RecordingConsent
from ivr.core.flow.steps.asking import patience
from ivr.core.flow.turn import Ask, CameBack, GoOn, Heard, Keys, RecordTalk
from ivr.core.flow.walk import Wait, Walk
from ivr.core.recording import Rule
from ivr.core.words import QueueName

TOLD, ASKED = "consent", "consent_key"
"""Stages: they are being told; the key is waited for."""

STAGES = (TOLD, ASKED)
AGREED = "recording.agreed"
"""The answer, among the call's variables; not there: nobody was told."""

YES = "1"
WORDS = {Rule.ANNOUNCE: "recording_notice", Rule.ASK: "recording_ask"}


def asked(walk: Walk, queue: QueueName) -> Wait | None:
    """Tell them; None where the queue records nothing, or they answered on this call before.

    No key cuts it short, and one pressed too long or twice in the menu before is no consent.
    """
    rule = rule_of(walk.company, queue)
    if rule is None or walk.value(AGREED) is not None:
        return None
    walk.say_sentence(WORDS[rule])
    return Wait(TOLD, GoOn())


def answered(walk: Walk, queue: QueueName, heard: Heard | None) -> Wait | None:
    """They heard it: the question for the key, where they are asked; else the answer is kept for the whole call."""
    rule = rule_of(walk.company, queue)
    if rule is Rule.ASK and walk.stage == TOLD and isinstance(heard, CameBack):
        walk.say_sentence("recording_ask_key")
        return Wait(ASKED, Ask((), 1, "", patience(walk), walk.language))
    if rule is not None:
        if isinstance(heard, Keys):
            walk.note(CallerAnswered("keys", heard.digits))
        consent = answer(rule, heard)
        walk.give(AGREED, consent.given)
        walk.note(consent)
    return None


def answer(rule: Rule, heard: Heard | None) -> RecordingConsent:
    """What it means that this was heard after the words."""
    match heard:
        case CameBack() if rule is Rule.ANNOUNCE:
            return RecordingConsent(rule, True, "stayed")
        case Keys(digits) if rule is Rule.ASK:
            yes = digits == YES
            return RecordingConsent(rule, yes, "key" if yes else "other_key")
        case _:
            return RecordingConsent(rule, False, "silence")


def recorded(walk: Walk, queue: QueueName, ticket: str) -> None:
    """The talk begins: it is recorded where the queue records and they agreed."""
    rule = rule_of(walk.company, queue)
    if rule is not None and walk.value(AGREED) is True:
        walk.deeds.append(RecordTalk(ticket, rule))


def rule_of(company: Company, queue: QueueName) -> Rule | None:
    """How a caller agrees to be recorded in a queue; None: it records nothing."""
    here = company.queues.get(queue)
    return Rule(here.records_calls) if here is not None and here.records_calls else None
