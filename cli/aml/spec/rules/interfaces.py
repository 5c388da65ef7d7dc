"""What a step takes and gives: as its component declares it, or as it is written in the step itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aml.spec.document import Document
from aml.spec.wording import did_you_mean


@dataclass(frozen=True)
class Port:
    type: str | None = None  # None: not known
    required: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)  # as declared, with `enum`, `min` and `max`


@dataclass(frozen=True)
class Interface:
    """None for what can't be known here: the ports of a component that is registered elsewhere."""

    inputs: Mapping[str, Port] | None = None
    outputs: Mapping[str, Port] | None = None


UNKNOWN = Interface()
_KEYS = ("inputs", "outputs", "jobs", "type", "component")


def of_component(component: Document) -> Interface:
    """What a component declares."""
    return Interface(_declared(component, "inputs"), _declared(component, "outputs"))


def of_inline(step: Document) -> Interface:
    """A step that is written out takes what it is given."""
    return Interface(None, _declared(step, "outputs", "uri_folder"))


def _declared(document: Document, namespace: str, default: str | None = None) -> dict[str, Port] | None:
    """The ports, None where they have the wrong shape or their key is misspelled: then none is missing."""
    declared = document.mapping().get(namespace, {})
    if not isinstance(declared, dict) or misspells(document, namespace):
        return None
    return {str(name): _port(about, default) for name, about in declared.items()}


def _port(about: object, default: str | None) -> Port:
    if not isinstance(about, dict):
        return Port(default)
    kind = about.get("type", default)
    required = about.get("optional") is not True and about.get("default") is None
    return Port(kind if isinstance(kind, str) else None, required, about)


def misspells(document: Document, key: str) -> bool:
    """Whether `key` is missing, and another key was meant for it."""
    keys = document.mapping()
    unknown = (str(name) for name in keys if name not in _KEYS)
    return key not in keys and any(did_you_mean(name, _KEYS) == key for name in unknown)
