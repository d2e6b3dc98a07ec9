"""How a call ended."""

from __future__ import annotations

import pytest

from ivr.core.outcome import outcome


@pytest.mark.parametrize(
    ("kinds", "flow_ended", "how"),
    [
        ({"call.rang"}, True, "self_service"),
        ({"call.rang"}, False, "abandoned"),
        ({"queue.joined", "queue.left", "voicemail.empty"}, True, "abandoned"),  # waited, and said nothing after it
        ({"queue.joined", "queue.left", "voicemail.taken"}, True, "voicemail"),
        ({"queue.joined", "agent.joined"}, True, "answered"),
        ({"queue.joined", "fallback.spoken"}, True, "failed"),
    ],
)
def test_the_outcome_is_told_by_what_happened(kinds: set[str], flow_ended: bool, how: str) -> None:
    assert outcome(kinds, flow_ended) == how
