"""Fixtures of the exchange's tests."""

from __future__ import annotations

import pytest

from tests.exchange.engine_bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
