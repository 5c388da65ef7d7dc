"""Verbs of `aml job` that look at a file and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aml.commands._jobs import ExperimentName, Mode, in_mode
from aml.commands._options import File, OptionalName, Sets
from aml.commands._output import emit
from aml.commands._workspace import workspace_in_use

if TYPE_CHECKING:
    from aml.spec.model import CommandJob


def validate(file: File, set_: Sets = None) -> int:
    """Check a job's YAML file without running it: exit code 0 if it is valid, else 1."""
    from aml.commands.validate import check_files

    return check_files([file], set_ or [])


def plan(
    file: File,
    name: OptionalName = None,
    experiment_name: ExperimentName = None,
    set_: Sets = None,
    environment_mode: Mode = None,
) -> None:
    """Show what `job create` would run, and change nothing."""
    from aml.commands._specs import job_spec

    show_plan(in_mode(job_spec(file, set_ or [], name=name, experiment_name=experiment_name), environment_mode))


def show_plan(spec: CommandJob) -> None:
    from aml.view import plans

    made = workspace_in_use().plan(spec)
    emit(plans.document(made), card=lambda color: plans.card(made, color=color))
