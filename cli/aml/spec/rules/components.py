"""The rules of components: what their parameters may be, beside what a job of the same kind needs."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.binding import Reference, tokens
from aml.spec.document import Document
from aml.spec.rules import bindings, environments, parallels, paths, ports, sparks
from aml.spec.rules.values import fits, number_of
from aml.spec.wording import found

_RANGED = ("integer", "number")


def parameters(document: Document) -> Iterator[Problem]:
    """Defaults, limits and allowed values of the parameters."""
    for name, about in document.mapping("inputs").items():
        if isinstance(about, dict) and isinstance(about.get("type"), str):
            parameter = document.part("inputs", name)
            yield from _default(parameter, about["type"])
            yield from _range(parameter, about["type"])
            yield from _enum(parameter, about["type"])


def _default(parameter: Document, kind: str) -> Iterator[Problem]:
    value = parameter.value("default")
    if value is None or isinstance(value, (list, dict)):
        return
    if not fits(value, kind):
        message = f"The default is {found(value)}, but the type is {kind}."
        yield parameter.problem("default-type", message, ("default",), hint=f"Write a value of the type {kind}.")


def _range(parameter: Document, kind: str) -> Iterator[Problem]:
    limits = {key: number_of(parameter.value(key)) for key in ("min", "max", "default")}
    given = [key for key in ("min", "max") if key in parameter.data]
    if given and kind not in _RANGED:
        message = f"`{given[0]}` is for the types integer and number, not for {kind}."
        yield parameter.about_key("not-allowed", message, (given[0],), "Remove the key.", "warning")
        return
    for key in given:
        if limits[key] is None and isinstance(parameter.value(key), str):
            message = f"`{key}` is {found(parameter.value(key))}, which is not a number."
            yield parameter.problem("wrong-type", message, (key,))
    least, most, default = limits["min"], limits["max"], limits["default"]
    if least is not None and most is not None and least > most:
        yield parameter.problem("out-of-range", f"`min` is {least:g}, more than `max`, which is {most:g}.", ("min",))
    elif default is not None and least is not None and default < least:
        yield parameter.problem(
            "out-of-range", f"The default is {default:g}, less than `min`: {least:g}.", ("default",)
        )
    elif default is not None and most is not None and default > most:
        yield parameter.problem("out-of-range", f"The default is {default:g}, more than `max`: {most:g}.", ("default",))


def _enum(parameter: Document, kind: str) -> Iterator[Problem]:
    values = parameter.value("enum")
    if not isinstance(values, list):
        return
    if kind != "string":
        message = f"`enum` is for the type string, not for {kind}."
        yield parameter.about_key("not-allowed", message, ("enum",), "Remove the key.", "warning")
    elif isinstance(parameter.value("default"), str) and parameter.value("default") not in values:
        message = f"The default '{parameter.value('default')}' is not in `enum`."
        hint = f"Allowed: {', '.join(str(value) for value in values)}."
        yield parameter.problem("not-allowed", message, ("default",), hint=hint)


def optional_inputs(document: Document) -> Iterator[Problem]:
    """Optional inputs that the command needs all the same, since they are not in $[[ ]]."""
    command = document.value("command")
    declared = document.mapping("inputs")
    for token in tokens(command) if isinstance(command, str) else ():
        if not isinstance(token, Reference) or token.namespace != "inputs":
            continue
        about = declared.get(token.name)
        if isinstance(about, dict) and about.get("optional") is True and "default" not in about:
            message = f"The input `{token.name}` is optional, but the command can't do without it."
            hint = f"Put what goes away with it in brackets: $[[--{token.name} {token.text}]]."
            place = document.place_within(("command",), token.text, 0)
            yield document.problem("optional-input", message, ("command",), hint=hint, severity="warning", place=place)


def empty_options(document: Document) -> Iterator[Problem]:
    """`$[[ ]]` with no reference in it is plain text, which nobody means."""
    command = document.value("command")
    for piece in tokens(command) if isinstance(command, str) else ():
        if piece == "$[[":
            message = "$[[ ]] holds no reference, and stays as it is."
            hint = "Write what depends on an optional input: $[[--name ${{inputs.name}}]]."
            place = document.place_within(("command",), "$[[", 0)
            yield document.problem("bad-binding", message, ("command",), hint=hint, severity="warning", place=place)


_RUN = (
    bindings.of_component,
    bindings.unused,
    optional_inputs,
    empty_options,
    environments.environment,
    paths.code,
    paths.environment,
)
_ANY = (ports.names, ports.modes, parameters, paths.additional_includes)

INLINE = {
    "command-component": (*_RUN, *_ANY),
    "parallel-component": (parallels.component, *_ANY),
    "spark-component": (sparks.component, *_ANY),
}
"""What also holds for a component that is written in a step."""

RULES = INLINE
