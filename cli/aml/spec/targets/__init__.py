"""What is right by the language, and still not for one place where a spec could run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.kinds import kind_of
from aml.spec.parse import in_order, problems
from aml.spec.report import Target


@dataclass(frozen=True)
class FolderSize:
    """What an upload of a code folder would take, without what its ignore file leaves out."""

    files: int
    size_bytes: int


Measure = Callable[[Path], FolderSize]


def judge(document: Document, target: Target, measure: Measure) -> list[Problem]:
    """Everything that is wrong or doubtful, with what is so at the target alone."""
    return in_order([*problems(document), *misfits(document, target, measure)])


def misfits(document: Document, target: Target, measure: Measure) -> Sequence[Problem]:
    """What Azure's service would refuse or take otherwise, or what the embedded workspace can't run."""
    if not isinstance(document.data, dict):
        return []
    if target == "azure":
        from aml.spec.targets import azure

        return azure.check(document, kind_of(document), measure)
    from aml.spec.targets import local

    return local.check(document, kind_of(document))
