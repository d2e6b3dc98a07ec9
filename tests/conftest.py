"""Fixtures that every room's tests may use."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

from tests.databases import (  # noqa: F401
    clock,
    database,
    empty_database,
    postgresql,
    postgresql_server,
    records,
    records_in_memory,
    sqlite_with_tables,
)
from tests.demonstration import Demonstration
from tests.demonstration import start as demonstration_begins
from tests.simulated_days import SimulatedDays
from tests.simulated_days import start as days_begin

# Examples are searched for, not timed: how long one takes is the machine's affair. What CI has set already is kept.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the repository: models, speech, the carrier's tables and checkers."""
    return Path(os.environ.get("IVR_TEST_SHARED", REPOSITORY.parent / "shared"))


Problem = tuple[int, str, str]


def _by_path(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def webhooks(shared: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((shared / "twilio" / "webhooks.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def twiml_check(shared: Path) -> Callable[..., list[Problem]]:
    """The problems of a document. One warning is left out: the checker calls what follows Record unreachable, but an
    empty recording goes on there ("TwiML Voice: <Record>").
    """
    check = _by_path(shared / "tools" / "twiml_check.py").check

    def problems(text: str, context: str = "call") -> list[Problem]:
        return [p for p in check(text, context) if not p[2].endswith("after <Record> is never reached")]

    return problems


@pytest.fixture(scope="session")
def rest_check(shared: Path) -> ModuleType:
    return _by_path(shared / "tools" / "twilio_rest_check.py")


# --- What runs beside the other tests ---------------------------------------------------------------------------------

DEMONSTRATION = pytest.StashKey[Demonstration]()
DAYS = pytest.StashKey[SimulatedDays]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever waits for the demonstration comes last, and after them who waits for the days."""
    items.sort(key=lambda item: (_wants(item, "simulated_days"), _wants(item, "demonstration")))


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    if any(_wants(item, "demonstration") for item in session.items):
        config.stash[DEMONSTRATION] = demonstration_begins()
    if any(_wants(item, "simulated_days") for item in session.items):
        config.stash[DAYS] = days_begin()


def pytest_sessionfinish(session: pytest.Session) -> None:
    for running in (session.config.stash.get(DEMONSTRATION, None), session.config.stash.get(DAYS, None)):
        if running is not None:
            running.stop()


@pytest.fixture
def demonstration(pytestconfig: pytest.Config) -> Demonstration:
    """`ivr demo --once`, begun before the first test."""
    return pytestconfig.stash[DEMONSTRATION]


@pytest.fixture
def simulated_days(pytestconfig: pytest.Config) -> SimulatedDays:
    """Fifty days, begun before the first test."""
    return pytestconfig.stash[DAYS]


def _wants(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())
