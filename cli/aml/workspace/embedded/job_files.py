"""The files of a job: its code, its logs, and what it wrote, named as a download lays them out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from pathlib import Path

from aml.errors import Conflict, NotFound
from aml.workspace.embedded.catalog.references import DEFAULT_OUTPUT
from aml.workspace.embedded.files.blobs import Blobs, copy_out, explained
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.embedded.store import Jobs
from aml.workspace.records import Job, JobFile

_LOG_FOLDERS = ("azureml-logs", "user_logs")
# As az has it, the log of the first process; before it that of the build, if there was one.
_STREAMED = re.compile(r"user_logs/std_log[\D]*[0]*(?:_ps)?\.txt|azureml-logs/20_image_build_log\.txt")


class JobFiles:
    """See `aml.workspace.JobFiles`."""

    def __init__(self, paths: WorkspacePaths, jobs: Jobs) -> None:
        self._paths = paths
        self._jobs = jobs

    def logs(self, job_name: str) -> Sequence[tuple[str, Path]]:
        paths = self._paths.job(self._jobs.get(job_name).name)
        failed = paths.failed_process()
        first = None if failed is None else paths.process_log(failed)
        files = [file for folder in _LOG_FOLDERS for file in (paths.artifacts / folder).glob("*.txt")]
        found = sorted(files, key=lambda path: (path != first, path))
        return [(str(path.relative_to(paths.artifacts)), path) for path in found]

    def streamed(self, job_name: str) -> Sequence[tuple[str, Path]]:
        failed = self._paths.job(self._jobs.get(job_name).name).failed_process()
        logs = self.logs(job_name)
        shown = [log for log in logs if _STREAMED.fullmatch(log[0])]
        return shown if failed is None or logs[0] in shown else [logs[0], *shown]

    def code(self, job_name: str) -> Mapping[str, str]:
        digest = self._jobs.snapshot(job_name)
        entries = () if digest is None else Blobs(self._paths.blobs).manifest(digest).entries
        return {entry.path: entry.digest for entry in entries}

    def outputs(self, job_name: str) -> Sequence[tuple[str, Path]]:
        paths = self._paths.job(self._jobs.get(job_name).name)
        named = sorted(paths.named_outputs.iterdir()) if paths.named_outputs.is_dir() else []
        return [(DEFAULT_OUTPUT, paths.artifacts), *((folder.name, folder) for folder in named)]

    def list(self, job_name: str, pattern: str | None = None) -> Sequence[JobFile]:
        """A link counts as what it leads to, if that is one of the job's own files."""
        walked = [file for name, folder in self.outputs(job_name) for file in _walk(folder, _place(name))]
        found = sorted(walked, key=lambda file: file.path)
        return found if pattern is None else _matching(found, pattern, job_name)

    def download(self, files: Sequence[JobFile], folder: Path) -> None:
        for file in files:
            copy_out(file.location, folder / file.path)

    def download_outputs(self, job_name: str, folder: Path, *, output: str | None, everything: bool) -> Path:
        job = self._jobs.get(job_name)
        if not job.status.is_terminal:
            raise Conflict(
                f"the job {job.name} is {job.status}: outputs can be downloaded when it is over",
                f"`aml job wait -n {job.name}` waits for it.",
            )
        if job.type == "sweep":
            return self._download_sweep(job, folder, output=output, everything=everything)
        outputs = dict(self.outputs(job_name))
        wanted = list(outputs) if everything else [output or DEFAULT_OUTPUT]
        for each in wanted:
            if each not in outputs:
                raise NotFound(f"the job {job.name} has no output {each}", f"It has: {', '.join(outputs)}.")
            copy_out(outputs[each], folder / _place(each))
        return folder

    def _download_sweep(self, sweep: Job, folder: Path, *, output: str | None, everything: bool) -> Path:
        """As az: what the best trial wrote, and the sweep's own files in hd-artifacts/."""
        best = sweep.properties.get("best_child_run_id")
        if best is not None:
            self.download_outputs(best, folder, output=output, everything=everything)
        elif output is not None:
            raise NotFound(f"the sweep {sweep.name} has no best trial, whose output {output} would be downloaded")
        own = self._paths.job(sweep.name).artifacts
        if output is None and own.is_dir():
            copy_out(own, folder / "hd-artifacts")
        return folder


def _place(output: str) -> str:
    """Where a download puts an output."""
    return "artifacts" if output == DEFAULT_OUTPUT else f"named-outputs/{output}"


def _matching(files: Sequence[JobFile], pattern: str, job_name: str) -> Sequence[JobFile]:
    """Those of a path or a glob, in which `*` also crosses folders; `NotFound` if there is none."""
    wanted = pattern.removeprefix("./").rstrip("/")
    matches = re.compile(translate(wanted)).fullmatch
    found = [file for file in files if any(each == wanted or matches(each) for each in _names(file))]
    if found:
        return found
    raise NotFound(f"the job {job_name} has no file {pattern}", _advice(files, wanted, job_name))


def _names(file: JobFile) -> tuple[str, ...]:
    return (file.path, file.path.partition("/")[2])


def _advice(files: Sequence[JobFile], wanted: str, job_name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(wanted, [name for file in files for name in _names(file)], n=1)
    every = f"`aml job files -n {job_name}` shows what it has."
    return f"Did you mean {close[0]}? {every}" if close else every


def _walk(folder: Path, prefix: str) -> Iterator[JobFile]:
    with explained(folder):
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(folder.resolve())):
                    relative = path.relative_to(folder).as_posix()
                    yield JobFile(f"{prefix}/{relative}", path.stat().st_size, path)
