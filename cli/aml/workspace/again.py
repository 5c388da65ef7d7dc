"""A job once more: the spec of a new one, made from what the workspace has stored of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aml.errors import Conflict
from aml.spec.model import CommandJob
from aml.spec.overrides import apply, complete, document_from
from aml.spec.parse import parse
from aml.spec.sweep import SweepJob
from aml.workspace.records import Job, Status

CLONED_FROM = "aml.cloned_from"
RETRY_OF = "aml.retry_of"
FIRST_TRY = "aml.first_try"
_LINEAGE = frozenset({CLONED_FROM, RETRY_OF, FIRST_TRY})
_OF_RUN = _LINEAGE | {"best_child_run_id"}  # what a new job does not take over
_OF_CODE = ("mlflow.source.git.", "azureml.git.")


@dataclass(frozen=True)
class Again:
    """What to give to `Workspace.submit`."""

    spec: CommandJob | SweepJob
    code_of: str | None  # the job whose stored code is used; None: the code that the spec names
    secrets_of: str  # the job whose secrets stand where the spec has placeholders


def clone(job: Job, sets: Sequence[str] = (), **flags: str | None) -> Again:
    """The same job, with `a.b=value` texts and flags over it. Raises `SpecError` for what that makes wrong.

    Its code is the other job's snapshot, whatever became of the folder, unless `code` is set.
    """
    return _again(job, {CLONED_FROM: job.name}, sets, flags)


def retry(job: Job, sets: Sequence[str] = (), **flags: str | None) -> Again:
    """As `clone`, of a job that is Failed or Canceled: `Conflict` for another one. The first try stays named."""
    if job.status not in (Status.FAILED, Status.CANCELED):
        raise Conflict(
            f"the job {job.name} is {job.status}: only a Failed or Canceled one can be tried again",
            f"`aml job clone -n {job.name}` submits it once more all the same.",
        )
    lineage = {RETRY_OF: job.name, FIRST_TRY: job.properties.get(FIRST_TRY) or job.name}
    return _again(job, lineage, sets, flags)


def _again(job: Job, lineage: Mapping[str, str], sets: Sequence[str], flags: Mapping[str, str | None]) -> Again:
    stored = document_from(_kept(job), f"job {job.name}")
    document = complete(apply(stored, sets), **flags)
    spec = parse(document, job.type)
    assert isinstance(spec, (CommandJob, SweepJob))
    has_own_code = document.node(("code",) if isinstance(spec, CommandJob) else ("trial", "code")) is not None
    properties = {**spec.properties, **lineage}
    if has_own_code:
        properties = {key: value for key, value in properties.items() if not key.startswith(_OF_CODE)}
        return Again(dataclasses.replace(spec, properties=properties), None, job.name)
    if isinstance(spec, SweepJob):
        code = job.document["trial"].get("code")
        spec = dataclasses.replace(spec, properties=properties, trial=dataclasses.replace(spec.trial, code=code))
    else:
        code = job.document.get("code")
        spec = dataclasses.replace(spec, properties=properties, code=code)
    return Again(spec, None if code is None else job.name, job.name)


def _kept(job: Job) -> dict[str, Any]:
    kept = {key: value for key, value in job.document.items() if key not in ("name", "code")}
    if "trial" in kept:
        kept["trial"] = {key: value for key, value in kept["trial"].items() if key != "code"}
    properties = {key: value for key, value in job.properties.items() if key not in _OF_RUN}
    return {**kept, "experiment_name": job.experiment_name, "tags": dict(job.tags), "properties": properties}
