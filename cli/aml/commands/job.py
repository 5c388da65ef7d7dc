"""`aml job`: submit jobs and follow them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aml.commands import _job_again, _job_check, _job_edit, _job_files, _job_metrics
from aml.commands._job_follow import failure, follow, show_ended, submit
from aml.commands._jobs import CancelOnInterrupt, ExperimentName, Mode, Stream, emit_job, in_mode, open_web
from aml.commands._options import (
    ArchivedOnly,
    File,
    IncludeArchived,
    Name,
    OptionalName,
    Sets,
    SkipValidation,
    Strict,
    Web,
)
from aml.commands._output import emit_list
from aml.commands._workspace import workspace_in_use
from aml.errors import JobFailed
from aml.view import entities
from aml.workspace.records import JobFilter, Status

app = typer.Typer()

_STATUSES = f"Those that are {', '.join(list(Status)[:-1])} or {list(Status)[-1]}."


@app.command()
def create(
    file: File,
    name: OptionalName = None,
    experiment_name: ExperimentName = None,
    set_: Sets = None,
    stream: Stream = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
    environment_mode: Mode = None,
    strict: Strict = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and change nothing.")] = False,
    save_as: Annotated[
        Path | None, typer.Option("--save-as", "-a", metavar="FILE", help="Write the submitted job there, as YAML.")
    ] = None,
    skip_validation: SkipValidation = False,  # noqa: ARG001
    web: Web = False,
) -> int:
    """Submit a job and return at once, or with --stream when it is over."""
    from aml.commands._specs import at_its_line, job_spec

    flags = {"name": name, "experiment_name": experiment_name}
    spec = in_mode(job_spec(file, set_ or [], strict=strict, **flags), environment_mode)
    with at_its_line(file, set_ or [], **flags):
        if dry_run:
            _job_check.show_plan(spec, _job_check.azure_notes(file, set_ or [], flags))
            return 0
        return submit(
            spec,
            stream=stream,
            cancel_on_interrupt=cancel_on_interrupt,
            web=web,
            strict=strict,
            save_as=save_as,
        )


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
    job = follow(workspace, name, sys.stdout, cancel_on_interrupt=cancel_on_interrupt)
    if job.status is not Status.COMPLETED:
        raise failure(job)
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
    return show_ended(workspace, job)


@app.command()
def cancel(name: Name) -> None:
    """Cancel a job: its processes are asked to end, and killed 10 s later."""
    workspace = workspace_in_use()
    job = workspace.cancel(name)
    emit_job(workspace, job)


for verb in (
    _job_metrics.metrics,
    _job_files.files,
    _job_files.download,
    _job_check.validate,
    _job_check.plan,
    _job_again.clone,
    _job_again.retry,
    _job_again.diff,
    _job_edit.update,
    _job_edit.resume,
    _job_edit.archive,
    _job_edit.restore,
):
    app.command()(verb)
app.command("show-services")(_job_files.show_services)


def _tag(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    return key, value if equals else None
