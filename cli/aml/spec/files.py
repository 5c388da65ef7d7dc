"""Files to specs in one call: what the library's users and the commands read specs with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from aml.errors import Problem, SpecError
from aml.spec.document import Document
from aml.spec.load import load, loads
from aml.spec.model import CommandJob, Model
from aml.spec.overrides import apply, complete
from aml.spec.parse import parse, problems

PathLike = str | os.PathLike[str]


def load_job(file: PathLike, *sets: str, **flags: str | None) -> CommandJob:
    """The command job in a file, completed by `a.b=value` texts and by top-level keys.

    Raises `SpecError` with every problem.
    """
    spec = parse(read(Path(file), sets, flags), "command")
    assert isinstance(spec, CommandJob)
    return spec


def load_model(file: PathLike, *sets: str, **flags: object) -> Model:
    """The model in a file, as `load_job`."""
    spec = parse(read(Path(file), sets, flags), "model")
    assert isinstance(spec, Model)
    return spec


def validate(file: PathLike) -> Sequence[Problem]:
    """Everything that is wrong or doubtful in a spec file of any kind, errors first; nothing for a good one."""
    try:
        return problems(load(Path(file)))
    except SpecError as error:  # it could not even be read as YAML
        return error.problems


def read(file: Path | None, sets: Sequence[str], flags: dict[str, object] | dict[str, str | None]) -> Document:
    """A document with `--set` and flags over it; without a file it is made of them alone."""
    document = loads("{}", "flags", Path.cwd()) if file is None else load(file)
    return complete(apply(document, sets), **flags)
