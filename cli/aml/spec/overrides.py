"""What the command line puts over a file, before anything is checked: `--set a.b=1`, and flags such as `--name`.

Paths are pydash's, as in Azure ML's CLI: `a.b`, `a[0].b`; a dot that belongs to a key is written `\\.`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aml.errors import AmlError, UsageError
from aml.spec.compose import Refused, compose
from aml.spec.document import Child, Document, Key, Node, Place

_STEP = re.compile(r"\[(\d+)\]|((?:\\.|[^.\[\]\\])+)|(\.)")
_MAX_INDEX = 10_000
_FLOW_HINT = "Close its brackets, or put quotes of its own around it if it is a text."


def apply(document: Document, sets: Sequence[str]) -> Document:
    """The document with every `path=value` of `sets` put in; a value is YAML, so `[1, 2]` is a list and '' is ''."""
    for assignment in sets:
        path, equals, value = assignment.partition("=")
        if not equals or not path.strip():
            hint = "Write it as --set key=value, for example --set inputs.lr=0.1."
            raise UsageError(f"--set {assignment}: there is no key=value in it.", hint)
        flag = f"--set {path.strip()}"
        document = _put(document, steps(path.strip(), flag), _value(value, flag), flag)
    return document


def complete(document: Document, **flags: Any) -> Document:
    """The document with the top-level keys that flags give; a flag that is None was not given."""
    for name, value in flags.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            document = _put(document, [name], _node(value, flag), flag)
    return document


def document_from(data: Mapping[str, Any], name: str) -> Document:
    """A document that was in no file; `name` is what messages call it, paths are relative to the current folder."""
    return Document(name, Path.cwd(), _node(data, None))


def steps(path: str, flag: str) -> list[Key]:
    """The keys and indexes of a path; `flag` is what messages call it."""
    found: list[Key] = []
    position, after_dot = 0, True
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or (match[2] is None) == after_dot or (match[1] and int(match[1]) > _MAX_INDEX):
            hint = r"Write it as a.b, or a[0].b for a list; a dot in a key is written \."
            raise UsageError(f"{flag}: the path can't be read at '{path[position:]}'.", hint)
        if match[1]:
            found.append(int(match[1]))
        elif match[2]:
            found.append(re.sub(r"\\(.)", r"\1", match[2]))
        after_dot = match[3] is not None
        position = match.end()
    if after_dot:
        raise UsageError(f"{flag}: the path ends in a dot.")
    return found


def _value(text: str, flag: str) -> Node:
    """The YAML scalar or flow value in `text`. What is neither is the text itself, `a: b` and `x # y` too."""
    import yaml

    as_text = _node(text, flag)
    flow = text.lstrip().startswith(("[", "{"))
    try:
        node = compose(text).root
    except Refused as error:
        if flow:
            raise UsageError(f"{flag}: {error.problem.message}", error.problem.hint) from None
        return as_text
    except yaml.YAMLError:
        if flow:
            raise UsageError(f"{flag}: '{text}' is no YAML list or mapping.", _FLOW_HINT) from None
        return as_text
    plain = isinstance(node.data, str) and not text.lstrip().startswith(('"', "'"))
    return as_text if plain or (node.children and not flow) else _from(node, flag)


def _from(node: Node, flag: str) -> Node:
    children = {key: Child(place, _from(child, flag)) for key, (place, child) in node.children.items()}
    return node._replace(children=children, origin=flag)


def _node(value: Any, flag: str | None) -> Node:
    nowhere = Place(1, 1)
    items: dict[Key, Any] = {}
    if isinstance(value, dict):
        items = value
    elif isinstance(value, (list, tuple)):
        value = list(value)
        items = dict(enumerate(value))
    children = {key: Child(nowhere, _node(item, flag)) for key, item in items.items()}
    return Node(value, nowhere, nowhere, children, value if isinstance(value, str) else None, flag)


def _put(document: Document, steps: Sequence[Key], value: Node, flag: str) -> Document:
    root = document.root
    return dataclasses.replace(document, root=_replaced(root, steps, value, flag, root.start))


def _replaced(node: Node, steps: Sequence[Key], value: Node, flag: str, place: Place) -> Node:
    """`node` with `value` at `steps`; what is new stands where its nearest parent in the file does."""
    if not steps:
        return value._replace(start=place, end=place)
    key, *rest = steps
    if isinstance(node.data, list) and isinstance(key, str) and key.isdigit():
        key = int(key)
    children = dict(_layer(node, key, flag))
    if isinstance(key, int) and not isinstance(node.data, dict):
        for missing in range(len(children), key):
            children[missing] = Child(place, _node(None, flag))
    there = children.get(key)
    old = there or Child(place, Node(None, place, place, {}, None, flag))
    children[key] = Child(old.place, _replaced(old.node, rest, value, flag, old.place))
    as_list = isinstance(node.data, list) or (node.data is None and isinstance(key, int))
    items = [children[i].node.data for i in range(len(children))] if as_list else None
    data = items if items is not None else {name: child.node.data for name, child in children.items()}
    return node._replace(data=data, children=children)


def _layer(node: Node, key: Key, flag: str) -> dict[Key, Child]:
    """The children of a layer that `key` can be put into."""
    if isinstance(node.data, str):
        raise AmlError(
            f"Cannot use '--set' on properties defined by reference strings: {flag}",
            f"'{node.data}' is a text here, not a mapping. Set the whole of it, or write it out in the file.",
        )
    if isinstance(node.data, list) and not isinstance(key, int):
        raise UsageError(f"{flag}: '{key}' is below a list; its items are [0], [1], ...")
    if node.data is not None and not isinstance(node.data, (list, dict)):
        raise UsageError(f"{flag}: '{key}' is below {node.data!r}, which is not a mapping.")
    return dict(node.children)
