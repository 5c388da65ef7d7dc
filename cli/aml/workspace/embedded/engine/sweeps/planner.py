"""The plan of a sweep: from what there is to what comes next. It has no clock, no process and no store.

The best trial is the Completed one with the best value that it ever reported, the first of equal ones; as long as no
trial is Completed, that of any trial counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aml.spec.sweep import SweepJob
from aml.workspace.embedded.engine.sweeps.policies import Curve, Goal, Stop, stops
from aml.workspace.embedded.engine.sweeps.samplers import Observed, Sampler, most
from aml.workspace.embedded.engine.sweeps.space import Draw
from aml.workspace.records import Reason, Status

AHEAD = 8
"""So many trials wait for their turn, that a free place has its next one at once; jobs of others come in between."""
MAX_FAILED = "aml.max_failed_trials"
"""The property that ends a sweep when more trials have failed."""

_GOING = frozenset({Status.PREPARING, Status.RUNNING})


@dataclass(frozen=True)
class TrialState:
    """A trial as the planner sees it."""

    number: int
    name: str
    draw: Draw
    status: Status
    reports: tuple[float, ...] = ()  # of the primary metric
    goal: Goal = "maximize"

    @cached_property
    def curve(self) -> Curve:
        return Curve(self.name, self.reports, self.goal)

    @property
    def score(self) -> float:
        """The best report, the greater the better; -inf without one."""
        return self.curve.best[-1] if self.reports else -math.inf

    @property
    def value(self) -> float | None:
        """The best report that is a number."""
        if self.score == -math.inf:
            return None
        return self.score if self.goal == "maximize" else -self.score


@dataclass(frozen=True)
class State:
    """A sweep at one moment. Trials are in the order of their numbers, without gaps."""

    spec: SweepJob
    trials: Sequence[TrialState]
    canceling: bool = False  # it was canceled, or has had its time


@dataclass(frozen=True)
class Plan:
    """What to do now."""

    draws: tuple[tuple[int, Draw], ...] = ()  # trials to submit: number and draw
    stops: tuple[Stop, ...] = ()  # by the policy
    cancel: tuple[str, ...] = ()  # trials that end with the sweep
    end: Reason | None = None  # the sweep is over
    best: str | None = None  # name of the best trial so far


def plan(state: State, sampler: Sampler) -> Plan:
    best = best_of(state.trials)
    name = None if best is None else best.name
    unfinished = [trial for trial in state.trials if not trial.status.is_terminal]
    if state.canceling or too_many_failed(state):
        open_ = tuple(trial.name for trial in unfinished if trial.status is not Status.CANCEL_REQUESTED)
        return Plan(cancel=open_, best=name, end=None if unfinished else _end(state, canceled=state.canceling))
    draws = _draws(state, unfinished, sampler)
    if not draws and not unfinished:
        return Plan(best=name, end=_end(state, canceled=False))
    return Plan(draws=draws, stops=_stops(state, unfinished), best=name)


def best_of(trials: Sequence[TrialState]) -> TrialState | None:
    with_value = [trial for trial in trials if trial.value is not None]
    completed = [trial for trial in with_value if trial.status is Status.COMPLETED]
    return max(completed or with_value, key=lambda trial: trial.score, default=None)


def too_many_failed(state: State) -> bool:
    limit = state.spec.properties.get(MAX_FAILED)
    failed = sum(trial.status is Status.FAILED for trial in state.trials)
    return limit is not None and failed > int(limit)


def _draws(state: State, unfinished: Sequence[TrialState], sampler: Sampler) -> tuple[tuple[int, Draw], ...]:
    """Trials to submit: as many as may be there at once, few of them ahead of their turn.

    Bayesian sampling learns from what has ended, so one alone waits.
    """
    limits = state.spec.limits
    waiting = sum(trial.status is Status.QUEUED for trial in unfinished)
    learns = state.spec.sampling_algorithm.type == "bayesian"
    ahead = 1 if learns else AHEAD
    room = min((limits.max_concurrent_trials or limits.max_total_trials) - len(unfinished), ahead - waiting)
    history = [_observed(trial) for trial in state.trials] if learns and room > 0 else []
    found: list[tuple[int, Draw]] = []
    for number in range(len(state.trials), min(len(state.trials) + room, most(state.spec))):
        draw = sampler.draw(number, history)
        if draw is None:
            break
        found.append((number, draw))
        history.append(Observed(draw))
    return tuple(found)


def _stops(state: State, unfinished: Sequence[TrialState]) -> tuple[Stop, ...]:
    policy = state.spec.early_termination
    if policy is None:
        return ()
    going = [trial.curve for trial in unfinished if trial.status in _GOING]
    return tuple(stops(policy, state.spec.objective, [trial.curve for trial in state.trials], going))


def _observed(trial: TrialState) -> Observed:
    return Observed(trial.draw, trial.value if trial.status.is_terminal else None, trial.status.is_terminal)


def _end(state: State, *, canceled: bool) -> Reason:
    if canceled:
        return Reason.USER_CANCELED
    if too_many_failed(state):
        return Reason.TRIALS_FAILED
    return Reason.TRIALS_ENDED if best_of(state.trials) is not None else Reason.NO_BEST_TRIAL
