"""References of a command: those that lead nowhere, and the inputs and outputs that none refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aml.errors import Pointer, Problem
from aml.spec.binding import Reference, references, suspects
from aml.spec.document import Document, Place
from aml.spec.rules.ports import PORTS
from aml.spec.wording import did_you_mean

_ELSEWHERE = {
    "search_space": "It is for the trial of a sweep.",
    "parent": "It is for the steps of a pipeline.",
}
_OUTPUT_PATH_NAMES = ("name", "output_name", "default_datastore")
_OPENS_KNOWN = re.compile(r"\$\{\{\s*(?:inputs|outputs|search_space|parent)\b")


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
    for namespace in PORTS:
        for name in document.mapping(namespace):
            if f"{namespace}.{name}" not in used:
                message = f"The {namespace[:-1]} `{name}` is not used by the command."
                hint = f"Refer to it as ${{{{{namespace}.{name}}}}}."
                yield document.about_key("unused", message, (namespace, name), hint, severity="warning")


def output_paths(document: Document) -> Iterator[Problem]:
    for name, output in document.mapping("outputs").items():
        path = output.get("path") if isinstance(output, dict) else None
        for found in references(path) if isinstance(path, str) else ():
            if found.key not in _OUTPUT_PATH_NAMES:
                hint = "Known in the path of an output: ${{name}}, ${{output_name}}, ${{default_datastore}}."
                yield document.problem(
                    "unknown-binding", f"{found.text} is not known here.", ("outputs", name, "path"), hint=hint
                )


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
    if found.namespace not in PORTS:
        return False
    if found.namespace in document.data:
        declared = document.data[found.namespace]
        return not isinstance(declared, dict) or found.name in declared
    return any(did_you_mean(str(key), PORTS) == found.namespace for key in document.data if key not in PORTS)


def _reference_problem(document: Document, pointer: Pointer, found: Reference, place: Place) -> Problem:
    if found.namespace not in PORTS:
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
