"""What the engine does for a job before its process starts and after it has ended. Each step can be repeated."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aml.errors import BackendError, NotFound
from aml.spec.model import CommandJob, Output
from aml.spec.stored.basics import from_document
from aml.spec.sweep import SweepJob
from aml.workspace.embedded import job_secrets, tokens
from aml.workspace.embedded.catalog.assets import AssetTable, NewAsset
from aml.workspace.embedded.catalog.datastores import DatastoreTable
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.compute.leases import Lease
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.distribution import distribution_of, free_ports
from aml.workspace.embedded.engine.executors import Launch
from aml.workspace.embedded.engine.executors.mounts import mounting
from aml.workspace.embedded.engine.executors.process import isolation
from aml.workspace.embedded.engine.inputs import lay_out, linked, places
from aml.workspace.embedded.engine.launch import Site, Tracking, inheritable, output_path, plan, prepare
from aml.workspace.embedded.engine.outputs import deliver, destinations, folders, link, uris
from aml.workspace.embedded.environments.builds import Cache, Stop
from aml.workspace.embedded.environments.prepared import BuildSite, Prepared, built, current, takes_a_build
from aml.workspace.embedded.files.blobs import Blobs, explained
from aml.workspace.embedded.files.trees import copy_tree
from aml.workspace.embedded.paths import JobPaths, WorkspacePaths
from aml.workspace.embedded.store import Claim, Jobs
from aml.workspace.embedded.tracking.runs import run
from aml.workspace.records import Job, Reason

_TAIL_BYTES = 4096
_LAST_LINE_LENGTH = 300
_FULL_DISK_BYTES = 1 << 20
_UNPRINTABLE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*\x07?|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_EARLIER = re.compile(r"\.preempted_(\d+)\.txt$")


@dataclass(frozen=True)
class Outcome:
    reason: Reason
    message: str | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Steps:
    """The steps of the jobs of one workspace."""

    workspace_paths: WorkspacePaths
    models: ModelTable
    assets: AssetTable
    database: Database
    tracking_uri: str

    @property
    def references(self) -> References:
        datastores = DatastoreTable(self.database, self.workspace_paths)
        return References(self.workspace_paths, self.models, self.assets, datastores)

    def paths(self, job: Job) -> JobPaths:
        return self.workspace_paths.job(job.name)

    def timeout_s(self, job: Job) -> float | None:
        timeout: float | None = (job.document.get("limits") or {}).get("timeout")
        return timeout

    def prepare(self, claim: Claim, stop: Stop, lease: Lease | None = None) -> Launch:
        """Make everything ready and say what to start. Raises `AmlError` for what is missing, `Stopped`.

        The second time, after an engine died in between, nothing is touched that the running job may have changed.
        """
        job, paths = claim.job, self.paths(claim.job)
        spec = job_secrets.together(from_document(job.document), job_secrets.kept(paths))
        found = places(spec, paths, self.references)
        token = tokens.token(tokens.secret(self.workspace_paths.secret), job.name)
        experiment = str(run(self.database.connection, job.name)["experiment_id"])
        tracking = Tracking(self.tracking_uri, token, experiment)
        spread = distribution_of(spec)
        devices = None if lease is None else lease.of_nodes(spread.nodes)
        site = Site(self.workspace_paths.folder.name, tracking, free_ports(spread.port_count), devices)
        texts = {name: place.text for name, place in found.items()}
        outputs = destinations(spec, job.name, self.references)
        submitted = _submitted_environment(paths)
        made = self._environment(job, spec, submitted, stop)
        # A container has the environment of its image: what the submitter's shell has is not for it.
        inherited = {} if made.container else {**inheritable(submitted, made.first_on_path), **made.variables}
        inherited = {name: value for name, value in inherited.items() if name not in made.without}
        launch = plan(job, spec, paths, site, texts, inherited, uris(outputs))
        container = made.container and replace(made.container, folders=folders(outputs))
        launch = replace(launch, read_only=linked(found), layered=made.layered, container=container)
        if not paths.wrapper_pid.exists():
            lay_out(found, self.workspace_paths.downloads, partial(self._tell, job.name, stop))
            link(outputs, paths)
            prepare(launch, spec, Blobs(self.workspace_paths.blobs), claim.snapshot)
        return launch

    def _tell(self, job_name: str, stop: Stop, text: str) -> None:
        stop.check()
        Jobs(self.database).tell(job_name, text)

    def finish(self, job: Job, reason: Reason | None) -> Outcome:
        """Collect and register outputs. `reason` is why we ended the job, or None if it ended by itself."""
        paths = self.paths(job)
        code = paths.exit_code()
        outcome = _outcome(code, paths) if reason is None else Outcome(reason, _ended_by_us(job, reason), code)
        collect(paths)
        spec = from_document(job.document)
        deliver(destinations(spec, job.name, self.references), spec, paths)
        if outcome.reason is Reason.COMMAND_SUCCEEDED:
            self.register(job, spec)
        _clean(paths)
        return outcome

    def start_over(self, job: Job) -> None:
        """Make a job that gave way ready to run from its beginning: what it wrote stays, its logs under another name.

        Safe to repeat.
        """
        paths = self.paths(job)
        collect(paths)
        _set_aside(paths.log.parent)
        for folder in (paths.work, paths.inputs):
            shutil.rmtree(folder, ignore_errors=True)
        for name in ("pid", "running", "exit.*", "failed.*", "ranks.*", "group"):
            for file in paths.exec.glob(name):
                file.unlink()

    def _environment(self, job: Job, spec: CommandJob, submitted: Mapping[str, str], stop: Stop) -> Prepared:
        if not takes_a_build(job):
            return current(submitted)
        site = BuildSite(
            cache=Cache(self.workspace_paths.environments),
            submitted=submitted,
            log=self.paths(job).build_log,
            links=mounting(isolation()) is not None,
        )
        return built(job, spec, self.assets, site, stop)

    def register(self, job: Job, spec: CommandJob | SweepJob) -> None:
        """Register the outputs that have a name, as models or as data, once."""
        made = {(model.name.lower(), model.properties.get("output")) for model in self.models.made_by(job.name)}
        made |= {(asset.name.lower(), asset.properties.get("output")) for asset in self.assets.made_by(job.name)}
        for name, output in spec.outputs.items():
            if output.name is None or (output.name.lower(), name) in made:
                continue
            try:
                self._register_one(job, name, output, output.name)
            except NotFound as error:
                raise BackendError(f"output {name} can't be registered as {output.name}: {error.message}") from error

    def _register_one(self, job: Job, name: str, output: Output, asset_name: str) -> None:
        path, properties = output_path(name, output, self.paths(job)), {"output": name}
        if output.type.endswith("_model"):
            self.models.create(
                asset_name,
                path,
                type=output.type,
                created_by=job.created_by,
                version=output.version,
                run_id=job.name,
                properties=properties,
            )
            return
        new = NewAsset(
            kind="data",
            name=asset_name,
            document={"type": output.type},
            created_by=job.created_by,
            version=output.version,
            files=path,
            job_name=job.name,
            properties=properties,
        )
        self.assets.create(new)


def _set_aside(logs: Path) -> None:
    """Give the logs of a run that gave way names of their own."""
    earlier = {match[1] for log in logs.glob("*.txt") if (match := _EARLIER.search(log.name))}
    for log in list(logs.glob("std_log*.txt")):
        if not _EARLIER.search(log.name):
            log.rename(log.with_name(f"{log.stem}.preempted_{len(earlier) + 1}.txt"))


def collect(paths: JobPaths) -> None:
    """Move what a job wrote to folders of its own named ./outputs and ./logs to its artifacts."""
    for name in ("outputs", "logs"):
        written = paths.work / name
        if written.is_dir() and not written.is_symlink():
            with explained(written):
                copy_tree(written, paths.artifacts / name)


def last_line(log: Path) -> str:
    """The last line of a log that has any text, shortened; "" if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = handle.read().decode(errors="replace").replace("\r", "\n").split("\n")
    texts = [text for line in lines if (text := _UNPRINTABLE.sub("", line).strip())]
    return texts[-1][:_LAST_LINE_LENGTH] if texts else ""


