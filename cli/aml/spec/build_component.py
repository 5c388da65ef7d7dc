"""A checked component file to a Component."""

from __future__ import annotations

from aml.spec import parts, reference
from aml.spec.document import Document
from aml.spec.model import Component, ComponentInput, ComponentOutput
from aml.spec.rules.values import number_of


def command_component(document: Document) -> Component:
    code = parts.text(document, "code")
    return Component(
        name=parts.text(document, "name") or "",
        command=parts.text(document, "command") or "",
        environment=parts.environment(document),
        version=parts.text(document, "version"),
        display_name=parts.text(document, "display_name"),
        description=parts.text(document, "description"),
        tags=parts.labels(document, "tags"),
        properties=document.mapping("properties"),
        is_deterministic=document.value("is_deterministic") is not False,
        inputs={name: _input(document.part("inputs", name)) for name in document.mapping("inputs")},
        outputs={name: _output(document.part("outputs", name)) for name in document.mapping("outputs")},
        code=None if code is None else reference.absolute(code, document.folder),
        additional_includes=tuple(
            reference.absolute(path, document.folder) for path in document.value("additional_includes") or ()
        ),
        environment_variables=parts.variables(document),
        distribution=parts.typed(document, "distribution"),
        resources=parts.resources(document),
        queue_settings=parts.lowered(document.mapping("queue_settings")),
    )


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
