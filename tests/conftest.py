"""Fixtures that every room's tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the repository: models, speech, the carrier's tables and checkers."""
    return Path(os.environ.get("IVR_TEST_SHARED", REPOSITORY.parent / "shared"))
