"""Where everything of a workspace is on disk; the one place that knows file names.

A job's folder has the layout of Azure's download: artifacts/ (user_logs, outputs, logs) and named-outputs/.
exec/ is the workspace's own: what the job's process is started from and what it leaves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_WORKSPACE = "default"
MAIN_LOG = "user_logs/std_log.txt"
WRITABLE_INPUTS = "writable-inputs"
"""In the engine's folder where jobs can change their inputs."""


def home() -> Path:
    """AML_HOME, else ~/.aml; absolute, not necessarily there yet."""
    return Path(os.environ.get("AML_HOME") or Path.home() / ".aml").expanduser().absolute()


def make_private(folder: Path) -> None:
    """Make a folder below `home()` that others can't look into, and the home itself if it is not there."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True)
class JobPaths:
    """Files of one job."""

    folder: Path

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def log(self) -> Path:
        """stdout and stderr of the job's process."""
        return self.artifacts / MAIN_LOG

    @property
    def build_log(self) -> Path:
        """What was said while the job's environment was built; named as Azure names it."""
        return self.artifacts / "azureml-logs/20_image_build_log.txt"

    def process_log(self, number: int) -> Path:
        """stdout and stderr of one process of several."""
        return self.artifacts / f"user_logs/std_log_process_{number:02}.txt"

    @property
    def named_outputs(self) -> Path:
        return self.folder / "named-outputs"

    @property
    def exec(self) -> Path:
        return self.folder / "exec"

    @property
    def work(self) -> Path:
        """The job's working directory: its code, with ./outputs and ./logs leading to the artifacts."""
        return self.exec / "wd"

    @property
    def inputs(self) -> Path:
        return self.exec / "inputs"

    @property
    def layers(self) -> Path:
        """What the job writes in folders that are not its own."""
        return self.exec / "layers"

    @property
    def environment(self) -> Path:
        """The submitter's environment, JSON, readable by its owner alone."""
        return self.exec / "environment.json"

    @property
    def secrets(self) -> Path:
        """Values of environment variables that the store does not have, JSON, readable by its owner alone."""
        return self.exec / "secrets.json"

    @property
    def wrapper_pid(self) -> Path:
        return self.exec / "pid"

    @property
    def container(self) -> Path:
        """The tool that the job's containers were started with, if they were."""
        return self.exec / "container"

    @property
    def group(self) -> Path:
        """Where the control group is that the job's processes are in, if they are in one."""
        return self.exec / "group"

    @property
    def ranks(self) -> Path:
        """Variables and logs of the processes of a job that has several; renamed to `failed.NUMBER` when one fails."""
        return self.exec / "ranks.json"

    @property
    def ranks_log(self) -> Path:
        """What the program that starts several processes has to say."""
        return self.exec / "ranks.log"

    @property
    def unfinished(self) -> Path:
        """Made before the start and renamed to `exit.CODE` at the end, which works on a full disk too."""
        return self.exec / "running"

    def exit_code(self) -> int | None:
        """The exit status that the wrapper left, as a shell tells it (128 + signal), or None."""
        for found in self.exec.glob("exit.*"):
            return int(found.suffix[1:])
        return None

    def failed_process(self) -> int | None:
        """The number of the process that failed first, of several."""
        for found in self.exec.glob("failed.*"):
            return int(found.suffix[1:])
        return None


@dataclass(frozen=True)
class WorkspacePaths:
    """Files of one workspace."""

    folder: Path

    def folds_case(self) -> bool:
        """Whether names that differ in case alone are one file here."""
        return self.store.exists() and self.store.with_name(self.store.name.upper()).exists()

    @property
    def store(self) -> Path:
        return self.folder / "store.db"

    @property
    def secret(self) -> Path:
        """The key that tokens are made from, readable by its owner alone."""
        return self.folder / "secret"

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def asset(self, kind: str, name: str, version: str) -> Path:
        """The folder that holds the files of data and of build contexts."""
        return self.folder / "assets" / kind / name / version

    def datastore(self, name: str) -> Path:
        return self.folder / "datastores" / name

    @property
    def credentials(self) -> Path:
        """What signs in to datastores, readable by its owner alone."""
        return self.folder / "credentials"

    @property
    def runs(self) -> Path:
        """Artifacts of MLflow runs that are not jobs."""
        return self.folder / "runs"

    @property
    def scratch(self) -> Path:
        """Files that are being received; what is here when no engine runs can be thrown away."""
        return self.folder / "scratch"

    @property
    def downloads(self) -> Path:
        """Files from http and https addresses, for all jobs."""
        return self.folder / "downloads"

    @property
    def environments(self) -> Path:
        """Built environments, for all workspaces."""
        return self.folder.parent.parent / "environments"

    @property
    def jobs(self) -> Path:
        return self.folder / "jobs"

    @property
    def engine(self) -> Path:
        return self.folder / "engine"

    @property
    def engine_lock(self) -> Path:
        """Held with flock by the engine for as long as it lives."""
        return self.engine / "lock"

    @property
    def engine_start_lock(self) -> Path:
        """Held with flock by whoever starts an engine, so that one is started."""
        return self.engine / "start.lock"

    @property
    def engine_port(self) -> Path:
        """The port that stays the workspace's own."""
        return self.engine / "port"

    @property
    def engine_pid(self) -> Path:
        return self.engine / "pid"

    @property
    def engine_log(self) -> Path:
        return self.engine / "engine.log"

    def job(self, name: str) -> JobPaths:
        return JobPaths(self.jobs / name)

    def run_artifacts(self, run_id: str) -> Path:
        """The artifact folder of an MLflow run: a job's own, or one below runs/."""
        job = self.job(run_id)
        return job.artifacts if job.folder.is_dir() else self.runs / run_id / "artifacts"


def workspace_paths(name: str) -> WorkspacePaths:
    return WorkspacePaths(home() / "workspaces" / name)


def registry_paths(name: str) -> WorkspacePaths:
    """A registry is laid out as a workspace is, and has assets alone."""
    return WorkspacePaths(home() / "registries" / name)
