"""Answers to surveys: which of them are of somebody unhappy, and the row that each becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ivr.core.company import SurveyQuestion
from ivr.core.flow.speaking import folded
from ivr.core.words import CallId, CustomerId

YES_OR_NO = frozenset({"helped", "solved"})
NO = ("no",)


@dataclass(frozen=True)
class SurveyAnswer:
    """One answer on record; ``number`` counts those that a call gave to a question, and the first (1) counts."""

    call: CallId
    customer: CustomerId
    survey: str
    question: str
    measures: str  # helped, solved, satisfaction, effort
    value: str
    unhappy: bool
    answered_at: datetime
    number: int = 1


def unhappy(question: SurveyQuestion, value: str) -> bool:
    """Whether this answer is of somebody who was not helped, not served or not satisfied.

    helped, solved: the answer called "no", or else the last one written. satisfaction: the lowest two fifths of the
    answers, one at least; numbers are taken from low to high, words as written, the best first. effort: never.
    """
    values = tuple(question.answers.values())
    if question.measures in YES_OR_NO:
        noes = [each for each in values if folded(each) == NO] or list(values[-1:])
        return value in noes
    if question.measures != "satisfaction":
        return False
    best_first = sorted(values, key=int, reverse=True) if all(map(is_number, values)) else list(values)
    return value in best_first[len(best_first) - max(1, len(best_first) * 2 // 5) :]


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
