"""The words every room shares: plain values with a rule of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

CallId = NewType("CallId", str)
CustomerId = NewType("CustomerId", str)
VoicemailId = NewType("VoicemailId", str)
PromiseId = NewType("PromiseId", str)
CaseId = NewType("CaseId", str)
FlowVersionId = NewType("FlowVersionId", str)
LegId = NewType("LegId", str)
TicketId = NewType("TicketId", str)
AgentId = NewType("AgentId", str)
