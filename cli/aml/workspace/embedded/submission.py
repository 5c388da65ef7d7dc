"""From a spec to a queued job: everything that can be refused is refused here, before anything is stored."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aml.errors import BackendError, Misfit
from aml.spec.model import CommandJob, DataInput, Input
from aml.spec.reference import is_local
from aml.spec.stored.basics import document_of
from aml.spec.stored.sweeps import sweep_document
from aml.spec.sweep import SweepJob
from aml.workspace.embedded import job_secrets, names, settings
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.compute import capacity, computes, gpus, instances
from aml.workspace.embedded.compute.computes import ComputeTable
from aml.workspace.embedded.compute.device_plan import planned_devices
from aml.workspace.embedded.compute.vm_sizes import vm_size
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.distribution import Distribution, distribution_of
from aml.workspace.embedded.engine.inputs import UNPACK, places
from aml.workspace.embedded.engine.outputs import destinations
from aml.workspace.embedded.engine.sweeps.trials import any_trial, check_sampler, sweep_notes, trial_name
from aml.workspace.embedded.environments.choice import Choice, choose, keep_build
from aml.workspace.embedded.environments.prepared import PYTHON
from aml.workspace.embedded.files.blobs import Blobs, explained
from aml.workspace.embedded.files.downloads import is_address
from aml.workspace.embedded.paths import WRITABLE_INPUTS, WorkspacePaths
from aml.workspace.embedded.store import LOCAL, Jobs, NewJob
from aml.workspace.embedded.sweeps import check_is_no_trial, check_trials_are_free
from aml.workspace.records import Compute, Job, Plan, Unmet


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
        choice = self._choice(spec)
        notes = [*choice.notes()]
        if not choice.is_container and (spec.resources.shm_size or spec.resources.docker_args):
            notes.append("resources.shm_size and docker_args are for containers: the job runs in none")
        notes += _distribution_notes(distribution_of(spec))
        compute = self.computes.get(computes.name_of(spec.compute))
        if compute.state == instances.STOPPED:
            notes.append(f"{compute.name} is stopped: the job waits until `aml compute start -n {compute.name}`")
        if compute.type != LOCAL and (size := vm_size(compute.size)) and size.gpus and not gpus.may_be_there():
            notes.append(f"this machine has no GPU: the job runs on its CPUs, not on the GPUs of {size.name}")
        if spec.inputs and (self.paths.engine / WRITABLE_INPUTS).exists():
            notes.append("a job can change its inputs here: this machine can't mount them read-only for it")
        return notes

    def unmet(self, spec: CommandJob | SweepJob) -> Unmet:
        """What the environment asks for and the job will not find."""
        choice = self._choice(any_trial(spec))
        return Unmet(choice.unmet(), can_be_built=choice.resolved.conda is not None)

    def plan(self, spec: CommandJob | SweepJob, *, tracking_uri: str | None) -> Plan:
        """What a submit would do, of a sweep the first trial; nothing is changed."""
        from aml.workspace.embedded import planning
        from aml.workspace.embedded.files import snapshot

        notes = self.notes(spec)
        spec = self._first(spec)
        if spec.name is not None:
            self.jobs.check_is_free(spec.name)
        compute, spread = self._place(spec)
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
            devices=planned_devices(capacity.needs_of(spec, compute, spread, os.environ), spread.nodes),
            declared=self._declared(),
            choice=self._checked_choice(spec),
            notes=notes,
        )

    def insert(self, spec: CommandJob | SweepJob, *, code_of: str | None, secrets_of: str | None) -> Job:
        """Store the code and queue the job.

        With `code_of` the code is that of an earlier job, with `secrets_of` the values that are not told.
        """
        self.computes.settle()  # an instance that has stopped by itself does not take the job
        whole = job_secrets.together(spec, self._secrets(secrets_of))
        job = self._first(whole)
        compute, spread = self._place(job)
        _check_case(spec, self.paths)
        choice = self._kept(self._checked_choice(job))
        inputs = {name: self._checked(value) for name, value in spec.inputs.items()}
        digest = self._stored_code(job) if code_of is None else self.jobs.snapshot(code_of)
        name = spec.name or names.new_name()
        pinned = replace(job, inputs=inputs)
        destinations(pinned, name, self.references)  # refused now, not when the job starts
        if UNPACK in job.properties:
            places(pinned, self.paths.job(name), self.references)
        told, secret = job_secrets.apart(whole, self._declared())
        new = NewJob(
            name=name,
            type="sweep" if isinstance(spec, SweepJob) else "command",
            experiment_name=_experiment_name(job),
            display_name=spec.display_name or name,
            document=_document(told, inputs, choice.resolved.pinned),
            snapshot=digest,
            created_by=names.user_name(),
            parent_job_name=job.parent_job_name,
            tags=spec.tags,
            properties={**({} if code_of else self._origin(job)), **spec.properties, **choice.properties},
            compute=compute.name,
            needs=capacity.needs_of(job, compute, spread, os.environ),  # a sweep's are those of a trial
        )
        return self.jobs.insert(new, before_commit=lambda: self.keep_environment(name, secret))

    def _first(self, spec: CommandJob | SweepJob) -> CommandJob:
        """The job that runs first: the spec itself, or the first trial of a sweep. Refused if its name can't be."""
        if spec.name is not None:
            names.check_job_name(spec.name)
        if not isinstance(spec, SweepJob):
            if spec.name is not None:
                check_is_no_trial(self.database, spec.name)
            return spec
        check_sampler(spec)
        name = trial_name(spec.name, 0) if spec.name is not None else None
        if spec.name is not None:
            names.check_job_name(trial_name(spec.name, spec.limits.max_total_trials))
            check_trials_are_free(self.database, spec.name)
        return replace(any_trial(spec), name=name, experiment_name=spec.experiment_name)

    def _stored_code(self, spec: CommandJob) -> str | None:
        """The digest of the spec's code, stored."""
        if spec.code is None:
            return None
        from aml.workspace.embedded.files import snapshot

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
        from aml.workspace.embedded.files import snapshot

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
        if re.search(r"\s", str(self.paths.folder)):
            raise BackendError(
                f"the workspace's folder {self.paths.folder} has a blank in its path, which would break commands",
                "They are given paths in it: point AML_HOME to a folder without a blank.",
            )
        spread = distribution_of(spec)
        _check_distribution(spread)
        compute = self.computes.get(computes.name_of(spec.compute))
        capacity.check_fit(compute, spread)
        return compute, spread

    def _declared(self) -> tuple[str, ...]:
        return settings.read(self.database).redacted_variables

    def _secrets(self, name: str | None) -> dict[str, str]:
        """Variables of a job, those that are not told too."""
        if name is None:
            return {}
        job = self.jobs.get(name)
        return job_secrets.known(job.document, self.paths.job(job.name))

    def keep_environment(self, name: str, secret: Mapping[str, str]) -> None:
        """The environment of this process becomes that of the job."""
        paths = self.paths.job(name)
        with explained(paths.exec):
            paths.exec.mkdir(parents=True, exist_ok=True)
            job_secrets.write_private(paths.environment, {**os.environ, PYTHON: sys.executable})
            if secret:
                job_secrets.write_private(paths.secrets, secret)


def _document(
    spec: CommandJob | SweepJob, inputs: Mapping[str, Input], environment: str | Mapping[str, Any]
) -> dict[str, Any]:
    if isinstance(spec, SweepJob):
        return sweep_document(replace(spec, inputs=inputs, trial=replace(spec.trial, environment=environment)))
    return document_of(replace(spec, inputs=inputs, environment=environment))


def _experiment_name(spec: CommandJob) -> str:
    return spec.experiment_name or Path.cwd().name or "Default"


def _check_case(spec: CommandJob | SweepJob, paths: WorkspacePaths) -> None:
    """Refuse names that would be one folder, where the file system folds case."""
    for key, given in (("inputs", spec.inputs), ("outputs", spec.outputs)):
        first: dict[str, str] = {}
        for name in given:
            other = first.setdefault(name.casefold(), name)
            if other != name and paths.folds_case():
                raise Misfit(
                    f"the {key} `{other}` and `{name}` differ in case alone, which the file system does not tell apart",
                    "Give one of them another name, or point AML_HOME to a file system that does.",
                    (key, name),
                )


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
