"""Ids that count."""

from __future__ import annotations

import itertools

import pytest


class CountedIds:
    """Ids in order: 00000001, 00000002, …"""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"{next(self._numbers):08d}"

    def code(self, length: int) -> str:
        return str(10 ** (length - 1) + next(self._numbers))


@pytest.fixture
def ids() -> CountedIds:
    return CountedIds()
