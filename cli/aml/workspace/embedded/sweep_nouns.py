"""What a workspace tells of its sweeps, and how one goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aml.errors import Conflict
from aml.spec.stored.sweeps import sweep_of
from aml.spec.sweep import SweepJob
from aml.workspace.embedded.engine.sweeps.planner import TrialState, best_of
from aml.workspace.embedded.engine.sweeps.samplers import most
from aml.workspace.embedded.sweeps import SweepTable
from aml.workspace.importance import importance
from aml.workspace.records import Job, Status, Sweep, Trial


@dataclass(frozen=True)
class Sweeps:
    """See `aml.workspace.Sweeps`."""

    table: SweepTable
    with_folder: Callable[[Job], Job]
    keep_environment: Callable[[str], None]  # that a job is resumed with
    ensure_running: Callable[[], None]

    def get(self, job_name: str) -> Sweep:
        job = self.table.get(job_name)
        spec = sweep_of(job.document)
        trials = self._trials(job, spec)
        found = {trial.name: trial for trial, _ in trials}
        best = best_of([state for _, state in trials])
        values = [(trial.parameters, trial.value) for trial, _ in trials if trial.value is not None]
        return Sweep(
            job=self.with_folder(job),
            primary_metric=spec.objective.primary_metric,
            goal=spec.objective.goal,
            total=most(spec),
            trials=tuple(found.values()),
            best=None if best is None else found[best.name],
            importance=importance(values),
        )

    def resume(self, job_name: str) -> Job:
        sweep = self.get(job_name)
        if not sweep.job.status.is_terminal:
            raise Conflict(f"the sweep {sweep.job.name} is {sweep.job.status}: it goes on by itself")
        if sweep.job.status in (Status.COMPLETED, Status.FAILED) and len(sweep.trials) >= sweep.total:
            raise Conflict(
                f"the sweep {sweep.job.name} has had all of its {sweep.total} trials",
                f"`aml job update -n {sweep.job.name} --set limits.max_total_trials=N` allows more.",
            )
        self.keep_environment(sweep.job.name)
        job = self.table.resume(sweep.job.name)
        self.ensure_running()
        return self.with_folder(job)

    def _trials(self, sweep: Job, spec: SweepJob) -> list[tuple[Trial, TrialState]]:
        found = []
        for number, (job, parameters) in enumerate(self.table.all_trials(sweep.name)):
            _, reports = self.table.reports(job.name, spec.objective.primary_metric, after=0)
            state = TrialState(number, job.name, {}, job.status, reports, spec.objective.goal)
            found.append((Trial(self.with_folder(job), parameters, reports, state.value), state))
        return found
