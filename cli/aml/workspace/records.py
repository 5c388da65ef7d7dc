"""What a workspace holds, as frozen records. Status says where a job is, Reason says why it ended there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Status(StrEnum):
    """Azure ML's job statuses, those that an embedded workspace passes through."""

    QUEUED = "Queued"
    PREPARING = "Preparing"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELED})


class Reason(StrEnum):
    """Why a job ended, or is about to end; each leads to one status, `END_OF`."""

    COMMAND_SUCCEEDED = "CommandSucceeded"
    COMMAND_FAILED = "CommandFailed"  # exit code other than 0
    KILLED = "Killed"  # the command ended by a signal that was not ours
    PREPARE_FAILED = "PrepareFailed"  # an input, the snapshot or the environment could not be made ready
    START_FAILED = "StartFailed"  # the process could not be started
    FINALIZE_FAILED = "FinalizeFailed"  # outputs could not be collected or registered
    LOST = "Lost"  # its processes are gone and left no exit code: reboot, or the wrapper was killed
    USER_CANCELED = "UserCanceled"
    TIMEOUT = "Timeout"  # limits.timeout was reached
    STOPPED_EARLY = "StoppedEarly"  # a trial, by the sweep's early termination
    SWEEP_ENDED = "SweepEnded"  # a trial, because its sweep was canceled or came to its end
    TRIALS_ENDED = "TrialsEnded"  # a sweep: all trials are over, and there is a best one
    TRIALS_FAILED = "TrialsFailed"  # a sweep: more trials failed than aml.max_failed_trials
    NO_BEST_TRIAL = "NoBestTrial"  # a sweep: no trial logged the primary metric
    PREEMPTED = "Preempted"  # it gave way to a job of a dedicated compute, and is Queued again


END_OF: Mapping[Reason, Status] = {
    Reason.COMMAND_SUCCEEDED: Status.COMPLETED,
    Reason.COMMAND_FAILED: Status.FAILED,
    Reason.KILLED: Status.FAILED,
    Reason.PREPARE_FAILED: Status.FAILED,
    Reason.START_FAILED: Status.FAILED,
    Reason.FINALIZE_FAILED: Status.FAILED,
    Reason.LOST: Status.FAILED,
    Reason.USER_CANCELED: Status.CANCELED,
    Reason.TIMEOUT: Status.CANCELED,
    Reason.STOPPED_EARLY: Status.CANCELED,
    Reason.SWEEP_ENDED: Status.CANCELED,
    Reason.TRIALS_ENDED: Status.COMPLETED,
    Reason.TRIALS_FAILED: Status.FAILED,
    Reason.NO_BEST_TRIAL: Status.FAILED,
    Reason.PREEMPTED: Status.QUEUED,
}

GAVE_WAY = "it gave way to a job of a dedicated compute; it starts again from its beginning when there is room"


ENVIRONMENT_MODE = "aml.environment_mode"
"""The property of a job that says its mode; Azure ML keeps it and does not read it."""


class EnvironmentMode(StrEnum):
    """What a job's environment is made of."""

    CURRENT = "current"  # the Python that aml is installed in
    VENV = "venv"  # a virtual environment that uv builds from the conda file's Python requirements
    CONDA = "conda"  # built by conda, mamba or micromamba from the conda file
    DOCKER = "docker"  # a container of the image, with what the conda file adds to it
    PODMAN = "podman"  # the same


@dataclass(frozen=True)
class Job:
    """One job. `document` is what the user submitted, complete and bound; the rest is the workspace's."""

    name: str
    type: str  # command, sweep
    status: Status
    experiment_name: str
    display_name: str
    document: Mapping[str, Any]  # the bound spec, keys and values as in the YAML
    created_at: datetime
    created_by: str
    reason: Reason | None = None
    message: str | None = None  # one sentence for people: why it ended as it did, and what to do
    exit_code: int | None = None
    parent_job_name: str | None = None
    started_at: datetime | None = None  # first process
    ended_at: datetime | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    archived: bool = False
    devices: tuple[str, ...] = ()  # UUIDs of the GPUs that it got
    folder: Path | None = None  # where its files are, if they are on this machine


@dataclass(frozen=True)
class Trial:
    """A child job of a sweep, with what was drawn for it and what it reached."""

    job: Job
    parameters: Mapping[str, Any]
    reports: tuple[float, ...]  # of the primary metric, in order
    value: float | None  # the best of them

    @property
    def name(self) -> str:
        return self.job.name


