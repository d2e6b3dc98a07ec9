"""agents.yaml: read whole, or refused with each problem's place and cure."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.company import Company, Queue
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.words import AgentId, QueueName
from ivr.flowfiles.agents import KEYS, parse_agents
from ivr.flowfiles.marks import read_one
from ivr.flowfiles.problems import errors
from ivr.flowfiles.shelf import read_folder, read_sources

REPOSITORY = Path(__file__).resolve().parents[2]
SALES, COMPLAINTS = QueueName("sales"), QueueName("complaints")
COMPANY = Company(
    "V", "IT", "Europe/Rome", queues={SALES: Queue(SALES), COMPLAINTS: Queue(COMPLAINTS)}, skills=("orders", "english")
)
GOOD = """\
format: 1
agents:
  anna:
    queues: [sales, complaints, sales]
    skills: {orders: 5, english: 1}
    phone: "+39 02 1234 5601"
    wrap_up: 45 s
  bruno: {queues: sales, sip: "sip:bruno@pbx.example:5060"}
  carla: {queues: [complaints], browser: yes}
"""


def read(text: str) -> tuple[tuple[AgentRecord, ...], list[str]]:
    tree, found = read_one("agents.yaml", text)
    if tree is None:
        return (), [str(problem) for problem in found]
    agents, problems = parse_agents(tree, COMPANY)
    return agents, [str(problem) for problem in (*found, *problems)]


def test_agents_are_read_in_the_order_written() -> None:
    agents, problems = read(GOOD)
    assert problems == []
    assert agents == (
        AgentRecord(
            AgentId("anna"),
            (SALES, COMPLAINTS),
            Address(AddressKind.PHONE, "+390212345601"),
            {"orders": 5, "english": 1},
            timedelta(seconds=45),
        ),
        AgentRecord(AgentId("bruno"), (SALES,), Address(AddressKind.SIP, "sip:bruno@pbx.example:5060"), rank=1),
        AgentRecord(AgentId("carla"), (COMPLAINTS,), Address(AddressKind.BROWSER, "carla"), rank=2),
    )
    assert agents[0].brings().levels == {"orders": 5, "english": 1}
    assert agents[0].brings().queues == {SALES, COMPLAINTS}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "{queues: [slaes], browser: yes}",
            "3:19: error: agents: agent 'anna': company.yaml has no queue 'slaes'; did",
        ),
        (
            "{queues: [sales], browser: yes, skills: {ordres: 2}}",
            "3:50: error: agents: agent 'anna': company.yaml has no skill 'ordres'; did you mean",
        ),
        (
            "{queues: [sales], browser: yes, skills: {orders: 6}}",
            "3:58: error: agents: agent 'anna': the level of skill 'orders' is a number from 1 to 5",
        ),
        ("{queues: [sales], browser: yes, skills: {orders: 0}}", "the level of skill 'orders' is a number from 1 to 5"),
        ("{queues: [sales], browser: yes, skills: {orders: [1]}}", "the level of skill 'orders' is a number"),
        ("{browser: yes}", "'queues' is missing; add 'queues:'"),
        ("{queues: [], browser: yes}", "'queues' names none"),
        ("{queues: [sales]}", "nothing says where it rings; add phone, sip, or browser: yes"),
        ("{queues: [sales], browser: no}", "nothing says where it rings"),
        ("{queues: [sales], phone: 02123}", "'phone': '02123' is no phone number"),
        ("{queues: [sales], sip: anna}", "'sip': 'anna' is no SIP address; write sip:anna@pbx.example"),
        ("{queues: [sales], sip: 'sip:a@b', browser: yes}", "it has sip and browser; keep one"),
        ("{queues: [sales], browser: yes, wrap_up: -5 s}", "'wrap_up': '-5 s' is no length of time"),
        ("{queues: [sales], browser: yes, wrapup: 5 s}", "key 'wrapup' means nothing here; did you mean 'wrap_up'?"),
        ("nobody", "takes a table"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_cure(line: str, says: str) -> None:
    agents, problems = read(f"format: 1\nagents:\n  anna: {line}\n")
    assert agents == ()
    assert any(says in problem for problem in problems), problems
    assert all(problem.startswith("agents.yaml:3:") for problem in problems)


def test_two_agents_never_share_an_address_nor_a_name() -> None:
    agents, problems = read(GOOD + '  dario: {queues: [sales], phone: "+390212345601"}\n')
    assert [agent.name for agent in agents] == ["anna", "bruno", "carla"]
    assert problems == [
        "agents.yaml:10:3: error: agents: 'dario' is rung at the address of 'anna'; "
        "give each agent an address of their own"
    ]
    assert "anna" in read(GOOD + "  anna: {queues: [sales], browser: yes}\n")[1][0]
    assert "is no name" in read("format: 1\nagents:\n  Anna B: {queues: [sales], browser: yes}\n")[1][0]


@pytest.mark.parametrize("text", ["- anna\n", "agents: {}\n", "format: 2\nagents: {}\n", "format: 1\n", ""])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    assert read(text)[1]


@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text("{}[]:,-\n \"'#&*!|>x0", max_size=4))
def test_nothing_in_a_file_raises(at: int, cut: int, put: str) -> None:
    agents, problems = read(GOOD[:at] + put + GOOD[at + cut :])
    assert problems or len(agents) <= 3


def test_the_agents_that_ship_fit_the_company_that_ships() -> None:
    shelf = read_folder(REPOSITORY / "call_flows", date(2026, 11, 22))
    assert [str(problem) for problem in errors(shelf.problems)] == []
    assert "agents" not in shelf.flows


def test_a_folder_is_checked_with_its_agents() -> None:
    company = (
        "format: 1\ncompany: V\ncountry: IT\nzone: Europe/Rome\nqueues: {sales: {}}\n"
        "lines: {toll_free: {number: +39800123456, flow: front_desk}}\n"
    )
    agents = "format: 1\nagents:\n  anna: {queues: [slaes], browser: yes}\n"
    found = read_sources({"company.yaml": company, "agents.yaml": agents}, date(2026, 11, 22)).problems
    assert "agents.yaml:3:19" in " ".join(map(str, found))
    alone = read_sources({"agents.yaml": agents}, date(2026, 11, 22)).problems
    assert [problem.code for problem in alone] == ["no-company"]


def test_every_key_is_documented() -> None:
    docs = (REPOSITORY / "docs" / "agents.md").read_text("utf-8")
    assert all(f"| `{key.name}`" in docs and key.says in docs for key in KEYS)
    example = docs.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert [agent.name for agent in read(example)[0]] == ["anna"]
