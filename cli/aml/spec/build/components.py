"""A checked component file to a Component."""

from __future__ import annotations

from typing import Any

from aml.spec import reference
from aml.spec.build import parts
from aml.spec.document import Document
from aml.spec.model import Component, ComponentInput, ComponentOutput
from aml.spec.rules.values import number_of


def command_component(document: Document) -> Component:
    return Component(
        **common(document),
        **command(document),
        additional_includes=tuple(
            reference.absolute(path, document.folder) for path in document.value("additional_includes") or ()
        ),
        environment_variables=parts.variables(document),
        distribution=parts.typed(document, "distribution"),
        resources=parts.resources(document),
        queue_settings=parts.lowered(document.mapping("queue_settings")),
    )


def command(document: Document) -> dict[str, Any]:
    """What is run, and in which environment."""
    code = parts.text(document, "code")
    return {
        "command": parts.text(document, "command") or "",
        "environment": parts.environment(document),
        "code": None if code is None else reference.absolute(code, document.folder),
    }


def common(document: Document) -> dict[str, Any]:
    """The fields that components of all types have."""
    return {
        "name": parts.text(document, "name") or "",
        "version": parts.text(document, "version"),
        "display_name": parts.text(document, "display_name"),
        "description": parts.text(document, "description"),
        "tags": parts.labels(document, "tags"),
        "properties": document.mapping("properties"),
        "is_deterministic": document.value("is_deterministic") is not False,
        "inputs": {name: _input(document.part("inputs", name)) for name in document.mapping("inputs")},
        "outputs": {name: _output(document.part("outputs", name)) for name in document.mapping("outputs")},
    }


def _input(document: Document) -> ComponentInput:
    return ComponentInput(
        type=document.value("type"),
        description=parts.text(document, "description"),
        optional=document.value("optional") is True,
        default=document.value("default"),
        min=number_of(document.value("min")),
        max=number_of(document.value("max")),
        enum=tuple(document.value("enum") or ()),
        mode=parts.text(document, "mode"),
    )


def _output(document: Document) -> ComponentOutput:
    return ComponentOutput(
        type=document.value("type"),
        description=parts.text(document, "description"),
        mode=parts.text(document, "mode"),
    )
