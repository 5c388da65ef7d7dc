"""Which step needs which: cycles among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aml.errors import Pointer, Problem
from aml.spec.document import Document, Place


@dataclass(frozen=True)
class Edge:
    """A step reads what another one makes."""

    consumer: str
    producer: str
    document: Document  # the consumer's
    pointer: Pointer
    place: Place


def cycles(edges: list[Edge], order: Mapping[str, int]) -> Iterator[Problem]:
    """One problem for each cycle, at a step that reads what only a later one in the file makes."""
    needs: dict[str, list[Edge]] = {}
    for edge in edges:
        needs.setdefault(edge.consumer, []).append(edge)
    for edge in edges:
        if order[edge.producer] > order[edge.consumer]:
            path = _path(needs, edge.producer, edge.consumer)
            if path:
                yield _problem(edge, [edge.consumer, *path])


def _path(needs: Mapping[str, list[Edge]], start: str, end: str) -> list[str] | None:
    """The steps from `start` to `end`, each of which needs the next; None where `start` does not need `end`."""
    before: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        step = waiting.pop(0)
        if step == end:
            path = [step]
            while (previous := before[path[0]]) is not None:
                path.insert(0, previous)
            return path
        for edge in needs.get(step, ()):
            if edge.producer not in before:
                before[edge.producer] = step
                waiting.append(edge.producer)
    return None


def _problem(edge: Edge, path: list[str]) -> Problem:
    message = f"The steps need each other: {' needs '.join(path)}."
    hint = "Take one of the bindings away: steps run in the order of what they read of each other."
    return edge.document.problem("cycle", message, edge.pointer, hint=hint, place=edge.place)
