"""The JSON Schemas of schemas/, read when a kind is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aml import bundle

Schema = Mapping[str, Any]

KEYWORDS = frozenset(
    {
        *("$schema", "$ref", "definitions", "title", "description"),
        *("type", "enum", "pattern", "minimum", "maximum", "anyOf", "items"),
        *("minItems", "minProperties"),
        *("properties", "required", "additionalProperties", "propertyNames"),
        *("readOnly", "not"),  # together: a key that a file may not have
        "writeOnly",  # a secret: no message shows its value
        *("doNotSuggest", "patternErrorMessage"),  # what editors show
        "x-code",  # the code of a problem with `pattern`
        "x-exact",  # an enum that does not ignore case
    }
)
"""What the schemas may use of draft-07, and the annotations beside it."""


@cache
def has(kind: str) -> bool:
    return (bundle.schemas() / f"{kind}.schema.json").is_file()


@cache
def read(file: str) -> Any:
    """A schema file as it is."""
    import json

    return json.loads((bundle.schemas() / file).read_text("utf-8"))


def part(file: str, fragment: str) -> Any:
    """What `file#/definitions/name` refers to; the whole file for an empty fragment."""
    found = read(file)
    for step in fragment.split("/")[1:]:
        found = found[step]
    return found


@cache
def schema_of(kind: str) -> Schema:
    """The schema of `kind` with every reference put in. One that contains itself is its own part: a graph, no tree."""
    file = f"{kind}.schema.json"
    schema: Schema = _resolve(read(file), file)
    return schema


def definition(name: str) -> Schema:
    """A definition of common.schema.json."""
    return _definition("common.schema.json", f"/definitions/{name}")


def _resolve(value: Any, file: str) -> Any:
    if isinstance(value, list):
        return [_resolve(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" not in value:
        return {key: _resolve(item, file) for key, item in value.items() if key != "definitions"}
    name, _, fragment = value["$ref"].partition("#")
    definition = _definition(name or file, fragment)
    # A title or description beside $ref belongs to the key, as editors show it.
    beside = {key: item for key, item in value.items() if key != "$ref"}
    return {**definition, **beside} if beside else definition


_definitions: dict[tuple[str, str], dict[str, Any]] = {}


def _definition(file: str, fragment: str) -> dict[str, Any]:
    """A definition, resolved once; within itself, it is the mapping that is still being filled.

    So a definition refers to itself by `$ref` alone: what stands beside it could not be joined yet.
    """
    if (file, fragment) not in _definitions:
        filled = _definitions[file, fragment] = {}
        filled.update(_resolve(part(file, fragment), file))
    return _definitions[file, fragment]
