"""From a spec to a queued job: everything that can be refused is refused here, before anything is stored."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aml.errors import Misfit
from aml.spec.model import CommandJob, DataInput, Input
from aml.spec.reference import is_local
from aml.spec.stored import document_of
from aml.spec.stored_sweep import sweep_document
from aml.spec.sweep import SweepJob
from aml.workspace.embedded import computes, names, settings
from aml.workspace.embedded.blobs import Blobs, explained
from aml.workspace.embedded.computes import ComputeTable
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.distribution import Distribution, distribution_of
from aml.workspace.embedded.downloads import is_address
from aml.workspace.embedded.engine.outputs import destinations
from aml.workspace.embedded.engine.sweeps.trials import any_trial, check_sampler, sweep_notes, trial_name
from aml.workspace.embedded.environments.choice import Choice, choose, keep_build
from aml.workspace.embedded.environments.prepared import PYTHON
from aml.workspace.embedded.paths import WRITABLE_INPUTS, WorkspacePaths
from aml.workspace.embedded.references import References
from aml.workspace.embedded.store import LOCAL, Jobs, NewJob
from aml.workspace.records import Compute, Job, Plan


@dataclass(frozen=True)
class Submission:
    """How the jobs of one workspace are submitted."""

    database: Database
    paths: WorkspacePaths
    jobs: Jobs
    computes: ComputeTable
    references: References

    def notes(self, spec: CommandJob | SweepJob) -> Sequence[str]:
        """What this workspace does otherwise than Azure."""
        if isinstance(spec, SweepJob):
            return [*sweep_notes(spec), *self.notes(any_trial(spec))]
        notes = [*self._choice(spec).notes()]
        notes += _distribution_notes(distribution_of(spec))
        compute = self.computes.get(computes.name_of(spec.compute))
        if compute.state == computes.STOPPED:
            notes.append(f"{compute.name} is stopped: the job waits until `aml compute start -n {compute.name}`")
        if spec.inputs and (self.paths.engine / WRITABLE_INPUTS).exists():
            notes.append("a job can change its inputs here: this machine can't mount them read-only for it")
        return notes

    def unmet(self, spec: CommandJob | SweepJob) -> Sequence[str]:
        """What the environment asks for and the job will not find."""
        return self._choice(any_trial(spec)).unmet()

    def plan(self, spec: CommandJob | SweepJob, *, tracking_uri: str | None) -> Plan:
        """What a submit would do, of a sweep the first trial; nothing is changed."""
        from aml.workspace.embedded import planning, snapshot

        notes = self.notes(spec)
        spec = self._first(spec)
        if spec.name is not None:
            self.jobs.check_is_free(spec.name)
        self._place(spec)
        experiment_name = _experiment_name(spec)
        tracking = planning.unknown_tracking(tracking_uri, self._experiment_id(experiment_name))
        code = None if spec.code is None else self.references.path(spec.code)
        return planning.plan(
            spec,
            experiment_name=experiment_name,
            paths=self.paths,
            tracking=tracking,
            references=self.references,
            snapshot=None if code is None else snapshot.listing(code),
            choice=self._checked_choice(spec),
            notes=notes,
        )

    def insert(self, spec: CommandJob | SweepJob, *, code_of: str | None) -> Job:
        """Store the code and queue the job. With `code_of` the code is that of an earlier job."""
        job = self._first(spec)
        compute, spread = self._place(job)
        choice = self._kept(self._checked_choice(job))
        inputs = {name: self._checked(value) for name, value in spec.inputs.items()}
        digest = self._stored_code(job) if code_of is None else self.jobs.snapshot(code_of)
        name = spec.name or names.new_name()
        destinations(replace(job, inputs=inputs), name, self.references)  # refused now, not when the job starts
        is_sweep = isinstance(spec, SweepJob)
        new = NewJob(
            name=name,
            type="sweep" if is_sweep else "command",
            experiment_name=_experiment_name(job),
            display_name=spec.display_name or name,
            document=_document(spec, inputs, choice.resolved.pinned),
            snapshot=digest,
            created_by=names.user_name(),
            parent_job_name=job.parent_job_name,
            tags=spec.tags,
            properties={**({} if code_of else self._origin(job)), **spec.properties, **choice.properties},
            compute=compute.name,
            nodes=0 if is_sweep else 1 if compute.type == LOCAL else spread.nodes,
        )
        return self.jobs.insert(new, before_commit=lambda: self.keep_environment(name))

    def _first(self, spec: CommandJob | SweepJob) -> CommandJob:
        """The job that runs first: the spec itself, or the first trial of a sweep. Refused if its name can't be."""
        if spec.name is not None:
            names.check_job_name(spec.name)
        if not isinstance(spec, SweepJob):
            return spec
        check_sampler(spec)
        name = trial_name(spec.name, 0) if spec.name is not None else None
        if spec.name is not None:
            names.check_job_name(trial_name(spec.name, spec.limits.max_total_trials))
        return replace(any_trial(spec), name=name, experiment_name=spec.experiment_name)

    def _stored_code(self, spec: CommandJob) -> str | None:
        """The digest of the spec's code, stored."""
        if spec.code is None:
            return None
        from aml.workspace.embedded import snapshot

        code = self.references.path(spec.code)
        return Blobs(self.paths.blobs).ingest(snapshot.files(code)).digest

    def _origin(self, spec: CommandJob) -> dict[str, str]:
        """Properties that tell where local code comes from."""
        if spec.code is None or not is_local(spec.code):
            return {}
        from aml.workspace.source_control import git_properties

        return git_properties(Path(spec.code), os.environ)

    def _choice(self, spec: CommandJob) -> Choice:
        return choose(spec, self.references.assets, settings.read(self.database))

    def _checked_choice(self, spec: CommandJob) -> Choice:
        """What can't be built is refused."""
        choice = self._choice(spec)
        choice.check(os.environ.get("PATH", os.defpath))
        return choice

    def _kept(self, choice: Choice) -> Choice:
        """The build of an inline environment, which the job needs when it starts, is registered as Azure does it."""
        folder = choice.resolved.build
        if not choice.is_container or not isinstance(folder, Path) or isinstance(choice.resolved.pinned, str):
            return choice
        from aml.workspace.embedded import snapshot

        version = Blobs(self.paths.blobs).ingest(snapshot.tree(folder)).digest[:32]
        return keep_build(choice, folder, version, self.references.assets)

    def _checked(self, value: Input) -> Input:
        """An input that is there, with the version that is the latest now."""
        if not isinstance(value, DataInput):
            return value
        pinned = replace(value, path=self.references.pinned(value.path, value.type))
        uri = self.references.uri(pinned.path, pinned.type)
        if uri is None or not (pinned.mode == "direct" or is_address(uri)):
            self.references.path(pinned.path, pinned.type)
        return pinned

    def _experiment_id(self, name: str) -> str | None:
        row = self.database.connection.execute("SELECT id FROM experiment WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["id"])

    def _place(self, spec: CommandJob) -> tuple[Compute, Distribution]:
        """Where the job runs and how it is spread; refused if it can't be."""
        spread = distribution_of(spec)
        _check_distribution(spread)
        compute = self.computes.get(computes.name_of(spec.compute))
        computes.check_fit(compute, spread)
        return compute, spread

    def keep_environment(self, name: str) -> None:
        """The environment of this process becomes that of the job."""
        path = self.paths.job(name).environment
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                json.dump({**os.environ, PYTHON: sys.executable}, handle)


def _document(
    spec: CommandJob | SweepJob, inputs: Mapping[str, Input], environment: str | Mapping[str, Any]
) -> dict[str, Any]:
    if isinstance(spec, SweepJob):
        return sweep_document(replace(spec, inputs=inputs, trial=replace(spec.trial, environment=environment)))
    return document_of(replace(spec, inputs=inputs, environment=environment))


def _experiment_name(spec: CommandJob) -> str:
    return spec.experiment_name or Path.cwd().name or "Default"


def _check_distribution(spread: Distribution) -> None:
    if spread.type not in (None, "pytorch", "mpi", "tensorflow"):
        raise Misfit(
            f"a distribution of the type {spread.type} can't be run on this machine",
            "Use pytorch, mpi or tensorflow.",
            ("distribution", "type"),
        )


def _distribution_notes(spread: Distribution) -> Iterator[str]:
    if spread.nodes > 1:
        yield f"the {spread.nodes} nodes are processes of this machine"
    if spread.nodes > 1 and spread.type is None:
        yield "there is no distribution: the command runs once per node, and only AZUREML_CR_NODE_RANK tells them apart"
    if spread.type == "mpi":
        yield "the processes of mpi are started side by side with Open MPI's variables, without mpirun"
