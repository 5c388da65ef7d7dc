"""What a job's process will be: command, environment and folders, from the spec and where its data is.

`plan` computes and touches nothing; `prepare` makes the folders that the plan names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aml.spec.binding import bind, literal_text
from aml.spec.model import CommandJob, DataInput, LiteralInput, Output
from aml.workspace.embedded.distribution import distribution_of, variables
from aml.workspace.embedded.engine.executors import MARKER, Launch
from aml.workspace.embedded.files.blobs import Blobs, explained
from aml.workspace.embedded.paths import JobPaths
from aml.workspace.records import Job

LOCAL_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
LOCAL_RESOURCE_GROUP = "local"

# What a submitter's shell may hold of another job, another run or another rank.
_NOT_INHERITED = ("AZUREML_", "MLFLOW_", "AML_", "OMPI_", "PMI_", "PMIX_")
_NOT_INHERITED_NAMES = frozenset(
    {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT", "TF_CONFIG"}
)


@dataclass(frozen=True)
class Tracking:
    """Where the job's MLflow client reports to."""

    uri: str
    token: str
    experiment_id: str


@dataclass(frozen=True)
class Site:
    """What the plan of a job needs to know of its workspace."""

    workspace_name: str
    tracking: Tracking
    ports: Sequence[int] = ()  # free ones, as many as the job's distribution needs
    devices: Sequence[Sequence[str]] | None = None  # UUIDs of the GPUs of each node; None: there are none to tell of


def plan(
    job: Job,
    spec: CommandJob,
    paths: JobPaths,
    site: Site,
    data: Mapping[str, str],
    inherited: Mapping[str, str],
    uris: Mapping[str, str],
) -> Launch:
    """The job's processes. `data` has the place of each data input, `uris` those of outputs that are not here;
    `inherited` is the submitter's environment.
    """
    values = {f"inputs.{name}": _input_text(name, value, data) for name, value in spec.inputs.items()}
    values |= {
        f"outputs.{name}": uris.get(name) or str(output_path(name, output, paths))
        for name, output in spec.outputs.items()
    }
    environment = (
        dict(inherited)
        | _own_variables(job, paths, site)
        | _parameters(spec)
        | {name: bind(text, values, final=True) for name, text in spec.environment_variables.items()}
    )
    processes = variables(distribution_of(spec), site.ports, site.devices)
    return Launch(bind(spec.command, values, final=True), environment, paths.work, paths, processes)


def output_path(name: str, output: Output, paths: JobPaths) -> Path:
    """Where the job writes an output: a folder, or for uri_file a file in it that has the output's name."""
    folder = paths.named_outputs / name
    return folder / name if output.type == "uri_file" else folder


def inheritable(environment: Mapping[str, str], first_on_path: Path) -> dict[str, str]:
    """What a job takes over from its submitter's environment, with the programs of that folder first on PATH."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_NOT_INHERITED) and name not in _NOT_INHERITED_NAMES
    }
    kept["PATH"] = os.pathsep.join([str(first_on_path), kept.get("PATH", os.defpath)])
    return kept


def prepare(launch: Launch, spec: CommandJob, blobs: Blobs, snapshot: str | None) -> None:
    """Make the folders and files that the launch needs; safe to repeat after a crash in the middle."""
    paths = launch.paths
    with explained(paths.folder):
        for folder in (paths.log.parent, paths.work, paths.named_outputs):
            folder.mkdir(parents=True, exist_ok=True)
        for name in spec.outputs:
            (paths.named_outputs / name).mkdir(exist_ok=True)
        if snapshot is not None:
            blobs.check_out(blobs.manifest(snapshot), paths.work, writable=True)
        for name in ("outputs", "logs"):
            _link_artifacts(name, paths)
        for log in launch.logs:
            log.touch()
        if len(launch.processes) > 1:
            paths.ranks.write_text(json.dumps(_ranks(launch)))
        paths.unfinished.touch()


def _ranks(launch: Launch) -> list[dict[str, object]]:
    each = zip(launch.processes, launch.logs, strict=True)
    return [{"variables": dict(variables), "log": str(log)} for variables, log in each]


def _link_artifacts(name: str, paths: JobPaths) -> None:
    """Make ./outputs and ./logs lead to the artifacts, unless the job's code brings such a folder of its own."""
    kept, seen = paths.artifacts / name, paths.work / name
    kept.mkdir(exist_ok=True)
    if not seen.exists():
        seen.symlink_to(kept)


def _input_text(name: str, value: LiteralInput | DataInput, data: Mapping[str, str]) -> str:
    return literal_text(value.value) if isinstance(value, LiteralInput) else data[name]


def _parameters(spec: CommandJob) -> dict[str, str]:
    return {
        f"AZUREML_PARAMETER_{name}": literal_text(value.value)
        for name, value in spec.inputs.items()
        if isinstance(value, LiteralInput)
    }


def _own_variables(job: Job, paths: JobPaths, site: Site) -> dict[str, str]:
    """Azure's variables, without those (tokens, service endpoints) that make a v1 script believe it is online."""
    return {
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ARM_SUBSCRIPTION": LOCAL_SUBSCRIPTION,
        "AZUREML_ARM_RESOURCEGROUP": LOCAL_RESOURCE_GROUP,
        "AZUREML_ARM_WORKSPACE_NAME": site.workspace_name,
        "AZUREML_ARM_PROJECT_NAME": job.experiment_name,
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_EXPERIMENT_ID": site.tracking.experiment_id,
        "MLFLOW_EXPERIMENT_NAME": job.experiment_name,
        "MLFLOW_TRACKING_URI": site.tracking.uri,
        "MLFLOW_TRACKING_TOKEN": site.tracking.token,
        # There is no page behind the address that the client would print.
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # A log that is a file would get a script's lines only when it ends.
        "PYTHONUNBUFFERED": "1",
        MARKER: str(paths.folder),
    }
