"""Records as the documents that az prints: snake_case keys; what only this workspace knows is in `properties`."""

from __future__ import annotations

import re
from typing import Any

from aml.workspace.records import (
    Asset,
    Compute,
    ComputeNode,
    Datastore,
    EngineState,
    Experiment,
    Job,
    JobFile,
    MetricPoint,
    ModelVersion,
    RegistryInfo,
    Settings,
    Sweep,
    Usage,
    VmSize,
    WorkspaceInfo,
    reference_to,
)

JOB_COLUMNS = {
    "Name": "name",
    "Status": "status",
    "Experiment": "experiment_name",
    "DisplayName": "display_name",
    "Created": "creation_context.created_at",
}
EXPERIMENT_COLUMNS = {"Name": "name", "Jobs": "jobs", "LastJob": "last_job", "Created": "created_at"}
FILE_COLUMNS = {"Path": "path", "Size": "size_bytes"}
ASSET_COLUMNS = {
    "data": {
        "Name": "name",
        "Version": "version",
        "Type": "type",
        "Path": "path",
        "Created": "creation_context.created_at",
    },
    "environment": {
        "Name": "name",
        "Version": "version",
        "Image": "image",
        "Created": "creation_context.created_at",
    },
    "component": {
        "Name": "name",
        "Version": "version",
        "Type": "type",
        "DisplayName": "display_name",
        "Created": "creation_context.created_at",
    },
    "model": {
        "Name": "name",
        "Version": "version",
        "Type": "type",
        "Job": "job_name",
        "Created": "creation_context.created_at",
    },
}
COMPUTE_COLUMNS = {
    "Name": "name",
    "Type": "type",
    "Size": "size",
    "Min": "min_instances",
    "Max": "max_instances",
    "State": "state",
}
DATASTORE_COLUMNS = {"Name": "name", "Type": "type", "Account": "account_name", "Description": "description"}
NODE_COLUMNS = {"NodeId": "node_id", "State": "node_state", "Job": "current_job_name"}
SIZE_COLUMNS = {"Name": "name", "vCPUs": "v_cp_us", "MemoryGB": "memory_gb", "GPUs": "gpus"}
REGISTRY_COLUMNS = {"Name": "name", "Location": "location"}
WORKSPACE_COLUMNS = {"Name": "name", "Kind": "kind", "Location": "location"}


def job(record: Job) -> dict[str, Any]:
    """A job as `az ml job show` prints it; why it ended and how long it ran are in its properties."""
    document = dict(record.document)
    document.pop("$schema", None)
    web = web_url(record)
    return document | {
        "name": record.name,
        "id": f"azureml:{record.name}",
        "type": record.type,
        "status": record.status,
        "display_name": record.display_name,
        "experiment_name": record.experiment_name,
        "creation_context": _created(record),
        "tags": dict(record.tags),
        "properties": dict(record.properties) | _ended(record),
        "inputs": document.get("inputs", {}),
        "outputs": _outputs(record, document),
        "services": {"Studio": {"endpoint": web, "type": "Studio"}} | document.get("services", {}),
        **({} if record.parent_job_name is None else {"parent_job_name": record.parent_job_name}),
    }


def model(record: ModelVersion) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "id": reference_to(record),
        "type": record.type,
        "path": str(record.path),
        "job_name": record.job_name,
        "description": record.description,
        "stage": record.stage,
        "creation_context": _created(record),
        "tags": dict(record.tags),
        "properties": dict(record.properties) | {"aml.size_bytes": str(record.size_bytes)},
        "flavors": dict(record.flavors),
    }


def asset(record: Asset) -> dict[str, Any]:
    """Data or an environment, as az prints it: keys without a value are left out."""
    size = {} if record.path is None else {"aml.size_bytes": str(record.size_bytes)}
    return {
        "name": record.name,
        "version": record.version,
        "id": reference_to(record),
        **record.located,
        **({} if record.description is None else {"description": record.description}),
        **({} if record.job_name is None else {"job_name": record.job_name}),
        "creation_context": _created(record),
        "tags": dict(record.tags),
        "properties": dict(record.properties) | size,
    }


def compute(record: Compute) -> dict[str, Any]:
    """A compute as `az ml compute show` prints it."""
    state = {} if record.state is None else {"state": record.state}
    created = {} if record.created_at is None else {"creation_context": _created(record)}
    return {
        **record.document,
        "id": f"azureml:{record.name}",
        "provisioning_state": "Succeeded",
        **state,
        **_node_counts(record),
        **created,
    }


def datastore(record: Datastore) -> dict[str, Any]:
    """A datastore as az prints it; its credentials are shown to nobody."""
    told = {
        "aml.path": None if record.folder is None else str(record.folder),
        "aml.default": "true" if record.is_default else None,
        "aml.credentials": "kept" if record.has_credentials else None,
    }
    return {
        **datastore_file(record),
        "id": f"azureml:{record.name}",
        "description": record.document.get("description", ""),
        "credentials": {},
        "tags": record.document.get("tags", {}),
        "properties": {key: value for key, value in told.items() if value is not None},
    }


