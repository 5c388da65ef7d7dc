"""References of a command: those that lead nowhere, and the inputs and outputs that none refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aml.errors import Pointer, Problem
from aml.spec.binding import Reference, references, suspects
from aml.spec.document import Document, Place
from aml.spec.rules.ports import PORTS
from aml.spec.wording import did_you_mean

_ELSEWHERE = {
    "search_space": "It is for the trial of a sweep.",
    "parent": "It is for the steps of a pipeline.",
}
_IN_A_STEP = {
    "search_space": "It is for the trial of a sweep; in a component the parameters are inputs.",
    "parent": "It is for the inputs of the step: give it one that is bound to this, and refer to that.",
}
_NOUNS = {"inputs": "an input", "outputs": "an output", "search_space": "a parameter"}
_OUTPUT_PATH_NAMES = ("name", "output_name", "default_datastore")
_VARIABLE = re.compile(r"\bAZUREML_PARAMETER_(\w+)")
_OPENS_KNOWN = re.compile(r"\$\{\{\s*(?:inputs|outputs|search_space|parent)\b")


@dataclass(frozen=True)
class Scope:
    """The names that texts may refer to, by namespace: what a document declares of them."""

    declares: Document
    owner: str = "job"
    namespaces: tuple[str, ...] = PORTS
    prefix: str = ""  # `parent.` where steps refer to the pipeline around them

    def names(self, namespace: str) -> list[str]:
        return [str(name) for name in self.declares.mapping(namespace)]

    def knows(self, found: Reference) -> bool:
        """Whether a reference leads somewhere, or may: where names are misspelled or misshapen, none is wrong."""
        keys = self.declares.mapping()
        if found.namespace not in self.namespaces:
            return False
        if found.namespace in keys:
            declared = keys[found.namespace]
            grouped = found.namespace == "search_space" or self.prefix
            names = {found.name, found.name.partition(".")[0]} if grouped else {found.name}
            return not isinstance(declared, dict) or not names.isdisjoint(declared)
        unknown = (str(key) for key in keys if key not in self.namespaces)
        return any(did_you_mean(key, self.namespaces) == found.namespace for key in unknown)


def bindings(document: Document) -> Iterator[Problem]:
    """References in the command and the environment variables that lead nowhere."""
    yield from in_texts(document, Scope(document))


def of_component(document: Document) -> Iterator[Problem]:
    yield from in_texts(document, Scope(document, "component"))


def in_texts(document: Document, scope: Scope, texts: Sequence[Pointer] = (("command",),)) -> Iterator[Problem]:
    """References in texts and environment variables of `document` that lead nowhere in `scope`."""
    for pointer, text in bound_texts(document, texts):
        for found, occurrence in numbered(text):
            # A step's variables may also be bound to what is around it, which is checked with all its other keys.
            if not scope.knows(found) and not (scope.owner == "step" and pointer not in texts and is_parent(found)):
                place = document.place_within(pointer, found.text, occurrence)
                yield reference_problem(document, scope, pointer, found, place)
        yield from suspect_problems(document, pointer, text)


def numbered(text: str) -> Iterator[tuple[Reference, int]]:
    """Every reference, and which of those with the same text it is, from 0."""
    seen: dict[str, int] = {}
    for found in references(text):
        occurrence = seen[found.text] = seen.get(found.text, -1) + 1
        yield found, occurrence


def is_parent(found: Reference) -> bool:
    return found.namespace == "parent"


def unused(document: Document) -> Iterator[Problem]:
    """Inputs and outputs that nothing refers to; the job may still find them by their variables."""
    yield from unused_in(document, document)


def unused_in(document: Document, command: Document, texts: Sequence[Pointer] = (("command",),)) -> Iterator[Problem]:
    """Inputs and outputs of `document` that the texts of `command` don't refer to."""
    used = used_keys(command, texts)
    for namespace in PORTS:
        for name in document.mapping(namespace):
            if f"{namespace}.{name}" not in used:
                message = f"The {namespace[:-1]} `{name}` is not used by the command."
                hint = f"Refer to it as ${{{{{namespace}.{name}}}}}."
                yield document.about_key("unused", message, (namespace, name), hint, severity="warning")