def _submitted_environment(paths: JobPaths) -> dict[str, str]:
    environment: dict[str, str] = json.loads(paths.environment.read_text())
    return environment


def _outcome(code: int | None, paths: JobPaths) -> Outcome:
    failed = paths.failed_process()
    who = "the command" if failed is None else f"rank {failed} of the job's processes"
    if code is None:
        text = "its processes are gone and left no exit status: the machine restarted, or somebody killed them all"
        return Outcome(Reason.LOST, f"{text}. Submit it again")
    if code == 0:
        return Outcome(Reason.COMMAND_SUCCEEDED, None, 0)
    if code > 128 and code - 128 in signal.valid_signals():
        name = signal.Signals(code - 128).name if code - 128 in set(signal.Signals) else f"signal {code - 128}"
        hint = ". SIGKILL often means that the machine ran out of memory" if name == "SIGKILL" else ""
        return Outcome(Reason.KILLED, f"{who} was killed by {name} (exit code {code}){hint}", code)
    message = f"{who} ended with exit code {code}"
    said = last_line(_failed_log(failed, paths))
    if said:
        message += f"; its last words: {said}"
    return Outcome(Reason.COMMAND_FAILED, message + _disk_note(paths), code)


def _failed_log(failed: int | None, paths: JobPaths) -> Path:
    if failed is not None:
        return paths.process_log(failed)
    return paths.ranks_log if paths.ranks.exists() else paths.log


def _ended_by_us(job: Job, reason: Reason) -> str | None:
    if reason is Reason.TIMEOUT:
        timeout = job.document["limits"]["timeout"]
        return f"it ran longer than limits.timeout ({timeout} s) and was canceled"
    return job.message if reason in (Reason.STOPPED_EARLY, Reason.SWEEP_ENDED) else None


def _disk_note(paths: JobPaths) -> str:
    free = shutil.disk_usage(paths.folder).free
    return f". The disk of {paths.folder} is full" if free < _FULL_DISK_BYTES else ""


def _clean(paths: JobPaths) -> None:
    """Remove what only the running job needed; the submitter's environment may hold secrets."""
    shutil.rmtree(paths.work, ignore_errors=True)
    shutil.rmtree(paths.inputs, ignore_errors=True)
    for mine in paths.layers.glob("*/work/work"):  # the kernel makes it closed to everybody
        mine.chmod(0o700)
    shutil.rmtree(paths.layers, ignore_errors=True)
    paths.environment.unlink(missing_ok=True)
    with suppress(OSError):  # there are named outputs
        paths.named_outputs.rmdir()
