"""Agents of call scripts: who is on duty while a call runs, and what they do with their telephones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ivr.core.company import Company
from ivr.core.errors import IvrError
from ivr.core.flow.model import NOWHERE, Mark
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.words import AgentId, QueueName
from ivr.exchange.handset import Behaviour

ALWAYS = 10**9
"""So many calls are missed by who never answers."""

FIRST_NUMBER = 390298765001
"""Agents of whom nothing says where they are rung have a number from here on, in Milan."""


class CannotWork(IvrError):
    """This agent has no place in the company."""


@dataclass(frozen=True)
class OnDuty:
    """An agent who is on duty while the call runs, and what they do when their phone rings.

    ``queues``: none named are all of the company's. ``address``: a number, ``sip:…`` or ``client:…`` (the browser).
    ``presses``: at the first question of each call, the second, …; none: a voicemail took it. ``talks``: from when
    somebody else is on the line. The clock of ``signs_in_at`` and ``signs_off_at`` begins when the caller rings.
    """

    name: str
    queues: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    address: str | None = None
    answers_after: timedelta = timedelta(seconds=5)
    presses: tuple[str, ...] = ("1",)
    misses: int = 0  # so many calls, before they answer
    busy: bool = False
    talks: timedelta = timedelta(minutes=1)
    signs_in_at: timedelta = timedelta(0)
    signs_off_at: timedelta | None = None
    mark: Mark = field(default=NOWHERE, compare=False)


def behaviour(agent: OnDuty) -> Behaviour:
    """What the network is told of an agent's phone; ``misses`` is counted there."""
    return Behaviour(
        answers_after=agent.answers_after.total_seconds(),
        busy=agent.busy,
        presses=agent.presses,
        talks=agent.talks.total_seconds(),
    )


def numbered(agents: Sequence[OnDuty], taken: Iterable[str]) -> tuple[OnDuty, ...]:
    """With an address each: their own, or a number made from the place in the list that is nobody's in ``taken``."""
    used = {*taken, *(agent.address for agent in agents)}
    free = (number for n in range(10**6) if (number := f"+{FIRST_NUMBER + n}") not in used)
    return tuple(agent if agent.address else replace(agent, address=next(free)) for agent in agents)


def record(agent: OnDuty, company: Company) -> AgentRecord:
    """As the company has them on record; raises CannotWork with all that it does not know."""
    unknown = [f"queue '{queue}'" for queue in agent.queues if queue not in company.queues]
    unknown += [f"skill '{skill}'" for skill in agent.skills if skill not in company.skills]
    if unknown:
        raise CannotWork(f"agent {agent.name}: company.yaml has no {', no '.join(unknown)}")
    queues = agent.queues or tuple(company.queues)
    if not queues:
        raise CannotWork(f"agent {agent.name}: company.yaml has no queues")
    return AgentRecord(
        name=AgentId(agent.name),
        queues=tuple(QueueName(queue) for queue in queues),
        address=_address(agent),
        skills=dict(agent.skills),
    )


def _address(agent: OnDuty) -> Address:
    if agent.address is None:
        raise CannotWork(f"agent {agent.name}: nothing says where they are rung")
    if agent.address.startswith("client:"):
        return Address(AddressKind.BROWSER, agent.address.removeprefix("client:"))
    return Address(AddressKind.SIP if agent.address.startswith("sip") else AddressKind.PHONE, agent.address)
