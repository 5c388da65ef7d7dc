"""Checked pipelines and components of pipelines to their dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

from aml.spec import reference
from aml.spec.build import parts
from aml.spec.build.components import command, command_component, common
from aml.spec.document import Document
from aml.spec.model import Component, ComponentInput, ComponentOutput, LiteralInput, Output
from aml.spec.pipeline import (
    ParallelComponent,
    ParallelRun,
    PipelineComponent,
    PipelineJob,
    PipelineSettings,
    Step,
    StepType,
    needs_of,
)
from aml.spec.rules import bound_values, component_files, connections, steps

_OWN = ("type", "component", "trial", "inputs", "outputs", "$schema")
_RUN = (
    *("task", "input_data", "mini_batch_size", "partition_keys", "mini_batch_error_threshold", "error_threshold"),
    *("max_concurrency_per_instance", "retry_settings", "logging_level"),
)
_RUN_KEYS = (*_RUN, "is_deterministic")
_COMMAND = ("command", "code", "environment", "is_deterministic")


def pipeline_job(document: Document) -> PipelineJob:
    settings = document.mapping("settings")
    component = _component(document, "component", "pipeline", "")
    return PipelineJob(
        jobs=_steps(document),
        component=component if isinstance(component, (str, PipelineComponent)) else None,
        settings=PipelineSettings(**settings),
        **parts.of_any_job(document),
    )


def pipeline_component(document: Document) -> PipelineComponent:
    return PipelineComponent(jobs=_steps(document), **common(document))


def parallel_component(document: Document) -> ParallelComponent:
    return ParallelComponent(
        run=_run(document),
        resources=document.mapping("resources"),
        environment_variables=parts.variables(document),
        **common(document),
    )


def _run(document: Document) -> ParallelRun:
    given: dict[str, Any] = {key: document.value(key) for key in _RUN if key in document.data}
    task = {**document.mapping("task"), "environment": parts.environment(document.part("task"))}
    if isinstance(task.get("code"), str):
        task["code"] = reference.absolute(task["code"], document.folder)
    if "partition_keys" in given:
        given["partition_keys"] = tuple(given["partition_keys"])
    return ParallelRun(**{**given, "task": task})


def _steps(document: Document) -> dict[str, Step]:
    pipeline = connections.Pipeline(document, steps.steps_of(document))
    return {name: _step(pipeline, step) for name, step in pipeline.steps.items()}


def _step(pipeline: connections.Pipeline, step: steps.Step) -> Step:
    document = step.document
    inline = step.runs not in document.data and step.type in ("command", "parallel")
    taken = (*_OWN, *(_COMMAND if step.type == "command" else _RUN_KEYS if step.type == "parallel" else ()))
    return Step(
        type=parts.choice(step.type, get_args(StepType)),
        component=_inline(pipeline, step) if inline else _component(document, step.runs, step.type, step.name),
        inputs={name: parts.read_input(document, name) for name in document.mapping("inputs")},
        outputs={name: _output(document, name) for name in document.mapping("outputs")},
        needs=needs_of(document.data),
        keys=_keys(document, taken if inline else _OWN),
    )


def _keys(document: Document, taken: tuple[str, ...]) -> dict[str, Any]:
    given = {key: value for key, value in document.data.items() if key not in taken}
    return {**given, "environment": parts.environment(document)} if "environment" in given else given


def _output(document: Document, name: str) -> Output:
    value = document.value("outputs", name)
    return Output(path=value) if isinstance(value, str) else parts.read_output(document, name)


def _component(
    document: Document, key: str, kind: str, name: str
) -> Component | ParallelComponent | PipelineComponent | str | None:
    """The component of a step: built from its file or from what is written there, or the reference as it is."""
    value = document.value(key)
    if isinstance(value, str):
        file = component_files.found(document, (key,))
        if file is None or file.document is None:
            return value
        return _built(file.document, kind, name)
    return _built(document.part(key), kind, name) if isinstance(value, dict) else None


def _built(document: Document, kind: str, name: str) -> Component | ParallelComponent | PipelineComponent | None:
    component: Component | ParallelComponent | PipelineComponent
    match kind:
        case "command" | "sweep":
            component = command_component(document)
        case "parallel":
            component = parallel_component(document)
        case "pipeline":
            component = pipeline_component(document)
        case _:
            return None
    return component if component.name else dataclasses.replace(component, name=name)


def _inline(pipeline: connections.Pipeline, step: steps.Step) -> Component | ParallelComponent:
    """The component that a step has when it is written out: its ports are those that the step is given."""
    document = step.document
    inputs = {name: ComponentInput(_type(pipeline, step, name)) for name in document.mapping("inputs")}
    outputs = {name: ComponentOutput(_output(document, name).type) for name in document.mapping("outputs")}
    given: dict[str, Any] = {"name": step.name, "inputs": inputs, "outputs": outputs}
    given["is_deterministic"] = document.value("is_deterministic") is not False
    if step.type == "command":
        return Component(**given, **command(document))
    return ParallelComponent(**given, run=_run(document))


def _type(pipeline: connections.Pipeline, step: steps.Step, name: str) -> str:
    """The type of an input: of the value, or of what it is bound to where that is known."""
    given = parts.read_input(step.document, name)
    if not isinstance(given, LiteralInput):
        return given.type
    source = bound_values.source_of(pipeline, str(given.value))
    return (source.type if source else None) or bound_values.LiteralValue(given.value).type
