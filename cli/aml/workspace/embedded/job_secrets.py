"""Secrets among a job's environment variables: values in a file of the job that its owner alone can read.

The store has a placeholder in their place, and so has all that shows a job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from aml.errors import Misfit
from aml.spec.model import CommandJob
from aml.workspace.embedded.paths import JobPaths
from aml.workspace.redaction import REDACTED, redacted


def apart(spec: CommandJob, declared: Collection[str]) -> tuple[CommandJob, dict[str, str]]:
    """The spec as it may be told, and the values that it lacks then."""
    given = spec.environment_variables
    told = redacted(given, declared)
    secret = {name: value for name, value in given.items() if told[name] != value}
    return replace(spec, environment_variables=told), secret


def together(spec: CommandJob, known: Mapping[str, str]) -> CommandJob:
    """The spec with known values where it has a placeholder. `Misfit` for one that is not known."""
    given = {
        name: known.get(name, value) if value == REDACTED else value
        for name, value in spec.environment_variables.items()
    }
    for name, value in given.items():
        if value == REDACTED:
            raise Misfit(
                f"the value of {name} is {REDACTED}, which stands for a secret that is not told",
                f"Give it: --set environment_variables.{name}=VALUE.",
                ("environment_variables", name),
            )
    return replace(spec, environment_variables=given)


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
