"""YAML events to nodes, with limits: what a hostile file can cost is decided here.

Scalars resolve as in PyYAML's SafeLoader (YAML 1.1), so `yes` is true and `1e-3` is text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aml.errors import Pointer, Problem
from aml.spec.document import Child, Key, Node, Place

MAX_DEPTH = 100
MAX_FINDINGS = 100
MAX_DIGITS = 400  # of a number: the time to convert it grows with the square
MAX_NODES = 10_000  # with each alias counted as often as it is used
MAX_TEXT = 128 * 1024  # characters of one value: Linux gives a program no longer argument, so no command is longer

_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset(_TAG + name for name in ("str", "null", "bool", "int", "float", "timestamp", "merge", "value"))
_MERGE = _TAG + "merge"


class Refused(Exception):
    """The file can't be read further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Composed(NamedTuple):
    root: Node
    findings: tuple[Problem, ...]


class _Anchor(NamedTuple):
    node: Node | None  # None while it is still open
    size: int


def compose(text: str) -> Composed:
    """The one document of `text`. Raises Refused, or yaml.YAMLError for a syntax error."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return _Composer(loader, yaml).document()
    finally:
        loader.dispose()


class _Composer:
    """One pass over the events of one text."""

    def __init__(self, loader: Any, yaml: Any) -> None:
        self.loader = loader
        self.yaml = yaml
        self.path: list[Key] = []
        self.key_places: list[Place] = []
        self.anchors: dict[str, _Anchor] = {}
        self.findings: list[Problem] = []
        self.size = 0

    def document(self) -> Composed:
        yaml, loader = self.yaml, self.loader
        loader.get_event()  # the stream's start
        if loader.check_event(yaml.StreamEndEvent):
            raise self.refused(
                "empty-file", "The file is empty.", Place(1, 1), "A spec is a mapping of keys and values."
            )
        loader.get_event()  # the document's start
        root = self.node()
        loader.get_event()  # the document's end
        if not loader.check_event(yaml.StreamEndEvent):
            self.path.clear()
            place = _place(loader.peek_event().start_mark)
            raise self.refused(
                "several-documents",
                "A second YAML document starts here.",
                place,
                "A spec file holds one document: put each into a file of its own.",
            )
        return Composed(root, tuple(self.findings))

    def node(self) -> Node:
        yaml = self.yaml
        event = self.loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        self.grow(1, event)
        before = self.size
        if event.anchor:
            self.anchors[event.anchor] = _Anchor(None, 0)
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event)
        else:
            node = self.mapping(event)
        if event.anchor:
            self.anchors[event.anchor] = _Anchor(node, self.size - before + 1)
        return node

    def alias(self, event: Any) -> Node:
        anchor = self.anchors.get(event.anchor)
        place = _place(event.start_mark)
        if anchor is None:
            hint = f"Define it before: `&{event.anchor}`. A text that starts with * needs quotes."
            raise self.refused("yaml-syntax", f"The alias *{event.anchor} has no anchor.", place, hint)
        if anchor.node is None:
            raise self.refused("recursive-alias", f"The alias *{event.anchor} contains itself.", place)
        self.grow(anchor.size, event)
        return anchor.node

    def scalar(self, event: Any) -> Node:
        start, end = _place(event.start_mark), _place(event.end_mark)
        if len(event.value) > MAX_TEXT:
            hint = "Put it into a file of the code, or into an input that is data."
            raise self.refused("too-long", f"A text here is longer than {MAX_TEXT // 1024} KiB.", start, hint)
        tag = self.tag(event, self.yaml.ScalarNode, event.value)
        if tag == _TAG + "str":
            return Node(event.value, start, end, {}, event.value)
        if tag not in _SCALARS:
            raise self.bad_tag(tag, start)
        return Node(self.converted(tag, event, start), start, end, {}, event.value)

    def converted(self, tag: str, event: Any, start: Place) -> Any:
        """A scalar as PyYAML converts it, save that its patterns let through what it can't convert: 2021-99-99, 0x_."""
        if tag == _MERGE:
            return event.value
        node = self.yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        message = f"'{event.value[:60]}' can't be read as a YAML {tag.removeprefix(_TAG)}."
        refused = self.refused("bad-value", message, start, "Put it in quotes if it is meant as text.")
        if len(event.value) > MAX_DIGITS:
            raise refused
        try:
            return self.loader.yaml_constructors[tag](self.loader, node)
        except (ValueError, ArithmeticError, LookupError, AttributeError):
            raise refused from None

    def sequence(self, event: Any) -> Node:
        self.check_tag(event, "seq")
        children: dict[Key, Child] = {}
        while not self.loader.check_event(self.yaml.SequenceEndEvent):
            place = _place(self.loader.peek_event().start_mark)
            children[len(children)] = Child(place, self.below(len(children), place))
        end = _place(self.loader.get_event().end_mark)
        data = [child.node.data for child in children.values()]
        return Node(data, _place(event.start_mark), end, children)

    def mapping(self, event: Any) -> Node:
        self.check_tag(event, "map")
        children: dict[Key, Child] = {}
        merged: dict[Key, Child] = {}
        while not self.loader.check_event(self.yaml.MappingEndEvent):
            merges = self.is_merge_key()
            key, place = self.key()
            if merges:
                merged = self.merge(place) | merged
                continue
            if key in children:
                self.duplicate(key, children[key].place, place)
            children[key] = Child(place, self.below(key, place))
        end = _place(self.loader.get_event().end_mark)
        children = children | {name: child for name, child in merged.items() if name not in children}
        data = {name: child.node.data for name, child in children.items()}
        return Node(data, _place(event.start_mark), end, children)

    def is_merge_key(self) -> bool:
        event = self.loader.peek_event()
        return isinstance(event, self.yaml.ScalarEvent) and event.value == "<<" and bool(event.implicit[0])

    def merge(self, place: Place) -> dict[Key, Child]:
        """The children that `<<: *anchor`, or `<<: [*one, *two]`, brings in; the first of a list wins."""
        value = self.below("<<", place)
        sources = [child.node for child in value.children.values()] if isinstance(value.data, list) else [value]
        if not all(isinstance(source.data, dict) for source in sources):
            raise self.refused("yaml-syntax", "`<<` merges mappings only.", place)
        merged: dict[Key, Child] = {}
        for source in reversed(sources):
            merged.update(source.children)
        return merged

    def key(self) -> tuple[Key, Place]:
        event = self.loader.peek_event()
        place = _place(event.start_mark)
        scalar = isinstance(event, (self.yaml.ScalarEvent, self.yaml.AliasEvent))
        key = self.node().data if scalar else None
        if not scalar or isinstance(key, (list, dict)):
            hint = "A text that starts with {, [ or ? needs quotes."
            raise self.refused("yaml-syntax", "A key must be plain text.", place, hint)
        return key, place

    def below(self, key: Key, place: Place) -> Node:
        self.path.append(key)
        self.key_places.append(place)
        if len(self.path) > MAX_DEPTH:
            raise self.refused("too-deep", f"The file is nested deeper than {MAX_DEPTH} levels.", place)
        node = self.node()
        self.path.pop()
        self.key_places.pop()
        return node

    def grow(self, size: int, event: Any) -> None:
        self.size += size
        if self.size > MAX_NODES:
            keys = next((i for i, key in enumerate(self.path) if isinstance(key, int)), len(self.path))
            place = self.key_places[keys - 1] if keys else _place(event.start_mark)
            self.path = self.path[:keys]
            hint = "An alias counts as often as it is used."
            raise self.refused("too-many-values", f"The file holds more than {MAX_NODES:,} values here.", place, hint)

    def duplicate(self, key: Key, first: Place, second: Place) -> None:
        if len(self.findings) == MAX_FINDINGS:
            return
        message = f"`{key}` is given twice; the first is on line {first.line}."
        hint = "Remove one: YAML would silently take the last."
        self.findings.append(Problem("duplicate-key", message, (*self.path, key), *second, hint))

    def tag(self, event: Any, kind: Any, value: Any) -> str:
        if event.tag is not None and event.tag != "!":
            return str(event.tag)
        return str(self.loader.resolve(kind, value, event.implicit))

    def check_tag(self, event: Any, name: str) -> None:
        if event.tag is not None and event.tag not in ("!", _TAG + name):
            raise self.bad_tag(event.tag, _place(event.start_mark))

    def bad_tag(self, tag: str, place: Place) -> Refused:
        shown = tag.replace(_TAG, "!!")[:60]
        hint = "A spec holds plain values: text, numbers, true, false, lists and mappings."
        return self.refused("tag-not-allowed", f"The YAML tag {shown} is not allowed.", place, hint)

    def refused(self, code: str, message: str, place: Place, hint: str | None = None) -> Refused:
        return Refused(Problem(code, message, _pointer_of(self.path), *place, hint))


def _pointer_of(path: list[Key]) -> Pointer:
    return tuple(key if isinstance(key, int) and not isinstance(key, bool) else str(key) for key in path)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)
