"""`aml job`: submit jobs and follow them."""

from __future__ import annotations

import sys
from typing import Annotated, TextIO

import typer

from aml.commands import _job_check, _job_edit, _job_files
from aml.commands._app import note
from aml.commands._jobs import emit_job, open_web, workspace_in_use
from aml.commands._options import (
    ArchivedOnly,
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
from aml.workspace import Workspace
from aml.workspace.records import Job, JobFilter, Status

app = typer.Typer()

_STATUSES = f"Those that are {', '.join(list(Status)[:-1])} or {list(Status)[-1]}."
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and change nothing.")] = False,
    web: Web = False,
) -> int:
    """Submit a job and return at once, or with --stream when it is over."""
    from aml.commands._specs import job_spec

    spec = job_spec(file, set_ or [], name=name, experiment_name=experiment_name)
    if dry_run:
        _job_check.show_plan(spec)
        return 0
    workspace = workspace_in_use()
    for text in workspace.notes(spec):
        note(text)
    job = workspace.submit(spec)
    open_web(job, web)
    if not stream:
        emit(entities.job(job), card=lambda color: cards.job(job, color=color))
        return 0
    # The document is the data of this command, so a pipe gets that alone; people get all of it in one place.
    log_to = sys.stdout if is_for_people() else sys.stderr
    job = _follow(workspace, job.name, log_to, cancel_on_interrupt=cancel_on_interrupt)
    return _show_ended(workspace, job)


@app.command()
def show(name: Name, web: Web = False) -> None:
    """Show a job."""
    workspace = workspace_in_use()
    job = workspace.job(name)
    open_web(job, web)
    emit_job(workspace, job)


@app.command("list")
def list_(
    max_results: Annotated[int, typer.Option("--max-results", "-r", min=1, help="At most so many.")] = 50,
    all_results: Annotated[bool, typer.Option("--all-results", help="All there are.")] = False,
    parent_job_name: Annotated[
        str | None, typer.Option("--parent-job-name", "-p", metavar="NAME", help="Its children.")
    ] = None,
    status: Annotated[
        Status | None, typer.Option("--status", case_sensitive=False, metavar="STATUS", help=_STATUSES)
    ] = None,
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", metavar="NAME", help="Those of an experiment.")
    ] = None,
    compute: Annotated[str | None, typer.Option("--compute", metavar="NAME", help="Those on a compute.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY[=VALUE]", help="Those that have all of these tags.")
    ] = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
) -> None:
    """List jobs, newest first."""
    which = JobFilter(
        parent=parent_job_name,
        archived=True if archived_only else None if include_archived else False,
        status=status,
        experiment_name=experiment_name,
        compute=compute,
        tags=tuple(_tag(text) for text in tag or ()),
    )
    jobs = workspace_in_use().jobs(which, limit=None if all_results else max_results)
    emit_list([entities.job(job) for job in jobs], entities.JOB_COLUMNS, none="No jobs.")


@app.command()
def stream(name: Name, cancel_on_interrupt: CancelOnInterrupt = False) -> int:
    """Show the log of a job, from its beginning until the job is over."""
    workspace = workspace_in_use()
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
    workspace = workspace_in_use()
    job = workspace.wait(name, timeout_s=timeout)
    if not job.status.is_terminal:
        raise JobFailed(f"the job {job.name} is still {job.status} after {timeout:g} s", "It goes on.")
    return _show_ended(workspace, job)


@app.command()
def cancel(name: Name) -> None:
    """Cancel a job: its processes are asked to end, and killed 10 s later."""
    workspace = workspace_in_use()
    job = workspace.cancel(name)
    emit_job(workspace, job)


@app.command()
def metrics(
    name: Name,
    key: Annotated[str | None, typer.Option("--key", "-k", metavar="METRIC", help="All points of one metric.")] = None,
) -> None:
    """Show the last value of every metric that a job logged, or all points of one."""
    workspace = workspace_in_use()
    points = workspace.latest_metrics(name) if key is None else workspace.metric_history(name, key)
    columns = {"Metric": "key", "Value": "value", "Step": "step"}
    emit_list([entities.metric(point) for point in points], columns, none="No metrics were logged.")


for verb in (
    _job_files.files,
    _job_files.download,
    _job_check.validate,
    _job_check.plan,
    _job_edit.update,
    _job_edit.archive,
    _job_edit.restore,
):
    app.command()(verb)
app.command("show-services")(_job_files.show_services)


def _tag(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    return key, value if equals else None


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
        view.update(job, workspace.log_files(job.name), points)
    view.footer(job)
    return job


def _show_ended(workspace: Workspace, job: Job) -> int:
    emit_job(workspace, job)
    if job.status is Status.COMPLETED:
        return 0
    if is_for_people():
        return JobFailed.exit_code  # the card has said why
    raise _failure(job)


def _failure(job: Job) -> JobFailed:
    why = f": {job.message}" if job.message else ""
    return JobFailed(f"the job {job.name} is {job.status}{why}", f"`aml job show -n {job.name}` tells more.")