@dataclass(frozen=True)
class Sweep:
    """A sweep and where it stands."""

    job: Job
    primary_metric: str
    goal: str  # minimize, maximize
    total: int  # trials that there will be at most
    trials: tuple[Trial, ...]  # in the order of their numbers
    best: Trial | None
    importance: Mapping[str, float]  # parameter -> share of the metric's variation that it explains alone

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """The best first, those without the metric last."""
        sign = -1 if self.goal == "maximize" else 1
        return tuple(sorted(self.trials, key=lambda trial: (trial.value is None, sign * (trial.value or 0.0))))


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; what is None does not matter."""

    parent: str | None = None  # None: jobs that have no parent
    archived: bool | None = False
    status: Status | None = None
    experiment_name: str | None = None
    compute: str | None = None  # `local` is also what a job has that names none
    tags: tuple[tuple[str, str | None], ...] = ()  # (key, value); value None: whatever it is


@dataclass(frozen=True)
class Experiment:
    """A group of jobs and MLflow runs."""

    name: str
    id: str  # as MLflow knows it
    created_at: datetime
    jobs: int  # archived ones and children too
    last_job: str | None  # the newest


@dataclass(frozen=True)
class JobFile:
    """A file that a job wrote."""

    path: str  # as in a download: artifacts/user_logs/std_log.txt, named-outputs/model/model.pt
    size_bytes: int
    location: Path


@dataclass(frozen=True)
class Snapshot:
    """The files of a job's code folder that it would get."""

    code: Path
    files: tuple[tuple[str, int], ...]  # (path, size in bytes)
    ignore_file: str | None  # .amlignore or .gitignore
    ignored: tuple[str, ...]  # what that file dropped; a folder, which ends in /, stands for all that is in it

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size in self.files)


@dataclass(frozen=True)
class PlannedInput:
    type: str  # literal, uri_folder, ...
    value: str  # what the command gets: the text, or the place of the data
    source: Path | None  # where the data is now


@dataclass(frozen=True)
class PlannedDevice:
    node: int
    uuid: str
    name: str


@dataclass(frozen=True)
class Unmet:
    """What the environment of a spec asks for and the job would not find."""

    requirements: tuple[str, ...]  # each with what is there instead
    can_be_built: bool  # a venv would have it


@dataclass(frozen=True)
class PlannedEnvironment:
    """What the processes would run in."""

    name: str  # as the spec refers to it, with the version that is the latest now; or what an inline one is
    mode: EnvironmentMode
    python: str | None  # the first `python` on the job's PATH; None where an image or conda decides
    is_built: bool  # nothing has to be built before the job starts
    container: tuple[str, ...]  # the program line that starts the command in a container; () without one
    unmet: tuple[str, ...]  # what the environment asks for and the job would not find


@dataclass(frozen=True)
class Plan:
    """What a submit would run. Where the name is not known yet, `<name>` stands in its place."""

    name: str | None
    experiment_name: str
    command: str  # bound
    environment: Mapping[str, str]  # what workspace and spec add to the submitter's; secrets are not told
    processes: tuple[Mapping[str, str], ...]  # what each of several adds to it; a port is not known yet: 0
    working_directory: Path
    inputs: Mapping[str, PlannedInput]
    outputs: Mapping[str, str]  # where each is in the end: a path, or a URI
    devices: tuple[PlannedDevice, ...]  # the GPUs that the job would get now
    snapshot: Snapshot | None
    runs_in: PlannedEnvironment
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ModelVersion:
    name: str
    version: str
    type: str  # custom_model, mlflow_model, triton_model
    created_at: datetime
    created_by: str
    path: Path  # read-only folder or file in the workspace
    size_bytes: int
    job_name: str | None = None  # the job whose output it was
    description: str | None = None
    stage: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    flavors: Mapping[str, Any] = field(default_factory=dict)
    archived: bool = False
    registry: str | None = None  # that it is in, if it is in no workspace


COLLECTIONS: Mapping[str, str] = {
    "data": "data",
    "environment": "environments",
    "component": "components",
    "model": "models",
}
"""Kind of asset -> what `azureml://registries/NAME/` has in front of the name of one."""


