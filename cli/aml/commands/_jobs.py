"""What the verbs of `aml job` share: the workspace, and a job on stdout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from aml.commands._output import emit
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import Workspace
from aml.workspace.records import ENVIRONMENT_MODE, EnvironmentMode, Job

if TYPE_CHECKING:
    from aml.spec.model import CommandJob
    from aml.spec.sweep import SweepJob

ExperimentName = Annotated[
    str | None, typer.Option("--experiment-name", metavar="NAME", help="Experiment, over the one it has.")
]
Stream = Annotated[bool, typer.Option("--stream", "-s", help="Show the log until the job is over.")]
CancelOnInterrupt = Annotated[bool, typer.Option("--cancel-on-interrupt", help="Ctrl-C also cancels the job.")]

Mode = Annotated[
    EnvironmentMode | None,
    typer.Option(
        "--environment-mode",
        case_sensitive=False,
        metavar="MODE",
        help="What the job runs in: current (the Python that aml is installed in), venv, conda, docker or podman.",
    ),
]


Spec = TypeVar("Spec", "CommandJob", "SweepJob", "CommandJob | SweepJob")


def in_mode(spec: Spec, mode: EnvironmentMode | None) -> Spec:
    """The spec with the mode that a flag asks for; None was not given."""
    return spec if mode is None else replace(spec, properties={**spec.properties, ENVIRONMENT_MODE: mode.value})


def emit_job(workspace: Workspace, job: Job) -> None:
    def card(color: bool) -> str:
        if job.type == "sweep":
            return sweep_card(workspace, job, color=color)
        return cards.job(job, workspace.metrics.latest(job.name), workspace.models.made_by(job.name), color=color)

    emit(entities.job(job), card=card)


def sweep_card(workspace: Workspace, job: Job, *, color: bool) -> str:
    from aml.view import sweeps

    sweep = workspace.sweeps.get(job.name)
    best = None if sweep.best is None else sweep.best.name
    metrics = [] if best is None else workspace.metrics.latest(best)
    models = [] if best is None else workspace.models.made_by(best)
    return sweeps.card(sweep, metrics, models, color=color)


def open_web(job: Job, asked: bool) -> None:
    url = entities.web_url(job) if asked else None
    if url is None:
        return
    from aml.view.browser import open_page

    if not open_page(url):
        say(f"Web View: {url}")
