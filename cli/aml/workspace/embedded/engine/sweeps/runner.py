"""The sweeps of an engine: each look reads what has changed, plans, and does what the plan says.

All state is in the store; what is kept here saves reading it again. A new engine reads it all and goes on.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aml.errors import AmlError
from aml.spec.stored.basics import document_of
from aml.spec.stored.sweeps import sweep_of
from aml.spec.sweep import SweepJob
from aml.workspace.embedded.database import StoreError
from aml.workspace.embedded.engine.sweeps.planner import Plan, State, TrialState, plan
from aml.workspace.embedded.engine.sweeps.remarks import ended, remark
from aml.workspace.embedded.engine.sweeps.samplers import Sampler, sampler_of
from aml.workspace.embedded.engine.sweeps.space import Draw, parameters
from aml.workspace.embedded.engine.sweeps.trials import trial_job, trial_name
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.embedded.store import Jobs, NewJob
from aml.workspace.embedded.sweeps import BEST, SweepRow, SweepTable, TrialRow, trial_properties
from aml.workspace.records import Job, Reason, Status

log = logging.getLogger(__name__)

Register = Callable[[Job, SweepJob], None]
"""Registers the outputs of a job, those that have a name in the sweep's spec."""


@dataclass
class _Known:
    """What an engine remembers of a sweep."""

    document: object
    spec: SweepJob
    sampler: Sampler
    trials: list[TrialState] = field(default_factory=list)
    cursors: dict[int, int] = field(default_factory=dict)  # number of a trial -> the last report that was read
    open: dict[int, int] = field(default_factory=dict)  # row of a trial that is not over -> its number
    last_row: int = 0
    began: float | None = None  # when it started, on this engine's own clock, which nobody sets


