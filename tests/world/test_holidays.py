"""Public holidays, whatever the machine's own language is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ivr.core.words import Language
from ivr.world.holidays import PublicHolidays, knows


@pytest.mark.parametrize(
    ("country", "day", "name"),
    [
        ("IT", date(2026, 12, 25), "Natale"),
        ("IT", date(2026, 4, 6), "Lunedì dell'Angelo"),
        ("IT", date(2011, 4, 25), "Anniversario della Liberazione"),
        ("IT", date(2026, 12, 7), None),
        ("IT-MI", date(2026, 12, 7), "Sant'Ambrogio"),
        ("IT", date(2026, 11, 24), None),
        ("XX", date(2026, 12, 25), None),
        ("IT-ZZ", date(2026, 12, 25), None),
        ("", date(2026, 12, 25), None),
        ("IT", "2026-12-25", None),
    ],
)
def test_a_holiday_has_the_name_people_there_use(country: str, day: object, name: str | None) -> None:
    assert PublicHolidays().on(country, day) == name


def test_the_machine_s_language_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, "en_US.UTF-8")
    assert PublicHolidays().on("IT", date(2026, 12, 25)) == "Natale"


def test_a_caller_hears_it_in_the_language_of_the_call() -> None:
    holidays = PublicHolidays()
    assert holidays.name("IT", date(2026, 12, 25), Language("en")) == "Christmas Day"
    assert holidays.name("IT", date(2026, 12, 25), Language("de")) == "Natale"
    assert holidays.name("IT", date(2026, 11, 24), Language("en")) is None


def test_what_is_known() -> None:
    assert [knows(country) for country in ("IT", "IT-MI", "DE", "IT-ZZ", "XX", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_threads_that_ask_for_a_new_year_at_once_all_hear_the_same() -> None:
    holidays = PublicHolidays()
    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(lambda year: holidays.on("IT", date(year, 12, 25)), [2030, 2031] * 40))
    assert set(names) == {"Natale"}
