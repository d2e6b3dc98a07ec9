"""An agent rings us, from a telephone and with nothing else: who they are, and where in their menu they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ivr.core.call import CarrierKey
from ivr.core.words import AgentCallId, AgentId, PhoneNumber


@dataclass(frozen=True)
class AgentCall:
    """One row of ``agent_calls``; ``turn`` is the lock of its turns, ``says`` the JSON of what the standing turn says.

    ``agent`` is who they say they are from the stage ``pin`` on, and who they are from ``menu`` on.
    """

    id: AgentCallId
    key: CarrierKey
    line: PhoneNumber  # whose words and languages are spoken
    rang_at: datetime
    agent: AgentId | None = None
    stage: str = ""
    turn: int = 0
    door: str = ""
    token: str = ""  # of the request by which `turn` was reached
    says: str = "[]"
    failures: int = 0  # wrong PINs
    unheard: int = 0  # silences and wrong keys in a row
    version: int = 0
