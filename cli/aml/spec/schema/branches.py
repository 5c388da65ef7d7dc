"""Which branch of an `anyOf` a mapping was meant for: the key `type` or `task` says it, else its keys do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from aml.spec.document import Key, Node
from aml.spec.schema.files import Schema
from aml.spec.schema.types import texts
from aml.spec.wording import allowed, article, did_you_mean

TELLERS = ("type", "task")
"""The keys that say which branch is meant."""

MOST = 100  # of the keys of a mapping: more are never looked at


def is_foreign(branches: Sequence[Schema], node: Node) -> bool:
    """Whether a mapping has keys, and none that a branch has, or that was meant for one."""
    if not isinstance(node.data, dict) or not node.data or not all("properties" in branch for branch in branches):
        return False
    known = {key for branch in branches for key in branch["properties"]}
    return known.isdisjoint(node.data) and not any(did_you_mean(str(key), known) for key in islice(node.data, MOST))


def told(branch: Schema, teller: str) -> list[str]:
    """The values that a branch allows for a key that tells branches apart."""
    return texts(branch.get("properties", {}).get(teller, {}).get("enum", ()))


def names_told(branches: Sequence[Schema], teller: str) -> list[str]:
    """The values of all branches, if there are several branches and each of them has some."""
    if len(branches) < 2 or not all(told(branch, teller) for branch in branches):
        return []
    return list(dict.fromkeys(name for branch in branches for name in told(branch, teller)))


def is_exact(branch: Schema, teller: str) -> bool:
    return "x-exact" in branch["properties"][teller]


def misspelled(branches: Sequence[Schema], node: Node, teller: str) -> Key:
    """The key that is there in place of `teller`, None where there is none."""
    keys = {key for branch in branches for key in branch.get("properties", {})}
    unknown = (key for key in node.data if key not in keys)
    return next((key for key in islice(unknown, MOST) if did_you_mean(str(key), keys) == teller), None)


def teller_hint(meant: Schema, teller: str, names: Sequence[str]) -> str:
    """Which value the other keys speak for, if they do."""
    speaks = len(meant["required"]) > 1 and teller == "type"
    return (
        f"Its keys are those of {article(meant['title'])}: type: {told(meant, teller)[0]}."
        if speaks
        else allowed(names)
    )


def most_like(branches: Sequence[Schema], node: Node) -> Schema:
    """The branch that a mapping was meant for: one that it fits, else by its keys, misspelled ones too."""
    known = [branch for branch in branches if _has_right_keys(branch, node)]
    return max(known or branches, key=lambda branch: _likeness(branch, node))


def _has_right_keys(branch: Schema, node: Node) -> bool:
    known, others = branch.get("properties", {}), branch.get("additionalProperties", True)
    given = node.data.keys() if isinstance(node.data, dict) else ()
    return all(key in given for key in branch.get("required", ())) and (others is not False or given <= known.keys())


def _likeness(branch: Schema, node: Node) -> tuple[int, int, bool]:
    """How much a mapping looks like a branch: few keys that it lacks, many of those that it needs."""
    keys = branch.get("properties", {})
    unknown = [key for key in node.data if key not in keys]
    wrong = sum(did_you_mean(str(key), keys) is None for key in islice(unknown, MOST))
    there = sum(key in node.data for key in branch.get("required", ()))
    return -len(unknown) - wrong, there, "type" not in branch.get("required", ())
