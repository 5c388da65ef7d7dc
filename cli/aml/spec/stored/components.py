"""Components of any type as the plain mappings that a workspace keeps, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml.spec.model import Component, ComponentInput, ComponentOutput, Output
from aml.spec.pipeline import (
    ParallelComponent,
    ParallelRun,
    PipelineComponent,
    Step,
    needs_of,
)
from aml.spec.stored.basics import component_document as command_document
from aml.spec.stored.basics import component_of as command_of
from aml.spec.stored.basics import given_of, input_document, input_of, listed, tupled, without_defaults, without_empty

AnyComponent = Component | ParallelComponent | PipelineComponent

_OF_A_STEP = ("type", "component", "trial", "inputs", "outputs")
_RUN = tuple(ParallelRun.__dataclass_fields__)


def component_document(spec: AnyComponent) -> dict[str, Any]:
    """What the YAML of a component would hold; keys without a value are left out."""
    if isinstance(spec, Component):
        return command_document(spec)
    given = given_of(spec)
    given["inputs"] = {name: without_defaults(listed(given_of(value))) for name, value in spec.inputs.items()}
    given["outputs"] = {name: given_of(value) for name, value in spec.outputs.items()}
    if isinstance(spec, PipelineComponent):
        given["jobs"] = {name: _step_document(step) for name, step in spec.jobs.items()}
    else:
        del given["run"]
        given.update(listed(given_of(spec.run)))
    return without_empty(given)


def component_of(document: Mapping[str, Any]) -> AnyComponent:
    """The component that `component_document` was made of. Nothing is checked, paths stay as they are."""
    if document["type"] == "command":
        return command_of(document)
    given = dict(document)
    given["inputs"] = {name: ComponentInput(**tupled(value)) for name, value in document.get("inputs", {}).items()}
    given["outputs"] = {name: ComponentOutput(**value) for name, value in document.get("outputs", {}).items()}
    if document["type"] == "pipeline":
        return PipelineComponent(**{**given, "jobs": _steps(document)})
    run = tupled({key: given.pop(key) for key in _RUN if key in given})
    return ParallelComponent(**given, run=ParallelRun(**run))


def _step_document(step: Step) -> dict[str, Any]:
    runs = "trial" if step.type == "sweep" else "component"
    component = step.component
    given = {
        "type": step.type,
        runs: component if component is None or isinstance(component, str) else component_document(component),
        "inputs": {name: input_document(value) for name, value in step.inputs.items()},
        "outputs": {name: given_of(output) for name, output in step.outputs.items()},
    }
    return {**{key: value for key, value in without_empty(given).items() if value is not None}, **step.keys}


def _steps(document: Mapping[str, Any]) -> dict[str, Step]:
    return {name: _step(about) for name, about in document.get("jobs", {}).items()}


def _step(document: Mapping[str, Any]) -> Step:
    component = document.get("component", document.get("trial"))
    return Step(
        type=document["type"],
        component=component_of(component) if isinstance(component, Mapping) else component,
        inputs={name: input_of(value) for name, value in document.get("inputs", {}).items()},
        outputs={name: Output(**value) for name, value in document.get("outputs", {}).items()},
        needs=needs_of(document),
        keys={key: value for key, value in document.items() if key not in _OF_A_STEP},
    )
