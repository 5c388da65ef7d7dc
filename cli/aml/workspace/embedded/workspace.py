"""The embedded workspace as its users see it: a folder, and an engine that is started when there is work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from aml.errors import BackendError
from aml.workspace.embedded import housekeeping, names, settings
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.catalog.datastores import DatastoreTable
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.compute.computes import ComputeTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.engine import start
from aml.workspace.embedded.experiments import Experiments
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.files.filesystems import refuse_network
from aml.workspace.embedded.job_files import JobFiles
from aml.workspace.embedded.listing import EVERY_JOB
from aml.workspace.embedded.nouns import Assets, Computes, Metrics, Models
from aml.workspace.embedded.paths import WorkspacePaths, make_private, workspace_paths
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.store import Jobs
from aml.workspace.records import EngineState, Job, JobFilter, Plan, Settings, Unmet, Usage, WorkspaceInfo
from aml.workspace.redaction import redacted_document

if TYPE_CHECKING:
    from aml.spec.model import CommandJob
    from aml.spec.sweep import SweepJob
    from aml.spec.updates import Update
    from aml.workspace.embedded.submission import Submission
    from aml.workspace.embedded.sweep_nouns import Sweeps

_FOLLOW_INTERVAL_S = 0.1


class EmbeddedWorkspace:
    """See `aml.workspace.Workspace`."""

    def __init__(self, name: str) -> None:
        names.check_asset_name(name, "a workspace")
        self._name = name
        self._paths = workspace_paths(name)
        refuse_network(self._paths.folder)
        with explained(self._paths.folder):
            make_private(self._paths.folder)
        self._database = Database(self._paths.store)
        self._jobs = Jobs(self._database)
        self._models = ModelTable(self._database, self._paths)
        self._assets = AssetTable(self._database, self._paths)
        self._computes = ComputeTable(self._database)
        self._queue = Queue(self._database)
        self._datastores = DatastoreTable(self._database, self._paths)
        self._references = References(self._paths, self._models, self._assets, self._datastores)

    @cached_property
    def _submission(self) -> Submission:
        from aml.workspace.embedded.submission import Submission  # brings in what plans and builds

        return Submission(self._database, self._paths, self._jobs, self._computes, self._references)

    @property
    def info(self) -> WorkspaceInfo:
        return workspace_info(self._name, self._paths)

    @property
    def files(self) -> JobFiles:
        return JobFiles(self._paths, self._jobs)

    @property
    def metrics(self) -> Metrics:
        return Metrics(self._database, self._jobs)

    @property
    def sweeps(self) -> Sweeps:
        from aml.workspace.embedded.sweep_nouns import Sweeps
        from aml.workspace.embedded.sweeps import SweepTable

        return Sweeps(
            SweepTable(self._database),
            self._with_folder,
            lambda name: self._submission.keep_environment(name, {}),
            lambda: start.ensure_running(self._paths),
        )

    @property
    def experiments(self) -> Experiments:
        return Experiments(self._database)

    @property
    def models(self) -> Models:
        return Models(self._models, self._references, self._jobs)

    @property
    def assets(self) -> Assets:
        return Assets(self._assets, self._jobs)

    @property
    def datastores(self) -> DatastoreTable:
        return self._datastores

    @property
    def computes(self) -> Computes:
        return Computes(self._computes, self._jobs, self._queue, self._let_queued_jobs_run)

    def notes(self, spec: CommandJob | SweepJob) -> Sequence[str]:
        return self._submission.notes(spec)

    def unmet(self, spec: CommandJob | SweepJob) -> Unmet:
        return self._submission.unmet(spec)

    def plan(self, spec: CommandJob | SweepJob) -> Plan:
        return self._submission.plan(spec, tracking_uri=self.info.mlflow_tracking_uri)

    def submit(self, spec: CommandJob | SweepJob, *, code_of: str | None = None, secrets_of: str | None = None) -> Job:
        job = self._submission.insert(spec, code_of=code_of, secrets_of=secrets_of)
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

    @property
    def settings(self) -> Settings:
        return settings.read(self._database)

    def change_settings(self, changes: Mapping[str, str | None]) -> Settings:
        return settings.change(self._database, changes)

    def usage(self) -> Usage:
        return housekeeping.usage(self._paths)

    def collect_garbage(self) -> int:
        return housekeeping.collect_garbage(self._paths, self._database)

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
        answer = start.ask(self._paths, "GET", "/engine/status")
        try:
            return self.engine()
        finally:  # also when the store can't be read
            if answer is not None:
                with suppress(ProcessLookupError):
                    os.kill(int(str(answer["pid"])), signal.SIGTERM)
                start.wait_until_gone(self._paths)

    def _let_queued_jobs_run(self) -> None:
        if self._jobs.count_queued():
            start.ensure_running(self._paths)

    def _with_folder(self, job: Job) -> Job:
        document = job.document
        if "environment_variables" in document or "trial" in document:
            document = redacted_document(document, self.settings.redacted_variables)
        return replace(job, folder=self._paths.job(job.name).folder, document=document)


def workspace_info(name: str, paths: WorkspacePaths) -> WorkspaceInfo:
    """What is known of a workspace without opening it."""
    port = start.read_port(paths)
    uri = None if port is None else f"http://{start.HOST}:{port}"
    attached = paths.folder.is_symlink()
    return WorkspaceInfo(name, "embedded", str(paths.folder.resolve() if attached else paths.folder), uri, attached)
