from __future__ import annotations

from pathlib import Path

import pytest

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The folder of the shipped flows."""
    return FLOWS
