"""Numbers as people and carriers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.words import PhoneNumber, Withheld
from ivr.world.numbering import KEYPAD_WORDS, PhoneNumbers

ITALY = PhoneNumbers("IT")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+390612345678", "+390612345678"),
        ("06 12345678", "+390612345678"),
        ("0612345678", "+390612345678"),
        ("06/1234.5678", "+390612345678"),
        ("+39 06/12345678", "+390612345678"),
        ("0039 06 12345678", "+390612345678"),
        ("+39 (0)6 12345678", "+390612345678"),
        ("+39 06 1234 5678 int. 12", "+390612345678"),
        ("06 12345678 ext. 12", "+390612345678"),
        ("tel:+390612345678", None),
        ("333 1234567", "+393331234567"),
        ("+393331234567", "+393331234567"),
        ("800 123456", "+39800123456"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("0044 20 7946 0000", "+442079460000"),
        ("+49 30/123456", "+4930123456"),
        ("+14155550101", "+14155550101"),
        ("  +39 06 12345678\n", "+390612345678"),
    ],
)
def test_what_people_write(written: str, number: str | None) -> None:
    if number is None:
        with pytest.raises(ValueError, match="not a telephone number"):
            ITALY.number(written)
    else:
        assert ITALY.number(written) == PhoneNumber(number)


def test_another_country_may_be_meant() -> None:
    assert ITALY.number("020 7946 0000", "GB") == "+442079460000"
    assert PhoneNumbers("US").number("0039 06 12345678") == "+390612345678"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "not a telephone number"),
        ("pronto", "not a telephone number"),
        ("+39", "not a telephone number|too short"),
        ("06", "too short"),
        ("+999123456789", "no country"),
        ("+39061234567890123", "too long"),
        ("1" * 5000, "not a telephone number"),
    ],
)
def test_what_is_no_number_is_refused_in_words(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ITALY.number(written)


@pytest.mark.parametrize(
    "said",
    [*sorted(KEYPAD_WORDS), "anonymous", "Anonymous", "private", "", "sip:anonymous@anonymous.invalid",
     "client:agent_7", "sip:+390612345678@example.com", "4992", "NumeroVerde", "\x00", "+"],
)  # fmt: skip
def test_callers_who_are_nobody(said: str) -> None:
    assert ITALY.caller(said) == Withheld(said)


def test_a_callers_number_keeps_its_leading_nought() -> None:
    assert ITALY.caller("+390612345678") == PhoneNumber("+390612345678")


def test_enormous_nonsense_is_clipped() -> None:
    assert ITALY.caller("x" * 10_000) == Withheld("x" * 100)


@pytest.mark.parametrize(
    ("number", "country"),
    [("+390612345678", "IT"), ("+442079460000", "GB"), ("+80012345678", None), ("+8816123456", None)],
)
def test_where_a_number_lies(number: str, country: str | None) -> None:
    assert ITALY.country(PhoneNumber(number)) == country


@given(st.text(st.characters(), max_size=40))
def test_no_caller_makes_it_raise(said: str) -> None:
    assert isinstance(ITALY.caller(said), PhoneNumber | Withheld)


@given(st.text("+0123456789 ()/-.", max_size=20))
def test_what_was_once_written_is_written_the_same_again(text: str) -> None:
    try:
        number = ITALY.number(text)
    except ValueError:
        return
    assert ITALY.number(number) == number


@pytest.mark.parametrize(
    ("number", "kind", "zones"),
    [
        ("+390612345678", "fixed", ("Europe/Rome",)),
        ("+393331234567", "mobile", ("Europe/Rome", "Europe/Vatican")),
        ("+39800123456", "toll_free", ("Europe/Rome", "Europe/Vatican")),
        ("+39199123456", "personal", ("Europe/Rome", "Europe/Vatican")),
        ("+12125551234", "fixed_or_mobile", ("America/New_York",)),
        ("+34612345678", "mobile", ("Atlantic/Canary", "Europe/Madrid")),
        ("+999123456", "unknown", ()),
    ],
)
def test_the_kind_and_the_zones_of_a_number(number: str, kind: str, zones: tuple[str, ...]) -> None:
    numbers = PhoneNumbers("IT")
    assert numbers.kind(PhoneNumber(number)) == kind
    assert numbers.zones(PhoneNumber(number)) == zones
