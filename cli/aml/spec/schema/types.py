"""JSON types and enums: what a schema takes, and how that is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aml.spec.binding import literal_text
from aml.spec.document import Node
from aml.spec.schema.files import Schema
from aml.spec.wording import alternatives, canonical

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "a boolean",
}


def types_of(schema: Schema) -> Sequence[str]:
    if "anyOf" in schema:
        return [name for branch in schema["anyOf"] for name in types_of(branch)]
    types = schema.get("type", ())
    return [types] if isinstance(types, str) else types


def is_numeric(schema: Schema) -> bool:
    """Whether a number belongs here; digits in quotes are one too."""
    return types_of(schema)[:1] in (["integer"], ["number"])


def fits(schema: Schema, value: Any) -> bool:
    types = types_of(schema)
    return not types or any(_is(value, name) for name in types)


def _is(value: Any, name: str) -> bool:
    match name:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return _is(value, "number") and value == value // 1
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_text(schema: Schema, node: Node) -> str | None:
    """What a flag gave where text belongs and YAML read something else: on a command line all is text."""
    if node.origin is None or isinstance(node.data, (str, list, dict, type(None))):
        return None
    return node.raw or literal_text(node.data) if "string" in types_of(schema) and not fits(schema, node.data) else None


def member(value: Any, values: Sequence[str], *, exact: bool) -> str | None:
    """The one of `values` that is meant; Azure ML ignores case, save in the types of a component."""
    if not isinstance(value, str):
        return None
    return (value if value in values else None) if exact else canonical(value, values)


def texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def wanted(schema: Schema) -> str:
    return alternatives([_TYPES[name] for name in advised(schema) if name != "null"])


def advised(schema: Schema) -> list[str]:
    """The types, without text where that only stands for a number or for true or false: accepted, not advised."""
    types = list(dict.fromkeys(types_of(schema)))
    if "string" in types and (is_numeric(schema) or ("boolean" in types and "pattern" in schema)):
        types.remove("string")
    return types