class Sweeps:
    """Called by the engine's loop alone; `wake` is called when the loop should look again."""

    def __init__(
        self, table: SweepTable, jobs: Jobs, paths: WorkspacePaths, register: Register, wake: Callable[[], object]
    ) -> None:
        self._table = table
        self._jobs = jobs
        self._paths = paths
        self._register = register
        self._wake = wake
        self._known: dict[str, _Known] = {}
        self._finalizing: set[str] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sweep")

    def look(self) -> bool:
        """Move every sweep on; whether a trial was submitted."""
        rows = self._table.open()
        for name in self._known.keys() - {row.job.name for row in rows}:
            del self._known[name]
        submitted = [self._look_at(row) for row in rows]
        return any(submitted)

    def close(self) -> None:
        self._worker.shutdown()

    def _look_at(self, row: SweepRow) -> bool:
        """One that can't go on ends, and the others go on."""
        try:
            return self._move_on(row)
        except StoreError:
            raise
        except Exception as error:
            log.exception("%s: failed in the engine", row.job.name)
            self._fail(row.job, _told(error))
            return False

    def _fail(self, sweep: Job, message: str) -> None:
        for job, _ in self._table.all_trials(sweep.name):
            self._table.end_trial(job.name, Reason.SWEEP_ENDED, f"the sweep {sweep.name} has failed")
        self._over(sweep.name, Reason.START_FAILED, message)

    def _move_on(self, row: SweepRow) -> bool:
        sweep = row.job
        if sweep.status is Status.QUEUED:
            self._table.begin(sweep.name)
        known = self._refreshed(row)
        if sweep.status is Status.FINALIZING:
            self._finalize(sweep, known, sweep.properties.get(BEST))
            return False
        timed_out = sweep.status is Status.RUNNING and _is_over_time(sweep, known)
        if timed_out:
            self._table.time_out(sweep.name)
        canceling = timed_out or sweep.status is Status.CANCEL_REQUESTED
        made = plan(State(known.spec, known.trials, canceling), known.sampler)
        self._apply(row, known, made)
        return bool(made.draws)

    def _apply(self, row: SweepRow, known: _Known, made: Plan) -> None:
        sweep = row.job
        for number, draw in made.draws:
            self._submit(row, known.spec, number, draw)
        for stop in made.stops:
            log.info("%s: %s", stop.name, stop.why)
            self._table.end_trial(stop.name, Reason.STOPPED_EARLY, stop.why)
        for name in made.cancel:
            self._table.end_trial(name, Reason.SWEEP_ENDED, f"the sweep {sweep.name} came to its end")
        if made.stops or made.cancel:
            self._wake()  # the loop looks at running jobs before it looks at sweeps
        message = remark(known.spec, known.trials, self._table.metric_names)
        if (message, made.best) != (sweep.message, sweep.properties.get(BEST)) and made.end is None:
            self._table.note(sweep.name, message, made.best)
        if made.end is not None:
            self._end(sweep, known, made)

    def _end(self, sweep: Job, known: _Known, made: Plan) -> None:
        self._table.note(sweep.name, None, made.best)
        if made.end is Reason.TRIALS_ENDED and any(output.name for output in known.spec.outputs.values()):
            self._table.finalize(sweep.name)
            self._finalize(sweep, known, made.best)
            return
        reason = made.end if made.end is not Reason.USER_CANCELED else self._jobs.get(sweep.name).reason or made.end
        assert reason is not None
        self._over(sweep.name, reason, ended(known.spec, known.trials, reason, self._table.metric_names))

    def _over(self, name: str, reason: Reason, message: str | None) -> None:
        self._table.end(name, reason, message)
        self._paths.job(name).environment.unlink(missing_ok=True)  # it may hold secrets
        log.info("%s: %s", name, reason)

    def _finalize(self, sweep: Job, known: _Known, best: str | None) -> None:
        """Register the best trial's outputs in the worker, once at a time."""
        if sweep.name in self._finalizing:
            return
        self._finalizing.add(sweep.name)

        def work() -> None:
            try:
                self._over(sweep.name, *self._registered(known.spec, best))
            except StoreError as error:  # the next look of the loop tries again
                log.warning("%s: %s; trying again", sweep.name, error.message)
                self._finalizing.discard(sweep.name)
                return
            self._finalizing.discard(sweep.name)
            self._wake()

        self._worker.submit(work)

    def _registered(self, spec: SweepJob, best: str | None) -> tuple[Reason, str | None]:
        try:
            if best is not None and self._jobs.get(best).status is Status.COMPLETED:
                self._register(self._jobs.get(best), spec)
        except StoreError:
            raise
        except Exception as error:
            log.exception("%s: its outputs could not be registered", best)
            return Reason.FINALIZE_FAILED, _told(error)
        return Reason.TRIALS_ENDED, None

    def _submit(self, row: SweepRow, spec: SweepJob, number: int, draw: Draw) -> None:
        sweep, job = row.job, trial_job(spec, draw)
        name = trial_name(sweep.name, number)
        new = NewJob(
            name=name,
            type="command",
            experiment_name=sweep.experiment_name,
            display_name=name,
            document=document_of(job),
            snapshot=row.snapshot,
            created_by=sweep.created_by,
            parent_job_name=sweep.name,
            tags=job.tags,
            properties=trial_properties(sweep, draw, parameters(spec.search_space, draw)),
            compute=row.compute,
            needs=row.needs,
        )
        self._jobs.insert(new, before_commit=lambda: self._hand_down_environment(sweep.name, name))

    def _hand_down_environment(self, sweep: str, trial: str) -> None:
        """A trial has the environment that its sweep was submitted with, and its secrets."""
        mine, its = self._paths.job(sweep), self._paths.job(trial)
        with explained(its.exec):
            its.exec.mkdir(parents=True, exist_ok=True)
            for source, target in ((mine.environment, its.environment), (mine.secrets, its.secrets)):
                target.unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # there may be no secrets
                    os.link(source, target)

    def _refreshed(self, row: SweepRow) -> _Known:
        known = self._known.get(row.job.name)
        if known is None:
            spec = sweep_of(row.job.document)
            known = self._known[row.job.name] = _Known(row.job.document, spec, sampler_of(spec, row.job.name))
        elif known.document != row.job.document:  # its limits were changed
            known.document, known.spec = row.job.document, sweep_of(row.job.document)
        for trial in self._table.trials(row.job.name, after=known.last_row, those=known.open):
            self._learn(known, trial)
        known.spec = replace(known.spec, properties=row.job.properties)
        return known

    def _learn(self, known: _Known, row: TrialRow) -> None:
        """What has changed of a trial."""
        number = known.open.get(row.id)
        if number is None:
            number = len(known.trials)
            goal = known.spec.objective.goal
            known.trials.append(TrialState(number, row.name, row.draw, Status.QUEUED, (), goal))
            known.last_row = row.id
        metric = known.spec.objective.primary_metric
        reports: tuple[float, ...] = ()
        cursor = known.cursors.get(number, 0)
        if row.status is not Status.QUEUED:
            cursor, reports = self._table.reports(row.name, metric, after=cursor)
        before = known.trials[number]
        if reports or row.status is not before.status:
            known.trials[number] = replace(before, status=row.status, reports=(*before.reports, *reports))
            known.cursors[number] = cursor
        if row.status.is_terminal:
            known.open.pop(row.id, None)
        else:
            known.open[row.id] = number


def _told(error: Exception) -> str:
    return error.message if isinstance(error, AmlError) else f"{type(error).__name__}: {error}"


def _is_over_time(sweep: Job, known: _Known) -> bool:
    if known.spec.limits.timeout is None or sweep.started_at is None:
        return False
    if known.began is None:
        known.began = time.monotonic() - max(0.0, (datetime.now(UTC) - sweep.started_at).total_seconds())
    return time.monotonic() - known.began >= known.spec.limits.timeout
