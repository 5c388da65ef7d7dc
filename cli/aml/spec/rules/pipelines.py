"""The rules of pipelines: jobs and components."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.kinds import PARAMETERS
from aml.spec.rules import bindings, component_files, components, graph, paths, ports, steps
from aml.spec.rules.bound_values import values
from aml.spec.rules.connections import Bound, Pipeline, bound_in, edges_of, leads, suspects
from aml.spec.rules.connections import ports as connected_ports
from aml.spec.rules.control_flow import control_flow
from aml.spec.rules.steps import Step
from aml.spec.wording import did_you_mean


def pipeline(document: Document) -> Iterator[Problem]:
    """The steps, and what binds them."""
    component_files.forget()
    found = Pipeline(document, steps.steps_of(document))
    bounds = {name: bound_in(step) for name, step in found.steps.items()}
    edges: list[graph.Edge] = []
    for name, step in found.steps.items():
        yield from steps.inside(step)
        yield from connected_ports(step)
        yield from values(found, step)
        yield from suspects(step)
        for bound in bounds[name]:
            yield from leads(found, bound)
        edges.extend(edges_of(found, step, bounds[name]))
    yield from graph.cycles(edges, {name: index for index, name in enumerate(found.steps)})
    yield from control_flow(found)
    yield from _optional(found, bounds)
    yield from _unused(document, [bound for listed in bounds.values() for bound in listed])


def what_runs(document: Document) -> Iterator[Problem]:
    """A pipeline has steps, or runs a pipeline component."""
    keys = ("jobs", "component")
    if "jobs" in document.data and "component" in document.data:
        hint = "Keep one: steps written here, or a component that has them."
        yield document.about_key("exclusive-keys", "`jobs` and `component` exclude each other.", ("component",), hint)
    elif "component" in document.data:
        component_files.forget()
        step = steps.read("", document, "pipeline")
        yield from steps.inside(step)
        yield from connected_ports(step)
    elif "jobs" not in document.data and not any(did_you_mean(str(key), keys) for key in document.data):
        hint = "The steps, by name."
        yield document.problem("missing-key", "A pipeline job needs the key `jobs`.", ("jobs",), hint=hint)


def settings(document: Document) -> Iterator[Problem]:
    """Steps that run first or last are steps."""
    for key in ("on_init", "on_finalize"):
        name = document.value("settings", key)
        if isinstance(name, str) and name not in document.mapping("jobs"):
            known = f"Steps: {', '.join(str(step) for step in document.mapping('jobs'))}."
            yield document.problem("unknown-step", f"There is no step `{name}`.", ("settings", key), hint=known)


def inputs(document: Document) -> Iterator[Problem]:
    """Data without a path has to be given when the pipeline is submitted."""
    for name, about in document.mapping("inputs").items():
        kind = about.get("type") if isinstance(about, dict) else None
        if isinstance(kind, str) and kind not in PARAMETERS and not {"path", "value"} & set(about):
            hint = f"Add a path, or submit it with --set inputs.{name}.path=..."
            message = f"The input `{name}` has no path."
            yield document.about_key("no-path", message, ("inputs", name), hint, "warning")


def _optional(found: Pipeline, bounds: dict[str, list[Bound]]) -> Iterator[Problem]:
    """An optional input of the pipeline that a step can't do without."""
    needed = {name: step for step in reversed([*found.steps.values()]) for name in _needed(step, bounds[step.name])}
    for name, about in found.document.mapping("inputs").items():
        optional = isinstance(about, dict) and about.get("optional") is True and "default" not in about
        if optional and name in needed:
            message = f"The input `{name}` is optional, but the step `{needed[name].name}` needs it."
            hint = "Give it a default, or take `optional` away."
            yield found.document.problem("optional-input", message, ("inputs", name), hint=hint)


def _needed(step: Step, bounds: list[Bound]) -> Iterator[str]:
    """The inputs of the pipeline that are bound to an input which the step's component needs."""
    declared = step.interface.inputs or {}
    for bound in bounds:
        if bound.whole and bound.pointer[0] == "inputs" and len(bound.pointer) > 1 and bound.keys[0] == "inputs":
            port = declared.get(str(bound.pointer[1]))
            if port is not None and port.required:
                yield ".".join(bound.keys[1:])


def _unused(document: Document, bounds: list[Bound]) -> Iterator[Problem]:
    """Inputs that no step reads, outputs that none writes."""
    if not document.mapping("jobs"):
        return
    used = {".".join(bound.keys[:2]) for bound in bounds} | {".".join(bound.keys) for bound in bounds}
    for namespace, verb in (("inputs", "reads"), ("outputs", "writes")):
        for name in document.mapping(namespace):
            if f"{namespace}.{name}" not in used:
                message = f"No step {verb} the {namespace[:-1]} `{name}`."
                hint = f"A step refers to it as ${{{{parent.{namespace}.{name}}}}}."
                yield document.about_key("unused", message, (namespace, name), hint, "warning")


RULES = {
    "pipeline": (
        pipeline,
        what_runs,
        settings,
        inputs,
        bindings.output_paths,
        ports.names,
        ports.modes,
        paths.pipeline_inputs,
    ),
    "pipeline-component": (pipeline, components.parameters, ports.names, ports.modes),
}
