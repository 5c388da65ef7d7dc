"""The search space: its dimensions, what a draw of it gives, and its combinations.

A dimension is one distribution, named by its path: `lr`, and `model/1/depth` for what the second value of the choice
`model` brings. Bounds of the log distributions are logarithms, as Azure ML's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any, assert_never

from aml.spec.binding import literal_text
from aml.spec.sweep import Choice, Distribution, Normal, Randint, Uniform

Space = Mapping[str, Distribution]
Draw = Mapping[str, Any]
"""Path of a dimension -> its value, for a choice the index. Dimensions of values that were not chosen may be in it."""

Parameters = Mapping[str, Any]
"""Parameter -> its value: a scalar, or the mapping that a choice of further parameters gave."""

_OPEN = 1e-12  # a normal distribution has no value at 0 and at 1


def dimensions(space: Space, prefix: str = "") -> Iterator[tuple[str, Distribution]]:
    """Every distribution with its path, nested ones too, in the order of the spec."""
    for name, distribution in space.items():
        path = f"{prefix}{name}"
        yield path, distribution
        if isinstance(distribution, Choice):
            for index, value in enumerate(distribution.values):
                yield from dimensions(distributions_of(value), f"{path}/{index}/")


def parameters(space: Space, draw: Draw, prefix: str = "") -> dict[str, Any]:
    """What the trial of a draw gets."""
    return {name: _value(distribution, draw, f"{prefix}{name}") for name, distribution in space.items()}


def at_point(space: Space, unit: Mapping[str, float], logbase: float = math.e) -> Draw:
    """The draw at a point of the unit cube, a number in [0, 1) for each dimension."""
    return {path: _scaled(distribution, unit[path], logbase) for path, distribution in dimensions(space)}


def active(space: Space, draw: Draw, prefix: str = "") -> dict[str, Any]:
    """The dimensions that count: without those of values that were not chosen."""
    found: dict[str, Any] = {}
    for name, distribution in space.items():
        path = f"{prefix}{name}"
        found[path] = draw[path]
        if isinstance(distribution, Choice):
            found |= active(distributions_of(distribution.values[draw[path]]), draw, f"{path}/{draw[path]}/")
    return found


def size(space: Space) -> int | None:
    """How many combinations there are; None where a distribution is not finite."""
    counts = [_count(distribution) for distribution in space.values()]
    return None if None in counts else math.prod(count for count in counts if count is not None)


def combination(space: Space, number: int, prefix: str = "") -> dict[str, Any]:
    """The draw of the combination with this number; the last parameter changes fastest."""
    found: dict[str, Any] = {}
    for name in reversed(list(space)):
        count = _count(space[name])
        assert count is not None
        number, position = divmod(number, count)
        found |= _nth(space[name], position, f"{prefix}{name}")
    return found


def distributions_of(value: Any) -> dict[str, Distribution]:
    """Those that a value of a choice brings."""
    items = value.items() if isinstance(value, Mapping) else ()
    return {name: item for name, item in items if isinstance(item, (Choice, Randint, Uniform, Normal))}


def text(value: Any) -> str:
    """A value as it stands in a command: a mapping as JSON."""
    return json.dumps(value) if isinstance(value, Mapping) else literal_text(value)


def nested(values: Parameters) -> Iterator[tuple[str, Any]]:
    """Parameters that chosen mappings brought, with the names that they have there."""
    for value in values.values():
        if isinstance(value, Mapping):
            yield from value.items()
            yield from nested(value)


def quantized(value: float, q: float) -> float | int:
    """round(value / q) * q, without the dust of binary fractions; whole where q is."""
    steps = round(value / q)
    return steps * q if isinstance(q, int) else float(f"{steps * q:.12g}")


def base_of(logbase: float | str | None) -> float:
    return math.e if logbase in (None, "e") else float(logbase)


def _value(distribution: Distribution, draw: Draw, path: str) -> Any:
    if not isinstance(distribution, Choice):
        return draw[path]
    value = distribution.values[draw[path]]
    if not isinstance(value, Mapping):
        return value
    drawn = parameters(distributions_of(value), draw, f"{path}/{draw[path]}/")
    return {name: drawn.get(name, item) for name, item in value.items()}


def _scaled(distribution: Distribution, unit: float, logbase: float) -> Any:
    match distribution:
        case Choice():
            return int(unit * len(distribution.values))
        case Randint():
            return int(unit * distribution.upper)
        case Uniform():
            value = distribution.min_value + unit * (distribution.max_value - distribution.min_value)
        case Normal():
            value = NormalDist(distribution.mu, distribution.sigma).inv_cdf(min(max(unit, _OPEN), 1 - _OPEN))
        case _:
            assert_never(distribution)
    if "log" in distribution.type:
        value = logbase**value
    return value if distribution.q is None else quantized(value, distribution.q)


def _count(distribution: Distribution) -> int | None:
    if isinstance(distribution, Randint):
        return distribution.upper
    if not isinstance(distribution, Choice):
        return None
    counts = [size(distributions_of(value)) for value in distribution.values]
    return None if None in counts else sum(count for count in counts if count is not None)


def _nth(distribution: Distribution, position: int, path: str) -> dict[str, Any]:
    if not isinstance(distribution, Choice):
        return {path: position}
    for index, value in enumerate(distribution.values):
        inner = distributions_of(value)
        count = size(inner) or 0
        if position < count:
            return {path: index, **combination(inner, position, f"{path}/{index}/")}
        position -= count
    raise IndexError(position)
