"""Sobol points: a sequence that fills the unit cube evenly, and may be stopped and extended at any place.

Direction numbers: Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections" (2008).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

BITS = 32
DIMENSIONS = 64
"""So many dimensions have direction numbers here."""


def coordinate(index: int, dimension: int, shift: int) -> float:
    """One coordinate, in (0, 1), of the point with this index.

    `shift`, BITS random bits, moves the points of the dimension so that evenness stays (a digital shift).
    """
    gray, value = index ^ (index >> 1), shift
    for bit, direction in enumerate(_directions(dimension)):
        if gray >> bit & 1:
            value ^= direction
    return (value + 0.5) / (1 << BITS)


@cache
def _directions(dimension: int) -> tuple[int, ...]:
    polynomial, initial = _table()[dimension]
    degree = polynomial.bit_length() - 1
    if degree == 0:
        return tuple(1 << (BITS - 1 - bit) for bit in range(BITS))
    numbers = [value << (BITS - 1 - bit) for bit, value in enumerate(initial)]
    for bit in range(degree, BITS):
        value = numbers[bit - degree] ^ (numbers[bit - degree] >> degree)
        for back in range(1, degree):
            if polynomial >> (degree - back) & 1:
                value ^= numbers[bit - back]
        numbers.append(value)
    return tuple(numbers)


@cache
def _table() -> list[tuple[int, tuple[int, ...]]]:
    """Primitive polynomial as bits, and the first direction numbers, by dimension."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(int(row["polynomial"]), tuple(map(int, row["initial"].split()))) for row in rows]
