"""`ivr call` and `ivr flows test`, over the whole line in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivr.cli.call import call
from ivr.cli.flows_test import example_calls
from ivr.core.flow.model import Flow, Hangup, QueueNode, Say, SurveyNode
from ivr.core.flow.text import Prompt
from ivr.core.words import Language, QueueName
from ivr.testing import scripts
from ivr.testing.evidence import Findings
from ivr.testing.play import Played
from ivr.testing.run import people_of, untaken

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"
MENU = """\
call: {name}
at: 2026-11-24T{at}+01:00
from: "+390451234567"
to: "+39800123456"
steps:
  - hear: {hear}
  - hangup
"""


def line(command: object) -> typer.Typer:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    return app


@pytest.fixture
def flow() -> Flow:
    nothing = Prompt({})
    nodes = {
        "hello": Say(name="hello", say=nothing, then="wait"),
        "wait": QueueNode(name="wait", queue=QueueName("sales"), when_done="bye", failed="bye"),
        "bye": Hangup(name="bye"),
    }
    return Flow("f", (Language("it"),), "hello", nodes, "bye")


def test_the_exits_that_no_call_took(flow: Flow) -> None:
    script = scripts.Script("c", scripts.NO_MOMENT, "a", "b", ())
    played = Played(script, (), (), "CA1", Findings(exits=(("f", "hello", "then"), ("other", "wait", "failed"))))
    assert untaken(flow, [played]) == {"wait": ("when_done", "failed")}
    assert untaken(flow, []) == {"hello": ("then",), "wait": ("when_done", "failed")}


def test_a_survey_cannot_fail_in_a_flow_that_is_published() -> None:
    survey = SurveyNode(name="survey", survey="service", then="bye", failed="bye")
    flow = Flow("f", (Language("it"),), "survey", {"survey": survey, "bye": Hangup(name="bye")}, "bye")
    assert untaken(flow, []) == {"survey": ("then",)}


def test_a_phone_outside_answers_a_transfer_and_is_one_phone_in_calls_beside(tmp_path: Path) -> None:
    first = MENU.format(name="first", at="21:00:00", hear="guasto").replace("  - hangup", '  - press: "3"\n  - talk')
    first += 'phones: [{number: "+390212345699", talks: 20 s}]\nexpect: {outcome: transferred}\n'
    second = MENU.format(name="second", at="21:05:00", hear="guasto")
    second += 'phones: [{number: "+390212345699", busy: yes}]\n'
    (tmp_path / "x.calls.yaml").write_text(f"{first}---\n{second}", encoding="utf-8")
    done = CliRunner().invoke(line(call), [str(tmp_path / "x.calls.yaml"), "--flows", str(FLOWS)])
    assert done.exit_code == 1
    assert "held    first" in done.output, done.output
    assert "the phone +390212345699 is in a call beside this one, and otherwise" in done.output


def test_only_the_named_people_are_put_on_record() -> None:
    sheets, missing = people_of(FLOWS, frozenset({"martha_keller", "nobody_here"}))
    assert missing == ["nobody_here"]
    assert [sheet.content.decode().splitlines()[1:] for sheet in sheets] == [
        ["C-1003,Martha Keller,en,martha.keller@mail.example,80331,Zürich,garage door"],
        ["C-1003,+41443456789,mobile"],
        [],
    ]


def test_calls_that_hold_and_one_that_does_not(tmp_path: Path) -> None:
    good = MENU.format(name="good", at="10:00:00", hear="benvenuti")
    bad = MENU.format(name="bad", at="12:00:00", hear="siamo chiusi")
    (tmp_path / "x.calls.yaml").write_text(f"{good}---\n{bad}", encoding="utf-8")
    done = CliRunner().invoke(line(call), [str(tmp_path / "x.calls.yaml"), "--flows", str(FLOWS)])
    assert done.exit_code == 1, done.output
    assert "held    good" in done.output
    assert "FAILED  bad" in done.output
    assert "x.calls.yaml:14: expected to hear 'siamo chiusi', but heard «Officine Verdi, benvenuti." in done.output


def test_a_call_as_data(tmp_path: Path) -> None:
    script = MENU.format(name="good", at="10:00:00", hear="benvenuti") + "given: {customers: [giuseppe_neri]}\n"
    (tmp_path / "x.calls.yaml").write_text(script, encoding="utf-8")
    done = CliRunner().invoke(line(call), [str(tmp_path / "x.calls.yaml"), "--flows", str(FLOWS), "--json"])
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)
    assert (told["held"], told["outcome"], told["path"]) == (True, "abandoned", ["welcome", "opening", "main"])
    assert told["records"]["events"][0]["kind"] == "call.rang"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("given: {customers: [nobody_here]}", "customer nobody_here is not in"),
        ("given: {weather: [rain]}", "nothing is known of given weather"),
        ("agents: [{name: anna, queues: [nowhere]}]", "agent anna: company.yaml has no queue 'nowhere'"),
        ("agents: [{name: anna, skills: {juggling: 2}}]", "agent anna: company.yaml has no skill 'juggling'"),
    ],
)
def test_a_world_that_cannot_be_made_is_told(tmp_path: Path, given: str, why: str) -> None:
    script = MENU.format(name="c", at="10:00:00", hear="benvenuti") + given + "\n"
    (tmp_path / "x.calls.yaml").write_text(script, encoding="utf-8")
    done = CliRunner().invoke(line(call), [str(tmp_path / "x.calls.yaml"), "--flows", str(FLOWS)])
    assert done.exit_code == 1
    assert why in done.output


def test_a_script_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.calls.yaml").write_text("call: c\nsteps: [shout]\n", encoding="utf-8")
    done = CliRunner().invoke(line(call), [str(tmp_path / "x.calls.yaml")])
    assert done.exit_code == 1
    assert "x.calls.yaml:2:9: error" in done.output
    assert CliRunner().invoke(line(call), [str(tmp_path / "none.yaml")]).exit_code == 1


def test_a_folder_without_example_calls_is_told(tmp_path: Path) -> None:
    assert "there are no example calls" in CliRunner().invoke(line(example_calls), [str(tmp_path)]).output
    assert CliRunner().invoke(line(example_calls), [str(tmp_path / "none")]).exit_code == 1


def test_example_calls_are_told_with_the_exits_that_none_of_them_took(tmp_path: Path) -> None:
    for file in FLOWS.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    calls = tmp_path / "numero_verde.calls.yaml"
    calls.write_text(MENU.format(name="good", at="10:00:00", hear="benvenuti"), encoding="utf-8")
    done = CliRunner().invoke(line(example_calls), [str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "held    good" in done.output
    assert "no call took:\n  " in done.output
    calls.write_text(MENU.format(name="bad", at="10:00:00", hear="siamo chiusi"), encoding="utf-8")
    done = CliRunner().invoke(line(example_calls), [str(tmp_path)])
    assert done.exit_code == 1
    assert "expected to hear 'siamo chiusi'" in done.output
