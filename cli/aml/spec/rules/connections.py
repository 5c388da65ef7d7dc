"""What steps are given: where their bindings lead, and whether it is what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from aml.errors import Pointer, Problem
from aml.spec.binding import Reference
from aml.spec.document import Document, Node, Place
from aml.spec.rules import bindings
from aml.spec.rules.graph import Edge
from aml.spec.rules.interfaces import Port, misspells
from aml.spec.rules.paths import Severity
from aml.spec.rules.steps import Step
from aml.spec.wording import did_you_mean

_OTHERS = frozenset({"component", "trial", "command", "task", "args", "input_data", "description", "comment"})
"""Keys of a step in which nothing is bound to the pipeline, or other rules look."""

_KNOWN = "Known in a step: ${{parent.inputs.NAME}} and ${{parent.jobs.STEP.outputs.NAME}}."


@dataclass(frozen=True)
class Bound:
    """One reference in a step."""

    step: Step
    pointer: Pointer
    found: Reference
    occurrence: int  # which of those with the same text, from 0
    whole: bool  # nothing stands beside it

    @property
    def keys(self) -> list[str]:
        return keys_of(self.found)

    @property
    def place(self) -> Place:
        return self.step.document.place_within(self.pointer, self.found.text, self.occurrence)

    def problem(self, code: str, message: str, hint: str | None = None, severity: Severity = "error") -> Problem:
        document = self.step.document
        return document.problem(code, message, self.pointer, hint=hint, severity=severity, place=self.place)


def keys_of(found: Reference) -> list[str]:
    """What follows `parent.`."""
    return found.key.removeprefix("parent.").split(".")


@dataclass(frozen=True)
class Pipeline:
    document: Document
    steps: Mapping[str, Step]

    @property
    def scope(self) -> bindings.Scope:
        return bindings.Scope(self.document, "pipeline", ("inputs", "outputs"), "parent.")


def bound_in(step: Step) -> list[Bound]:
    """Every reference to what is around a step, in the keys where it may stand."""
    return list(_bound(step, (), step.document.node(())))


def _bound(step: Step, at: Pointer, node: Node | None) -> Iterator[Bound]:
    if node is None or (len(at) == 1 and at[0] in _OTHERS):
        return
    for key, child in node.children.items():
        yield from _bound(step, (*at, key), child.node)
    if isinstance(node.data, str) and "$" in node.data:
        for found, occurrence in bindings.numbered(node.data):
            if bindings.is_parent(found) or (at[0] == "inputs" and len(at) <= 3):
                yield Bound(step, at, found, occurrence, found.text == node.data.strip())


def leads(pipeline: Pipeline, bound: Bound) -> Iterator[Problem]:
    """Where a reference leads nowhere."""
    faults = [*_faults(pipeline, bound)]
    yield from faults
    if not faults and not bindings.is_parent(bound.found):
        hint = f"Write ${{{{parent.{bound.found.key}}}}}."
        yield bound.problem("bad-binding", f"{bound.found.text} is an old form.", hint, "warning")


def _faults(pipeline: Pipeline, bound: Bound) -> Iterator[Problem]:
    keys = bound.keys
    match keys:
        case ["inputs", _, *_]:
            yield from _port(pipeline, bound, outputs=False)
        case ["outputs", _, *_] if bindings.is_parent(bound.found):
            yield from _port(pipeline, bound, outputs=True)
        case ["jobs", name, *rest]:
            yield from _of_step(pipeline, bound, name, rest)
        case _:
            yield bound.problem("unknown-binding", f"{bound.found.text} is not known here.", _KNOWN)


def _port(pipeline: Pipeline, bound: Bound, *, outputs: bool) -> Iterator[Problem]:
    """A reference to an input or an output of the pipeline."""
    found = replace(bound.found, key=bound.found.key.removeprefix("parent."))
    if outputs and bound.pointer[0] != "outputs":
        hint = "It is for the outputs of a step. Another step's output is ${{parent.jobs.STEP.outputs.NAME}}."
        yield bound.problem("unknown-binding", f"{bound.found.text} can't be read.", hint)
    elif not pipeline.scope.knows(found):
        yield bindings.reference_problem(bound.step.document, pipeline.scope, bound.pointer, found, bound.place)
    elif not outputs and bound.pointer[0] == "outputs":
        hint = "Write ${{parent.outputs.NAME}}."
        yield bound.problem("unknown-binding", f"{bound.found.text} can't be written.", hint)


def _of_step(pipeline: Pipeline, bound: Bound, name: str, rest: list[str]) -> Iterator[Problem]:
    """A reference to another step, or to what it reads or makes."""
    if name == bound.step.name:
        yield bound.problem("cycle", f"The step `{name}` takes what it makes itself.", "Bind it to another step.")
    elif name not in pipeline.document.mapping("jobs"):
        meant = did_you_mean(name, pipeline.steps)
        others = [other for other in pipeline.steps if other != bound.step.name]
        known = f"Steps: {', '.join(others)}." if others else "There is no other step."
        hint = f"Did you mean {meant}? {known}" if meant and meant != bound.step.name else known
        yield bound.problem("unknown-step", f"{bound.found.text} refers to a step that there is not.", hint)
    elif rest and name in pipeline.steps:
        yield from _of_port(pipeline.steps[name], bound, rest)


def _of_port(producer: Step, bound: Bound, rest: list[str]) -> Iterator[Problem]:
    match rest:
        case ["outputs", name]:
            declared = producer.interface.outputs
            if declared is not None and name not in declared and name not in producer.document.mapping("outputs"):
                yield _unknown_output(producer, bound, name, list(declared))
        case ["inputs", name, *_]:
            known = producer.interface.inputs or {}
            if name not in known and name not in producer.document.mapping("inputs"):
                message = f"The step `{producer.name}` has no input `{name}`."
                yield bound.problem("unknown-binding", message, named("Inputs", name, list(known)))
        case _:
            yield bound.problem("unknown-binding", f"{bound.found.text} is not known here.", _KNOWN)


def _unknown_output(producer: Step, bound: Bound, name: str, declared: list[str]) -> Problem:
    message = f"The step `{producer.name}` has no output `{name}`."
    hint = named("Outputs", name, declared) if declared else f"Add `{name}` under its `outputs`."
    return bound.problem("unknown-output", message, hint)


def named(title: str, name: str, declared: list[str]) -> str | None:
    known = f"{title}: {', '.join(declared[:20])}." if declared else None
    meant = did_you_mean(name, declared)
    return f"Did you mean {meant}? {known}" if meant else known


def suspects(step: Step) -> Iterator[Problem]:
    """What looks like a binding in a step and is none."""
    yield from _suspects(step, (), step.document.node(()))


def _suspects(step: Step, at: Pointer, node: Node | None) -> Iterator[Problem]:
    if node is None or (len(at) == 1 and at[0] in (*_OTHERS, "environment_variables")):
        return
    for key, child in node.children.items():
        yield from _suspects(step, (*at, key), child.node)
    if isinstance(node.data, str) and "{" in node.data:
        yield from bindings.suspect_problems(step.document, at, node.data)


def edges_of(pipeline: Pipeline, step: Step, bounds: list[Bound]) -> Iterator[Edge]:
    for bound in bounds:
        keys = bound.keys
        made = keys[0] == "jobs" and keys[2:3] == ["outputs"]
        if made and keys[1] in pipeline.steps and keys[1] != step.name:
            yield Edge(step.name, keys[1], bound.problem)


def ports(step: Step) -> Iterator[Problem]:
    """Inputs and outputs that the component does not have, and inputs that it needs."""
    if step.runs in step.document.data:
        yield from _foreign(step, "inputs", step.interface.inputs)
        yield from _foreign(step, "outputs", step.interface.outputs)
        yield from _lacking(step)
        yield from _sampled(step)


def _foreign(step: Step, namespace: str, declared: Mapping[str, Port] | None) -> Iterator[Problem]:
    for name in step.document.mapping(namespace) if declared is not None else ():
        if declared is not None and declared.keys().isdisjoint({name, str(name).partition(".")[0]}):
            message = f"{step.subject} has no {namespace[:-1]} `{name}`."
            hint = named(namespace.capitalize(), str(name), list(declared)) or f"It declares no {namespace}."
            yield step.document.about_key(f"unknown-{namespace[:-1]}", message, (namespace, name), hint)


def _lacking(step: Step) -> Iterator[Problem]:
    """Inputs that are neither given, with their own name or as a group, nor drawn from a search space."""
    document = step.document
    given = {*document.mapping("inputs"), *document.mapping("search_space")}
    given |= {str(name).partition(".")[0] for name in given}
    for name, port in (step.interface.inputs or {}).items():
        if port.required and name not in given and not misspells(document, "inputs"):
            message = f"{step.subject} needs the input `{name}`{_kind(port)}."
            hint = f"Give it under `inputs`: {name}: {example(port)}."
            yield document.problem("missing-input", message, ("inputs", name), hint=hint)


def _sampled(step: Step) -> Iterator[Problem]:
    """The parameters of a sweep are inputs of its trial."""
    declared = step.interface.inputs
    for name in step.document.mapping("search_space") if declared is not None and step.type == "sweep" else ():
        if declared is not None and name not in declared:
            message = f"{step.subject} has no input `{name}`."
            hint = named("Inputs", str(name), list(declared)) or "It declares no inputs."
            yield step.document.about_key("unknown-input", message, ("search_space", name), hint)


def _kind(port: Port) -> str:
    return f" ({port.type})" if port.type else ""


def example(port: Port) -> str:
    if port.type in ("integer", "number", "boolean", "string"):
        return "a value, or ${{parent.inputs.NAME}}"
    return "a mapping with a path, or ${{parent.jobs.STEP.outputs.NAME}}"
