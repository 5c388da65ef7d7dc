"""Samplers: what the trial with a number gets.

A draw depends on the seed, the number and, for bayesian, on what the trials before it are and have reached: a sweep
that another engine takes over goes on as if nothing had happened.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aml.spec.sweep import Sampling, SweepJob
from aml.workspace.embedded.engine.sweeps import sobol
from aml.workspace.embedded.engine.sweeps.space import Draw, Space, at_point, base_of, combination, dimensions, size


@dataclass(frozen=True)
class Observed:
    """A trial as a sampler sees it."""

    draw: Draw
    value: float | None = None  # the best of the primary metric, if it is over and has one
    is_over: bool = False


class Sampler(Protocol):
    def draw(self, number: int, history: Sequence[Observed]) -> Draw | None:
        """The draw of a trial; None when the space has no more.

        `history` has the trials 0 to number - 1; only bayesian looks at it.
        """


def sampler_of(sweep: SweepJob, seed: str) -> Sampler:
    """The sampler of a sweep. `seed` counts where the spec gives none."""
    given = sweep.sampling_algorithm
    seed = seed if given.seed is None else str(given.seed)
    if given.type == "grid":
        return Grid(sweep.search_space)
    if given.type == "bayesian":
        from aml.workspace.embedded.engine.sweeps.bayesian import Bayesian

        return Bayesian(sweep.search_space, sweep.objective.goal, seed)
    return Random(sweep.search_space, given, seed)


def most(sweep: SweepJob) -> int:
    """How many trials there can be: a grid may have fewer combinations than the limit."""
    combinations = size(sweep.search_space) if sweep.sampling_algorithm.type == "grid" else None
    total = sweep.limits.max_total_trials
    return total if combinations is None else min(total, combinations)


@dataclass(frozen=True)
class Grid:
    """All combinations, the last parameter changes fastest."""

    space: Space

    def draw(self, number: int, history: Sequence[Observed]) -> Draw | None:  # noqa: ARG002
        combinations = size(self.space)
        return combination(self.space, number) if combinations is not None and number < combinations else None


@dataclass(frozen=True)
class Random:
    """Independent draws, or a Sobol sequence. With a space of a few combinations some come again.

    Dimensions beyond those that Sobol's table has get independent draws.
    """

    space: Space
    sampling: Sampling
    seed: str

    def draw(self, number: int, history: Sequence[Observed]) -> Draw:  # noqa: ARG002
        chance = random.Random(f"{self.seed}/{number}")  # noqa: S311
        point = {path: chance.random() for path, _ in dimensions(self.space)}
        if self.sampling.rule == "sobol":
            shifts = random.Random(self.seed)  # noqa: S311
            for dimension, path in enumerate(list(point)[: sobol.DIMENSIONS]):
                point[path] = sobol.coordinate(number, dimension, shifts.getrandbits(sobol.BITS))
        return at_point(self.space, point, base_of(self.sampling.logbase))
