"""A sweep as the plain mapping that a workspace keeps, and back. The keys are the YAML's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aml.spec.model import Input, Output
from aml.spec.stored.basics import given_of, input_document, input_of, resources_document, resources_of, without_empty
from aml.spec.sweep import (
    Choice,
    Distribution,
    EarlyTermination,
    Normal,
    Objective,
    Randint,
    Sampling,
    SweepJob,
    SweepLimits,
    Trial,
    Uniform,
)


def sweep_document(spec: SweepJob) -> dict[str, Any]:
    """What the YAML of `spec` would hold; keys without a value are left out."""
    given = given_of(spec)
    given["trial"] = without_empty(given_of(spec.trial) | {"resources": resources_document(spec.trial.resources)})
    given["search_space"] = {name: _document(distribution) for name, distribution in spec.search_space.items()}
    given["inputs"] = {name: input_document(value) for name, value in spec.inputs.items()}
    given["outputs"] = {name: given_of(output) for name, output in spec.outputs.items()}
    for key in ("objective", "limits", "sampling_algorithm", "early_termination"):
        if key in given:
            given[key] = given_of(given[key])
    if spec.sampling_algorithm.type != "random":
        del given["sampling_algorithm"]["rule"]  # the others have none
    return {"type": "sweep", **without_empty(given)}


def sweep_of(document: Mapping[str, Any]) -> SweepJob:
    """The spec that `sweep_document` was made of. Nothing is checked, paths stay as they are."""
    given = {key: value for key, value in document.items() if key not in ("type", "trial")}
    trial = dict(document["trial"])
    trial["resources"] = resources_of(trial.get("resources", {}))
    given["search_space"] = {name: _distribution(value) for name, value in document["search_space"].items()}
    given["objective"] = Objective(**document["objective"])
    given["limits"] = SweepLimits(**document["limits"])
    given["sampling_algorithm"] = Sampling(**document.get("sampling_algorithm", {}))
    if "early_termination" in document:
        given["early_termination"] = EarlyTermination(**document["early_termination"])
    inputs: dict[str, Input] = {name: input_of(value) for name, value in document.get("inputs", {}).items()}
    given["inputs"] = inputs
    given["outputs"] = {name: Output(**value) for name, value in document.get("outputs", {}).items()}
    return SweepJob(trial=Trial(**trial), **given)


def _document(distribution: Distribution) -> dict[str, Any]:
    given = given_of(distribution)
    if isinstance(distribution, Choice):
        given["values"] = [_option(value) for value in distribution.values]
    return given


def _option(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        name: _document(item) if isinstance(item, (Choice, Randint, Uniform, Normal)) else item
        for name, item in value.items()
    }


def _distribution(document: Mapping[str, Any]) -> Distribution:
    given = dict(document)
    kind = given["type"]
    if kind == "choice":
        return Choice(tuple(_read_option(value) for value in given["values"]))
    if kind == "randint":
        return Randint(given["upper"])
    return Uniform(**given) if kind.endswith("uniform") else Normal(**given)


def _read_option(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _distribution(item) if isinstance(item, Mapping) else item for name, item in value.items()}
