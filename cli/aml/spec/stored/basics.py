"""A spec as the plain mapping that a workspace keeps, and back. The keys are the YAML's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from aml.spec.model import (
    AmlCompute,
    CommandJob,
    Component,
    ComponentInput,
    ComponentOutput,
    ComputeSpec,
    DataInput,
    Datastore,
    Input,
    Limits,
    LiteralInput,
    Output,
    Resources,
)


def document_of(spec: CommandJob) -> dict[str, Any]:
    """What the YAML of `spec` would hold; keys without a value are left out."""
    given = given_of(spec)
    given["inputs"] = {name: input_document(value) for name, value in spec.inputs.items()}
    given["outputs"] = {name: given_of(output) for name, output in spec.outputs.items()}
    given["resources"] = resources_document(spec.resources)
    given["limits"] = given_of(spec.limits)
    return {"type": "command", **without_empty(given)}


def from_document(document: Mapping[str, Any]) -> CommandJob:
    """The spec that `document_of` was made of. Nothing is checked, paths stay as they are."""
    given = {key: value for key, value in document.items() if key != "type"}
    given["inputs"] = {name: input_of(value) for name, value in given.get("inputs", {}).items()}
    given["outputs"] = {name: Output(**value) for name, value in given.get("outputs", {}).items()}
    given["resources"] = resources_of(given.get("resources", {}))
    given["limits"] = Limits(**given.get("limits", {}))
    return CommandJob(**given)


def component_document(spec: Component) -> dict[str, Any]:
    """What the YAML of `spec` would hold; keys without a value are left out."""
    given = given_of(spec)
    given["inputs"] = {name: without_defaults(listed(given_of(value))) for name, value in spec.inputs.items()}
    given["outputs"] = {name: given_of(value) for name, value in spec.outputs.items()}
    given["resources"] = resources_document(spec.resources)
    return {key: value for key, value in listed(given).items() if value not in ({}, [])}


def component_of(document: Mapping[str, Any]) -> Component:
    """The component that `component_document` was made of. Nothing is checked, paths stay as they are."""
    given = dict(document)
    given["inputs"] = {name: ComponentInput(**tupled(value)) for name, value in given.get("inputs", {}).items()}
    given["outputs"] = {name: ComponentOutput(**value) for name, value in given.get("outputs", {}).items()}
    given["resources"] = resources_of(given.get("resources", {}))
    given["additional_includes"] = tuple(given.get("additional_includes", ()))
    return Component(**given)


def compute_document(spec: ComputeSpec) -> dict[str, Any]:
    """What the YAML of `spec` would hold; keys without a value are left out."""
    given = listed(given_of(spec))
    kind = "amlcompute" if isinstance(spec, AmlCompute) else "computeinstance"
    return {"type": kind, **{key: value for key, value in given.items() if value not in ({}, [])}}


def without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value not in ({}, [])}


def datastore_document(spec: Datastore) -> dict[str, Any]:
    """What its YAML would hold besides name and type, without the credentials."""
    given = {key: value for key, value in given_of(spec).items() if key not in ("name", "type", "credentials")}
    return {key: value for key, value in given.items() if value != {}}


def given_of(value: Any) -> dict[str, Any]:
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {key: item for key, item in fields.items() if item is not None}


def input_document(value: Input) -> Any:
    return value.value if isinstance(value, LiteralInput) else given_of(value)


def input_of(value: Any) -> Input:
    return DataInput(**value) if isinstance(value, dict) else LiteralInput(value)


def resources_document(resources: Resources) -> dict[str, Any]:
    given = listed(given_of(resources))
    return without_empty(given)


def resources_of(data: Mapping[str, Any]) -> Resources:
    return Resources(**tupled(data))


def without_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value != [] and (key, value) != ("optional", False)}


def listed(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def tupled(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
