"""What commands see of a workspace, whatever it is. `open_workspace` is the only switch between backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aml.spec.model import CommandJob, ComputeSpec, Data, Environment, Model
    from aml.spec.model import Datastore as DatastoreSpec
    from aml.spec.stored.components import AnyComponent
    from aml.spec.sweep import SweepJob
    from aml.spec.updates import Update
    from aml.workspace.records import (
        Asset,
        Compute,
        ComputeNode,
        Datastore,
        EngineState,
        Experiment,
        Job,
        JobFile,
        JobFilter,
        MetricPoint,
        ModelVersion,
        Plan,
        RegistryInfo,
        Settings,
        Sweep,
        Unmet,
        Usage,
        VmSize,
        WorkspaceInfo,
    )


class Workspace(Protocol):
    """Jobs, and an object for each other noun. Errors: `NotFound`, `Conflict`, `BackendError`."""

    @property
    def info(self) -> WorkspaceInfo: ...

    @property
    def files(self) -> JobFiles: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def sweeps(self) -> Sweeps: ...

    @property
    def experiments(self) -> Experiments: ...

    @property
    def models(self) -> Models: ...

    @property
    def assets(self) -> Assets: ...

    @property
    def datastores(self) -> Datastores: ...

    @property
    def computes(self) -> Computes: ...

    def notes(self, spec: CommandJob | SweepJob) -> Sequence[str]:
        """What this workspace will do otherwise than Azure with a spec, a sentence each."""

    def unmet(self, spec: CommandJob | SweepJob) -> Unmet:
        """What the environment of a spec asks for and the job will not find."""

    def plan(self, spec: CommandJob | SweepJob) -> Plan:
        """What a submit of this spec would run; the same refusals, and nothing changes."""

    def submit(self, spec: CommandJob | SweepJob, *, code_of: str | None = None, secrets_of: str | None = None) -> Job:
        """Store the code, queue the job and return at once.

        `code_of` names a job whose stored code is used instead, `secrets_of` one whose values stand for variables that
        are `***`, as a record of a job has them.
        """

    def job(self, name: str) -> Job: ...

    def jobs(self, which: JobFilter = ..., *, limit: int | None = 50) -> Sequence[Job]:
        """Newest first."""

    def wait(self, name: str, *, timeout_s: float | None = None) -> Job:
        """The job once it is over, or as it is when the time is."""

    def follow(self, name: str) -> Iterator[Job]:
        """The job now and about ten times a second from then on; the last one given is over."""

    def cancel(self, name: str) -> Job: ...

    def update_job(self, name: str, update: Update) -> Job:
        """Change what may change of a job, at any time; two updates at once both count."""

    def archive_job(self, name: str, *, archived: bool = True) -> Job:
        """Hide a job that is over from lists, or show it again; `Conflict` if it is not over."""

    @property
    def settings(self) -> Settings: ...

    def change_settings(self, changes: Mapping[str, str | None]) -> Settings:
        """Set what is given as text; None is: back to the default."""

    def usage(self) -> Usage:
        """What it takes on the disk; walks through all files."""

    def collect_garbage(self) -> int:
        """Delete stored files that nothing refers to; the bytes that were freed."""

    def engine(self) -> EngineState: ...

    def stop_engine(self) -> EngineState:
        """Stop the engine and say what it was; running jobs go on."""


class JobFiles(Protocol):
    """What a job was given and what it wrote."""

    def logs(self, job_name: str) -> Sequence[tuple[str, Path]]:
        """Logs that there are now: (name below the artifacts, file); that of a process that failed first."""

    def streamed(self, job_name: str) -> Sequence[tuple[str, Path]]:
        """Those of them that a stream shows: of the first process, and in front of it of the one that failed."""

    def code(self, job_name: str) -> Mapping[str, str]:
        """The code that a job was submitted with: path -> digest of the content."""

    def outputs(self, job_name: str) -> Sequence[tuple[str, Path]]:
        """Outputs that there are now: (name, folder)."""

    def list(self, job_name: str, pattern: str | None = None) -> Sequence[JobFile]:
        """Files that there are now, by path; `pattern` is a path in a download or below artifacts/, or a glob.

        `NotFound` if there is none for the pattern.
        """

    def download(self, files: Sequence[JobFile], folder: Path) -> None:
        """Copy files to `folder`, in the layout of a whole download."""

    def download_outputs(self, job_name: str, folder: Path, *, output: str | None, everything: bool) -> Path:
        """Copy artifacts or outputs of a job that is over to `folder`, in Azure's layout; the folder written to."""


