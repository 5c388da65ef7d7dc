"""Bayesian sampling by Optuna's tree-structured Parzen estimator, by ask and tell.

The study has the trials in the order of their numbers, those that run among them, and each draw has a seed of its own:
the same history gives the same draw, whoever asks.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from aml.spec.sweep import Choice, Distribution, Randint, Sampling, Uniform
from aml.workspace.embedded.engine.sweeps.policies import Goal
from aml.workspace.embedded.engine.sweeps.samplers import Observed, Random
from aml.workspace.embedded.engine.sweeps.space import (
    Draw,
    Space,
    active,
    dimensions,
    distributions_of,
    quantized,
)

START = 10
"""So many trials come before the estimator: points of a Sobol sequence, which lie evener than random ones."""

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Bayesian:
    """Keeps the study of the history that it was last asked with; it is made again from any history."""

    def __init__(self, space: Space, goal: Goal, seed: str) -> None:
        self._space = space
        self._seed = seed
        self._start = Random(space, Sampling(rule="sobol"), seed)
        self._all = dict(dimensions(space))
        self._study = optuna.create_study(direction=goal)
        self._trials = 0
        self._ended: set[int] = set()

    def draw(self, number: int, history: Sequence[Observed]) -> Draw:
        for position, observed in enumerate(history):
            if position not in self._ended:
                self._learn(position, observed)
        if number < START:
            return active(self._space, self._start.draw(number, ()))
        seed = zlib.crc32(f"{self._seed}/{number}".encode())
        # Trials that run count as poor ones, so that those beside them look elsewhere.
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=START, constant_liar=True)
        trial = self._study.ask()
        self._trials += 1
        return _suggested(trial, self._space)

    def _learn(self, position: int, observed: Observed) -> None:
        """Have the study know a trial, and how it ended if it has."""
        if position >= self._trials:
            self._study.add_trial(self._running(observed.draw))
            self._trials += 1
        if observed.is_over:
            state = TrialState.FAIL if observed.value is None else TrialState.COMPLETE
            self._study.tell(position, observed.value, state=state)
            self._ended.add(position)

    def _running(self, draw: Draw) -> optuna.trial.FrozenTrial:
        known = {path: _distribution(self._all[path]) for path in draw}
        values = {path: _internal(self._all[path], value) for path, value in draw.items()}
        return optuna.create_trial(state=TrialState.RUNNING, params=values, distributions=known)


def _suggested(trial: optuna.Trial, space: Space, prefix: str = "") -> dict[str, Any]:
    """A value for each dimension that counts: what a choice did not take has none."""
    found: dict[str, Any] = {}
    for name, distribution in space.items():
        path = f"{prefix}{name}"
        found[path] = value = _external(distribution, _asked(trial, path, _distribution(distribution)))
        if isinstance(distribution, Choice):
            found |= _suggested(trial, distributions_of(distribution.values[value]), f"{path}/{value}/")
    return found


def _asked(trial: optuna.Trial, path: str, known: BaseDistribution) -> Any:
    match known:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(path, choices)
        case IntDistribution(low=low, high=high):
            return trial.suggest_int(path, low, high)
        case FloatDistribution(low=low, high=high):
            return trial.suggest_float(path, low, high)
    raise AssertionError(known)


def _distribution(distribution: Distribution) -> BaseDistribution:
    match distribution:
        case Choice(values=values):
            return CategoricalDistribution(range(len(values)))
        case Randint(upper=upper):
            return IntDistribution(0, upper - 1)
        case Uniform(min_value=low, max_value=high, q=q) if q is not None:
            return IntDistribution(round(low / q), round(high / q))  # the multiple
        case Uniform(min_value=low, max_value=high):
            return FloatDistribution(low, high)
    raise AssertionError(distribution)  # the rules of the spec let no other one through


def _external(distribution: Distribution, value: Any) -> Any:
    if isinstance(distribution, Uniform) and distribution.q is not None:
        return quantized(value * distribution.q, distribution.q)
    return value


def _internal(distribution: Distribution, value: Any) -> Any:
    return round(value / distribution.q) if isinstance(distribution, Uniform) and distribution.q is not None else value
