"""All texts of a document with their places, for rules that hold wherever a text stands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from aml.errors import Pointer
from aml.spec.document import Document, Node

MOST_TEXTS = 5_000


def texts(document: Document) -> Iterator[tuple[Pointer, str]]:
    """The first MOST_TEXTS texts, in the order of the document."""
    yield from islice(_texts((), document.root), MOST_TEXTS)


def _texts(pointer: Pointer, node: Node) -> Iterator[tuple[Pointer, str]]:
    if isinstance(node.data, str):
        yield pointer, node.data
    for key, (_, child) in node.children.items():
        yield from _texts((*pointer, key if isinstance(key, int) else str(key)), child)
