"""From a file and flags to a spec, with its warnings said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aml.commands._app import globals_
from aml.spec.document import Document
from aml.spec.files import read
from aml.spec.model import CommandJob, Data, Environment, Model
from aml.spec.parse import parse, problems
from aml.view.messages import say_problems


def job_spec(file: Path, sets: Sequence[str], **flags: str | None) -> CommandJob:
    """The job of a file, completed by `--set` and flags before any check. Raises `SpecError` with all problems."""
    document = read(file, sets, flags)
    spec = parse(document)
    assert isinstance(spec, CommandJob)
    _say_warnings(document, "command")
    return spec


def model_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Model:
    """The model of a file, of flags, or of both."""
    document = read(file, sets, flags)
    spec = parse(document, "model")
    assert isinstance(spec, Model)
    _say_warnings(document, "model")
    return spec


def data_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Data:
    document = read(file, sets, flags)
    spec = parse(document, "data")
    assert isinstance(spec, Data)
    _say_warnings(document, "data")
    return spec


def environment_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Environment:
    document = read(file, sets, flags)
    spec = parse(document, "environment")
    assert isinstance(spec, Environment)
    _say_warnings(document, "environment")
    return spec


def _say_warnings(document: Document, kind: str) -> None:
    warnings = tuple(problem for problem in problems(document, kind) if problem.severity == "warning")
    if warnings and not globals_().only_show_errors:
        say_problems(document.file, warnings)
