"""What a schema can't say about a spec: bindings, paths, names, and keys that exclude each other.

A rule sees the document as it is, also where the schema has found faults: it looks only at parts of the right shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from aml.errors import Pointer, Problem
from aml.spec import path_rules
from aml.spec.binding import Reference, references, suspects
from aml.spec.document import Document, Place
from aml.spec.model import AmlCompute
from aml.spec.wording import did_you_mean

Rule = Callable[[Document], Iterator[Problem]]

_ELSEWHERE = {
    "search_space": "It is for the trial of a sweep.",
    "parent": "It is for the steps of a pipeline.",
}
MOST = 100
_NODES = {"min_instances": AmlCompute.min_instances, "max_instances": AmlCompute.max_instances}
_PORTS = ("inputs", "outputs")
_OUTPUT_PATH_NAMES = ("name", "output_name", "default_datastore")
_OPENS_KNOWN = re.compile(r"\$\{\{\s*(?:inputs|outputs|search_space|parent)\b")


def check(document: Document, kind: str) -> list[Problem]:
    """The first faults and doubts, up to MOST of each rule, that the rules of `kind` find."""
    return [problem for rule in RULES.get(kind, ()) for problem in islice(rule(document), MOST)]


def bindings(document: Document) -> Iterator[Problem]:
    """References in the command and the environment variables that lead nowhere."""
    for pointer, text in _bound_texts(document):
        seen: dict[str, int] = {}
        for found in references(text):
            occurrence = seen[found.text] = seen.get(found.text, -1) + 1
            if not _is_known(document, found):
                place = document.place_within(pointer, found.text, occurrence)
                yield _reference_problem(document, pointer, found, place)
        yield from _suspect_problems(document, pointer, text)


def unused(document: Document) -> Iterator[Problem]:
    """Inputs and outputs that nothing refers to; the job may still find them by their variables."""
    used = {found.key for _, text in _bound_texts(document) for found in references(text)}
    for namespace in _PORTS:
        for name in document.mapping(namespace):
            if f"{namespace}.{name}" not in used:
                message = f"The {namespace[:-1]} `{name}` is not used by the command."
                hint = f"Refer to it as ${{{{{namespace}.{name}}}}}."
                yield _about_key(document, "unused", message, (namespace, name), hint, severity="warning")


def output_paths(document: Document) -> Iterator[Problem]:
    for name, output in document.mapping("outputs").items():
        path = output.get("path") if isinstance(output, dict) else None
        for found in references(path) if isinstance(path, str) else ():
            if found.key not in _OUTPUT_PATH_NAMES:
                hint = "Known in the path of an output: ${{name}}, ${{output_name}}, ${{default_datastore}}."
                yield document.problem(
                    "unknown-binding", f"{found.text} is not known here.", ("outputs", name, "path"), hint=hint
                )


def names(document: Document) -> Iterator[Problem]:
    """Names that differ in case only, and the name that is Azure ML's own."""
    for namespace in _PORTS:
        first: dict[str, str] = {}
        for name in document.mapping(namespace):
            other = first.setdefault(str(name).lower(), str(name))
            if other != name:
                line = document.key_place((namespace, other)).line
                message = f"`{name}` and `{other}` on line {line} differ in case only."
                yield _about_key(document, "name-collision", message, (namespace, name), "Rename one of them.")
    if "default" in document.mapping("outputs"):
        hint = "Rename it: Azure ML keeps this name for ./outputs and ./logs."
        yield _about_key(document, "reserved-name", "An output can't be named `default`.", ("outputs", "default"), hint)


def modes(document: Document) -> Iterator[Problem]:
    """Modes that the type of an input does not have."""
    for name, value in document.mapping("inputs").items():
        if not isinstance(value, dict):
            continue
        kind = str(value.get("type", "uri_folder")).lower()
        mode = str(value.get("mode", "")).lower()
        if mode.startswith("eval_") and kind != "mltable":
            hint = "Allowed: ro_mount, download, direct."
            message = f"The mode {mode} is for the type mltable, not for {kind}."
            yield document.problem("not-allowed", message, ("inputs", name, "mode"), hint=hint)


def environment(document: Document) -> Iterator[Problem]:
    """The inline environment of a job; with nothing but a name it refers to one that is registered."""
    inline = document.mapping("environment")
    if inline:
        yield from _image_or_build(document, inline, ("environment",), refers="name" in inline)


def environment_asset(document: Document) -> Iterator[Problem]:
    yield from _image_or_build(document, document.mapping(), (), refers=False)


def _image_or_build(
    document: Document, environment: Mapping[str, Any], at: Pointer, *, refers: bool
) -> Iterator[Problem]:
    """image or build, one of them; conda_file goes with image."""
    if "image" in environment and "build" in environment:
        hint = "Keep one: an image that exists, or a build that makes one."
        message = "`image` and `build` exclude each other."
        yield _about_key(document, "exclusive-keys", message, (*at, "build"), hint)
    elif "conda_file" in environment and "image" not in environment:
        message = "`conda_file` needs the key `image` beside it."
        hint = "The packages are installed into a copy of the image."
        yield document.problem("missing-key", message, (*at, "image"), hint=hint)
    elif not refers and not any(
        key in ("image", "build") or did_you_mean(str(key), ["image", "build"]) for key in environment
    ):
        message = f"{'`environment`' if at else 'An environment'} needs the key `image`, or `build`."
        yield document.problem("missing-key", message, (*at, "image"))


