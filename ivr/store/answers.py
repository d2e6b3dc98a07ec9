"""What callers answered to surveys: every answer a row, the first of a call to a question with number 1."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select

from ivr.core.survey import SurveyAnswer
from ivr.core.words import CallId
from ivr.store.link import Link
from ivr.store.tables import SITE, survey_answers


def _answer(row: Row[Any]) -> SurveyAnswer:
    return SurveyAnswer(
        call=row.call_id,
        customer=row.customer_id,
        survey=row.survey,
        question=row.question,
        measures=row.measures,
        value=row.value,
        unhappy=row.unhappy,
        answered_at=row.answered_at,
        number=row.number,
    )


class SqlAnswers:
    """The port ``Answers``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def keep(self, answer: SurveyAnswer) -> int:
        """Put it on record with the next number, which it answers; the turn holds the call's row meanwhile."""
        given = self._link.one(
            select(func.coalesce(func.max(survey_answers.c.number), 0) + 1).where(
                survey_answers.c.call_id == answer.call,
                survey_answers.c.survey == answer.survey,
                survey_answers.c.question == answer.question,
            )
        )
        assert given is not None  # an aggregate always has a row
        number: int = given[0]
        self._link.run(
            insert(survey_answers).values(
                call_id=answer.call,
                customer_id=answer.customer,
                survey=answer.survey,
                question=answer.question,
                number=number,
                measures=answer.measures,
                value=answer.value,
                unhappy=answer.unhappy,
                answered_at=answer.answered_at,
            )
        )
        return number

    def of_call(self, call: CallId) -> Sequence[SurveyAnswer]:
        """In the order given."""
        return self._several(select(survey_answers).where(survey_answers.c.call_id == call))

    def between(self, since: datetime, until: datetime) -> Sequence[SurveyAnswer]:
        """Those given in ``[since, until)``, later answers to the same question among them."""
        given = survey_answers.c.answered_at
        return self._several(
            select(survey_answers).where(survey_answers.c.site_id == SITE, given >= since, given < until)
        )

    def _several(self, query: Select[Any]) -> list[SurveyAnswer]:
        columns = survey_answers.c
        order = (columns.answered_at, columns.call_id, columns.survey, columns.question, columns.number)
        return [_answer(row) for row in self._link.all(query.order_by(*order))]
