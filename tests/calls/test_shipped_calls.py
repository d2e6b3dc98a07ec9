"""The shipped flow's example calls, and every document that they are answered with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ivr.cli.call import put_on_record
from ivr.flowfiles.shelf import read_folder
from ivr.switchboard.ports import Transcriber
from ivr.testing.run import comes_with_the_queue, read_files, run, untaken
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


def test_every_exit_that_needs_no_queue_is_taken_by_a_call_and_every_answer_is_legal_twiml(
    documents: list[str], twiml_check: Callable[..., list[Any]]
) -> None:
    from ivr import wiring
    from ivr.config import BUNDLED_MODELS

    scripts, problems = read_files([FLOWS / "numero_verde.calls.yaml"])
    assert problems == []
    reader: Transcriber
    with wiring.transcriber(BUNDLED_MODELS) as reader:

        def one(at: datetime) -> World:
            return open_world(at, FLOWS, None, 1, reader)

        played = run(scripts, one, lambda world, names: put_on_record(world, FLOWS, names), [], None, False)
    assert [one.problems for one in played if not one.held] == []
    flow = read_folder(FLOWS, datetime(2026, 11, 24).date()).flows["numero_verde"]  # noqa: DTZ001
    missing = [(node, way) for node, ways in untaken(flow, played).items() for way in ways]
    assert [way for way in missing if not comes_with_the_queue(flow, *way)] == []
    assert len(documents) > 100
    assert not [(text, wrong) for text in set(documents) if (wrong := twiml_check(text))]
