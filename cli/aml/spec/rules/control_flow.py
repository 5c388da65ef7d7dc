"""Steps that decide whether, and how often, other steps run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aml.errors import Pointer, Problem
from aml.spec.binding import references
from aml.spec.document import Document
from aml.spec.rules.connections import Pipeline, keys_of, named
from aml.spec.rules.interfaces import Port
from aml.spec.rules.steps import Step

_BLOCKS = ("true_block", "false_block")


def control_flow(pipeline: Pipeline) -> Iterator[Problem]:
    for step in pipeline.steps.values():
        if step.type == "if_else":
            yield from _if_else(step.document)
        elif step.type == "do_while":
            yield from _do_while(pipeline, step)


def _if_else(document: Document) -> Iterator[Problem]:
    """One block at least, and no step in both."""
    if not any(key in document.data for key in _BLOCKS):
        message = "An if_else step needs the key `true_block`, or `false_block`."
        yield document.problem(
            "missing-key", message, ("true_block",), hint="The steps that run: ${{parent.jobs.STEP}}."
        )
    first, second = (set(_nodes(document.value(key))) for key in _BLOCKS)
    for name in sorted(first & second):
        message = f"The step `{name}` is in both blocks."
        yield document.problem("exclusive-keys", message, ("false_block",), hint="Keep it in one of them.")


def _nodes(block: object) -> list[str]:
    texts = block if isinstance(block, list) else [block]
    return [keys_of(found)[-1] for text in texts if isinstance(text, str) for found in references(text)]


def _do_while(pipeline: Pipeline, step: Step) -> Iterator[Problem]:
    """The condition and the mapping name outputs and inputs of the body."""
    body = _body(pipeline, step.document.value("body"))
    if body is None:
        return
    condition = step.document.value("condition")
    if isinstance(condition, str) and "${{" not in condition:
        yield from _known(step.document, body, "output", condition, ("condition",))
    for output, inputs in step.document.mapping("mapping").items():
        yield from _known(step.document, body, "output", str(output), ("mapping", output), at_key=True)
        for name in inputs if isinstance(inputs, list) else [inputs]:
            if isinstance(name, str) and "${{" not in name:
                yield from _known(step.document, body, "input", name, ("mapping", output))


def _body(pipeline: Pipeline, body: object) -> Step | None:
    found = references(body) if isinstance(body, str) else []
    keys = keys_of(found[0]) if found else []
    return pipeline.steps.get(keys[1]) if keys[:1] == ["jobs"] and len(keys) == 2 else None


def _known(
    document: Document, body: Step, what: str, name: str, pointer: Pointer, *, at_key: bool = False
) -> Iterator[Problem]:
    ports = body.interface.outputs if what == "output" else _inputs(body)
    if ports is None or name in ports:
        return
    message = f"The step `{body.name}` has no {what} `{name}`."
    hint = named(f"{what.capitalize()}s", name, list(ports)) or f"It declares no {what}s."
    place = document.key_place(pointer) if at_key else None
    yield document.problem(f"unknown-{what}", message, pointer, hint=hint, place=place)


def _inputs(body: Step) -> Mapping[str, Port] | None:
    """What a step that is written out is given, else what its component declares."""
    if body.runs in body.document.data or body.type != "command":
        return body.interface.inputs
    return {str(name): Port() for name in body.document.mapping("inputs")}
