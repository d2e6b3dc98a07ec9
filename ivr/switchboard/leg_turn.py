"""A leg of ours answered, or was pressed a key on: its next turn; the carrier says how it stands: a fact, kept once.

Legs have turns as calls have: the turn in the address is the lock, and a repeat gets the stored answer. What a leg says
and does is its kind's business: an agent's in ``offer``, a customer's who is called back in ``call_back``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ivr.core.flow.turn import Said

Hint = Callable[[], None]


@dataclass(frozen=True)
class LegStep:
    """What a leg's turn comes to: what it says, the stage it then stands at, and the hints to give after the commit."""

    says: tuple[Said, ...]
    stage: str
    hints: tuple[Hint, ...] = ()
