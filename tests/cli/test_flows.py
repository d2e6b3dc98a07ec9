from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli.flows import app

FLOWS = Path(__file__).resolve().parents[2] / "call_flows"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("company.yaml", "numero_verde.yaml"):
        (tmp_path / name).write_bytes((FLOWS / name).read_bytes())
    return tmp_path


def run(*words: object) -> tuple[int, str]:
    answer = CliRunner().invoke(app, [str(word) for word in words])
    return answer.exit_code, answer.output


def test_check_says_all_is_well_in_a_line() -> None:
    status, said = run("check", FLOWS)
    assert status == 0
    assert re.fullmatch(r"1 flow, \d+ nodes: no errors, no warnings\n", said)


def test_check_ends_with_1_on_an_error_and_tells_warnings_apart(folder: Path) -> None:
    path = folder / "numero_verde.yaml"
    text = (
        path.read_text("utf-8")
        .replace("to: which_order", "to: which_ordr", 1)
        .replace("longest: 2 min", "longest: 9 min")
    )
    path.write_text(text, "utf-8")
    status, said = run("check", folder)
    assert status == 1
    error, gap, warning, *_, last = said.splitlines()
    assert "did you mean 'which_order'?" in error
    assert gap == ""
    assert ": warning: " in warning
    assert last.endswith("nodes: 1 error, 1 warning")


def test_a_warning_alone_is_no_failure(folder: Path) -> None:
    path = folder / "numero_verde.yaml"
    path.write_text(path.read_text("utf-8").replace("longest: 2 min", "longest: 9 min"), "utf-8")
    status, said = run("check", folder, "--json")
    assert status == 0
    (problem,) = json.loads(said)
    at = path.read_text("utf-8").splitlines().index("    longest: 9 min") + 1
    assert (problem["severity"], problem["code"], problem["line"]) == ("warning", "long-voicemail", at)


def test_graph_draws_both_ways(tmp_path: Path) -> None:
    picture = tmp_path / "flow.svg"
    assert run("graph", "numero_verde", "--folder", FLOWS, "--svg", picture)[0] == 0
    assert picture.read_text("utf-8").startswith("<svg ")
    status, said = run("graph", "numero_verde", "--folder", FLOWS)
    assert status == 0
    assert said.startswith("flowchart TD\n")
    status, said = run("graph", "nobody", "--folder", FLOWS)
    assert status == 1
    assert "there is no flow 'nobody'; there are: numero_verde" in said


def test_schema_is_json(tmp_path: Path) -> None:
    assert run("schema", "--out", tmp_path / "s.json")[0] == 0
    assert json.loads((tmp_path / "s.json").read_text())["$schema"].endswith("2020-12/schema")


def test_a_folder_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    status, said = run("check", tmp_path / "nowhere")
    assert status == 1
    assert "there is no folder" in said
    assert "Traceback" not in said