class Metrics(Protocol):
    """What jobs have logged."""

    def latest(self, job_name: str) -> Sequence[MetricPoint]: ...

    def history(self, job_name: str, key: str | None = None) -> Sequence[MetricPoint]:
        """All points, in the order in which they were logged."""

    def after(self, job_name: str, cursor: int) -> tuple[int, Sequence[MetricPoint]]:
        """Points logged since a cursor (0: the beginning), and the cursor to go on from."""


class Sweeps(Protocol):
    """Jobs of the type sweep."""

    def get(self, job_name: str) -> Sweep:
        """Where it stands, with all trials; `NotFound` for a job of another type."""

    def resume(self, job_name: str) -> Job:
        """Have a sweep that is over go on with new trials; `Conflict` if it is not over or has all that it may."""


class Experiments(Protocol):
    """What groups jobs."""

    def create(self, name: str) -> Experiment:
        """An experiment before its first job; `Conflict` if there is one of this name."""

    def list(self, *, limit: int | None = None) -> Sequence[Experiment]:
        """Newest first."""


class Models(Protocol):
    """Registered models."""

    def create(self, spec: Model) -> ModelVersion: ...

    def get(self, name: str, version: str | None = None) -> ModelVersion:
        """One version, or the latest."""

    def list(
        self,
        name: str | None = None,
        *,
        limit: int | None = None,
        archived: bool | None = False,
        stage: str | None = None,
    ) -> Sequence[ModelVersion]: ...

    def made_by(self, job_name: str) -> Sequence[ModelVersion]:
        """Models whose files came from a job."""

    def download(self, name: str, version: str, folder: Path) -> Path: ...

    def update(self, name: str, version: str | None, change: Callable[[ModelVersion], ModelVersion]) -> ModelVersion:
        """Change what describes a version (the latest by default): description, stage, tags and properties."""

    def archive(self, name: str, version: str | None, *, archived: bool) -> None:
        """Hide a version, or all of a name, from lists, or show them again."""


