"""A report for people, for programs, and for GitHub's log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aml.errors import Problem
from aml.spec.report import FileReport, Report
from aml.view.problems import count, problems_text

_MOST_NAMES = 5


def text(report: Report, *, color: bool = False, excerpt: bool = False) -> str:
    """Each file with its problems, and how many there are of what where it is not one file."""
    lines = [line for file in report.files for line in _file(file, color, excerpt)]
    if len(report.files) != 1:
        lines.append(_summary(report))
    return "".join(f"{line}\n" for line in lines)


def documents(report: Report) -> Any:
    """What `--format json` prints: a mapping for one file, a list of them where several were asked for."""
    found = [_document(file) for file in report.files]
    return found if report.several or len(found) != 1 else found[0]


def github(report: Report) -> str:
    """Workflow commands, which GitHub shows at the line of the file that they tell of."""
    return "".join(f"{_command(file.file, problem)}\n" for file in report.files for problem in file.problems)


def skipped(report: Report) -> str | None:
    """Which files of folders were left alone, as far as a reader wants to know."""
    names = report.skipped
    if not names:
        return None
    shown = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" * (len(names) > _MOST_NAMES))
    return f"not Azure ML's, so not checked: {shown}"


def _file(file: FileReport, color: bool, excerpt: bool) -> Iterator[str]:
    if file.problems:
        yield problems_text(file.file, file.problems, file.text, color=color, excerpt=excerpt)
    if file.valid:
        yield f"{file.file}: valid"


def _summary(report: Report) -> str:
    problems = tuple(problem for file in report.files for problem in file.problems)
    nothing = "all valid" if report.files else "nothing to check"
    return f"{len(report.files)} files: {count(problems) or nothing}"


def _document(file: FileReport) -> dict[str, Any]:
    return {
        "file": file.file,
        "valid": file.valid,
        "errors": [_entry(problem) for problem in file.errors],
        "warnings": [_entry(problem) for problem in file.warnings],
    }


def _entry(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "code": problem.code,
        "hint": problem.hint,
    }


def _command(file: str, problem: Problem) -> str:
    """Source of the form and of its escapes: GitHub's workflow commands for `error` and `warning`."""
    place = {"file": file.replace(os.sep, "/"), "line": problem.line, "col": problem.column, "title": problem.code}
    properties = ",".join(
        f"{key}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}" for key, value in place.items()
    )
    message = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return f"::{problem.severity} {properties}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
