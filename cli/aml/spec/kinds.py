"""Which kind a spec is of: by `$schema`, else by `type`, else by its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aml.spec.document import Document
from aml.spec.wording import did_you_mean

RUNCONFIG, HDCONFIG = V1 = ("runconfig", "hdconfig")
_RUN_KEYS = frozenset({"communicator", "nodecount", "maxrundurationseconds", "datareferences"})
_HYPERDRIVE_KEYS = frozenset({"primarymetricname", "primarymetricgoal", "maxtotalruns"})
DEFAULT = "command"  # as Azure ML: a job without `type` is a command job

SCHEMAS: Mapping[str, str] = {
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
    "dataimport": "data-import",
    "model": "model",
    "azureblob": "azure_blob",
    "azurefile": "azure_file",
    "azuredatalakegen1": "azure_data_lake_gen1",
    "azuredatalakegen2": "azure_data_lake_gen2",
    "onelake": "one_lake",
    "onelakedatastore": "one_lake",
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
    "registry": "registry",
    "command": "command",  # ours
}

TYPES: Mapping[str, str] = {
    **{name: name for name in ("import", "data_transfer", "finetuning", "distillation")},
    **{name: name for name in ("command", "sweep", "pipeline", "spark", "automl", "parallel")},
    **{name: name for name in ("amlcompute", "computeinstance", "virtualmachine", "kubernetes", "synapsespark")},
    **{name: name for name in ("azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake")},
    **dict.fromkeys(("custom_model", "mlflow_model", "triton_model"), "model"),
    **dict.fromkeys(("uri_file", "uri_folder", "mltable"), "data"),
}

DEPLOYMENT_KEY = "endpoint_name"
BATCH_TYPES = ("model", "pipeline")
BATCH_KEYS = frozenset({"compute", "settings", "component", "job_definition", "mini_batch_size", "output_action"})
COMPONENTS = frozenset({"command", "pipeline", "parallel", "spark"})
COMPONENT_KEYS = frozenset({"version", "is_deterministic", "additional_includes"})
JOB_KEYS = frozenset({"settings", "experiment_name", "compute", "limits", "services", "identity"})
PARAMETERS = frozenset({"string", "number", "integer", "boolean"})

# Without a telling `type`, the first row decides whose keys are all there.
KEYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"command"}), "command"),
    (frozenset({"trial"}), "sweep"),
    (frozenset({"jobs"}), "pipeline"),
    (frozenset({"create_job"}), "schedule"),
    (frozenset({"trigger"}), "schedule"),
    (frozenset({"defaults", "name"}), "batch-endpoint"),
    (frozenset({"auth_mode"}), "online-endpoint"),
    (frozenset({"replication_locations"}), "registry"),
    *((frozenset({key}), "workspace") for key in ("managed_network", "hbi_workspace", "storage_account", "key_vault")),
    (frozenset({"traffic"}), "online-endpoint"),
    (frozenset({"mirror_traffic"}), "online-endpoint"),
    (frozenset({"path", "flavors"}), "model"),
    (frozenset({"container_name"}), "azure_blob"),
    (frozenset({"file_share_name"}), "azure_file"),
    (frozenset({"filesystem", "account_name"}), "azure_data_lake_gen2"),
    (frozenset({"store_name"}), "azure_data_lake_gen1"),
    (frozenset({"one_lake_workspace_name"}), "one_lake"),
    (frozenset({"image"}), "environment"),
    (frozenset({"build"}), "environment"),
    (frozenset({"name", "path"}), "model"),
)


def kind_of(document: Document) -> str:
    """`command`, `model`, ...: the kind, also of a spec that is wrong or that aml can't use."""
    if kind_of_v1 := by_version_1(document):
        return kind_of_v1
    data = document.data
    if not isinstance(data, dict):
        return DEFAULT
    kind = (
        by_schema(data) or _deployment(data) or by_type(data) or by_keys(data) or _by_misspelled_type(data) or DEFAULT
    )
    return f"{kind}-component" if kind in COMPONENTS and "$schema" not in data and _is_component(data) else kind


def by_version_1(document: Document) -> str | None:
    """The kind of a file of Azure ML v1, by its name or by keys that nothing else has."""
    if document.file.endswith(".runconfig"):
        return RUNCONFIG
    if not isinstance(document.data, dict):
        return None
    keys = {str(key).lower().replace("_", "") for key in document.data}
    if "script" in keys and not _RUN_KEYS.isdisjoint(keys):
        return RUNCONFIG
    return HDCONFIG if "sampling" in keys and not _HYPERDRIVE_KEYS.isdisjoint(keys) else None


def component_kind_of(document: Document) -> str:
    """`command-component`, ...: the kind of what is known to be a component, in a file or within a step."""
    value = document.mapping().get("type", DEFAULT)
    kind = str(value).lower()
    return f"{kind if kind in COMPONENTS else DEFAULT}-component"


def _is_component(data: Mapping[Any, Any]) -> bool:
    """Whether a file with the keys of a job is a component: it has a version, or declares inputs."""
    if not JOB_KEYS.isdisjoint(data):
        return False
    inputs = data.get("inputs")
    declared = [value for value in inputs.values() if isinstance(value, dict)] if isinstance(inputs, dict) else []
    return not COMPONENT_KEYS.isdisjoint(data) or any(_declares(value) for value in declared)


def _declares(value: Mapping[Any, Any]) -> bool:
    return str(value.get("type")) in PARAMETERS or not {"optional", "default"}.isdisjoint(value)


def by_schema(data: Mapping[Any, Any]) -> str | None:
    name = re.search(r"([A-Za-z0-9]+)(?:\.schema)?\.json\s*$", str(data.get("$schema")))
    return SCHEMAS.get(name[1].lower()) if name else None


def _deployment(data: Mapping[Any, Any]) -> str | None:
    """A deployment has a `type` too, and some of its types are also those of computes and jobs."""
    if DEPLOYMENT_KEY not in data:
        return None
    is_batch = str(data.get("type")).lower() in BATCH_TYPES or not data.keys().isdisjoint(BATCH_KEYS)
    return "batch-deployment" if is_batch else "online-deployment"


def _by_misspelled_type(data: Mapping[Any, Any]) -> str | None:
    given = data.get("type")
    meant = did_you_mean(given, TYPES) if isinstance(given, str) else None
    return TYPES[meant] if meant else None


def by_type(data: Mapping[Any, Any]) -> str | None:
    return TYPES.get(str(data.get("type")).lower())


def by_keys(data: Iterable[Any]) -> str | None:
    keys = set(data)
    return next((kind for telling, kind in KEYS if telling <= keys), None)