def datastore_file(record: Datastore) -> dict[str, Any]:
    """What the YAML of a datastore would hold."""
    return {"name": record.name, "type": record.type, **record.document}


def _node_counts(record: Compute) -> dict[str, Any]:
    """As Azure's REST names them."""
    if not record.node_counts:
        return {}
    count = sum(record.node_counts.values())
    return {
        "allocation_state": "Steady",
        "current_node_count": count,
        "target_node_count": count,
        "node_state_counts": {f"{state}_node_count": number for state, number in record.node_counts.items()},
    }


def compute_node(record: ComputeNode) -> dict[str, Any]:
    return {
        "node_id": record.node_id,
        "node_state": record.node_state,
        "current_job_name": record.current_job_name,
        "private_ip_address": "127.0.0.1",
        "public_ip_address": None,
        "port": None,
    }


def vm_size(record: VmSize) -> dict[str, Any]:
    return {"name": record.name, "v_cp_us": record.v_cp_us, "memory_gb": record.memory_gb, "gpus": record.gpus}


def workspace(record: WorkspaceInfo) -> dict[str, Any]:
    return {
        "name": record.name,
        "kind": record.kind,
        "location": record.location,
        "mlflow_tracking_uri": record.mlflow_tracking_uri,
        "resource_group": "local",
        "attached": record.attached,
    }


def settings(record: Settings) -> dict[str, Any]:
    return {
        "environment_mode": record.environment_mode,
        "local_jobs": record.local_jobs,
        "redacted_variables": list(record.redacted_variables),
    }


def registry(record: RegistryInfo) -> dict[str, Any]:
    return {"name": record.name, "location": record.location}


def usage(record: Usage) -> dict[str, Any]:
    return {
        "total_bytes": record.total_bytes,
        "blobs_bytes": record.blobs_bytes,
        "models_bytes": record.models_bytes,
        "jobs_bytes": record.jobs_bytes,
        "other_bytes": record.other_bytes,
        "environments_bytes": record.environments_bytes,
    }


def engine(record: EngineState) -> dict[str, Any]:
    return {
        "running": record.running,
        "pid": record.pid,
        "port": record.port,
        "log": str(record.log),
        "started_at": record.started_at,
        "queued": record.queued,
        "jobs": [{"name": each.name, "status": each.status} for each in record.active],
    }


def metric(point: MetricPoint) -> dict[str, Any]:
    return {"key": point.key, "value": point.value, "step": point.step, "timestamp": point.timestamp_ms}


def sweep(record: Sweep) -> dict[str, Any]:
    """The trials of a sweep, the best first."""
    return {
        "name": record.job.name,
        "status": record.job.status,
        "primary_metric": record.primary_metric,
        "goal": record.goal,
        "best_trial": None if record.best is None else record.best.name,
        "importance": dict(record.importance),
        "trials": [
            {
                "name": trial.name,
                "status": trial.job.status,
                "value": trial.value,
                "parameters": dict(trial.parameters),
                "message": trial.job.message,
            }
            for trial in record.ranked
        ],
    }


def experiment(record: Experiment) -> dict[str, Any]:
    return {
        "name": record.name,
        "id": record.id,
        "created_at": record.created_at,
        "jobs": record.jobs,
        "last_job": record.last_job,
    }


def job_file(record: JobFile) -> dict[str, Any]:
    return {"path": record.path, "size_bytes": record.size_bytes}


def difference(part: str, key: str, first: Any, second: Any) -> dict[str, Any]:
    return {"part": part, "key": key, "first": first, "second": second}


def web_url(record: Job) -> str | None:
    """Where to look at a job; its folder, as long as there is no page."""
    return None if record.folder is None else record.folder.as_uri()


def _created(record: Job | ModelVersion | Asset | Compute) -> dict[str, Any]:
    return {"created_at": record.created_at, "created_by": record.created_by, "created_by_type": "User"}


def _ended(record: Job) -> dict[str, str]:
    told = {
        "aml.reason": record.reason,
        "aml.message": record.message,
        "aml.exit_code": record.exit_code,
        "aml.devices": ",".join(record.devices) or None,
        "aml.started_at": record.started_at and record.started_at.isoformat(),
        "aml.ended_at": record.ended_at and record.ended_at.isoformat(),
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _outputs(record: Job, document: dict[str, Any]) -> dict[str, Any]:
    """With the default one, and with what the path of an output leaves to be filled in."""
    default = {
        "type": "uri_folder",
        "mode": "rw_mount",
        "path": f"azureml://jobs/{record.name}/outputs/artifacts/paths/",
    }
    return {"default": default} | {
        name: _with_path(output, {"name": record.name, "output_name": name})
        for name, output in document.get("outputs", {}).items()
    }


def _with_path(output: Any, values: dict[str, str]) -> Any:
    if not isinstance(output, dict) or "${{" not in str(output.get("path")):
        return output
    known = {**values, "default_datastore": "workspaceblobstore"}
    path = re.sub(r"\$\{\{\s*(\w+)\s*\}\}", lambda found: known.get(found[1], found[0]), output["path"])
    return {**output, "path": path}