def services(document: Document) -> Iterator[Problem]:
    for name, service in document.mapping("services").items():
        if isinstance(service, dict) and str(service.get("type")).lower() == "ssh" and "ssh_public_keys" not in service:
            message = f"The ssh service `{name}` has no `ssh_public_keys`: nobody can log in."
            yield _about_key(document, "service-without-key", message, ("services", name), None, severity="warning")


def nodes(document: Document) -> Iterator[Problem]:
    """As many nodes at the least as at the most, or fewer."""
    least, most = (str(document.data.get(key, default)) for key, default in _NODES.items())
    if least.isdecimal() and most.isdecimal() and int(least) > int(most):
        message = f"`min_instances` is {least}, more than `max_instances`, which is {most}{_default(document)}."
        yield document.problem("out-of-range", message, ("min_instances",))


def _default(document: Document) -> str:
    return "" if "max_instances" in document.data else " when left out"


RULES: Mapping[str, tuple[Rule, ...]] = {
    "command": (
        bindings,
        unused,
        output_paths,
        names,
        modes,
        environment,
        services,
        path_rules.code,
        path_rules.inputs,
        path_rules.environment,
    ),
    "model": (path_rules.model,),
    "data": (path_rules.data,),
    "environment": (environment_asset, path_rules.environment_asset),
    "amlcompute": (nodes,),
}


def _bound_texts(document: Document) -> Iterator[tuple[Pointer, str]]:
    """The texts in which references are replaced."""
    command = document.data.get("command")
    if isinstance(command, str):
        yield ("command",), command
    for name, value in document.mapping("environment_variables").items():
        if isinstance(value, str):
            yield ("environment_variables", name), value


def _is_known(document: Document, found: Reference) -> bool:
    """Whether a reference leads somewhere, or may: its names can't be known where they are misspelled or misshapen."""
    if found.namespace not in _PORTS:
        return False
    if found.namespace in document.data:
        declared = document.data[found.namespace]
        return not isinstance(declared, dict) or found.name in declared
    return any(did_you_mean(str(key), _PORTS) == found.namespace for key in document.data if key not in _PORTS)


def _reference_problem(document: Document, pointer: Pointer, found: Reference, place: Place) -> Problem:
    if found.namespace not in _PORTS:
        message = f"{found.text} is not known here."
        hint = _ELSEWHERE.get(found.namespace, "Known in a command: ${{inputs.NAME}} and ${{outputs.NAME}}.")
        return document.problem("unknown-binding", message, pointer, hint=hint, place=place)
    hint = _declared_hint(found, [str(name) for name in document.mapping(found.namespace)])
    if found.optional and found.namespace == "inputs":
        message = f"{found.text} is not declared: the $[[ ]] around it goes away."
        return document.problem("unknown-binding", message, pointer, hint=hint, severity="warning", place=place)
    message = f"{found.text} refers to an {found.namespace[:-1]} that is not declared."
    return document.problem("unknown-binding", message, pointer, hint=hint, place=place)


def _declared_hint(found: Reference, declared: list[str]) -> str:
    if not declared:
        return f"The job declares no {found.namespace}. Add `{found.name}` under `{found.namespace}`."
    known = f"Declared: {', '.join(declared[:20])}{', ...' if len(declared) > 20 else ''}."
    meant = did_you_mean(found.name, declared)
    if meant is None and found.name.split(".")[0] in declared:
        meant = found.name.split(".")[0]
    return f"Did you mean ${{{{{found.namespace}.{meant}}}}}? {known}" if meant else known


def _suspect_problems(document: Document, pointer: Pointer, text: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for shown, _ in suspects(text):
        occurrence = seen[shown] = seen.get(shown, -1) + 1
        place = document.place_within(pointer, shown, occurrence)
        if shown.startswith("${{"):
            known = _OPENS_KNOWN.match(shown) is not None
            yield document.problem(
                "bad-binding",
                f"{shown} is not a binding.",
                pointer,
                hint="Write ${{inputs.NAME}}; a literal ${{ is written ${{'${{'}}.",
                severity="error" if known else "warning",
                place=place,
            )
        else:
            message = f"{shown} is not a binding, and stays as it is."
            hint = f"Write ${{{{{shown.strip('${} ')}}}}}."
            yield document.problem("bad-binding", message, pointer, hint=hint, severity="warning", place=place)


def _about_key(
    document: Document, code: str, message: str, pointer: Pointer, hint: str | None, **severity: Any
) -> Problem:
    place = document.key_place(pointer)
    return document.problem(code, message, pointer, hint=hint, place=place, **severity)
