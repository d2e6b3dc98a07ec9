"""Telephone numbers as people and carriers write them, by phonenumbers (Google's metadata)."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from ivr.core.words import E164, CallerNumber, PhoneNumber, Withheld

LONGEST = 100  # characters of nonsense that are kept

KEYPAD_WORDS = frozenset(
    {
        "+266696687",  # ANONYMOUS
        "+86282452253",  # UNAVAILABLE
        "+8656696",  # UNKNOWN
        "+2562533",  # BLOCKED
        "+7378742833",  # RESTRICTED
    }
)
"""Callers without a number whom a carrier spells on a keypad: they look like numbers of Lesotho, China and Russia."""

_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "no country has this code",
    NumberParseException.NOT_A_NUMBER: "this is not a telephone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "this number is too short",
    NumberParseException.TOO_SHORT_NSN: "this number is too short",
    NumberParseException.TOO_LONG: "this number is too long",
}

_KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.UNKNOWN: "unknown",
}


class PhoneNumbers:
    """``Numbering`` for a company in a country (ISO 3166): numbers without a country code are taken as of there."""

    def __init__(self, country: str) -> None:
        self._country = country

    def caller(self, said: str) -> CallerNumber:
        """Who calls, by what the carrier says; never raises.

        Withheld: hidden numbers in words or keypad letters, short codes, nonsense, and callers by SIP or from a browser
        (``sip:+39…@…`` too: whoever runs a SIP client writes there what they like, so it identifies nobody).
        """
        if said in KEYPAD_WORDS:
            return Withheld(said)
        try:
            return _number(said, self._country)
        except ValueError:
            return Withheld(said[:LONGEST])

    def number(self, text: str, country: str = "") -> PhoneNumber:
        """The number that was written, in E.164 form; an extension is dropped.

        Raises ValueError with words for people.
        """
        return _number(text, country or self._country)

    def country(self, number: PhoneNumber) -> str | None:
        """The ISO 3166 country of a number; None for satellites, international toll-free numbers and the like."""
        try:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
        except NumberParseException:
            return None
        return region if region and region.isalpha() else None

    def kind(self, number: PhoneNumber) -> str:
        """What sort of number it is, by its country's plan: ``unknown`` where nobody can have it."""
        try:
            return _KINDS[phonenumbers.number_type(phonenumbers.parse(number))]
        except NumberParseException:
            return "unknown"

    def zones(self, number: PhoneNumber) -> tuple[str, ...]:
        """The time zones (IANA) it may be in; a mobile of a large country may be in many, some numbers in none."""
        try:
            found = time_zones_for_number(phonenumbers.parse(number))
        except NumberParseException:
            return ()
        return tuple(zone for zone in found if zone != UNKNOWN_TIMEZONE)


@lru_cache(maxsize=4096)
def _number(text: str, country: str) -> PhoneNumber:
    text = text.strip()
    if not text or len(text) > LONGEST or ":" in text or "@" in text:
        raise ValueError("this is not a telephone number")
    if text.startswith("00"):  # the international prefix of most countries, and no number anywhere begins so
        text = "+" + text[2:]
    try:
        parsed = phonenumbers.parse(text, country)
    except NumberParseException as problem:
        raise ValueError(_REASONS.get(problem.error_type, "this is not a telephone number")) from None
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("this number is too short or too long for its country")
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if not E164.fullmatch(written):
        raise ValueError("this is not a telephone number")
    return PhoneNumber(written)
