"""How much each parameter of a sweep matters, from its trials alone.

The measure is epsilon squared: the share of the variation of the metric's ranks that goes with the parameter's value,
less what chance alone would show. Numbers are put into groups of equal size first, so that an optimum in the middle
counts too. It looks at one parameter at a time: what only two together explain is not seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

FEWEST = 8
"""With fewer trials nothing is said."""
_GROUPS = 4


def importance(trials: Sequence[tuple[Mapping[str, Any], float]]) -> dict[str, float]:
    """Parameter -> share from 0 to 1, the greatest first; for trials with their parameters and values."""
    if len(trials) < FEWEST:
        return {}
    ranks = _ranks([value for _, value in trials])
    names = list(dict.fromkeys(name for parameters, _ in trials for name in parameters))
    found = {name: _explained([parameters.get(name) for parameters, _ in trials], ranks) for name in names}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _explained(values: Sequence[Any], ranks: Sequence[float]) -> float:
    groups = defaultdict[Any, list[float]](list)
    for group, rank in zip(_grouped(values), ranks, strict=True):
        groups[group].append(rank)
    total = sum((rank - fmean(ranks)) ** 2 for rank in ranks)
    within = sum((rank - fmean(group)) ** 2 for group in groups.values() for rank in group)
    free = len(ranks) - len(groups)
    if len(groups) < 2 or free < 1 or total == 0:
        return 0.0
    by_chance = (len(groups) - 1) * within / free
    return max(0.0, (total - within - by_chance) / total)


def _grouped(values: Sequence[Any]) -> list[Any]:
    """The group of each value: the value itself if there are few, else its quarter."""
    if len({repr(value) for value in values}) <= _GROUPS + 1 or not all(_is_number(value) for value in values):
        return [repr(value) for value in values]
    return [int((rank - 0.5) * _GROUPS / len(values)) for rank in _ranks(values)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1 on; equal values share the mean of theirs."""
    order = sorted(values)
    first = {value: position for position, value in reversed(list(enumerate(order, 1)))}
    last = {value: position for position, value in enumerate(order, 1)}
    return [(first[value] + last[value]) / 2 for value in values]
