"""Values as people say them on the phone, by Babel (babel.pocoo.org), behind the core's ``Wording``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from ivr.core.flow.expression import Value
from ivr.core.flow.speaking import in_groups
from ivr.core.words import Language
from ivr.world.holidays import PublicHolidays

NEAR = timedelta(days=180)  # a date farther off than this is said with its year


@dataclass(frozen=True)
class Words:
    """What Babel does not say the way a telephone should."""

    yes: str
    no: str
    today: str
    tomorrow: str
    plus: str  # before a country code
    noon: str
    midnight: str


WORDS: Mapping[str, Words] = {
    "it": Words("sì", "no", "oggi", "domani", "più", "a mezzogiorno", "a mezzanotte"),
    "en": Words("yes", "no", "today", "tomorrow", "plus", "at noon", "at midnight"),
}

CENTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("it", "EUR"): ("centesimo", "centesimi"),
    ("it", "CHF"): ("centesimo", "centesimi"),
    ("it", "USD"): ("centesimo", "centesimi"),
    ("en", "EUR"): ("cent", "cents"),
    ("en", "USD"): ("cent", "cents"),
    ("en", "GBP"): ("penny", "pence"),
}
"""(language, currency) -> one, several: a voice reads "12,50" as a decimal number."""


class BabelWording:
    """Says values; one that is not of its kind is said as it is written, and nothing raises."""

    def __init__(self, holidays: PublicHolidays | None = None) -> None:
        self._holidays = holidays or PublicHolidays()
        self._locales: dict[str, Locale] = {}

    def spoken(self, value: Value, kind: str, language: Language, now: datetime) -> str:
        """The value in words of ``language``; ``kind`` as in ``core.flow.turn.Wording``."""
        if value is None:
            return ""
        if isinstance(value, bool):
            words = WORDS.get(language, WORDS["en"])
            return words.yes if value else words.no
        name, _, detail = kind.partition(":")
        try:
            return self._said(value, name, detail, language, now)
        except (ValueError, OverflowError, ArithmeticError, ZoneInfoNotFoundError):
            return str(value)

    def _said(self, value: str | int, kind: str, detail: str, language: Language, now: datetime) -> str:
        match kind:
            case "digits":
                return in_groups(str(value), 3)
            case "number":
                return format_decimal(int(value), locale=self._locale(language))
            case "money":
                return self._money(int(value), detail or "EUR", language)
            case "date":
                return self._date(date.fromisoformat(str(value)), language, now.date())
            case "moment":
                return self._moment(datetime.fromisoformat(str(value)), detail, language, now)
            case "duration":
                return self._duration(int(value), language)
            case "phone_number":
                return phone_number(str(value), language)
            case "holiday":
                country, _, day = detail.partition(":")
                return self._holidays.name(country, date.fromisoformat(day), language) or str(value)
            case _:
                return str(value)

    def _locale(self, language: Language) -> Locale:
        known = self._locales.get(language)
        if known is None:
            try:
                known = Locale.parse(language)
            except (UnknownLocaleError, ValueError):
                known = Locale.parse("en")
            self._locales[language] = known
        return known

    def _money(self, cents: int, currency: str, language: Language) -> str:
        locale = self._locale(language)
        units, rest = divmod(abs(cents), 100)
        several = CENTS.get((language, currency))
        if (rest and several is None) or cents < 0:
            return format_currency(Decimal(cents) / 100, currency, locale=locale, format_type="name")
        whole = format_currency(units, currency, locale=locale, format_type="name", currency_digits=False)
        if not rest or several is None:
            return whole
        minor = f"{rest} {several[0] if rest == 1 else several[1]}"
        return format_list([whole, minor], locale=locale) if units else minor

    def _date(self, day: date, language: Language, today: date) -> str:
        year = "" if abs(day - today) < NEAR else " y"
        if day.day == 1 and language == "it":
            return format_date(day, f"EEEE 'primo' MMMM{year}", locale=self._locale(language))
        return format_date(day, f"EEEE d MMMM{year}", locale=self._locale(language))

    def _moment(self, moment: datetime, zone: str, language: Language, now: datetime) -> str:
        """``domani alle 8:30``, ``Monday 30 November at noon``; in the zone's own clock."""
        clock = ZoneInfo(zone or "UTC")
        local = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(clock)
        today = now.astimezone(clock).date()
        words = WORDS.get(language)
        if words is not None and local.date() == today:
            day = words.today
        elif words is not None and local.date() == today + timedelta(days=1):
            day = words.tomorrow
        else:
            day = self._date(local.date(), language, today)
        return f"{day} {self._at(local, language)}"

    def _at(self, local: datetime, language: Language) -> str:
        words = WORDS.get(language)
        if words is not None and local.minute == 0 and local.hour in (0, 12):
            return words.noon if local.hour else words.midnight
        match language:
            case "it":
                before = "all'" if local.hour == 1 else "alle "
                return f"{before}{local.hour}" + (f":{local.minute:02}" if local.minute else "")
            case "en":
                pattern = "h:mm a" if local.minute else "h a"
                return f"at {format_time(local.time(), pattern, locale=self._locale(language))}"
            case _:
                return format_time(local.time(), "short", locale=self._locale(language))

    def _duration(self, seconds: int, language: Language) -> str:
        """Seconds under two minutes only; above that whole minutes, and hours."""
        locale = self._locale(language)
        minutes, left = divmod(seconds, 60) if seconds < 120 else ((seconds + 30) // 60, 0)
        hours, minutes = divmod(minutes, 60)
        parts = [
            format_unit(amount, f"duration-{unit}", locale=locale)
            for amount, unit in ((hours, "hour"), (minutes, "minute"), (left, "second"))
            if amount
        ]
        return format_list(parts or [format_unit(0, "duration-second", locale=locale)], locale=locale)


def phone_number(text: str, language: Language) -> str:
    """Digit by digit, in the groups of its country; a number without one in groups of three."""
    if not text.startswith("+"):
        return in_groups(text, 3)
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return in_groups(text.removeprefix("+"), 3)
    shown = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    groups = "".join(character if character.isdigit() else " " for character in shown).split()
    plus = WORDS.get(language, WORDS["en"]).plus
    return f"{plus} {', '.join(' '.join(group) for group in groups)}"
