"""Public holidays by the `holidays` package (holidays.readthedocs.io), behind the core's ``Holidays``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import holidays

from ivr.core.words import Language


class PublicHolidays:
    """Holidays of countries ("IT") and their subdivisions ("IT-MI"), worked out once a year and language.

    The package fills a country's calendar while it is read, so that a second thread may find a year half filled: only
    finished years are kept here. Without a language it takes the machine's locale; it is always told one.
    """

    def __init__(self) -> None:
        self._years: dict[tuple[str, str | None, int], Mapping[date, str]] = {}

    def on(self, country: str, day: object) -> str | None:
        """The holiday's name in the country's own language; None on other days, and for a country nobody knows."""
        return self.name(country, day, None)

    def name(self, country: str, day: object, language: Language | None) -> str | None:
        """The holiday's name in this language, or in the country's own where there is no translation."""
        if not isinstance(day, date):
            return None
        key = (country, language, day.year)
        found = self._years.get(key)
        if found is None:
            found = self._years[key] = year_of(country, language, day.year)
        names = found.get(day)
        return None if names is None else names.split("; ")[0]


def knows(country: str) -> bool:
    """Whether this country, with its subdivision, has a calendar."""
    name, _, subdivision = country.partition("-")
    subdivisions = holidays.list_supported_countries().get(name)
    return subdivisions is not None and (not subdivision or subdivision in subdivisions)


def year_of(country: str, language: Language | None, year: int) -> Mapping[date, str]:
    if not knows(country):
        return {}
    name, _, subdivision = country.partition("-")
    own = holidays.country_holidays(name, subdiv=subdivision or None, years=(), expand=False)
    spoken = next((code for code in own.supported_languages if language and code.split("_")[0] == language), None)
    filled = holidays.country_holidays(
        name, subdiv=subdivision or None, years=year, expand=False, language=spoken or own.default_language
    )
    return dict(filled.items())
