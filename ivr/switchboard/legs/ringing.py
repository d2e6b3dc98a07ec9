"""How an agent is rung: where, for how long, and who seems to call."""

from __future__ import annotations

from datetime import timedelta

from ivr.core.call import CallRecord
from ivr.core.company import Company
from ivr.core.roster import Address, AddressKind
from ivr.core.words import PhoneNumber

RINGS = timedelta(seconds=20)
"""So long an agent's phone rings."""


def dialled(address: Address) -> str:
    """An agent's address as the carrier takes it ("Call resource: create", parameter To)."""
    return f"client:{address.at}" if address.kind is AddressKind.BROWSER else address.at


def shown(company: Company, call: CallRecord) -> PhoneNumber:
    """Who seems to call: the line's own choice, or its number."""
    line = company.lines.get(call.line)
    return line.shows or line.number if line else call.called
