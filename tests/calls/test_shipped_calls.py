"""The shipped flow's example calls, and every document that they are answered with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ivr import wiring
from ivr.cli.call import put_on_record
from ivr.cli.flows_test import example_calls
from ivr.config import BUNDLED_MODELS
from ivr.testing.play import Played
from ivr.testing.run import read_files, run
from ivr.testing.world import World, open_world
from ivr.twilio import twiml

ROOT = Path(__file__).resolve().parents[2]
FLOWS = ROOT / "call_flows"


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every TwiML document that is rendered."""
    seen: list[str] = []
    render = twiml.render

    def watched(*given: Any, **named: Any) -> str:
        seen.append(render(*given, **named))
        return seen[-1]

    monkeypatch.setattr("ivr.wiring.twiml.render", watched)
    return seen


def put(world: World, names: frozenset[str]) -> Sequence[str]:
    return put_on_record(world, FLOWS, names)


def play(path: Path) -> list[Played]:
    scripts, problems = read_files([path])
    assert problems == []
    with wiring.transcriber(BUNDLED_MODELS) as reader:

        def one(at: datetime) -> World:
            return open_world(at, FLOWS, None, 1, reader)

        return run(scripts, one, put, [FLOWS / "voices"], None, False)


def test_the_calls_of_the_demonstration_hold_in_virtual_time_too() -> None:
    played = play(ROOT / "demo" / "open.calls.yaml")
    assert len(played) == 3
    assert [one.problems for one in played if not one.held] == []


@pytest.mark.timeout(600)  # some sixty calls: half a minute, several on a machine that is busy
def test_every_exit_is_taken_by_a_call_and_every_answer_is_legal_twiml(
    documents: list[str], twiml_check: Callable[..., list[Any]]
) -> None:
    """As `ivr flows test` plays them."""
    app = typer.Typer()
    app.command()(example_calls)
    done = CliRunner().invoke(app, [str(FLOWS)])
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    assert re.search(r"numero_verde: (\d+) of \1 exits taken", done.output), done.output
    assert len(documents) > 100
    assert not [(text, wrong) for text in set(documents) if (wrong := twiml_check(text))]
