"""What a check of several files found: one value, for every way to tell of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from aml.errors import Problem

Target = Literal["azure", "local"]
"""Where a spec is to run: in Azure, or in the embedded workspace."""


@dataclass(frozen=True)
class FileReport:
    """One file; its problems are in the order to tell them."""

    file: str  # as the user named it, or as it was found in a folder
    problems: tuple[Problem, ...]
    text: str = ""  # for excerpts; empty where the file can't be read

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def valid(self) -> bool:
        return not self.errors

    def strict(self) -> FileReport:
        """The same file where a warning is an error."""
        return replace(self, problems=tuple(replace(problem, severity="error") for problem in self.problems))


@dataclass(frozen=True)
class Report:
    files: tuple[FileReport, ...]
    skipped: tuple[str, ...] = ()  # YAML files of folders that are not Azure ML's
    several: bool = False  # whether more was asked for than one file, however many there were

    @property
    def valid(self) -> bool:
        return all(file.valid for file in self.files)
