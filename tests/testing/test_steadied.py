"""Control variates: what they take out, and what they must not."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from ivr.testing.erlang import Traffic
from ivr.testing.steadied import BATCH, batches, steadied


def test_what_the_controls_explain_is_taken_out() -> None:
    chance = random.Random(1)
    controls = [(chance.gauss(0, 1), chance.gauss(0, 1)) for _ in range(200)]
    figures = [5 + 3 * one - 2 * (one + other) for one, other in controls]
    found = steadied(figures, controls)
    assert found.value == pytest.approx(5, abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.raw == statistics.fmean(figures)
    assert found.raw_error == statistics.stdev(figures) / math.sqrt(200)


def test_controls_that_explain_nothing_change_little() -> None:
    chance = random.Random(2)
    figures = [chance.gauss(5, 1) for _ in range(1_000)]
    found = steadied(figures, [(chance.gauss(0, 1),) for _ in figures])
    assert found.value == pytest.approx(found.raw, abs=0.01)
    assert found.error == pytest.approx(found.raw_error, rel=0.01)


def test_too_few_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="more batches"):
        steadied([1.0, 2.0], [(0.1,), (0.2,)])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_other_centres_are_right_in_the_long_run(seed: int) -> None:
    """Each control is zero but for chance: within four standard errors."""
    runs = list(batches(Traffic(3, 0.6), 10 * BATCH, seed))
    assert [len(run.fared) for run in runs] == [BATCH] * 10
    for off in zip(*(run.controls for run in runs), strict=True):
        assert abs(statistics.fmean(off)) < 4 * statistics.stdev(off) / math.sqrt(len(off))


def test_under_overload_one_quick_agent_is_no_control() -> None:
    overload = Traffic(3, 1.2, patience=Traffic(3, 0.5).talk)
    (run,) = batches(overload, 100, seed=1)
    assert len(run.controls) == 2
    assert len(run.fared) == 100
