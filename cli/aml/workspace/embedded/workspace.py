"""The embedded workspace as its users see it: a folder, and an engine that is started when there is work."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aml.errors import BackendError, Conflict, NotFound
from aml.spec.model import CommandJob, ComputeSpec, Data, Environment, Model
from aml.workspace.embedded import computes, content, housekeeping, names
from aml.workspace.embedded.assets import Assets
from aml.workspace.embedded.blobs import Blobs, explained
from aml.workspace.embedded.computes import Computes
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.engine import start
from aml.workspace.embedded.listing import EVERY_JOB
from aml.workspace.embedded.models import Models
from aml.workspace.embedded.paths import WorkspacePaths, workspace_paths
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.references import DEFAULT_OUTPUT, References, job_of
from aml.workspace.embedded.store import Jobs
from aml.workspace.embedded.submission import Submission
from aml.workspace.embedded.tracking import metrics
from aml.workspace.embedded.vm_sizes import vm_sizes
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
    Usage,
    VmSize,
    WorkspaceInfo,
)

if TYPE_CHECKING:
    from aml.spec.updates import Update

_FOLLOW_INTERVAL_S = 0.1
_STREAMED = re.compile(r"user_logs/std_log[\D]*[0]*(?:_ps)?\.txt")  # as az has it: the log of the first process


class EmbeddedWorkspace:
    """See `aml.workspace.Workspace`."""

    def __init__(self, name: str) -> None:
        names.check_asset_name(name, "a workspace")
        self._name = name
        self._paths = workspace_paths(name)
        with explained(self._paths.folder):
            self._paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = Database(self._paths.store)
        self._jobs = Jobs(self._database)
        self._models = Models(self._database, self._paths)
        self._assets = Assets(self._database, self._paths)
        self._references = References(self._paths, self._models, self._assets)
        self._queue = Queue(self._database)
        self._computes = Computes(self._database)
        self._submission = Submission(self._database, self._paths, self._jobs, self._computes, self._references)

    @property
    def info(self) -> WorkspaceInfo:
        return workspace_info(self._name, self._paths)

    def notes(self, spec: CommandJob) -> Sequence[str]:
        return self._submission.notes(spec)

    def plan(self, spec: CommandJob) -> Plan:
        return self._submission.plan(spec, tracking_uri=self.info.mlflow_tracking_uri)

    def submit(self, spec: CommandJob, *, code_of: str | None = None) -> Job:
        job = self._submission.insert(spec, code_of=code_of)
        try:
            start.ensure_running(self._paths)
        except BackendError as error:
            raise BackendError(f"the job {job.name} is queued, but {error.message}", error.hint) from error
        return self._with_folder(job)

    def job(self, name: str) -> Job:
        return self._with_folder(self._jobs.get(name))

    def jobs(self, which: JobFilter = EVERY_JOB, *, limit: int | None = 50) -> Sequence[Job]:
        return [self._with_folder(job) for job in self._jobs.list(which, limit=limit)]

    def wait(self, name: str, *, timeout_s: float | None = None) -> Job:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for job in self.follow(name):  # noqa: B007, the last one is the answer
            if deadline is not None and time.monotonic() >= deadline:
                break
        return job

    def follow(self, name: str) -> Iterator[Job]:
        while True:
            job = self.job(name)
            yield job
            if job.status.is_terminal:
                return
            if not start.is_there(self._paths):  # whoever waits for a job sees to it that somebody works on it
                start.ensure_running(self._paths)
            time.sleep(_FOLLOW_INTERVAL_S)  # another process writes the store: there is nothing to wait on

    def cancel(self, name: str) -> Job:
        job = self._jobs.request_cancel(name)
        if not job.status.is_terminal:
            start.ensure_running(self._paths)
        return self._with_folder(job)

    def update_job(self, name: str, update: Update) -> Job:
        return self._with_folder(self._jobs.update(name, update))

    def archive_job(self, name: str, *, archived: bool = True) -> Job:
        return self._with_folder(self._jobs.set_archived(name, archived))

    def log_files(self, name: str) -> Sequence[tuple[str, Path]]:
        paths = self._paths.job(self._jobs.get(name).name)
        failed = paths.failed_process()
        first = None if failed is None else paths.process_log(failed)
        found = sorted((paths.artifacts / "user_logs").glob("*.txt"), key=lambda path: (path != first, path))
        return [(str(path.relative_to(paths.artifacts)), path) for path in found]

    def stream_files(self, name: str) -> Sequence[tuple[str, Path]]:
        failed = self._paths.job(self._jobs.get(name).name).failed_process()
        logs = self.log_files(name)
        shown = [log for log in logs if _STREAMED.fullmatch(log[0])]
        return shown if failed is None or logs[0] in shown else [logs[0], *shown]

    def latest_metrics(self, name: str) -> Sequence[MetricPoint]:
        return metrics.latest_metrics(self._database.connection, self._jobs.get(name).name)

    def metric_history(self, name: str, key: str | None = None) -> Sequence[MetricPoint]:
        return metrics.metric_history(self._database.connection, self._jobs.get(name).name, key)

    def metrics_after(self, name: str, cursor: int) -> tuple[int, Sequence[MetricPoint]]:
        return metrics.metrics_after(self._database.connection, name, cursor)

    def download_job(self, name: str, folder: Path, *, output: str | None, everything: bool) -> Path:
        from aml.workspace.embedded import job_files

        job = self._jobs.get(name)
        if not job.status.is_terminal:
            raise Conflict(
                f"the job {job.name} is {job.status}: outputs can be downloaded when it is over",
                f"`aml job wait -n {job.name}` waits for it.",
            )
        outputs = dict(self.job_outputs(name))
        wanted = list(outputs) if everything else [output or DEFAULT_OUTPUT]
        for each in wanted:
            if each not in outputs:
                raise NotFound(f"the job {job.name} has no output {each}", f"It has: {', '.join(outputs)}.")
            _copy(outputs[each], folder / job_files.place(each))
        return folder

    def job_code(self, name: str) -> Mapping[str, str]:
        digest = self._jobs.snapshot(name)
        entries = () if digest is None else Blobs(self._paths.blobs).manifest(digest).entries
        return {entry.path: entry.digest for entry in entries}

    def job_files(self, name: str, pattern: str | None = None) -> Sequence[JobFile]:
        from aml.workspace.embedded import job_files

        found = job_files.listed(self.job_outputs(name))
        return found if pattern is None else job_files.matching(found, pattern, name)

    def download_files(self, files: Sequence[JobFile], folder: Path) -> None:
        for file in files:
            _copy(file.location, folder / file.path)

    def job_outputs(self, name: str) -> Sequence[tuple[str, Path]]:
        paths = self._paths.job(self._jobs.get(name).name)
        named = sorted(paths.named_outputs.iterdir()) if paths.named_outputs.is_dir() else []
        return [(DEFAULT_OUTPUT, paths.artifacts), *((folder.name, folder) for folder in named)]

    def create_experiment(self, name: str) -> Experiment:
        from aml.workspace.embedded import experiments

        return experiments.create(self._database, name)

    def experiments(self, *, limit: int | None = None) -> Sequence[Experiment]:
        from aml.workspace.embedded import experiments

        return experiments.listed(self._database, limit)

    def create_model(self, spec: Model) -> ModelVersion:
        job_name = job_of(spec.path)
        if job_name is not None:
            self._jobs.get(job_name)
        return self._models.create(
            spec.name,
            self._references.path(spec.path, spec.type),
            type=spec.type,
            created_by=names.user_name(),
            version=spec.version,
            run_id=job_name,
            description=spec.description,
            stage=spec.stage,
            tags=spec.tags,
            properties=spec.properties,
            flavors=spec.flavors,
        )

    def model(self, name: str, version: str | None = None) -> ModelVersion:
        return self._models.get(name, version)

    def models(
        self, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[ModelVersion]:
        return self._models.list(name, limit=limit, archived=archived)

    def models_of(self, job_name: str) -> Sequence[ModelVersion]:
        return self._models.made_by(job_name)

    def download_model(self, name: str, version: str, folder: Path) -> Path:
        model = self._models.get(name, version)
        target = folder / model.name
        _copy(model.path, target / model.path.name)
        return target

    def update_model(
        self, name: str, version: str | None, change: Callable[[ModelVersion], ModelVersion]
    ) -> ModelVersion:
        model = self._models.get(name, version)
        return self._models.update(model.name, model.version, change)

    def archive_model(self, name: str, version: str | None, *, archived: bool) -> None:
        meant = [self._models.get(name, version)]
        for model in self._models.list(name, archived=None) if version is None else meant:
            self._models.update(model.name, model.version, lambda each: replace(each, archived=archived))

    def create_data(self, spec: Data) -> Asset:
        job_name = job_of(spec.path)
        if job_name is not None:
            self._jobs.get(job_name)
        return self._assets.create(content.new_data(spec, names.user_name(), job_name))

    def create_environment(self, spec: Environment) -> Asset:
        return self._assets.create(content.new_environment(spec, names.user_name()))

    def asset(self, kind: str, name: str, version: str | None = None) -> Asset:
        return self._assets.get(kind, name, version)

    def assets(
        self, kind: str, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[Asset]:
        return self._assets.list(kind, name, limit=limit, archived=archived)

    def update_asset(self, kind: str, name: str, version: str | None, change: Callable[[Asset], Asset]) -> Asset:
        return self._assets.update(kind, name, version, change)

    def archive_asset(self, kind: str, name: str, version: str | None, *, archived: bool) -> None:
        meant = [self._assets.get(kind, name, version)]
        for asset in self._assets.list(kind, name, archived=None) if version is None else meant:
            self._assets.update(kind, name, asset.version, lambda each: replace(each, archived=archived))

    def usage(self) -> Usage:
        return housekeeping.usage(self._paths)

    def collect_garbage(self) -> int:
        return housekeeping.collect_garbage(self._paths, self._database)

    def put_compute(self, spec: ComputeSpec) -> Compute:
        compute = self._computes.put(spec)
        self._let_queued_jobs_run()
        return self._with_nodes(compute)

    def compute(self, name: str) -> Compute:
        return self._with_nodes(self._computes.get(name))

    def computes(self, type_: str | None = None) -> Sequence[Compute]:
        return [self._with_nodes(compute) for compute in self._computes.list(type_)]

    def compute_nodes(self, name: str) -> Sequence[ComputeNode]:
        return computes.nodes_of(self._computes.get(name), self._jobs, self._queue)

    def delete_compute(self, name: str) -> None:
        self._computes.delete(name)

    def start_compute(self, name: str) -> Compute:
        compute = self._computes.set_state(name, computes.RUNNING)
        self._let_queued_jobs_run()
        return compute

    def stop_compute(self, name: str) -> Compute:
        return self._computes.set_state(name, computes.STOPPED)

    def vm_sizes(self) -> Sequence[VmSize]:
        return list(vm_sizes().values())

    def engine(self) -> EngineState:
        answer = start.ask(self._paths, "GET", "/engine/status")
        queued, active = self._jobs.workload()
        started = None if answer is None else datetime.fromtimestamp(float(str(answer["started_at"])), UTC)
        return EngineState(
            running=answer is not None,
            pid=None if answer is None else int(str(answer["pid"])),
            port=start.read_port(self._paths),
            log=self._paths.engine_log,
            started_at=started,
            queued=queued,
            active=tuple(self._with_folder(claim.job) for claim in active),
        )

    def stop_engine(self) -> EngineState:
        state = self.engine()
        if state.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)
            start.wait_until_gone(self._paths)
        return state

    def _with_nodes(self, compute: Compute) -> Compute:
        if compute.type != computes.CLUSTER:
            return compute
        nodes = computes.nodes_of(compute, self._jobs, self._queue)
        return replace(compute, node_counts=computes.node_counts(nodes))

    def _let_queued_jobs_run(self) -> None:
        if self._jobs.count_queued():
            start.ensure_running(self._paths)

    def _with_folder(self, job: Job) -> Job:
        return replace(job, folder=self._paths.job(job.name).folder)


def workspace_info(name: str, paths: WorkspacePaths) -> WorkspaceInfo:
    """What is known of a workspace without opening it."""
    port = start.read_port(paths)
    uri = None if port is None else f"http://{start.HOST}:{port}"
    return WorkspaceInfo(name, "embedded", str(paths.folder), uri)


def _copy(source: Path, target: Path) -> None:
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, copy_function=_copy_file)
        else:
            _copy_file(str(source), str(target))


def _copy_file(source: str, target: str) -> str:
    """The content alone: a copy of a read-only file is the user's to change."""
    return str(shutil.copyfile(source, target))
