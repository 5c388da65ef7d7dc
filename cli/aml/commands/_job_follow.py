"""From a spec to a job that was submitted, and from there to its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from aml.commands._globals import note, warn
from aml.commands._jobs import emit_job, open_web
from aml.commands._output import emit, is_for_people
from aml.commands._workspace import workspace_in_use
from aml.errors import AmlError, JobFailed, Misfit
from aml.view import cards, entities
from aml.view.documents import render
from aml.view.messages import say
from aml.workspace import Workspace
from aml.workspace.records import Job, Status, Unmet

if TYPE_CHECKING:
    from aml.spec.model import CommandJob
    from aml.spec.sweep import SweepJob


def submit(
    spec: CommandJob | SweepJob,
    *,
    code_of: str | None = None,
    secrets_of: str | None = None,
    stream: bool,
    cancel_on_interrupt: bool,
    web: bool,
    strict: bool = False,
    save_as: Path | None = None,
) -> int:
    """Submit a job and show it, at once or when it is over; the exit code. `save_as` gets the job as YAML."""
    workspace = workspace_in_use()
    unmet = workspace.unmet(spec)
    if unmet.requirements:
        _tell(unmet, strict=strict)
    for text in workspace.notes(spec):
        note(text)
    job = workspace.submit(spec, code_of=code_of, secrets_of=secrets_of)
    if save_as is not None:
        _save(job, save_as)
    open_web(job, web)
    if stream:
        return follow_and_show(workspace, job, cancel_on_interrupt=cancel_on_interrupt)
    return show_submitted(job)


def _save(job: Job, file: Path) -> None:
    """The job as a file that can be submitted again, complete as it was stored."""
    document = {**job.document, "name": job.name, "display_name": job.display_name, "tags": dict(job.tags)}
    try:
        file.write_text(render({key: value for key, value in document.items() if value != {}}, output="yaml"))
    except OSError as error:
        raise AmlError(f"the job {job.name} is queued, but {file} can't be written: {error.strerror}") from error


def _tell(unmet: Unmet, *, strict: bool) -> None:
    lacks = "; ".join(unmet.requirements)
    found = f"the Python that aml is installed in lacks what the environment asks for: {lacks}"
    built = "`--environment-mode venv` builds one that has it"
    if strict:
        hint = "Install it there" + (f", or {built}." if unmet.can_be_built else ".")
        raise Misfit(found, hint, ("environment",))
    warn(f"{found}. " + (f"{built}, `--strict` refuses" if unmet.can_be_built else "`--strict` refuses"))


def show_submitted(job: Job) -> int:
    """The result of a command that has submitted a job and does not wait for it."""
    emit(entities.job(job), card=lambda color: cards.job(job, color=color))
    return 0


def follow_and_show(workspace: Workspace, job: Job, *, cancel_on_interrupt: bool = False) -> int:
    """Show the log of a job until it is over, then the job; the exit code."""
    # The document is the data of this command, so a pipe gets that alone; people get all of it in one place.
    log_to = sys.stdout if is_for_people() else sys.stderr
    ended = follow(workspace, job.name, log_to, cancel_on_interrupt=cancel_on_interrupt)
    return show_ended(workspace, ended)


def follow(workspace: Workspace, name: str, stream: TextIO, *, cancel_on_interrupt: bool) -> Job:
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
    if workspace.job(name).type == "sweep":
        return _show_sweep(workspace, name, stream)
    from aml.view.live import LiveView

    view, cursor = LiveView(stream), 0
    for number, job in enumerate(workspace.follow(name)):
        if number == 0:
            view.header(job)
        cursor, points = workspace.metrics.after(job.name, cursor)
        view.update(job, workspace.files.streamed(job.name), points)
    view.footer(job)
    return job


def _show_sweep(workspace: Workspace, name: str, stream: TextIO) -> Job:
    from aml.view.sweep_live import SweepView

    view = SweepView(stream)
    for number, job in enumerate(workspace.follow(name)):
        if number == 0:
            view.header(job)
        if view.is_due(job):
            view.update(workspace.sweeps.get(name))
    view.footer(job)
    return job


def show_ended(workspace: Workspace, job: Job) -> int:
    emit_job(workspace, job)
    if job.status is Status.COMPLETED:
        return 0
    if is_for_people():
        return JobFailed.exit_code  # the card has said why
    raise failure(job)


def failure(job: Job) -> JobFailed:
    why = f": {job.message}" if job.message else ""
    return JobFailed(f"the job {job.name} is {job.status}{why}", f"`aml job show -n {job.name}` tells more.")
