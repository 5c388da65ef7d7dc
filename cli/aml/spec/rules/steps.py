"""The steps of a pipeline: what each one runs, and what holds within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from aml.errors import Pointer, Problem
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.pipeline import StepType
from aml.spec.rules import (
    automl,
    bindings,
    commands,
    component_files,
    components,
    environments,
    parallels,
    paths,
    ports,
    sparks,
    sweeps,
)
from aml.spec.rules.component_files import ComponentFile
from aml.spec.rules.interfaces import UNKNOWN, Interface, Port, of_component, of_inline
from aml.spec.wording import canonical

_COMPONENTS = {"sweep": "command", **{kind: kind for kind in ("command", "parallel", "pipeline", "spark")}}
"""Type of a step -> type of its component."""


@dataclass(frozen=True)
class Step:
    name: str
    document: Document  # the part of the pipeline's that holds the step
    type: str
    interface: Interface

    @property
    def runs(self) -> str:
        """The key that names the component."""
        return "trial" if self.type == "sweep" else "component"

    @property
    def subject(self) -> str:
        """The component in messages."""
        value = self.document.value(self.runs)
        return f"The component '{value}'" if isinstance(value, str) else "The component"


def steps_of(document: Document) -> dict[str, Step]:
    """The steps that have the shape of one."""
    jobs = document.mapping("jobs")
    return {str(name): read(str(name), document.part("jobs", name)) for name in jobs if isinstance(jobs[name], dict)}


def read(name: str, document: Document, kind: str | None = None) -> Step:
    given = document.value("type")
    kind = kind or (canonical(given, get_args(StepType)) if isinstance(given, str) else None) or "command"
    return Step(name, document, kind, _interface(document, kind))


def _interface(document: Document, kind: str) -> Interface:
    runs = "trial" if kind == "sweep" else "component"
    value = document.value(runs)
    if isinstance(value, dict):
        return of_component(document.part(runs))
    if isinstance(value, str):
        return _of_file(component_files.found(document, (runs,)), kind)
    if kind == "automl":
        outputs = of_inline(document).outputs
        return Interface(None, None if outputs is None else {"best_model": Port("mlflow_model"), **outputs})
    return of_inline(document) if kind in ("command", "parallel", "spark") and runs not in document.data else UNKNOWN


def _of_file(file: ComponentFile | None, kind: str) -> Interface:
    """What the component of a file declares, as far as it is a right one."""
    if file is None or file.document is None or file.kind != f"{_COMPONENTS.get(kind)}-component":
        return UNKNOWN
    misdeclared = any(error.pointer[:1] in (("inputs",), ("outputs",)) for error in file.errors)
    return UNKNOWN if misdeclared else of_component(file.document)


def inside(step: Step) -> Iterator[Problem]:
    """What is wrong with a step, seen alone."""
    document = step.document
    yield from ports.names(document)
    yield from ports.modes(document)
    yield from paths.pipeline_inputs(document)
    if step.runs in document.data:
        yield from _component(step)
    elif step.type == "command":
        yield from _command(document)
    elif step.type == "parallel":
        yield from parallels.run(document, bindings.Scope(document, "step"))
    elif step.type == "spark":
        yield from sparks.run(document, bindings.Scope(document, "step"))
    for rule in sweeps.SWEEP if step.type == "sweep" else automl.RULES["automl"] if step.type == "automl" else ():
        yield from rule(document)


def _command(document: Document) -> Iterator[Problem]:
    scope = bindings.Scope(document, "step")
    yield from bindings.in_texts(document, scope)
    yield from bindings.unused(document)
    for rule in (environments.environment, commands.services, paths.code, paths.environment):
        yield from rule(document)


def _component(step: Step) -> Iterator[Problem]:
    """The component: one that is written in the step, or one in a file."""
    value, at = step.document.value(step.runs), (step.runs,)
    if isinstance(value, dict):
        kind = _COMPONENTS.get(step.type)
        for rule in components.INLINE.get(f"{kind}-component", ()):
            yield from rule(step.document.part(*at))
    elif isinstance(value, str):
        yield from paths.component(step.document, at)
        if reference.is_local(value) and reference.exists(value, step.document.folder):
            yield from component_files.problems(step.document, at)
            yield from _kind(step, at)


def _kind(step: Step, at: Pointer) -> Iterator[Problem]:
    """A step runs a component of its own type."""
    file, wanted = component_files.found(step.document, at), _COMPONENTS.get(step.type)
    if file is None or file.document is None or wanted is None:
        return
    kind = file.kind.removesuffix("-component")
    if kind != wanted:
        message = f"{step.subject} is of the type {kind}, but a {step.type} step runs one of the type {wanted}."
        hint = f"Write type: {kind}." if wanted == step.type else "Name another component."
        yield step.document.problem("component-type", message, at, hint=hint)
