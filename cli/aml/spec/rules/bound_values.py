"""Whether what a step is given has the type that its component declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aml.errors import Problem
from aml.spec.binding import Reference, references
from aml.spec.rules import bindings
from aml.spec.rules.connections import Pipeline, example, keys_of
from aml.spec.rules.interfaces import Port
from aml.spec.rules.steps import Step
from aml.spec.rules.values import fault_of, takes

_KINDS = {bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True)
class LiteralValue:
    """A value that the file itself gives."""

    value: str | int | float

    @property
    def type(self) -> str:
        return _KINDS.get(type(self.value), "string")


def values(pipeline: Pipeline, step: Step) -> Iterator[Problem]:
    """Whether what an input is given has the type that the component declares."""
    declared = step.interface.inputs or {}
    for name, given in step.document.mapping("inputs").items():
        port = declared.get(str(name))
        fault = _fault(pipeline, port, given) if port is not None else None
        if port is not None and fault is not None:
            hint = f"Give it {example(port)}." if fault.startswith("is of") else None
            yield step.document.problem("input-type", f"The input `{name}` {fault}", ("inputs", name), hint=hint)


def _fault(pipeline: Pipeline, port: Port, given: Any) -> str | None:
    """What is wrong with what is given, in words that follow the input's name."""
    value = given.get("value", given.get("path")) if isinstance(given, dict) else given
    if port.type is None or not isinstance(value, (str, int, float)):
        return None
    found = references(value) if isinstance(value, str) else []
    if len(found) == 1 and isinstance(value, str) and found[0].text == value.strip():
        return _fault_of_source(pipeline, port, found[0])
    if found or (isinstance(value, str) and bindings.is_suspect(value)):
        return None
    if not isinstance(given, dict) or "value" in given:
        return fault_of(value, port.type, port.about)
    is_taken = takes(port.type, given.get("type", "uri_folder"))
    return None if is_taken else f"is of the type {port.type}, not data."


def _fault_of_source(pipeline: Pipeline, port: Port, found: Reference) -> str | None:
    """What is wrong with a bound value, by what it is bound to."""
    source = _source(pipeline, keys_of(found))
    if isinstance(source, LiteralValue):
        fault = fault_of(source.value, port.type or "", port.about)
        return f"{fault.removesuffix('.')}: the value of {found.text}." if fault else None
    if source is None or source.type is None or takes(port.type or "", source.type):
        return None
    return f"is of the type {port.type}; {found.text} is of the type {source.type}."


def source_of(pipeline: Pipeline, text: str) -> Port | None:
    """What a text that is one binding leads to, None where that is not known."""
    found = references(text)
    if len(found) != 1 or found[0].text != text.strip():
        return None
    source = _source(pipeline, keys_of(found[0]))
    return Port(source.type) if isinstance(source, LiteralValue) else source


def _source(pipeline: Pipeline, keys: list[str]) -> Port | LiteralValue | None:
    match keys:
        case ["inputs", *rest]:
            return _input(pipeline.document.mapping("inputs").get(".".join(rest)))
        case ["jobs", name, "outputs", output] if name in pipeline.steps:
            return (pipeline.steps[name].interface.outputs or {}).get(output)
        case ["jobs", name, "inputs", given] if name in pipeline.steps:
            return (pipeline.steps[name].interface.inputs or {}).get(given)
        case _:
            return None


def _input(about: object) -> Port | LiteralValue | None:
    """An input of the pipeline: a value, or what has a type."""
    if isinstance(about, dict) and "value" not in about:
        kind = about.get("type", "uri_folder")
        return Port(kind if isinstance(kind, str) else None)
    value = about.get("value") if isinstance(about, dict) else about
    return LiteralValue(value) if isinstance(value, (str, int, float)) else None
