"""Which step needs which: cycles among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aml.errors import Problem

_SHOWN = 8  # steps of a cycle: more do not help


@dataclass(frozen=True)
class Edge:
    """A step reads what another one makes."""

    consumer: str
    producer: str
    tell: Callable[[str, str, str], Problem]  # code, message and hint to a problem at the binding


def cycles(edges: Sequence[Edge], order: Mapping[str, int]) -> Iterator[Problem]:
    """One problem for each cycle, at a step that reads what only a later one in the file makes."""
    needs: dict[str, list[str]] = {}
    for edge in edges:
        needs.setdefault(edge.consumer, []).append(edge.producer)
    knot = _knots(needs)
    for edge in edges:
        if order[edge.producer] > order[edge.consumer] and knot[edge.producer] == knot[edge.consumer]:
            path = [edge.consumer, *_path(needs, edge.producer, edge.consumer)]
            path = path if len(path) <= _SHOWN else [*path[: _SHOWN - 2], "...", path[-1]]
            hint = "Take one of the bindings away: steps run in the order of what they read of each other."
            yield edge.tell("cycle", f"The steps need each other: {' needs '.join(path)}.", hint)


def _knots(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The number of the knot that a step is in: steps of one knot all need each other. Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    knot: dict[str, int] = {}
    stack: list[str] = []
    for start in needs:
        waiting = [(start, iter(needs.get(start, ())))] if start not in index else []
        while waiting:
            step, others = waiting[-1]
            if step not in index:
                index[step] = low[step] = len(index)
                stack.append(step)
            other = next((other for other in others if other not in knot), None)
            if other is None:
                waiting.pop()
                if waiting:
                    low[waiting[-1][0]] = min(low[waiting[-1][0]], low[step])
                while low[step] == index[step] and step not in knot:
                    knot[stack.pop()] = index[step]
            elif other in index:
                low[step] = min(low[step], index[other])
            else:
                waiting.append((other, iter(needs.get(other, ()))))
    return knot


def _path(needs: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """The steps from `start` to `end`, each of which needs the next; there is such a path."""
    before: dict[str, str] = {}
    waiting = deque([start])
    while end not in before and start != end:
        step = waiting.popleft()
        for other in needs.get(step, ()):
            if other not in before and other != start:
                before[other] = step
                waiting.append(other)
    path = [end]
    while path[0] != start:
        path.insert(0, before[path[0]])
    return path
