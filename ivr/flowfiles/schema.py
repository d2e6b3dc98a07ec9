"""The JSON Schema (draft 2020-12) of flow files and company.yaml, for editors; made from the grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ivr.flowfiles.grammar import KINDS, TABLES, TYPES, Key

Schema = dict[str, Any]

_NAME = "^[a-z][a-z0-9_]*$"
_WORD: Schema = {"type": ["string", "number", "boolean"]}  # editors read 010 and yes in their own way
_SHAPES: Mapping[str, Schema] = {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_.]*$"},
    "node": {"type": "string", "pattern": _NAME, "description": "the name of a node"},
    "text": _WORD,
    "expression": _WORD,
    "flag": {"enum": [True, False, "true", "false", "yes", "no"]},
    "count": {"type": ["string", "integer"], "pattern": "^[0-9]+$"},
    "fraction": {"type": ["string", "number"], "pattern": "^[0-9]+([.,][0-9]+)?$"},
    "length": {"type": ["string", "integer"], "pattern": "^[0-9]+( ?- ?[0-9]+)?$"},
    "duration": {"type": "string", "pattern": "^([0-9]+ *[a-zA-Z]+ *)+$", "examples": ["20 s", "2 min", "8 h"]},
    "number": {"type": ["string", "integer"], "description": "a phone number: +390212345678"},
    "day": {"type": "string", "description": "a day: 2026-12-24"},
    "country": {"type": "string", "pattern": "^[A-Z]{2}(-[A-Za-z0-9]+)?$"},
    "language": {"type": "string", "pattern": "^[a-z]{2}$"},
    "languages": {
        "anyOf": [
            {"$ref": "#/$defs/language"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/language"}},
        ]
    },
    "type": {"anyOf": [{"enum": list(TYPES)}, {"type": "string", "pattern": "^enum:"}]},
    "spans": {"anyOf": [{"type": ["string", "number"]}, {"type": "array", "items": {"type": ["string", "number"]}}]},
    "prompt": {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "required": ["phrase"],
                "properties": {"phrase": {"type": "string"}},
                "additionalProperties": False,
            },
            {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z]{2}$"},
                "additionalProperties": _WORD,
            },
        ]
    },
}


def schema() -> Schema:
    """One schema for both kinds of file: a flow has `flow:`, the company file has `company:`."""
    tables = {f"table_{name}": _table(keys) for name, keys in TABLES.items() if name != "node"}
    kinds = {f"kind_{name}": _kind(name) for name in KINDS}
    node: Schema = {
        "type": "object",
        "oneOf": [{"$ref": f"#/$defs/kind_{name}"} for name in KINDS],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:numero-verde:flow:1",
        "title": "Numero Verde call flow, format 1",
        "if": {"type": "object", "required": ["company"]},
        "then": {"$ref": "#/$defs/table_company"},
        "else": {"$ref": "#/$defs/table_flow"},
        "$defs": {**_SHAPES, **tables, **kinds, "table_node": node},
    }


def _kind(name: str) -> Schema:
    kind = KINDS[name]
    own = Key(name, kind.shape, kind.says, needed=True)
    return _table((own, *kind.keys))


def _table(keys: Sequence[Key]) -> Schema:
    return {
        "type": "object",
        "properties": {key.name: {**shape(key.shape), "description": key.says} for key in keys},
        "required": [key.name for key in keys if key.needed],
        "additionalProperties": False,
    }


def shape(text: str) -> Schema:
    """The schema of a shape of the grammar."""
    kind, _, rest = text.partition(":")
    match kind:
        case "one":
            return {"enum": _written(rest.split("|"))}
        case "either":
            return {"anyOf": [shape(part) for part in rest.split("+")]}
        case "list":
            return {"anyOf": [{"type": "array", "items": shape(rest)}, shape(rest)]}
        case "map":
            return {"type": "object", "additionalProperties": shape(rest)}
        case "table":
            empty: list[Schema] = [{"enum": ["", None]}] if rest == "farewell" else []
            return {"anyOf": [{"$ref": f"#/$defs/table_{rest}"}, *empty]}
        case _:
            return {"$ref": f"#/$defs/{kind}"}


def _written(words: Sequence[str]) -> list[str | int]:
    """The words, and the number that an editor's YAML makes of `1`."""
    return [*words, *(int(word) for word in words if word.isdecimal())]
