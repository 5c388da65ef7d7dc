"""Values of a checked document as a spec has them: text as it was written, numbers, enum members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aml.spec import reference
from aml.spec.binding import literal_text
from aml.spec.document import Document
from aml.spec.wording import canonical


def text(document: Document, *pointer: str) -> str | None:
    """A text, or a number where a text belongs, as it was written: the version 1.10 is not 1.1."""
    node = document.node(pointer)
    if node is None or node.data is None:
        return None
    return literal_text(node.data) if node.raw is None else node.raw


def labels(document: Document, *pointer: str) -> dict[str, str | None]:
    """A mapping of texts: tags, properties."""
    return {name: text(document, *pointer, name) for name in document.mapping(*pointer)}


def choice(value: str, values: Iterable[str]) -> Any:
    """The member that the check has found `value` to be; Any, since a Literal can't be built from a tuple."""
    return canonical(value, values)


def whole(value: str | float | None) -> int | None:
    return None if value is None else int(value)


def variables(document: Document) -> dict[str, str]:
    """Values as Azure ML makes text of them; what a flag gave stays as it was typed."""
    node = document.node(("environment_variables",))
    return {
        name: (value.origin and value.raw) or literal_text(value.data)
        for name, (_, value) in (node.children.items() if node else ())
    }


def environment(document: Document) -> str | Mapping[str, Any] | None:
    """The environment of a job or deployment: a reference, or an inline one with its local paths absolute."""
    inline = document.mapping("environment")
    return located(inline, document) if inline else text(document, "environment")


def located(environment: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The keys of an environment, with its local paths absolute."""
    located = dict(environment)
    if isinstance(located.get("conda_file"), str):
        located["conda_file"] = reference.absolute(located["conda_file"], document.folder)
    if "build" in located:
        located["build"] = {**located["build"], "path": reference.absolute(located["build"]["path"], document.folder)}
    return located
