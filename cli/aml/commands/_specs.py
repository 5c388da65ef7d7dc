"""From a file and flags to a spec, with its warnings said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aml.commands._app import globals_
from aml.errors import Misfit, SpecError, UsageError
from aml.spec.document import Document
from aml.spec.files import read
from aml.spec.kinds import kind_of
from aml.spec.load import loads
from aml.spec.model import AmlCompute, CommandJob, ComputeInstance, ComputeSpec, Data, Environment, Model
from aml.spec.overrides import apply, complete
from aml.spec.parse import parse, problems
from aml.view.messages import say_problems


def job_spec(file: Path, sets: Sequence[str], **flags: str | None) -> CommandJob:
    """The job of a file, completed by `--set` and flags before any check. Raises `SpecError` with all problems."""
    document = read(file, sets, flags)
    spec = parse(document)
    assert isinstance(spec, CommandJob)
    _say_warnings(document, "command")
    return spec


@contextmanager
def at_its_line(file: Path, sets: Sequence[str], **flags: str | None) -> Iterator[None]:
    """Tell of a `Misfit` as of a problem of the file, with the line of the key that asks for too much."""
    try:
        yield
    except Misfit as error:
        document = read(file, sets, flags)
        message = f"{error.message[0].upper()}{error.message[1:]}."
        problem = document.problem("too-much", message, error.pointer, hint=error.hint)
        raise SpecError(document.file, [problem], document.text) from error


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


def compute_spec(file: Path | None, sets: Sequence[str], **flags: object) -> ComputeSpec:
    """The compute of a file, of flags, or of both."""
    return _compute(read(file, sets, flags))


def changed_compute(document: Mapping[str, Any], sets: Sequence[str], **flags: object) -> ComputeSpec:
    """A compute that there is, with flags over it."""
    text = json.dumps(dict(document))  # JSON is YAML
    return _compute(complete(apply(loads(text, str(document["name"]), Path.cwd()), sets), **flags))


def _compute(document: Document) -> ComputeSpec:
    kind = kind_of(document) if "type" in document.data or "$schema" in document.data else "amlcompute"
    spec = parse(document, kind)
    if not isinstance(spec, AmlCompute | ComputeInstance):
        raise UsageError(f"{document.file}: a spec of the kind {kind} is no compute")
    _say_warnings(document, kind)
    return spec


def _say_warnings(document: Document, kind: str) -> None:
    warnings = tuple(problem for problem in problems(document, kind) if problem.severity == "warning")
    if warnings and not globals_().only_show_errors:
        say_problems(document.file, warnings)
