"""The rules of batch endpoints and deployments: what belongs to a model and what to a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import deployments, environments, files, paths
from aml.spec.rules.identities import single_identity
from aml.spec.rules.lacking import lacks
from aml.spec.schema.files import schema_of
from aml.spec.wording import canonical

_KIND = "batch-deployment"
_PIPELINE_KEYS = ("component", "job_definition")
_MODEL_KEYS = (
    *("model", "code_configuration", "environment", "environment_variables", "compute", "resources"),
    *("error_threshold", "mini_batch_size", "max_concurrency_per_instance", "output_action", "output_file_name"),
    *("retry_settings", "logging_level"),
)
_PIPELINE_SETTINGS = ("default_compute", "default_datastore", "continue_on_step_failure", "force_rerun")


def authentication(document: Document) -> Iterator[Problem]:
    given = document.value("auth_mode")
    if isinstance(given, str) and canonical(given, ["key", "aml_token"]):
        message = f"A batch endpoint can't have the authentication {given}."
        hint = "Write auth_mode: aad_token."
        yield document.problem("not-allowed", message, ("auth_mode",), hint=hint, severity="warning")


def type_keys(document: Document) -> Iterator[Problem]:
    """Keys of the other type."""
    kind = _type(document)
    for key in _PIPELINE_KEYS if kind == "model" else _MODEL_KEYS if kind == "pipeline" else ():
        if key in document.data:
            yield _misplaced(document, kind, (key,))
    settings = document.mapping("settings")
    for key in settings if kind else ():
        if str(key) in _settings() and (key in _PIPELINE_SETTINGS) != (kind == "pipeline"):
            yield _misplaced(document, kind, ("settings", str(key)))


def needs(document: Document) -> Iterator[Problem]:
    """A model has a cluster, a pipeline its component."""
    kind = _type(document)
    if kind == "model" and lacks(document, _KIND, "compute"):
        hint = "The cluster that it runs on: azureml:NAME."
        yield document.problem("missing-key", "A model deployment needs the key `compute`.", ("compute",), hint=hint)
    if kind == "pipeline" and "job_definition" not in document.data and lacks(document, _KIND, "component"):
        hint = "The pipeline: azureml:NAME:VERSION or a file."
        message = "A pipeline deployment needs the key `component`."
        yield document.problem("missing-key", message, ("component",), hint=hint)


def output(document: Document) -> Iterator[Problem]:
    """A file name for rows that nothing writes."""
    for at in ((), ("settings",)):
        given = document.mapping(*at)
        if canonical(str(given.get("output_action")), ["summary_only"]) and "output_file_name" in given:
            message = "`output_file_name` has no effect with the output_action summary_only."
            hint = "Remove it, or write output_action: append_row."
            yield document.about_key("ignored-value", message, (*at, "output_file_name"), hint, severity="warning")


def component(document: Document) -> Iterator[Problem]:
    yield from files.referred(document, ("component",), ("pipeline-component", "pipeline"), "warning")


def _type(document: Document) -> str | None:
    """model or pipeline, by the type or by the keys that only one has."""
    if "type" in document.data:
        return canonical(str(document.data["type"]), ["model", "pipeline"])
    return "pipeline" if any(key in document.data for key in _PIPELINE_KEYS) else None


def _settings() -> set[str]:
    branches: list[dict[str, Any]] = schema_of(_KIND)["properties"]["settings"]["anyOf"]
    return {key for branch in branches for key in branch["properties"]}


def _misplaced(document: Document, kind: str | None, pointer: tuple[str, ...]) -> Problem:
    other = "pipeline" if kind == "model" else "model"
    message = f"`{'.'.join(pointer)}` is for {other} deployments, and this one is of the type {kind}."
    return document.about_key("not-allowed", message, pointer, f"Remove it, or write type: {other}.")


RULES = {
    "batch-endpoint": (authentication, single_identity),
    "batch-deployment": (
        *(type_keys, needs, output, component),
        *(partial(deployments.serving, kind=_KIND), deployments.placeholder),
        environments.environment,
        paths.deployment,
    ),
}
