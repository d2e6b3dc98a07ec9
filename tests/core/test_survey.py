"""Which answers are of somebody unhappy, and what comes of all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ivr.core.company import SurveyQuestion
from ivr.core.flow.text import Prompt
from ivr.core.metrics import HappyShare, happy_shares
from ivr.core.survey import SurveyAnswer, unhappy
from ivr.core.words import CallId, CustomerId

ANSWER = SurveyAnswer(
    CallId("c1"), CustomerId("maria"), "service", "solved", "solved", "yes", False, datetime(2026, 11, 24, tzinfo=UTC)
)


def question(measures: str, *values: str) -> SurveyQuestion:
    return SurveyQuestion("q", Prompt({}), {str(key): value for key, value in enumerate(values, 1)}, measures)


@pytest.mark.parametrize(
    ("measures", "values", "sad"),
    [
        ("helped", ("yes", "no"), {"no"}),
        ("solved", ("no", "yes"), {"no"}),
        ("solved", ("sì", "in parte", "No"), {"No"}),
        ("solved", ("fully", "partly", "not at all"), {"not at all"}),
        ("satisfaction", ("1", "2", "3", "4", "5"), {"1", "2"}),
        ("satisfaction", ("5", "4", "3", "2", "1"), {"1", "2"}),
        ("satisfaction", ("8", "9", "10"), {"8"}),
        ("satisfaction", ("delighted", "content", "cross"), {"cross"}),
        ("satisfaction", ("good", "bad"), {"bad"}),
        ("satisfaction", tuple("123456789"), {"1", "2", "3"}),
        ("satisfaction", ("only",), {"only"}),
        ("effort", ("1", "2", "3"), set()),
    ],
)
def test_who_is_unhappy(measures: str, values: tuple[str, ...], sad: set[str]) -> None:
    asked = question(measures, *values)
    assert {value for value in values if unhappy(asked, value)} == sad


def test_the_share_helped_and_solved_counts_first_answers_only() -> None:
    no = replace(ANSWER, value="no", unhappy=True)
    given = [
        ANSWER,
        replace(no, number=2),  # thought better of it
        replace(ANSWER, call=CallId("c2")),
        replace(no, call=CallId("c3")),
        replace(ANSWER, call=CallId("c3"), value="yes", number=2),
        replace(no, measures="helped", question="helped"),
    ]
    assert happy_shares(given) == {"helped": HappyShare(1, 0), "solved": HappyShare(3, 2)}
    assert happy_shares(given)["solved"].rate == 2 / 3


def test_nobody_asked_is_no_share() -> None:
    assert happy_shares([]) == {}
    assert HappyShare(0, 0).rate is None
