"""``agents.yaml``: a marked tree to the agents on record, with all problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ivr.core.company import Company
from ivr.core.roster import LEVELS, Address, AddressKind, AgentRecord
from ivr.core.words import AgentId, QueueName
from ivr.flowfiles import scalars
from ivr.flowfiles.fields import Fields, Reading, name
from ivr.flowfiles.grammar import Key
from ivr.flowfiles.marks import Table, Text, Tree
from ivr.flowfiles.problems import Notes, Problem, did_you_mean, errors

KEYS = (
    Key("queues", "list:name", "queues of company.yaml whose callers they answer", True),
    Key("skills", "map:count", "skills of company.yaml with a level from 1 to 5 (best)"),
    Key("phone", "number", "rung at this number, and answers by pressing 1"),
    Key("sip", "text", "or at this SIP address: sip:anna@pbx.example"),
    Key("browser", "flag", "or in the browser, signed in under their name"),
    Key("wrap_up", "duration", "after each talk; left out: as the queue has it"),
)
"""The keys of one agent; docs/agents.md is tested against it."""

_SIP = re.compile(r"sips?:[^\s@<>;?]+@[^\s@<>;?:]+(:[0-9]{1,5})?")
_NOWHERE = Address(AddressKind.BROWSER, "")


def parse_agents(tree: Tree, company: Company) -> tuple[tuple[AgentRecord, ...], tuple[Problem, ...]]:
    """The agents of a marked tree in the order written, and all its problems; an agent with errors is left out."""
    notes = Notes()
    if not isinstance(tree, Table):
        notes.error(tree.mark, "wrong-shape", "agents.yaml is a table (key: value)", "begin with 'format: 1'")
        return (), tuple(notes.found)
    top = Fields(tree, "agents", ("format", "agents"), Reading(notes))
    top.choice("format", ("1",), "", needed=True)
    found: list[AgentRecord] = []
    rung: dict[Address, str] = {}
    for word, value in top.entries("agents", needed=True):
        before = len(errors(notes.found))
        agent = _agent(top, word, value, company)
        if agent is None:
            continue
        if agent.address in rung:
            top.wrong(
                word.mark,
                "repeated-address",
                f"'{word.text}' is rung at the address of '{rung[agent.address]}'",
                "give each agent an address of their own",
            )
        if len(errors(notes.found)) == before:
            rung[agent.address] = word.text
            found.append(replace(agent, rank=len(found)))
    return tuple(found), tuple(notes.found)


def _agent(top: Fields, word: Text, value: Tree, company: Company) -> AgentRecord | None:
    try:
        name(word.text)
    except ValueError as refused:
        top.wrong(word.mark, "wrong-value", f"'agents': {refused}")
    below = top.within(value, f"agent '{word.text}'", [key.name for key in KEYS])
    if below is None:
        return None
    return AgentRecord(
        name=AgentId(word.text),
        queues=_queues(below, company),
        address=_address(below, word.text),
        skills=_skills(below, company),
        wrap_up=below.optional_duration("wrap_up"),
    )


def _queues(agent: Fields, company: Company) -> tuple[QueueName, ...]:
    words = agent.words("queues", needed=True)
    if not words and agent.has("queues"):
        agent.wrong(agent.mark, "empty-value", "'queues' names none, so nobody is put through")
    for word in words:
        if word.text not in company.queues:
            cure = did_you_mean(word.text, company.queues) or "add it under 'queues' in company.yaml"
            agent.wrong(word.mark, "unknown-queue", f"company.yaml has no queue '{word.text}'", cure)
    return tuple(dict.fromkeys(QueueName(word.text) for word in words))


def _skills(agent: Fields, company: Company) -> dict[str, int]:
    found: dict[str, int] = {}
    for word, value in agent.entries("skills"):
        if word.text not in company.skills:
            cure = did_you_mean(word.text, company.skills) or "add it under 'skills' in company.yaml"
            agent.wrong(word.mark, "unknown-skill", f"company.yaml has no skill '{word.text}'", cure)
        if isinstance(value, Text) and value.text in map(str, LEVELS):
            found[word.text] = int(value.text)
        else:
            agent.wrong(value.mark, "wrong-value", f"the level of skill '{word.text}' is a number from 1 to 5")
    return found


def _address(agent: Fields, own_name: str) -> Address:
    ways: list[Address] = []
    phone = agent.convert("phone", scalars.phone_number, None)
    if phone is not None:
        ways.append(Address(AddressKind.PHONE, str(phone)))
    sip = agent.convert("sip", _sip, None)
    if sip is not None:
        ways.append(Address(AddressKind.SIP, sip))
    if agent.flag("browser"):
        ways.append(Address(AddressKind.BROWSER, own_name))
    if len(ways) > 1:
        agent.wrong(agent.mark, "several-addresses", f"it has {_and(way.kind.value for way in ways)}", "keep one")
    if not ways and not (agent.has("phone") or agent.has("sip")):
        agent.wrong(agent.mark, "no-address", "nothing says where it rings", "add phone, sip, or browser: yes")
    return ways[0] if ways else _NOWHERE


def _sip(text: str) -> str:
    if not _SIP.fullmatch(text):
        raise ValueError(f"'{text}' is no SIP address; write sip:anna@pbx.example")
    return text


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)
