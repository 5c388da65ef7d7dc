"""A file as read: plain values, and for each of them the place where it stands.

Nodes are shared between an anchor and its aliases, so a document is as small as its file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from aml.errors import Pointer, Problem

Key = Any
"""A key of a mapping, or an index of a list. YAML allows any scalar; the checks want text."""


class Place(NamedTuple):
    """1-based, as editors count."""

    line: int
    column: int


class Node(NamedTuple):
    """One value with its extent in the text."""

    data: Any  # plain python
    start: Place
    end: Place
    children: Mapping[Key, Child]  # of a mapping or a list; {} for a scalar
    raw: str | None = None  # a scalar as written, without its quotes
    origin: str | None = None  # the flag that it came from; None: the file


class Child(NamedTuple):
    place: Place  # of the key; of the item in a list
    node: Node


@dataclass(frozen=True)
class Document:
    """One spec file, with what the command line put over it, or a part of one: a step, a trial."""

    file: str  # as the user named it
    folder: Path  # absolute; relative paths in the file are relative to it
    root: Node  # of the whole file
    text: str = ""
    findings: tuple[Problem, ...] = ()  # what the reader saw that is no syntax error: duplicate keys
    at: Pointer = ()  # of a part: where it stands in the file; all pointers given to it start there

    @property
    def data(self) -> Any:
        return self.value()

    def part(self, *pointer: str | int) -> Self:
        """What stands at `pointer`, to be read as a document of its own; its problems tell the place in this one."""
        return dataclasses.replace(self, at=(*self.at, *pointer))

    def node(self, pointer: Pointer) -> Node | None:
        """The node at `pointer`, None where there is none."""
        path = self._path(pointer)
        return path[-1].node if self._reaches(path, pointer) else None

    def value(self, *pointer: str | int) -> Any:
        """The value at `pointer`, None where there is none."""
        node = self.node(pointer)
        return None if node is None else node.data

    def mapping(self, *pointer: str | int) -> Mapping[Any, Any]:
        """The mapping at `pointer`, empty where there is none."""
        value = self.value(*pointer)
        return value if isinstance(value, dict) else {}

    def place(self, pointer: Pointer) -> Place:
        """Where to look for `pointer`: its value beside its key, else its key, else the key that should hold it."""
        path = self._path(pointer)
        place, node = path[-1]
        beside = (
            self._reaches(path, pointer) and not node.children and node.origin is None and node.start.line == place.line
        )
        return node.start if beside else place

    def key_place(self, pointer: Pointer) -> Place:
        return self._path(pointer)[-1].place

    def place_within(self, pointer: Pointer, needle: str, occurrence: int) -> Place:
        """Where the nth (from 0) `needle` of a text stands, also in a folded or literal block.

        A text whose escapes hide it gives the place of the text.
        """
        node = self.node(pointer)
        if node is not None and node.origin is None:
            lines = self.text.splitlines()
            for number in range(node.start.line, min(node.end.line, len(lines)) + 1):
                offset = node.start.column - 1 if number == node.start.line else 0
                while (offset := lines[number - 1].find(needle, offset)) >= 0:
                    if occurrence == 0:
                        return Place(number, offset + 1)
                    occurrence -= 1
                    offset += len(needle)
        return self.place(pointer)

    def problem(
        self,
        code: str,
        message: str,
        pointer: Pointer,
        *,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
        place: Place | None = None,
    ) -> Problem:
        """A finding at `pointer`; what a flag brought in is named, since the file doesn't show it."""
        line, column = place or self.place(pointer)
        origin = next((step.node.origin for step in reversed(self._path(pointer)) if step.node.origin), None)
        if origin:
            message = f"{message.removesuffix('.')} (from {origin})."
        return Problem(code, message, (*self.at, *pointer), line, column, hint, severity)

    def about_key(
        self,
        code: str,
        message: str,
        pointer: Pointer,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A finding about the key itself, not its value."""
        return self.problem(code, message, pointer, hint=hint, severity=severity, place=self.key_place(pointer))

    def _reaches(self, path: list[Child], pointer: Pointer) -> bool:
        return len(path) > len(self.at) + len(pointer)

    def _path(self, pointer: Pointer) -> list[Child]:
        """The steps to `pointer`, as far as they go; what is below a flag's value stands where that does."""
        path = [Child(self.root.start, self.root)]
        for key in (*self.at, *pointer):
            place, node = path[-1]
            child = node.children.get(key)
            if child is None:
                break
            path.append(child if node.origin is None else child._replace(place=place))
        return path
