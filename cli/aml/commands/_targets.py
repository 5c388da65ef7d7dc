"""What specs are measured with for a target."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from aml.spec.check import Judge
from aml.spec.report import Target
from aml.spec.targets import FolderSize, judge
from aml.workspace.embedded.files.snapshot import listing


def judge_for(target: Target) -> Judge:
    return partial(judge, target=target, measure=measure)


def measure(folder: Path) -> FolderSize:
    """As a job's snapshot of it would be."""
    found = listing(folder)
    return FolderSize(len(found.files), found.size_bytes)
