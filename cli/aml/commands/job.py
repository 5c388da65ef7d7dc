"""`aml job`: submit jobs and follow them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from aml.commands._app import globals_, note
from aml.commands._options import (
    ArchivedOnly,
    DownloadPath,
    File,
    IncludeArchived,
    Name,
    OptionalName,
    Sets,
    Web,
)
from aml.commands._output import emit, emit_list, is_for_people
from aml.errors import JobFailed
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import Workspace, open_workspace
from aml.workspace.records import Job, Status

app = typer.Typer()

CancelOnInterrupt = Annotated[bool, typer.Option("--cancel-on-interrupt", help="Ctrl-C also cancels the job.")]


@app.command()
def create(
    file: File,
    name: OptionalName = None,
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", metavar="NAME", help="Experiment, over the file's.")
    ] = None,
    set_: Sets = None,
    stream: Annotated[bool, typer.Option("--stream", "-s", help="Show the log until the job is over.")] = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
    web: Web = False,
) -> int:
    """Submit a job and return at once, or with --stream when it is over."""
    from aml.commands._specs import job_spec

    spec = job_spec(file, set_ or [], name=name, experiment_name=experiment_name)
    workspace = _workspace()
    for text in workspace.notes(spec):
        note(text)
    job = workspace.submit(spec)
    _open_web(job, web)
    if stream:
        return follow_and_show(workspace, job, cancel_on_interrupt=cancel_on_interrupt)
    return show_submitted(job)


@app.command()
def show(name: Name, web: Web = False) -> None:
    """Show a job."""
    workspace = _workspace()
    job = workspace.job(name)
    _open_web(job, web)
    _emit_job(workspace, job)


@app.command("list")
def list_(
    max_results: Annotated[int, typer.Option("--max-results", "-r", min=1, help="At most so many.")] = 50,
    all_results: Annotated[bool, typer.Option("--all-results", help="All there are.")] = False,
    parent_job_name: Annotated[
        str | None, typer.Option("--parent-job-name", "-p", metavar="NAME", help="Its children.")
    ] = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
) -> None:
    """List jobs, newest first."""
    archived = True if archived_only else None if include_archived else False
    jobs = _workspace().jobs(limit=None if all_results else max_results, parent=parent_job_name, archived=archived)
    emit_list([entities.job(job) for job in jobs], entities.JOB_COLUMNS, none="No jobs.")


@app.command()
def stream(name: Name, cancel_on_interrupt: CancelOnInterrupt = False) -> int:
    """Show the log of a job, from its beginning until the job is over."""
    workspace = _workspace()
    job = _follow(workspace, name, sys.stdout, cancel_on_interrupt=cancel_on_interrupt)
    if job.status is not Status.COMPLETED:
        raise _failure(job)
    return 0


@app.command()
def wait(
    name: Name,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Give up after this.")] = None,
) -> int:
    """Wait until a job is over: exit code 0 if it is Completed, else 1."""
    workspace = _workspace()
    job = workspace.wait(name, timeout_s=timeout)
    if not job.status.is_terminal:
        raise JobFailed(f"the job {job.name} is still {job.status} after {timeout:g} s", "It goes on.")
    return _show_ended(workspace, job)


@app.command()
def cancel(name: Name) -> None:
    """Cancel a job: its processes are asked to end, and killed 10 s later."""
    workspace = _workspace()
    job = workspace.cancel(name)
    _emit_job(workspace, job)


@app.command()
def download(
    name: Name,
    download_path: DownloadPath = Path(),
    output_name: Annotated[str | None, typer.Option("--output-name", metavar="NAME", help="One output alone.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Logs and all outputs.")] = False,
) -> None:
    """Download the logs and ./outputs of a job that is over to artifacts/, outputs to named-outputs/NAME/."""
    folder = _workspace().download_job(name, download_path, output=output_name, everything=all_)
    say(f"Downloaded to {folder.absolute()}")


@app.command()
def metrics(
    name: Name,
    key: Annotated[str | None, typer.Option("--key", "-k", metavar="METRIC", help="All points of one metric.")] = None,
) -> None:
    """Show the last value of every metric that a job logged, or all points of one."""
    workspace = _workspace()
    points = workspace.latest_metrics(name) if key is None else workspace.metric_history(name, key)
    columns = {"Metric": "key", "Value": "value", "Step": "step"}
    emit_list([entities.metric(point) for point in points], columns, none="No metrics were logged.")


def show_submitted(job: Job) -> int:
    """The result of a command that has submitted a job and does not wait for it."""
    emit(entities.job(job), card=lambda color: cards.job(job, color=color))
    return 0


def follow_and_show(workspace: Workspace, job: Job, *, cancel_on_interrupt: bool = False) -> int:
    """Show the log of a job until it is over, then the job; the exit code."""
    # The document is the data of this command, so a pipe gets that alone; people get all of it in one place.
    log_to = sys.stdout if is_for_people() else sys.stderr
    ended = _follow(workspace, job.name, log_to, cancel_on_interrupt=cancel_on_interrupt)
    return _show_ended(workspace, ended)


def _workspace() -> Workspace:
    return open_workspace(globals_().workspace_name)


def _follow(workspace: Workspace, name: str, stream: TextIO, *, cancel_on_interrupt: bool) -> Job:
    try:
        return _show_live(workspace, name, stream)
    except KeyboardInterrupt:
        if cancel_on_interrupt:
            workspace.cancel(name)
            say(f"\nCanceling {name}")
            workspace.wait(name)
        else:
            say(f"\n{name} goes on. `aml job stream -n {name}` shows it again, `aml job cancel -n {name}` ends it.")
        raise


def _show_live(workspace: Workspace, name: str, stream: TextIO) -> Job:
    from aml.view.live import LiveView

    view, cursor = LiveView(stream), 0
    for number, job in enumerate(workspace.follow(name)):
        if number == 0:
            view.header(job)
        cursor, points = workspace.metrics_after(job.name, cursor)
        view.update(job, workspace.stream_files(job.name), points)
    view.footer(job)
    return job


def _show_ended(workspace: Workspace, job: Job) -> int:
    _emit_job(workspace, job)
    if job.status is Status.COMPLETED:
        return 0
    if is_for_people():
        return JobFailed.exit_code  # the card has said why
    raise _failure(job)


def _failure(job: Job) -> JobFailed:
    why = f": {job.message}" if job.message else ""
    return JobFailed(f"the job {job.name} is {job.status}{why}", f"`aml job show -n {job.name}` tells more.")


def _emit_job(workspace: Workspace, job: Job) -> None:
    def card(color: bool) -> str:
        return cards.job(job, workspace.latest_metrics(job.name), workspace.models_of(job.name), color=color)

    emit(entities.job(job), card=card)


def _open_web(job: Job, asked: bool) -> None:
    url = entities.web_url(job) if asked else None
    if url is None:
        return
    from aml.view.browser import open_page

    if not open_page(url):
        say(f"Web View: {url}")
