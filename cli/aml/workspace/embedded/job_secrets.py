"""Secrets among a job's environment variables: values in a file of the job that its owner alone can read.

The store has a placeholder in their place, and so has all that shows a job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from aml.errors import Misfit
from aml.spec.binding import references
from aml.spec.model import CommandJob
from aml.spec.sweep import SweepJob
from aml.workspace.embedded.paths import JobPaths
from aml.workspace.redaction import REDACTED, redacted

J = TypeVar("J", bound=CommandJob | SweepJob)


def apart(spec: J, declared: Collection[str]) -> tuple[J, dict[str, str]]:
    """The spec as it may be told, and the values that it lacks then. A binding is no secret: what it stands for is."""
    given = _variables(spec)
    told = {**redacted(given, declared), **{name: value for name, value in given.items() if references(value)}}
    secret = {name: value for name, value in given.items() if told[name] != value}
    return _with_variables(spec, told), secret


def together(spec: J, known: Mapping[str, str]) -> J:
    """The spec with known values where it has a placeholder. `Misfit` for one that is not known."""
    variables = _variables(spec)
    given = {name: known.get(name, value) if value == REDACTED else value for name, value in variables.items()}
    for name, value in given.items():
        if value == REDACTED:
            trial = ("trial",) if isinstance(spec, SweepJob) else ()
            pointer = (*trial, "environment_variables", name)
            raise Misfit(
                f"the value of {name} is {REDACTED}, which stands for a secret that is not told",
                f"Give it: --set {'.'.join(pointer)}=VALUE.",
                pointer,
            )
    return _with_variables(spec, given)


def known(document: Mapping[str, Any], paths: JobPaths) -> dict[str, str]:
    """All variables of a job, of a sweep those of its trials, with the values that are not told."""
    variables = document.get("trial", document).get("environment_variables", {})
    return {**variables, **kept(paths)}


def kept(paths: JobPaths) -> dict[str, str]:
    """The secrets of a job; there may be none."""
    try:
        values: dict[str, str] = json.loads(paths.secrets.read_text())
    except FileNotFoundError:
        return {}
    return values


def write_private(path: Path, values: Mapping[str, str]) -> None:
    """A file that its owner alone can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(dict(values), handle)


def _variables(spec: CommandJob | SweepJob) -> Mapping[str, str]:
    return spec.trial.environment_variables if isinstance(spec, SweepJob) else spec.environment_variables


def _with_variables(spec: J, variables: Mapping[str, str]) -> J:
    if isinstance(spec, SweepJob):
        return replace(spec, trial=replace(spec.trial, environment_variables=variables))
    return replace(spec, environment_variables=variables)
