"""Keys that a rule misses, which the schema can't call for."""

from __future__ import annotations

from aml.spec.document import Document
from aml.spec.schema.files import schema_of
from aml.spec.wording import did_you_mean


def lacks(document: Document, kind: str, *pointer: str) -> bool:
    """Whether a spec of `kind` misses the key at `pointer`, and does not just misspell it: that is told already."""
    *holder, key = pointer
    known = schema_of(kind)
    for step in holder:
        known = known["properties"][step]
    branches = known.get("anyOf", [known])
    keys = {name for branch in branches for name in branch.get("properties", ())}
    given = document.mapping(*holder)
    unknown = (name for name in given if name not in keys)
    return key not in given and not any(did_you_mean(str(name), [key]) for name in unknown)
