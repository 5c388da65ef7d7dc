"""From the way a spec names data or a model to where it is on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from aml.errors import BackendError, NotFound
from aml.workspace.embedded.models import Models
from aml.workspace.embedded.paths import WorkspacePaths

_JOB_OUTPUT = re.compile(r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?")
_RUN = re.compile(r"runs:/+(?P<job>[^/]+)(?:/(?P<path>.*))?")
_ASSET = re.compile(r"azureml:(?P<name>[^:@/]+)(?::(?P<version>[^:@/]+)|@latest)")
DEFAULT_OUTPUT = "artifacts"


def resolve(reference: str, paths: WorkspacePaths, models: Models) -> Path:
    """Where `reference` is. `NotFound` if it is not there, `BackendError` if its form can't be used here.

    Known: absolute local paths, `azureml://jobs/JOB/outputs/OUTPUT/paths/PATH`, `runs:/JOB/PATH`,
    `azureml:MODEL:VERSION`, `azureml:MODEL@latest`.
    """
    if match := _JOB_OUTPUT.fullmatch(reference):
        return _below(_output_folder(paths, match["job"], match["output"]), match["path"] or "", reference)
    if match := _RUN.fullmatch(reference):
        return _below(paths.run_artifacts(match["job"]), match["path"] or "", reference)
    if match := _ASSET.fullmatch(reference):
        return models.get(match["name"], match["version"]).path
    if reference.startswith("/"):
        path = Path(reference)
        if not path.exists():
            raise NotFound(f"{reference} does not exist")
        return path
    raise BackendError(
        f"{reference} can't be reached from the embedded workspace",
        "Use a local path, azureml://jobs/JOB/outputs/OUTPUT/paths/PATH, or a model as azureml:NAME:VERSION.",
    )


def job_of(reference: str) -> str | None:
    """The job whose output a reference names, if it is one."""
    match = _JOB_OUTPUT.fullmatch(reference) or _RUN.fullmatch(reference)
    return match["job"] if match else None


def _output_folder(paths: WorkspacePaths, job: str, output: str) -> Path:
    job_paths = paths.job(job)
    return job_paths.artifacts if output == DEFAULT_OUTPUT else job_paths.named_outputs / output


def _below(folder: Path, relative: str, reference: str) -> Path:
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BackendError(f"{reference} leads out of the job's folder")
    if not path.exists():
        raise NotFound(f"{reference}: no such output", f"The job's folder is {folder.parent}.")
    return path
