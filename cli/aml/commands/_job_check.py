"""Verbs of `aml job` that look at a file and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aml.commands._jobs import ExperimentName, Mode, in_mode
from aml.commands._options import File, OptionalName, Sets, Strict
from aml.commands._output import emit
from aml.commands._validate import validate_verb
from aml.commands._workspace import workspace_in_use

if TYPE_CHECKING:
    from aml.spec.model import CommandJob
    from aml.spec.sweep import SweepJob


validate = validate_verb("command", "sweep", "pipeline", "spark", "automl", "parallel")


def plan(
    file: File,
    name: OptionalName = None,
    experiment_name: ExperimentName = None,
    set_: Sets = None,
    environment_mode: Mode = None,
    strict: Strict = False,
) -> None:
    """Show what `job create` would run, and change nothing."""
    from aml.commands._specs import job_spec

    flags = {"name": name, "experiment_name": experiment_name}
    spec = in_mode(job_spec(file, set_ or [], strict=strict, **flags), environment_mode)
    show_plan(spec, azure_notes(file, set_ or [], flags))


def azure_notes(file: Path, sets: Sequence[str], flags: dict[str, str | None]) -> tuple[str, ...]:
    """What Azure would refuse of a job, or do otherwise."""
    from aml.commands._targets import measure
    from aml.spec.files import read
    from aml.spec.targets import misfits

    found = misfits(read(file, sets, flags), "azure", measure)
    return tuple(f"in Azure: {problem.message} {problem.hint or ''}".rstrip() for problem in found)


def show_plan(spec: CommandJob | SweepJob, notes: Sequence[str] = ()) -> None:
    from dataclasses import replace

    from aml.view import plans

    made = workspace_in_use().plan(spec)
    made = replace(made, notes=(*made.notes, *notes))
    emit(plans.document(made), card=lambda color: plans.card(made, color=color))
