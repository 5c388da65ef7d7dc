"""The rules of computes."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.model import AmlCompute
from aml.spec.rules import triggers

_NODES = {"min_instances": AmlCompute.min_instances, "max_instances": AmlCompute.max_instances}


def nodes(document: Document) -> Iterator[Problem]:
    """As many nodes at the least as at the most, or fewer."""
    least, most = (str(document.data.get(key, default)) for key, default in _NODES.items())
    if least.isdecimal() and most.isdecimal() and int(least) > int(most):
        message = f"`min_instances` is {least}, more than `max_instances`, which is {most}{_default(document)}."
        yield document.problem("out-of-range", message, ("min_instances",))


def _default(document: Document) -> str:
    return "" if "max_instances" in document.data else " when left out"


def schedules(document: Document) -> Iterator[Problem]:
    """The triggers by which an instance starts and stops."""
    listed = document.value("schedules", "compute_start_stop")
    for index in range(len(listed) if isinstance(listed, list) else 0):
        yield from triggers.trigger(document.part("schedules", "compute_start_stop", index, "trigger"))


RULES = {"amlcompute": (nodes,), "computeinstance": (schedules,)}
