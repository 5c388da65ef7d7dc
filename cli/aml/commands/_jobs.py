"""What the verbs of `aml job` share: the workspace, and a job on stdout."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands._output import emit
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import Workspace
from aml.workspace.records import Job

ExperimentName = Annotated[
    str | None, typer.Option("--experiment-name", metavar="NAME", help="Experiment, over the one it has.")
]
Stream = Annotated[bool, typer.Option("--stream", "-s", help="Show the log until the job is over.")]
CancelOnInterrupt = Annotated[bool, typer.Option("--cancel-on-interrupt", help="Ctrl-C also cancels the job.")]


def emit_job(workspace: Workspace, job: Job) -> None:
    def card(color: bool) -> str:
        return cards.job(job, workspace.metrics.latest(job.name), workspace.models.made_by(job.name), color=color)

    emit(entities.job(job), card=card)


def open_web(job: Job, asked: bool) -> None:
    url = entities.web_url(job) if asked else None
    if url is None:
        return
    from aml.view.browser import open_page

    if not open_page(url):
        say(f"Web View: {url}")