@dataclass(frozen=True)
class Asset:
    """One version of data, of an environment or of a component."""

    kind: str  # data, environment, component
    name: str
    version: str
    document: Mapping[str, Any]  # what its kind has, keys as in the YAML; a path that is in `path` is left out
    created_at: datetime
    created_by: str
    path: Path | None = None  # its read-only folder or file in the workspace; None if it has none there
    size_bytes: int = 0
    job_name: str | None = None  # the job whose output it was
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    archived: bool = False
    registry: str | None = None  # that it is in, if it is in no workspace

    @property
    def located(self) -> dict[str, Any]:
        """The document with the paths of its files in it."""
        document = dict(self.document)
        if self.path is None:
            return document
        if self.kind == "environment":
            return {**document, "build": {"path": str(self.path), **document["build"]}}
        if self.kind == "component":
            return _with_code(document, self.path) | ({"code": str(self.path)} if document["type"] == "command" else {})
        return {**document, "path": str(self.path)}


def _with_code(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The code of the components in a component is below its own folder: `./STEP`."""
    located: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            located[key] = _with_code(value, folder)
        else:
            is_below = key == "code" and isinstance(value, str) and value.startswith("./")
            located[key] = str(folder / value) if is_below else value
    return located


def reference_to(asset: Asset | ModelVersion) -> str:
    """How a spec names it: `azureml:NAME:VERSION`, or the long form of a registry."""
    if asset.registry is None:
        return f"azureml:{asset.name}:{asset.version}"
    collection = COLLECTIONS[asset.kind] if isinstance(asset, Asset) else COLLECTIONS["model"]
    return f"azureml://registries/{asset.registry}/{collection}/{asset.name}/versions/{asset.version}"


@dataclass(frozen=True)
class Compute:
    """Where jobs run: this machine, or a part of it that stands for nodes of a size."""

    name: str
    type: str  # local, amlcompute, computeinstance
    document: Mapping[str, Any]  # the spec, keys and values as in the YAML
    created_at: datetime | None  # None for local, which is always there
    created_by: str
    state: str | None = None  # Running or Stopped, of a computeinstance
    state_since: datetime | None = None
    node_counts: Mapping[str, int] = field(default_factory=dict)  # by state, of an amlcompute

    @property
    def size(self) -> str | None:
        size: str | None = self.document.get("size")
        return size

    @property
    def nodes(self) -> int:
        """The most there can be."""
        return int(self.document.get("max_instances", 1))


@dataclass(frozen=True)
class Datastore:
    """Where data is kept. Its credentials are told to nobody."""

    name: str
    type: str  # azure_blob, azure_file, ...
    document: Mapping[str, Any]  # the spec without name, type and credentials, keys as in the YAML
    folder: Path | None  # of this machine, that it is or that stands for it; None: it is Azure's alone
    is_default: bool = False
    has_credentials: bool = False
    created_at: datetime | None = None  # None for the workspace's own, which are always there
    created_by: str = ""


@dataclass(frozen=True)
class ComputeNode:
    node_id: str
    node_state: str  # idle, running, preparing, preempted
    current_job_name: str | None = None


@dataclass(frozen=True)
class VmSize:
    name: str
    v_cp_us: int  # as Azure's own documents spell it
    memory_gb: float
    gpus: int


@dataclass(frozen=True)
class MetricPoint:
    key: str
    value: float  # may be nan or infinite
    step: int
    timestamp_ms: int  # since the epoch, as the client gave it


@dataclass(frozen=True)
class WorkspaceInfo:
    name: str
    kind: str  # embedded
    location: str  # a folder, for an embedded one
    mlflow_tracking_uri: str | None  # None until its engine ran for the first time
    attached: bool = False  # its folder is elsewhere


@dataclass(frozen=True)
class Settings:
    """What holds for the jobs of a workspace where neither a flag nor the spec says it."""

    environment_mode: EnvironmentMode = EnvironmentMode.CURRENT
    local_jobs: int = 2  # that run at once on local
    redacted_variables: tuple[str, ...] = ()  # environment variables never told, besides those that look like a secret


@dataclass(frozen=True)
class RegistryInfo:
    name: str
    location: str  # a folder


@dataclass(frozen=True)
class Usage:
    """What a workspace takes on the disk."""

    total_bytes: int
    blobs_bytes: int  # content-addressed code and models
    models_bytes: int  # what is not a link to a blob
    jobs_bytes: int  # logs and outputs
    other_bytes: int  # store, engine
    environments_bytes: int  # built environments, which all workspaces share; not part of the total


@dataclass(frozen=True)
class EngineState:
    """The process behind an embedded workspace."""

    running: bool
    pid: int | None
    port: int | None  # stays the workspace's own, also while no engine runs
    log: Path
    started_at: datetime | None
    queued: int
    active: tuple[Job, ...]  # claimed and not over