class Assets(Protocol):
    """Registered data, environments and components: a kind is `data`, `environment` or `component`."""

    def create(self, spec: Data | Environment | AnyComponent) -> Asset:
        """A version of an environment or a component that exists with the same content is described anew."""

    def get(self, kind: str, name: str, version: str | None = None) -> Asset:
        """One version, or the latest."""

    def list(
        self, kind: str, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[Asset]: ...

    def update(self, kind: str, name: str, version: str | None, change: Callable[[Asset], Asset]) -> Asset:
        """As `Models.update`: description, tags and properties."""

    def archive(self, kind: str, name: str, version: str | None, *, archived: bool) -> None:
        """As `Models.archive`."""


class Datastores(Protocol):
    """Where data is kept."""

    def put(self, spec: DatastoreSpec, folder: Path | None = None) -> Datastore:
        """Make a datastore, or change the one of that name; `folder` stands for it on this machine."""

    def get(self, name: str) -> Datastore: ...

    def list(self) -> Sequence[Datastore]:
        """The workspace's own ones first."""

    def delete(self, name: str) -> None:
        """Forget a datastore; what is in it stays."""


class Registry(Protocol):
    """Assets that all workspaces of this machine can use, as `azureml://registries/NAME/...`."""

    @property
    def info(self) -> RegistryInfo: ...

    @property
    def models(self) -> Models: ...

    @property
    def assets(self) -> Assets: ...

    def share(self, record: ModelVersion | Asset, *, name: str, version: str) -> ModelVersion | Asset:
        """Copy a version of a workspace here; `Conflict` if there is such a version."""


class Computes(Protocol):
    """Where jobs run."""

    def put(self, spec: ComputeSpec) -> Compute:
        """Make a compute, or change the one of that name."""

    def get(self, name: str) -> Compute: ...

    def list(self, type_: str | None = None) -> Sequence[Compute]: ...

    def nodes(self, name: str) -> Sequence[ComputeNode]: ...

    def delete(self, name: str) -> None: ...

    def start(self, name: str) -> Compute:
        """Let a compute instance take jobs, the waiting ones too."""

    def stop(self, name: str) -> Compute:
        """Start no more jobs on a compute instance; those that run go on."""

    def sizes(self) -> Sequence[VmSize]: ...


def open_workspace(name: str | None = None) -> Workspace:
    """The workspace of that name; without one that of AML_WORKSPACE, of `.azureml/config.json` in the current folder
    or above it, else the embedded default, which is always there.

    `NotFound` if there is none of that name.
    """
    from aml.workspace.embedded.workspace import EmbeddedWorkspace
    from aml.workspace.selection import selected

    return EmbeddedWorkspace(selected(name))


def open_registry(name: str, *, create: bool = False) -> Registry:
    """The registry of that name; `NotFound` if there is none, unless it is to be made."""
    from aml.workspace.embedded.catalog.references import existing_registry
    from aml.workspace.embedded.catalog.registries import EmbeddedRegistry

    if not create:
        existing_registry(name)
    return EmbeddedRegistry(name)


def create_registry(name: str) -> Registry:
    """A new, empty registry; `Conflict` if there is one of that name."""
    from aml.workspace.embedded.catalog import registries as embedded

    return embedded.create_registry(name)


def delete_registry(name: str) -> None:
    """Delete a registry with all that is in it; what refers to it will not find it."""
    from aml.workspace.embedded.catalog import registries as embedded

    embedded.delete_registry(name)


def registries() -> Sequence[RegistryInfo]:
    """Every registry there is on this machine."""
    from aml.workspace.embedded.catalog import registries as embedded

    return embedded.registries()


def create_workspace(name: str) -> Workspace:
    """A new, empty workspace; `Conflict` if there is one of that name."""
    from aml.workspace.embedded import workspaces as embedded

    return embedded.create_workspace(name)


def delete_workspace(name: str) -> None:
    """Delete a workspace with all that is in it; `Conflict` while a job of it is not over."""
    from aml.workspace.embedded import workspaces as embedded

    embedded.delete_workspace(name)


def attach_workspace(folder: Path, name: str | None = None) -> Workspace:
    """Name a workspace that is in a folder elsewhere; `Conflict` if the name is taken."""
    from aml.workspace.embedded import workspaces as embedded

    return embedded.attach_workspace(folder, name)


def detach_workspace(name: str) -> None:
    """Forget an attached workspace and leave its folder; `Conflict` while a job of it is not over."""
    from aml.workspace.embedded import workspaces as embedded

    embedded.detach_workspace(name)


def export_workspace(name: str, file: Path) -> Sequence[str]:
    """Write all of a workspace but secrets to one file, also while jobs run; the links that were left out."""
    from aml.workspace.embedded import transfer

    return transfer.export_workspace(name, file)


def import_workspace(file: Path, name: str | None = None) -> Workspace:
    """A new workspace from an exported one; `Conflict` if the name is taken."""
    from aml.workspace.embedded import transfer

    return open_workspace(transfer.import_workspace(file, name))


def workspaces() -> Sequence[WorkspaceInfo]:
    """Every workspace there is on this machine; the default one is always there."""
    from aml.workspace.embedded import workspaces as embedded

    return embedded.workspaces()
