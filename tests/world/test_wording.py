"""Values as a caller hears them, in Italian and English."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.words import Language
from ivr.world.wording import BabelWording

NOW = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)  # a Tuesday, 20:30 in Rome
WORDING = BabelWording()
ROME = "moment:Europe/Rome"


@pytest.mark.parametrize(
    ("value", "kind", "italian", "english"),
    [
        ("Rossi", "text", "Rossi", "Rossi"),
        (5, "text", "5", "5"),
        (True, "text", "sì", "yes"),
        (False, "number", "no", "no"),
        (None, "date", "", ""),
        ("00123456", "digits", "0 0 1, 2 3 4, 5 6", "0 0 1, 2 3 4, 5 6"),
        ("1234567", "digits", "1 2 3, 4 5 6 7", "1 2 3, 4 5 6 7"),
        (1234567, "number", "1.234.567", "1,234,567"),
        (1200, "money:EUR", "12 euro", "12 euros"),
        (100, "money:EUR", "1 euro", "1 euro"),
        (123450, "money:EUR", "1.234 euro e 50 centesimi", "1,234 euros and 50 cents"),
        (5, "money:EUR", "5 centesimi", "5 cents"),
        (101, "money:GBP", "1,01 sterline britanniche", "1 British pound and 1 penny"),
        (0, "money:EUR", "0 euro", "0 euros"),
        (-1250, "money:EUR", "-12,50 euro", "-12.50 euros"),
        ("2026-11-30", "date", "lunedì 30 novembre", "Monday 30 November"),
        ("2026-12-01", "date", "martedì primo dicembre", "Tuesday 1 December"),
        ("2027-01-07", "date", "giovedì 7 gennaio", "Thursday 7 January"),
        ("2028-01-07", "date", "venerdì 7 gennaio 2028", "Friday 7 January 2028"),
        ("2026-11-24T21:30:00+01:00", ROME, "oggi alle 21:30", "today at 9:30 PM"),
        ("2026-11-25T08:30:00+01:00", ROME, "domani alle 8:30", "tomorrow at 8:30 AM"),
        ("2026-11-25T00:30:00+00:00", ROME, "domani all'1:30", "tomorrow at 1:30 AM"),
        ("2026-11-24T23:00:00+00:00", ROME, "domani a mezzanotte", "tomorrow at midnight"),
        ("2026-11-30T12:00:00+01:00", ROME, "lunedì 30 novembre a mezzogiorno", "Monday 30 November at noon"),
        ("2026-11-30T14:00:00+01:00", ROME, "lunedì 30 novembre alle 14", "Monday 30 November at 2 PM"),
        ("2026-11-25T07:30:00", ROME, "domani alle 8:30", "tomorrow at 8:30 AM"),
        (45, "duration", "45 secondi", "45 seconds"),
        (90, "duration", "1 minuto e 30 secondi", "1 minute and 30 seconds"),
        (150, "duration", "3 minuti", "3 minutes"),
        (5400, "duration", "1 ora e 30 minuti", "1 hour and 30 minutes"),
        (0, "duration", "0 secondi", "0 seconds"),
        ("+390612345678", "phone_number", "più 3 9, 0 6, 1 2 3 4, 5 6 7 8", "plus 3 9, 0 6, 1 2 3 4, 5 6 7 8"),
        ("0612345678", "phone_number", "0 6 1, 2 3 4, 5 6 7 8", "0 6 1, 2 3 4, 5 6 7 8"),
        ("Natale", "holiday:IT:2026-12-25", "Natale", "Christmas Day"),
        ("Sagra", "holiday:XX:2026-12-25", "Sagra", "Sagra"),
        ("shipped", "unheard_of", "shipped", "shipped"),
        ("soon", "date", "soon", "soon"),
        ("twelve", "money:EUR", "twelve", "twelve"),
        ("2026-11-24T21:30:00+01:00", "moment:Nowhere/Land", *["2026-11-24T21:30:00+01:00"] * 2),
    ],
)
def test_a_value_is_said_as_people_say_it(value: object, kind: str, italian: str, english: str) -> None:
    assert WORDING.spoken(value, kind, Language("it"), NOW) == italian  # type: ignore[arg-type]
    assert WORDING.spoken(value, kind, Language("en"), NOW) == english  # type: ignore[arg-type]


def test_other_languages_are_said_as_babel_says_them_and_unknown_ones_in_english() -> None:
    assert WORDING.spoken("2026-11-25T08:30:00+01:00", ROME, Language("de"), NOW) == "Mittwoch 25 November 08:30"
    assert WORDING.spoken(1234, "number", Language("xx"), NOW) == "1,234"


KINDS = [
    "text",
    "digits",
    "number",
    "money:EUR",
    "money:ZZZ",
    "money",
    "date",
    ROME,
    "moment:../etc",
    "moment",
    "duration",
]
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.datetimes().map(datetime.isoformat)


@given(
    VALUES,
    st.sampled_from([*KINDS, "phone_number", "holiday:IT:x", "holiday", ""]),
    st.sampled_from(["it", "en", "de"]),
)
def test_nothing_that_a_record_holds_makes_it_raise(value: str | int | bool | None, kind: str, language: str) -> None:
    assert isinstance(WORDING.spoken(value, kind, Language(language), NOW), str)
