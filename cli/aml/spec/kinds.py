"""Which kind a spec is of: by `$schema`, else by `type`, else by its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aml.spec.document import Document

DEFAULT = "command"  # as Azure ML: a job without `type` is a command job

_SCHEMAS: Mapping[str, str] = {
    "commandjob": "command",
    "sweepjob": "sweep",
    "pipelinejob": "pipeline",
    "sparkjob": "spark",
    "automljob": "automl",
    "paralleljob": "parallel",
    "commandcomponent": "command-component",
    "pipelinecomponent": "pipeline-component",
    "parallelcomponent": "parallel-component",
    "sparkcomponent": "spark-component",
    "amlcompute": "amlcompute",
    "computeinstance": "computeinstance",
    "vmcompute": "virtualmachine",
    "kubernetescompute": "kubernetes",
    "synapsesparkcompute": "synapsespark",
    "environment": "environment",
    "data": "data",
    "model": "model",
    "azureblob": "azure_blob",
    "azurefile": "azure_file",
    "azuredatalakegen1": "azure_data_lake_gen1",
    "azuredatalakegen2": "azure_data_lake_gen2",
    "managedonlineendpoint": "online-endpoint",
    "kubernetesonlineendpoint": "online-endpoint",
    "managedonlinedeployment": "online-deployment",
    "kubernetesonlinedeployment": "online-deployment",
    "batchendpoint": "batch-endpoint",
    "batchdeployment": "batch-deployment",
    "modelbatchdeployment": "batch-deployment",
    "pipelinecomponentbatchdeployment": "batch-deployment",
    "schedule": "schedule",
    "workspace": "workspace",
    "command": "command",  # ours
}

_TYPES: Mapping[str, str] = {
    **{name: name for name in ("command", "sweep", "pipeline", "spark", "automl", "parallel")},
    **{name: name for name in ("amlcompute", "computeinstance", "virtualmachine", "kubernetes", "synapsespark")},
    **{name: name for name in ("azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2")},
    **dict.fromkeys(("custom_model", "mlflow_model", "triton_model"), "model"),
    **dict.fromkeys(("uri_file", "uri_folder", "mltable"), "data"),
}

_COMPONENTS = frozenset({"command", "pipeline", "parallel", "spark"})
_COMPONENT_KEYS = frozenset({"version", "is_deterministic", "additional_includes"})
_PARAMETERS = frozenset({"string", "number", "integer", "boolean"})

# Without a telling `type`, the first row decides whose keys are all there.
_KEYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"command"}), "command"),
    (frozenset({"trial"}), "sweep"),
    (frozenset({"jobs"}), "pipeline"),
    (frozenset({"create_job"}), "schedule"),
    (frozenset({"endpoint_name"}), "online-deployment"),
    (frozenset({"auth_mode"}), "online-endpoint"),
    (frozenset({"path", "flavors"}), "model"),
    (frozenset({"image"}), "environment"),
    (frozenset({"build"}), "environment"),
    (frozenset({"name", "path"}), "model"),
)


def kind_of(document: Document) -> str:
    """`command`, `model`, ...: the kind, also of a spec that is wrong or that aml can't use."""
    data = document.data
    if not isinstance(data, dict):
        return DEFAULT
    kind = _by_schema(data) or _TYPES.get(str(data.get("type")).lower()) or _by_keys(data) or DEFAULT
    return f"{kind}-component" if kind in _COMPONENTS and "$schema" not in data and _is_component(data) else kind


def component_kind_of(document: Document) -> str:
    """`command-component`, ...: the kind of what is known to be a component, in a file or within a step."""
    value = document.mapping().get("type", DEFAULT)
    kind = str(value).lower()
    return f"{kind if kind in _COMPONENTS else DEFAULT}-component"


def _is_component(data: Mapping[Any, Any]) -> bool:
    """Whether a file with the keys of a job is a component: it has a version, or declares inputs."""
    inputs = data.get("inputs")
    declared = [value for value in inputs.values() if isinstance(value, dict)] if isinstance(inputs, dict) else []
    return not _COMPONENT_KEYS.isdisjoint(data) or any(_declares(value) for value in declared)


def _declares(value: Mapping[Any, Any]) -> bool:
    return str(value.get("type")) in _PARAMETERS or not {"optional", "default"}.isdisjoint(value)


def _by_schema(data: Mapping[Any, Any]) -> str | None:
    name = re.search(r"([A-Za-z0-9]+)(?:\.schema)?\.json\s*$", str(data.get("$schema")))
    return _SCHEMAS.get(name[1].lower()) if name else None


def _by_keys(data: Iterable[Any]) -> str | None:
    keys = set(data)
    return next((kind for telling, kind in _KEYS if telling <= keys), None)
