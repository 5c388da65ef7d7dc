"""What a schema can't say about a spec: bindings, paths, names, and keys that exclude each other.

A rule sees the document as it is, also where the schema has found faults: it looks only at parts of the right shape.
A kind's rules are in a module of their own, which is loaded when one of its specs is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import shell

Rule = Callable[[Document], Iterator[Problem]]

MOST = 100
_MODULES: Mapping[str, str] = {
    "command": "commands",
    "command-component": "components",
    "parallel-component": "components",
    "spark-component": "components",
    "pipeline": "pipelines",
    "pipeline-component": "pipelines",
    "spark": "sparks",
    "automl": "automl",
    "sweep": "sweeps",
    "model": "assets",
    "data": "assets",
    "environment": "assets",
    "amlcompute": "computes",
    "azure_blob": "datastores",
    "azure_file": "datastores",
    "azure_data_lake_gen1": "datastores",
    "azure_data_lake_gen2": "datastores",
    "one_lake": "datastores",
    "online-endpoint": "endpoints",
    "online-deployment": "deployments",
    "schedule": "schedules",
    "computeinstance": "computes",
    "virtualmachine": "computes",
    "kubernetes": "computes",
    "synapsespark": "computes",
    "batch-endpoint": "batch",
    "batch-deployment": "batch",
    "workspace": "workspaces",
    "registry": "workspaces",
    "data-import": "assets",
}
"""Kind -> the module here whose RULES has it."""


def check(document: Document, kind: str) -> list[Problem]:
    """The first faults and doubts, up to MOST of each rule, that the rules of `kind` find."""
    rules = _rules_of(kind)
    if shell.from_flags(document):
        rules = (*rules, shell.values)
    return [problem for rule in rules for problem in islice(rule(document), MOST)]


def _rules_of(kind: str) -> tuple[Rule, ...]:
    if kind not in _MODULES:
        return ()
    rules: tuple[Rule, ...] = import_module(f"{__name__}.{_MODULES[kind]}").RULES[kind]
    return rules
