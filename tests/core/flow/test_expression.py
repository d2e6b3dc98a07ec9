"""Expressions: what they are worth, how they are refused, and that nothing a person types makes them raise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.flow.expression import LARGEST, Expression, ExpressionUnreadable, read

VARIABLES = {
    "order.status": "shipped",
    "order.total": 12_000,
    "order_number": "00012345",
    "caller.slow": True,
    "caller.language": "it",
    "città": "Roma",
    "order.from": "shop",
    "empty": "",
    "count": 0,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('order.status == "shipped"', True),
        ("order.status == 'lost'", False),
        ('order.status != "lost"', True),
        ('order.status in ["shipped", "delivered"]', True),
        ('order.status not in ["shipped", "delivered"]', False),
        ("order.total >= 10000", True),
        ("order.total > 12000", False),
        ("order.total + 500 - 1", 12_499),
        ("-5 + 3", -2),
        ("- order.total", -12_000),
        ('order_number == "00012345"', True),
        ("caller.slow", True),
        ("not caller.slow", False),
        ("not not caller.slow", True),
        ("caller.slow and order.total > 1", True),
        ("false or true and false", False),
        ("(false or true) and true", True),
        ("not false and false", False),
        ('città == "Roma"', True),
        ('order.from == "shop"', True),
        ("missing", None),
        ("missing == nothing", True),
        ("order.status != nothing", True),
        ('"2026-11-24" < "2026-12-01"', True),
        ("1 in [1, 2]", True),
        ('"it\'s"', "it's"),
        ("true", True),
        ("nothing", None),
        ("empty or count", False),
    ],
)
def test_an_expression_has_the_value_it_reads_as(text: str, value: object) -> None:
    result = read(text).value(VARIABLES)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "order_number == 12345",
        'order.total == "12000"',
        "count == false",
        "1 == true",
        "1 in [true]",
        'order.total > "5"',
        "caller.slow > false and missing < 1",
        "missing < missing",
        "missing <= missing",
        "order.status > 5",
    ],
)
def test_unlike_kinds_are_never_equal_and_never_in_order(text: str) -> None:
    assert read(text).value(VARIABLES) is False


@pytest.mark.parametrize("text", ["order.status + 1", "missing - 1", "true + 1", f"{LARGEST} + 1", '"a" + "b"'])
def test_arithmetic_on_anything_but_numbers_in_reach_is_nothing(text: str) -> None:
    assert read(text).value(VARIABLES) is None


def test_the_names_of_an_expression_are_the_variables_it_reads() -> None:
    expression = read('not (order.status in ["a", other]) and total + 1 > limit or caller.slow == true')
    assert expression.names() == {"order.status", "other", "total", "limit", "caller.slow"}
    assert read("1 == 1").names() == frozenset()
    assert expression.text.startswith("not (order.status")


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "ends where a value was expected"),
        ("   ", 4, "ends where a value was expected"),
        ("order.status = 5", 14, "`==`"),
        ("a && b", 3, "`and`"),
        ("a == None", 6, "`nothing`"),
        ("a == True", 6, "`true`"),
        ("a == 'x", 6, "no closing '"),
        ("a == b c", 8, "put text in quotes"),
        ("(a", 3, "`)` is missing"),
        ("a in b", 6, "list"),
        ("a in []", 7, "where a value was expected"),
        ("1 < 2 < 3", 7, "joined by `and`"),
        ("a == 10.5", 6, "cents"),
        ("a == 007", 6, '"007"'),
        ("a ** 2", 3, "`*` has no meaning"),
        ("a and", 6, "ends where"),
        ("and a", 1, "`and` stands where"),
        ("__import__('os')", 11, "not expected"),
        ("a[0]", 2, "not expected"),
        ("a.b.", 4, "`.` has no meaning"),
        ("5e3", 1, "no whole number"),
        ("٣", 1, "no meaning"),
        ("1" + "0" * 16, 1, "numbers end at"),
        ("not " * 40 + "a", 85, "inside one another"),
        ("(" * 40 + "a", 22, "inside one another"),
        ("a" * 501, 501, "longer than"),
        ("a and " * 80 + "a", None, None),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(text: str, column: int | None, words: str | None) -> None:
    if column is None:
        assert read(text).names() == {"a"}
        return
    with pytest.raises(ExpressionUnreadable) as refused:
        read(text)
    assert refused.value.column == column
    assert words is not None and words in str(refused.value)


WRITTEN = (
    'order.status order.total caller.slow missing count and or not in true false nothing 1 42 "text" == != < >= + - '
    "( ) [ ] , . = 'x \\ \x00 💥 \n"
)
PIECES = st.sampled_from(WRITTEN.split(" "))


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map(" ".join)))
def test_any_text_is_read_or_refused_and_what_is_read_has_a_value(text: str) -> None:
    try:
        expression = read(text)
    except ExpressionUnreadable as refused:
        within = 1 <= refused.column <= len(text) + 1
    else:
        within = isinstance(expression, Expression) and read(text) == expression
        assert expression.value(VARIABLES) is None or isinstance(expression.value(VARIABLES), str | int | bool)
    assert within
