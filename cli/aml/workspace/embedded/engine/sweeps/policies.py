"""Early termination: which running trials a policy stops, and on which numbers.

Interval k of a trial is its k-th report of the primary metric. A policy looks at a trial at its last interval that is
a multiple of evaluation_interval and not before delay_evaluation. "Best" is the best value up to there, of the trial as
of all others that have come as far, stopped ones too; a trial with fewer reports is not compared with.

Where Azure's documents are silent:

- minimize is the mirror of maximize;
- slack_factor is a share of the best value's size and always leaves room on its worse side: the limit is
  best / (1 + s) where that is worse, else best * (1 + s); with a best of 0 it says nothing, and nothing is stopped;
- a report that is not a number is worse than any number;
- truncation stops floor(P % of the trials at k); with equal values at the limit, none of them;
- a limit that is met exactly stops nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Literal

from aml.spec.sweep import EarlyTermination, Objective

Goal = Literal["minimize", "maximize"]


class Curve:
    """What a trial has reported, in order, as scores: the greater the better."""

    def __init__(self, name: str, values: Sequence[float], goal: Goal) -> None:
        self.name = name
        sign = 1.0 if goal == "maximize" else -1.0
        self.scores = tuple(-math.inf if math.isnan(value) else sign * value for value in values)

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def best(self) -> tuple[float, ...]:
        """The best score up to each interval."""
        found, best = [], -math.inf
        for score in self.scores:
            best = max(best, score)
            found.append(best)
        return tuple(found)

    @cached_property
    def average(self) -> tuple[float, ...]:
        """The average score up to each interval."""
        found, total = [], 0.0
        for count, score in enumerate(self.scores, 1):
            total += score
            found.append(total / count)
        return tuple(found)


@dataclass(frozen=True)
class Stop:
    """A trial to stop, and why: a sentence with the rule and the numbers."""

    name: str
    why: str


def stops(
    policy: EarlyTermination | None, objective: Objective, curves: Sequence[Curve], running: Sequence[Curve]
) -> list[Stop]:
    """Those of `running` that the policy stops; `curves` has all trials, the running ones too."""
    if policy is None:
        return []
    found = []
    for curve in running:
        k = interval(policy, len(curve))
        why = None if k is None else _why(policy, objective, curve, k, [each for each in curves if len(each) >= k])
        if why is not None:
            found.append(Stop(curve.name, why))
    return found


def interval(policy: EarlyTermination, reports: int) -> int | None:
    """The interval at which a trial with so many reports is looked at."""
    k = reports - reports % policy.evaluation_interval
    return k if k > 0 and k >= policy.delay_evaluation else None


def _why(policy: EarlyTermination, objective: Objective, curve: Curve, k: int, others: Sequence[Curve]) -> str | None:
    match policy.type:
        case "bandit":
            return _bandit(policy, objective, curve, k, others)
        case "median_stopping":
            return _median(objective, curve, k, others)
        case "truncation_selection":
            return _truncation(policy.truncation_percentage or 0, objective, curve, k, others)


def _bandit(
    policy: EarlyTermination, objective: Objective, curve: Curve, k: int, others: Sequence[Curve]
) -> str | None:
    leader = max(others, key=lambda each: each.best[k - 1])
    best = leader.best[k - 1]
    limit = _limit(best, policy)
    if not curve.best[k - 1] < limit:
        return None
    amount = policy.slack_amount if policy.slack_factor is None else policy.slack_factor
    name = "slack_amount" if policy.slack_factor is None else "slack_factor"
    return (
        f"bandit: its best {objective.primary_metric} in {_reports(k)} is {_shown(curve.best[k - 1], objective)}, "
        f"{_worse(objective)} the limit {_shown(limit, objective)}, which {name} {amount:g} sets beside the "
        f"{_shown(best, objective)} of {leader.name}"
    )


def _limit(best: float, policy: EarlyTermination) -> float:
    if policy.slack_factor is None:
        return best - (policy.slack_amount or 0.0)
    ratio = 1 + policy.slack_factor
    return -math.inf if best == 0 else best / ratio if best > 0 else best * ratio


def _median(objective: Objective, curve: Curve, k: int, others: Sequence[Curve]) -> str | None:
    middle = median(each.average[k - 1] for each in others)
    if not curve.best[k - 1] < middle:
        return None
    return (
        f"median_stopping: its best {objective.primary_metric} in {_reports(k)} is "
        f"{_shown(curve.best[k - 1], objective)}, {_worse(objective)} {_shown(middle, objective)}, the median of the "
        f"averages of {len(others)} trials"
    )


def _truncation(percentage: int, objective: Objective, curve: Curve, k: int, others: Sequence[Curve]) -> str | None:
    count = len(others) * percentage // 100
    kept = sorted(each.scores[k - 1] for each in others)[count]
    if not curve.scores[k - 1] < kept:
        return None
    return (
        f"truncation_selection: its {objective.primary_metric} at report {k} is "
        f"{_shown(curve.scores[k - 1], objective)}, among the worst {count} of {len(others)} trials "
        f"({percentage} %); the next better one has {_shown(kept, objective)}"
    )


def _reports(k: int) -> str:
    return "1 report" if k == 1 else f"{k} reports"


def _worse(objective: Objective) -> str:
    return "below" if objective.goal == "maximize" else "above"


def _shown(score: float, objective: Objective) -> str:
    if score == -math.inf:
        return "not a number"
    return f"{score if objective.goal == 'maximize' else -score:.4g}"
