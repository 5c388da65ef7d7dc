"""From a file and flags to a spec, with its warnings said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from aml.commands._app import globals_
from aml.errors import AmlError, Misfit, SpecError, UsageError
from aml.spec.document import Document
from aml.spec.files import read
from aml.spec.kinds import component_kind_of, kind_of
from aml.spec.load import loads
from aml.spec.model import (
    AmlCompute,
    CommandJob,
    Component,
    ComputeInstance,
    ComputeSpec,
    Data,
    Datastore,
    Environment,
    Model,
    Spec,
)
from aml.spec.overrides import apply, complete
from aml.spec.parse import parse, problems
from aml.spec.pipeline import ParallelComponent, PipelineComponent
from aml.spec.stored.components import AnyComponent
from aml.spec.sweep import SweepJob
from aml.view.messages import say_problems

S = TypeVar("S", bound=Spec)
_MACHINES_ELSEWHERE = ("virtualmachine", "kubernetes", "synapsespark")


def job_spec(file: Path, sets: Sequence[str], *, strict: bool = False, **flags: str | None) -> CommandJob | SweepJob:
    """The job of a file, completed by `--set` and flags before any check. Raises `SpecError` with all problems.

    With `strict` a warning is a problem too.
    """
    document = read(file, sets, flags)
    if strict and (found := problems(document)):
        raise SpecError(document.file, [replace(problem, severity="error") for problem in found], document.text)
    kind = kind_of(document)
    if kind == "pipeline":
        parse(document, kind)
        hint = "`aml validate` checks it, with --target azure for what Azure ML would refuse."
        raise AmlError(f"{document.file} is a pipeline, which can't be run here yet", hint)
    return _spec(document, kind, SweepJob) if kind == "sweep" else _spec(document, kind, CommandJob)


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
    return _spec(read(file, sets, flags), "model", Model)


def data_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Data:
    return _spec(read(file, sets, flags), "data", Data)


def environment_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Environment:
    return _spec(read(file, sets, flags), "environment", Environment)


def component_spec(file: Path, sets: Sequence[str], **flags: object) -> AnyComponent:
    """The component of a file, which without `$schema` may look like a job."""
    document = read(file, sets, flags)
    kind = kind_of(document)
    kind = kind if kind.endswith("-component") else component_kind_of(document)
    wanted = {"parallel-component": ParallelComponent, "pipeline-component": PipelineComponent}.get(kind, Component)
    return cast("AnyComponent", _spec(document, kind, wanted))


def name_in(file: Path | None, sets: Sequence[str], kind: str, name: str | None) -> str:
    """The name of a workspace or registry: all of its file that this machine has a use for."""
    if file is None and not sets:
        if name is None:
            raise UsageError(f"a {kind} needs a name", "Give --name, or --file.")
        return name
    document = read(file, sets, {"name": name})
    found = problems(document, kind)
    if any(problem.severity == "error" for problem in found):
        raise SpecError(document.file, found, document.text)
    return str(document.value("name"))


def compute_spec(file: Path | None, sets: Sequence[str], **flags: object) -> ComputeSpec:
    """The compute of a file, of flags, or of both."""
    return _compute(read(file, sets, flags))


def datastore_spec(file: Path | None, sets: Sequence[str], **flags: object) -> Datastore:
    """The datastore of a file; without one all stands in `sets` and flags."""
    document = read(file, sets, flags)
    return _spec(document, kind_of(document), Datastore)


def changed_datastore(document: Mapping[str, Any], sets: Sequence[str]) -> Datastore:
    """A datastore that there is, with `--set` over it."""
    changed = _stored(document, sets)
    return _spec(changed, kind_of(changed), Datastore)


def changed_compute(document: Mapping[str, Any], sets: Sequence[str], **flags: object) -> ComputeSpec:
    """A compute that there is, with flags over it."""
    return _compute(complete(_stored(document, sets), **flags))


def _stored(document: Mapping[str, Any], sets: Sequence[str]) -> Document:
    """What a workspace holds, as if it stood in a file."""
    return apply(loads(json.dumps(dict(document)), str(document["name"]), Path.cwd()), sets)  # JSON is YAML


def _compute(document: Document) -> ComputeSpec:
    kind = kind_of(document) if "type" in document.data or "$schema" in document.data else "amlcompute"
    if kind in ("virtualmachine", "kubernetes", "synapsespark"):
        raise AmlError(
            f"a compute of the type {kind} can't be used here: jobs run on this machine",
            "An amlcompute stands for several nodes of it, a computeinstance for one.",
        )
    if kind == "computeinstance":
        return _spec(document, kind, ComputeInstance)
    return _spec(document, kind, AmlCompute)


def _spec(document: Document, kind: str, wanted: type[S]) -> S:
    """The spec of that kind, with its warnings said; refused if that is not what is wanted."""
    spec = parse(document, kind)
    if not isinstance(spec, wanted):
        raise UsageError(f"{document.file} is a spec of the kind {kind}, which this command does not take")
    _say_warnings(document, kind)
    return spec


def _say_warnings(document: Document, kind: str) -> None:
    warnings = tuple(problem for problem in problems(document, kind) if problem.severity == "warning")
    if warnings and not globals_().only_show_errors:
        say_problems(document.file, warnings)
