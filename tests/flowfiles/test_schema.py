from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ivr.flowfiles.grammar import KINDS, TABLES
from ivr.flowfiles.schema import schema


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = schema()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def as_text(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)


@pytest.mark.parametrize("name", ["company.yaml", "numero_verde.yaml"])
def test_the_shipped_files_fit_the_schema(validator: Draft202012Validator, shipped: Path, name: str) -> None:
    assert [error.message[:200] for error in validator.iter_errors(as_text(shipped / name))] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nodes", "welcome", "than"), "x"),
        (("nodes", "leave_message", "longest"), "soon"),
        (("nodes", "main", "menu", "1", "spoken_in"), "both"),
        (("format",), "2"),
        (("nodes", "welcome", "play"), "waltz"),
    ],
)
def test_an_editor_marks_a_slip(validator: Draft202012Validator, shipped: Path, path: Any, value: str) -> None:
    document = as_text(shipped / "numero_verde.yaml")
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    assert not validator.is_valid(document)


def test_every_shape_of_the_grammar_is_defined() -> None:
    defined = schema()["$defs"]
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                found.add(part["$ref"].removeprefix("#/$defs/"))
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema())
    assert found <= set(defined)
    assert {f"kind_{name}" for name in KINDS} <= found
    assert {f"table_{name}" for name in TABLES} <= found | {"table_flow", "table_company"}
