"""Verbs of `aml job` that change the record of a job, never its run."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands._jobs import emit_job, open_web
from aml.commands._options import Name, Web
from aml.commands._workspace import workspace_in_use
from aml.errors import UsageError
from aml.view.messages import say


def update(
    name: Name,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change a value: tags.a=b, display_name=x, limits.timeout=60 of a sweep; several.",
        ),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="PATH KEY=VALUE", help="Add keys: tags a=b c=d; several."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="PATH", help="Remove a key: tags.a; several.")
    ] = None,
    force_string: Annotated[
        bool, typer.Option("--force-string", help="Values are texts, also those that look like JSON.")
    ] = False,
    web: Web = False,
) -> None:
    """Change tags, properties, display_name, experiment_name or description of a job, and limits of a sweep."""
    from aml.spec.updates import Update

    if not (set_ or add or remove):
        raise UsageError("there is nothing to update", "Give --set, --add or --remove.")
    workspace = workspace_in_use()
    job = workspace.update_job(name, Update(set_ or (), add or (), remove or (), force_string))
    open_web(job, web)
    emit_job(workspace, job)


def resume(name: Name) -> None:
    """Have a sweep that is over go on: canceled before its end, or allowed more trials by `update --set limits`."""
    workspace = workspace_in_use()
    emit_job(workspace, workspace.sweeps.resume(name))


def archive(name: Name) -> None:
    """Hide a job that is over from lists; `show` and references still find it."""
    job = workspace_in_use().archive_job(name)
    say(f"Archived {job.name}")


def restore(name: Name) -> None:
    """Show an archived job in lists again."""
    job = workspace_in_use().archive_job(name, archived=False)
    say(f"Restored {job.name}")