def used_keys(document: Document, texts: Sequence[Pointer] = (("command",),)) -> set[str]:
    """`inputs.lr`, ...: what the texts and the environment variables of `document` refer to, or take as a variable."""
    found = list(bound_texts(document, texts))
    variables = {f"inputs.{name}" for _, text in found for name in _VARIABLE.findall(text)}
    return variables | {reference.key for _, text in found for reference in references(text)}


def output_paths(document: Document) -> Iterator[Problem]:
    for name, output in document.mapping("outputs").items():
        path = output.get("path") if isinstance(output, dict) else None
        for found in references(path) if isinstance(path, str) else ():
            if found.key not in _OUTPUT_PATH_NAMES:
                hint = "Known in the path of an output: ${{name}}, ${{output_name}}, ${{default_datastore}}."
                yield document.problem(
                    "unknown-binding", f"{found.text} is not known here.", ("outputs", name, "path"), hint=hint
                )


def bound_texts(document: Document, texts: Sequence[Pointer]) -> Iterator[tuple[Pointer, str]]:
    """The texts in which references are replaced: those named, and the environment variables."""
    variables = [("environment_variables", name) for name in document.mapping("environment_variables")]
    for pointer in (*texts, *variables):
        text = document.value(*pointer)
        if isinstance(text, str):
            yield pointer, text


def reference_problem(document: Document, scope: Scope, pointer: Pointer, found: Reference, place: Place) -> Problem:
    if found.namespace not in scope.namespaces:
        message = f"{found.text} is not known here."
        elsewhere = _IN_A_STEP if scope.owner == "step" else _ELSEWHERE
        hint = elsewhere.get(found.namespace) or _known_hint(scope.namespaces)
        return document.problem("unknown-binding", message, pointer, hint=hint, place=place)
    hint = _declared_hint(found, scope)
    if found.optional and found.namespace == "inputs" and scope.owner == "job":
        message = f"{found.text} is not declared: the $[[ ]] around it goes away."
        return document.problem("unknown-binding", message, pointer, hint=hint, severity="warning", place=place)
    message = f"{found.text} refers to {_NOUNS[found.namespace]} that is not declared."
    return document.problem("unknown-binding", message, pointer, hint=hint, place=place)


def _known_hint(namespaces: Sequence[str]) -> str:
    forms = [f"${{{{{namespace}.NAME}}}}" for namespace in namespaces]
    return f"Known in a command: {', '.join(forms[:-1])} and {forms[-1]}."


def _declared_hint(found: Reference, scope: Scope) -> str:
    declared = scope.names(found.namespace)
    if not declared:
        return f"The {scope.owner} declares no {found.namespace}. Add `{found.name}` under `{found.namespace}`."
    known = f"Declared: {', '.join(declared[:20])}{', ...' if len(declared) > 20 else ''}."
    meant = did_you_mean(found.name, declared)
    if meant is None and found.name.split(".")[0] in declared:
        meant = found.name.split(".")[0]
    if meant is not None:
        return f"Did you mean ${{{{{scope.prefix}{found.namespace}.{meant}}}}}? {known}"
    elsewhere = [namespace for namespace in scope.namespaces if found.name in scope.declares.mapping(namespace)]
    return f"Did you mean ${{{{{scope.prefix}{elsewhere[0]}.{found.name}}}}}? {known}" if elsewhere else known


def is_suspect(text: str) -> bool:
    """Whether a text holds what looks like a reference and is none."""
    return "{" in text and bool(suspects(text))


def suspect_problems(document: Document, pointer: Pointer, text: str) -> Iterator[Problem]:
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
