"""Check digits, with numbers that are published as examples, and each single wrong digit found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.checks import CHECKS, ean13, iban97, italian_vat, luhn

GOOD = [
    (luhn, "79927398713"),
    (luhn, "4242424242424242"),
    (luhn, "00"),
    (ean13, "4006381333931"),
    (ean13, "9780306406157"),
    (italian_vat, "00743110157"),
    (italian_vat, "12345670017"),
    (iban97, "IT60X0542811101000000123456"),
    (iban97, "GB82 WEST 1234 5698 7654 32"),
]


@pytest.mark.parametrize(("check", "number"), GOOD)
def test_a_good_number_passes_and_any_other_digit_in_one_place_does_not(
    check: Callable[[str], bool], number: str
) -> None:
    assert check(number)
    for at, digit in enumerate(number):
        if digit.isdigit():
            for other in set("0123456789") - {digit}:
                assert not check(f"{number[:at]}{other}{number[at + 1 :]}"), (at, other)


@pytest.mark.parametrize("check", CHECKS.values())
@pytest.mark.parametrize("text", ["", "0", "*", "12*4", "١٢٣", "²²", "1234567890123456789012345678901234567890", "IT"])
def test_what_is_no_number_never_passes(check: Callable[[str], bool], text: str) -> None:
    assert not check(text)


def test_a_vat_number_of_zeros_is_none() -> None:
    assert not italian_vat("00000000000")


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert {check(text) for check in CHECKS.values()} <= {True, False}
