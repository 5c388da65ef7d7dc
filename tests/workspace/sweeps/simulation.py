"""A sweep without processes: trials are functions that report; a clock that counts reports moves the planner on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aml.spec.sweep import Objective, SweepJob, SweepLimits, Trial
from aml.workspace.embedded.engine.sweeps.planner import Plan, State, TrialState, plan
from aml.workspace.embedded.engine.sweeps.samplers import sampler_of
from aml.workspace.embedded.engine.sweeps.space import parameters
from aml.workspace.records import Status

Reports = Callable[[int, dict[str, Any]], Sequence[float]]


def sweep(search_space, *, total: int = 8, goal: str = "maximize", concurrent: int | None = None, **fields) -> SweepJob:
    return SweepJob(
        trial=Trial("true", "azureml:local@latest"),
        search_space=search_space,
        objective=Objective(goal, "accuracy"),
        limits=SweepLimits(total, concurrent),
        **fields,
    )


@dataclass
class Simulation:
    """`workers` trials run at once, each makes a report a tick."""

    spec: SweepJob
    reports: Reports
    workers: int = 4
    seed: str = "s"
    restart_each: int | None = None  # the sampler is made anew after so many ticks
    trials: list[TrialState] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def run(self) -> Plan:
        sampler, tick = sampler_of(self.spec, self.seed), 0
        while True:
            if self.restart_each and tick % self.restart_each == 0:
                sampler = sampler_of(self.spec, self.seed)
            made = plan(State(self.spec, tuple(self.trials)), sampler)
            if made.end is not None:
                return made
            self.apply(made)
            self.advance()
            tick += 1

    def apply(self, made: Plan) -> None:
        for number, draw in made.draws:
            self.trials.append(TrialState(number, f"s_{number}", draw, Status.QUEUED, (), self.spec.objective.goal))
        for stop in made.stops:
            self.why[stop.name] = stop.why
            self.put(int(stop.name.removeprefix("s_")), status=Status.CANCELED)

    def advance(self) -> None:
        running = [trial for trial in self.trials if trial.status is Status.RUNNING]
        free = self.workers - len(running)
        waiting = [trial for trial in self.trials if trial.status is Status.QUEUED][:free]
        for trial in [*running, *waiting]:
            whole = tuple(self.reports(trial.number, parameters(self.spec.search_space, trial.draw)))
            seen = whole[: len(trial.reports) + 1]
            self.put(trial.number, status=Status.COMPLETED if len(seen) == len(whole) else Status.RUNNING, reports=seen)

    def put(self, number: int, **changes) -> None:
        self.trials[number] = replace(self.trials[number], **changes)

    @property
    def drawn(self) -> list[dict[str, Any]]:
        return [parameters(self.spec.search_space, trial.draw) for trial in self.trials]
