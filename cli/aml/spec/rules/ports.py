"""Names, modes and services of inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document

PORTS = ("inputs", "outputs")


def names(document: Document) -> Iterator[Problem]:
    """Names that differ in case only, and the name that is Azure ML's own."""
    for namespace in PORTS:
        yield from alike(document, namespace)
    if "default" in document.mapping("outputs"):
        hint = "Rename it: Azure ML keeps this name for ./outputs and ./logs."
        yield document.about_key("reserved-name", "An output can't be named `default`.", ("outputs", "default"), hint)


def alike(document: Document, key: str) -> Iterator[Problem]:
    """Keys of a mapping that differ in case only."""
    first: dict[str, str] = {}
    for name in document.mapping(key):
        other = first.setdefault(str(name).lower(), str(name))
        if other != name:
            line = document.key_place((key, other)).line
            message = f"`{name}` and `{other}` on line {line} differ in case only."
            yield document.about_key("name-collision", message, (key, name), "Rename one of them.")


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
