"""Check digits: does a number that somebody keyed in hold together?"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def luhn(digits: str) -> bool:
    """The Luhn sum (ISO/IEC 7812-1, annex B): cards, and order numbers made with it; two digits at least."""
    if len(digits) < 2 or not plain(digits):
        return False
    return luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """Every second digit from the right, the last one excepted, counts double, its digits added up."""
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[::2]) + sum(value * 2 - (9 if value > 4 else 0) for value in values[1::2])


def ean13(digits: str) -> bool:
    """A 13-digit article number (GS1 General Specifications, check digit)."""
    if len(digits) != 13 or not plain(digits):
        return False
    values = [int(digit) for digit in digits]
    return (sum(values[::2]) + 3 * sum(values[1::2])) % 10 == 0


def italian_vat(digits: str) -> bool:
    """An Italian *partita IVA*: 11 digits, not all zero, the last by the Luhn sum (D.M. 23 December 1976)."""
    return len(digits) == 11 and plain(digits) and digits.strip("0") != "" and luhn(digits)


def iban97(text: str) -> bool:
    """An IBAN (ISO 13616): the first four moved to the end, letters as numbers, remainder 1 of 97.

    Letters count too, so it also serves entries that come from elsewhere than a telephone's keys.
    """
    text = text.replace(" ", "").upper()
    if not (15 <= len(text) <= 34 and text.isascii() and text.isalnum() and text[:2].isalpha() and plain(text[2:4])):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def plain(digits: str) -> bool:
    return digits.isascii() and digits.isdigit()


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "iban97": iban97,
    "ean13": ean13,
    "italian_vat": italian_vat,
}
"""The checks a collect node may name."""
