"""What commands see of a workspace, whatever it is. `open_workspace` is the only switch between backends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aml.spec.model import CommandJob, ComputeSpec, Data, Environment, Model
    from aml.spec.updates import Update
    from aml.workspace.records import (
        Asset,
        Compute,
        ComputeNode,
        EngineState,
        Experiment,
        Job,
        JobFile,
        JobFilter,
        MetricPoint,
        ModelVersion,
        Plan,
        Settings,
        Usage,
        VmSize,
        WorkspaceInfo,
    )


class Workspace(Protocol):
    """Jobs, models, data and environments. Errors: `NotFound`, `Conflict`, `BackendError`."""

    @property
    def info(self) -> WorkspaceInfo: ...

    def notes(self, spec: CommandJob) -> Sequence[str]:
        """What this workspace will do otherwise than Azure with a spec, a sentence each."""

    def plan(self, spec: CommandJob) -> Plan:
        """What a submit of this spec would run; the same refusals, and nothing changes."""

    def submit(self, spec: CommandJob, *, code_of: str | None = None) -> Job:
        """Store the code, queue the job and return at once; `code_of` names a job whose stored code is used instead."""

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

    def log_files(self, name: str) -> Sequence[tuple[str, Path]]:
        """Logs of a job that there are now: (name below the artifacts, file); that of a process that failed first."""

    def stream_files(self, name: str) -> Sequence[tuple[str, Path]]:
        """Those of them that a stream shows: of the first process, and in front of it of the one that failed."""

    def latest_metrics(self, name: str) -> Sequence[MetricPoint]: ...

    def metric_history(self, name: str, key: str | None = None) -> Sequence[MetricPoint]:
        """All points, in the order in which they were logged."""

    def metrics_after(self, name: str, cursor: int) -> tuple[int, Sequence[MetricPoint]]:
        """Points logged since a cursor (0: the beginning), and the cursor to go on from."""

    def download_job(self, name: str, folder: Path, *, output: str | None, everything: bool) -> Path:
        """Copy artifacts or outputs of a job that is over to `folder`, in Azure's layout; the folder written to."""

    def job_code(self, name: str) -> Mapping[str, str]:
        """The code that a job was submitted with: path -> digest of the content."""

    def job_files(self, name: str, pattern: str | None = None) -> Sequence[JobFile]:
        """Files of a job that there are now, by path; `pattern` is a path in a download or below artifacts/, or a glob.

        `NotFound` if there is none for the pattern.
        """

    def download_files(self, files: Sequence[JobFile], folder: Path) -> None:
        """Copy files of a job to `folder`, in the layout of a whole download."""

    def job_outputs(self, name: str) -> Sequence[tuple[str, Path]]:
        """Outputs of a job that there are now: (name, folder)."""

    def create_experiment(self, name: str) -> Experiment:
        """An experiment before its first job; `Conflict` if there is one of this name."""

    def experiments(self, *, limit: int | None = None) -> Sequence[Experiment]:
        """Newest first."""

    def create_model(self, spec: Model) -> ModelVersion: ...

    def model(self, name: str, version: str | None = None) -> ModelVersion:
        """One version, or the latest."""

    def models(
        self, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[ModelVersion]: ...

    def models_of(self, job_name: str) -> Sequence[ModelVersion]:
        """Models whose files came from a job."""

    def download_model(self, name: str, version: str, folder: Path) -> Path: ...

    def update_model(
        self, name: str, version: str | None, change: Callable[[ModelVersion], ModelVersion]
    ) -> ModelVersion:
        """Change what describes a version (the latest by default): description, stage, tags and properties."""

    def archive_model(self, name: str, version: str | None, *, archived: bool) -> None:
        """Hide a version, or all of a name, from lists, or show them again."""

    def create_data(self, spec: Data) -> Asset: ...

    def create_environment(self, spec: Environment) -> Asset:
        """A version that exists with the same content is described anew."""

    def asset(self, kind: str, name: str, version: str | None = None) -> Asset:
        """One version, or the latest, of `data` or of an `environment`."""

    def assets(
        self, kind: str, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[Asset]: ...

    def update_asset(self, kind: str, name: str, version: str | None, change: Callable[[Asset], Asset]) -> Asset:
        """As `update_model`: description, tags and properties."""

    def archive_asset(self, kind: str, name: str, version: str | None, *, archived: bool) -> None:
        """As `archive_model`."""

    def settings(self) -> Settings: ...

    def change_settings(self, changes: Mapping[str, str | None]) -> Settings:
        """Set what is given as text; None is: back to the default."""

    def usage(self) -> Usage:
        """What it takes on the disk; walks through all files."""

    def collect_garbage(self) -> int:
        """Delete stored files that nothing refers to; the bytes that were freed."""

    def put_compute(self, spec: ComputeSpec) -> Compute:
        """Make a compute, or change the one of that name."""

    def compute(self, name: str) -> Compute: ...

    def computes(self, type_: str | None = None) -> Sequence[Compute]: ...

    def compute_nodes(self, name: str) -> Sequence[ComputeNode]: ...

    def delete_compute(self, name: str) -> None: ...

    def start_compute(self, name: str) -> Compute:
        """Let a compute instance take jobs, the waiting ones too."""

    def stop_compute(self, name: str) -> Compute:
        """Start no more jobs on a compute instance; those that run go on."""

    def vm_sizes(self) -> Sequence[VmSize]: ...

    def engine(self) -> EngineState: ...

    def stop_engine(self) -> EngineState:
        """Stop the engine and say what it was; running jobs go on."""


def open_workspace(name: str | None = None) -> Workspace:
    """The workspace of that name; without one that of AML_WORKSPACE, else the embedded default, which is always there.

    `NotFound` if there is none of that name.
    """
    from aml.workspace.embedded.workspace import EmbeddedWorkspace
    from aml.workspace.embedded.workspaces import existing_workspace_name

    return EmbeddedWorkspace(existing_workspace_name(name or os.environ.get("AML_WORKSPACE")))


def create_workspace(name: str) -> Workspace:
    """A new, empty workspace; `Conflict` if there is one of that name."""
    from aml.workspace.embedded import workspaces as embedded

    return embedded.create_workspace(name)


def delete_workspace(name: str) -> None:
    """Delete a workspace with all that is in it; `Conflict` while a job of it is not over."""
    from aml.workspace.embedded import workspaces as embedded

    embedded.delete_workspace(name)


def workspaces() -> Sequence[WorkspaceInfo]:
    """Every workspace there is on this machine; the default one is always there."""
    from aml.workspace.embedded import workspaces as embedded

    return embedded.workspaces()
