"""Safe expressions for branches and set nodes: read by a small grammar, typed, never Python's eval.

Contract (to be filled): names with dots (`order.status`), text in quotes, numbers, `true`/`false`, `nothing`,
comparisons, `in [..]`, `and` / `or` / `not`, `+` and `-` on numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | bool | None  # money in cents, dates as ISO text: a cursor must survive JSON


@dataclass(frozen=True)
class Expression:
    """An expression and the text it was written as."""

    text: str
    tree: Any

    def names(self) -> frozenset[str]:
        """The variables it reads."""
        raise NotImplementedError

    def value(self, variables: Mapping[str, Value]) -> Value:
        """Its value; a name without a value counts as nothing."""
        raise NotImplementedError


class ExpressionUnreadable(Exception):
    """The text is no expression; ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


def read(text: str) -> Expression:
    """The expression a text stands for; raises ExpressionUnreadable with the place and the cure."""
    raise NotImplementedError
