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
AgentCallId = NewType("AgentCallId", str)
CallbackId = NewType("CallbackId", str)
TextId = NewType("TextId", str)
RecordingId = NewType("RecordingId", str)
QueueName = NewType("QueueName", str)
Language = NewType("Language", str)
"""An ISO 639-1 code in lower case: ``it``, ``en``."""

E164 = re.compile(r"\+[1-9][0-9]{1,14}")


class PhoneNumber(str):
    """A number in E.164 form (``+390612345678``); shows itself masked, so that logs never hold it whole.

    Raises ValueError for anything else; ``world.numbering`` turns what people write into one.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> PhoneNumber:
        if not E164.fullmatch(text):
            raise ValueError("a phone number is written +, country code, number: at most 15 digits")
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return f"{self[:3]}…{self[-2:]}"


@dataclass(frozen=True)
class Withheld:
    """The caller hides the number, or the carrier sent nonsense in its place.

    ``said`` is what the carrier sent (``anonymous``, ``+266696687``); it never identifies anybody.
    """

    said: str


CallerNumber = PhoneNumber | Withheld
