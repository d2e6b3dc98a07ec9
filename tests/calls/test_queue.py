"""Calls that wait for a person and get one, on the shipped flow."""

from __future__ import annotations

from pathlib import Path

from ivr.testing.play import as_dialogue
from tests.calls.test_shipped_calls import play

CALLS = Path(__file__).with_name("queue.calls.yaml")


def test_whoever_waits_is_answered_once_and_whoever_leaves_is_not_rung_for() -> None:
    played = play(CALLS)
    assert len(played) == 7
    for one in played:
        assert one.held, "\n".join([*one.problems, *as_dialogue(one)])
