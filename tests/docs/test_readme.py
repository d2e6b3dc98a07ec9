"""What README.md shows is what the shipped flow is and says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ivr.core.flow.graph import svg
from ivr.flowfiles.shelf import read_folder
from ivr.testing.play import as_dialogue
from ivr.testing.run import read_files, run
from ivr.testing.world import open_world
from tests.calls.test_shipped_calls import put

ROOT = Path(__file__).resolve().parents[2]
FLOWS = ROOT / "call_flows"
SHOWN = "answered by the order desk, helped and yet not settled"


def test_the_picture_is_drawn_from_the_flow_as_it_is() -> None:
    shelf = read_folder(FLOWS, date(2026, 11, 24))
    assert (ROOT / "docs" / "numero_verde.svg").read_text("utf-8") == svg(shelf.flows["numero_verde"], shelf.company)


def test_the_call_with_a_queue_sounds_as_it_is_shown() -> None:
    scripts, _ = read_files([FLOWS / "numero_verde.calls.yaml"])
    (script,) = [script for script in scripts if script.name == SHOWN]
    (played,) = run([script], lambda at: open_world(at, FLOWS, None, 1), put)
    assert played.held, played.problems
    blocks = (ROOT / "README.md").read_text("utf-8").split("```")
    (block,) = [block for block in blocks if block.startswith("text\n" + SHOWN)]
    shown = block.splitlines()[2:]
    assert len(shown) > 10
    assert [line for line in shown if line not in as_dialogue(played)] == []
