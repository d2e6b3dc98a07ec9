"""Safe expressions for branches and set nodes: a small grammar of its own, typed, never Python's eval.

Names with dots (``order.status``), text in quotes, whole numbers, ``true``, ``false``, ``nothing``, the comparisons
``== != < <= > >=``, ``in [...]`` and ``not in [...]``, ``and``, ``or``, ``not``, ``+`` and ``-`` on numbers, and
parentheses.

Values of unlike kinds are never equal and never in order, and arithmetic on anything but numbers is nothing: an
expression always has a value and never raises.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | bool | None  # money in cents, dates as ISO text: a cursor must survive JSON

LONGEST = 500  # characters
DEEPEST = 20  # terms inside one another
LARGEST = 10**15  # beyond it a number is nothing; JSON readers keep it exact


class ExpressionUnreadable(Exception):
    """The text is no expression; ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Literal:
    is_: Value

    def names(self) -> frozenset[str]:
        return frozenset()

    def value(self, _variables: Mapping[str, Value]) -> Value:
        return self.is_


@dataclass(frozen=True)
class Name:
    name: str

    def names(self) -> frozenset[str]:
        return frozenset({self.name})

    def value(self, variables: Mapping[str, Value]) -> Value:
        return variables.get(self.name)


@dataclass(frozen=True)
class Not:
    of: Term

    def names(self) -> frozenset[str]:
        return self.of.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        return not self.of.value(variables)


@dataclass(frozen=True)
class Both:
    """``and``: true or false, by whether each side counts as true (nothing, false, 0 and "" do not)."""

    left: Term
    right: Term

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        return bool(self.left.value(variables)) and bool(self.right.value(variables))


@dataclass(frozen=True)
class Either:
    left: Term
    right: Term

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        return bool(self.left.value(variables)) or bool(self.right.value(variables))


@dataclass(frozen=True)
class Compare:
    left: Term
    sign: str
    right: Term

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        left, right = self.left.value(variables), self.right.value(variables)
        if self.sign == "!=":
            return not same(left, right)
        if self.sign == "==":
            return same(left, right)
        return left is not None and type(left) is type(right) and bool(ORDERINGS[self.sign](left, right))


@dataclass(frozen=True)
class Among:
    """``in [...]``."""

    of: Term
    options: tuple[Term, ...]

    def names(self) -> frozenset[str]:
        return self.of.names().union(*(option.names() for option in self.options))

    def value(self, variables: Mapping[str, Value]) -> Value:
        value = self.of.value(variables)
        return any(same(value, option.value(variables)) for option in self.options)


@dataclass(frozen=True)
class Sum:
    left: Term
    sign: str
    right: Term

    def names(self) -> frozenset[str]:
        return self.left.names() | self.right.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        left, right = self.left.value(variables), self.right.value(variables)
        if type(left) is not int or type(right) is not int:
            return None
        total = left + right if self.sign == "+" else left - right
        return total if abs(total) <= LARGEST else None


Term = Literal | Name | Not | Both | Either | Compare | Among | Sum

ORDERINGS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def same(left: Value, right: Value) -> bool:
    """Equal and of one kind: ``1`` is neither ``true`` nor ``"1"``."""
    return type(left) is type(right) and left == right


@dataclass(frozen=True)
class Expression:
    """An expression and the text it was written as."""

    text: str
    tree: Term

    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return self.tree.names()

    def value(self, variables: Mapping[str, Value]) -> Value:
        """Its value; a name without a value counts as nothing."""
        return self.tree.value(variables)


def read(text: str) -> Expression:
    """The expression a text stands for; raises ExpressionUnreadable with the place and the cure."""
    if len(text) > LONGEST:
        raise ExpressionUnreadable(f"longer than {LONGEST} characters; use `set` for a part of it", LONGEST + 1)
    reader = Reader(tuple(tokens(text)))
    tree = reader.either(0)
    reader.expect_end()
    return Expression(text, tree)


# --- Reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Token:
    kind: str  # number, text, name, sign, end
    text: str
    column: int


TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]\w*(?:[.,][0-9]+)?)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
      | (?P<sign>==|!=|<=|>=|&&|\|\||<>|[<>=!+\-()\[\],])
    )""",
    re.VERBOSE,
)

OTHER_SPELLINGS = {
    "True": "true",
    "False": "false",
    "None": "nothing",
    "null": "nothing",
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "&&": "and",
    "||": "or",
    "!": "not",
    "=": "==",
    "<>": "!=",
}
LITERALS: Mapping[str, Value] = {"true": True, "false": False, "nothing": None}
WORDS = frozenset({"and", "or", "not", "in"})
SIGNS = frozenset({"==", "!=", *ORDERINGS})


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            character = text[column - 1]
            if character in "\"'":
                raise ExpressionUnreadable(f"the text that begins here has no closing {character}", column)
            raise ExpressionUnreadable(f"`{character}` has no meaning here", column)
        word = match[match.lastgroup]
        column = match.start(match.lastgroup) + 1
        if word in OTHER_SPELLINGS:
            raise ExpressionUnreadable(f"`{word}` is written `{OTHER_SPELLINGS[word]}`", column)
        found.append(Token(match.lastgroup, word, column))
        at = match.end()
    return [*found, Token("end", "", len(text) + 1)]


class Reader:
    """Descends through the grammar, one method for each strength of binding, weakest first."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0

    def either(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise ExpressionUnreadable("too many terms inside one another; use `set` for a part", self._now.column)
        left = self.both(depth)
        links = 0
        while self._take("or"):
            links = self._count(links)
            left = Either(left, self.both(depth))
        return left

    def both(self, depth: int) -> Term:
        left = self.negation(depth)
        links = 0
        while self._take("and"):
            links = self._count(links)
            left = Both(left, self.negation(depth))
        return left

    def negation(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise ExpressionUnreadable("too many terms inside one another; use `set` for a part", self._now.column)
        if self._take("not"):
            return Not(self.negation(depth + 1))
        return self.comparison(depth)

    def comparison(self, depth: int) -> Term:
        left = self.sum(depth)
        if self._take("in"):
            return Among(left, self._options(depth))
        if self._now.text == "not" and self._tokens[self._at + 1].text == "in":
            self._at += 2
            return Not(Among(left, self._options(depth)))
        if self._now.text not in SIGNS or self._now.kind != "sign":
            return left
        sign = self._next().text
        compared = Compare(left, sign, self.sum(depth))
        if self._now.kind == "sign" and self._now.text in SIGNS:
            raise ExpressionUnreadable("two comparisons are joined by `and`", self._now.column)
        return compared

    def sum(self, depth: int) -> Term:
        left = self.single(depth)
        links = 0
        while self._now.kind == "sign" and self._now.text in "+-":
            links = self._count(links)
            sign = self._next().text
            left = Sum(left, sign, self.single(depth))
        return left

    def single(self, depth: int) -> Term:
        token = self._next()
        match token.kind, token.text:
            case "number", digits:
                return Literal(number(digits, token.column))
            case "text", quoted:
                return Literal(quoted[1:-1])
            case "name", word if word in LITERALS:
                return Literal(LITERALS[word])
            case "name", word if word not in WORDS:
                return Name(word)
            case "sign", "-":
                if depth > DEEPEST:
                    raise ExpressionUnreadable("too many terms inside one another", token.column)
                return Sum(Literal(0), "-", self.single(depth + 1))
            case "sign", "(":
                inner = self.either(depth + 1)
                self._expect(")")
                return inner
            case "end", _:
                raise ExpressionUnreadable("the expression ends where a value was expected", token.column)
            case _:
                raise ExpressionUnreadable(f"`{token.text}` stands where a value was expected", token.column)

    def expect_end(self) -> None:
        if self._now.kind != "end":
            raise ExpressionUnreadable(
                f"`{self._now.text}` was not expected; join tests by `and` or `or`, put text in quotes",
                self._now.column,
            )

    def _options(self, depth: int) -> tuple[Term, ...]:
        if not self._take("["):
            raise ExpressionUnreadable("`in` is followed by a list: [one, two]", self._now.column)
        options = [self.sum(depth + 1)]
        while self._take(","):
            options.append(self.sum(depth + 1))
        self._expect("]")
        return tuple(options)

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _take(self, word: str) -> bool:
        if self._now.kind in ("name", "sign") and self._now.text == word:
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionUnreadable(f"a `{sign}` is missing here", self._now.column)

    def _count(self, links: int) -> int:
        # A chain grows a tree as deep as it is long.
        if links >= 5 * DEEPEST:
            raise ExpressionUnreadable("too many terms in a row; use `in [...]` or `set`", self._now.column)
        return links + 1


def number(digits: str, column: int) -> int:
    """A whole number without leading zeros; numbers that are names (order numbers) are text."""
    if not digits.isdecimal() or not digits.isascii():
        raise ExpressionUnreadable(f"`{digits}` is no whole number; money is written in cents, text in quotes", column)
    if len(digits) > 1 and digits.startswith("0"):
        raise ExpressionUnreadable(f'`{digits}` begins with 0; a number kept as text is written "{digits}"', column)
    if int(digits) > LARGEST:
        raise ExpressionUnreadable(f"numbers end at {LARGEST}; longer ones are text in quotes", column)
    return int(digits)
