"""`aml workspace`: make, look at and delete workspaces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import typer

from aml.commands._app import globals_
from aml.commands._options import Name, OptionalName, Yes
from aml.commands._output import confirm, emit, emit_list
from aml.errors import UsageError
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import Workspace, create_workspace, delete_workspace, open_workspace, workspaces
from aml.workspace.records import Settings

app = typer.Typer()

SETTINGS = tuple(field.name for field in dataclasses.fields(Settings))


@app.command()
def show(name: OptionalName = None) -> None:
    """Show a workspace and its settings, the one in use if none is named."""
    _emit(open_workspace(name or globals_().workspace_name))


@app.command("list")
def list_() -> None:
    """List the workspaces of this machine."""
    emit_list([entities.workspace(info) for info in workspaces()], entities.WORKSPACE_COLUMNS, none="No workspaces.")


@app.command()
def create(name: Name) -> None:
    """Make a workspace: a folder of its own for jobs and models."""
    _emit(create_workspace(name))


@app.command()
def update(
    name: OptionalName = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=f"Settings, several: {', '.join(SETTINGS)}.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="KEY", help="Settings to put back to the default; several.")
    ] = None,
) -> None:
    """Change settings of a workspace, the one in use if none is named.

    environment_mode is what jobs run in that do not say it: current, venv, conda, docker or podman. local_jobs is how
    many jobs run at once on local. redacted_variables are names of variables that are never shown.
    """
    if not (set_ or remove):
        raise UsageError("there is nothing to update", "Give --set or --remove.")
    workspace = open_workspace(name or globals_().workspace_name)
    workspace.change_settings({**_pairs(set_ or []), **dict.fromkeys(remove or [])})
    _emit(workspace)


@app.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Delete a workspace with its jobs, models and metrics."""
    info = open_workspace(name).info
    confirm(f"Delete {info.location} with all that is in it?", yes=yes)
    delete_workspace(name)


@app.command()
def du(name: OptionalName = None) -> None:
    """Show what a workspace takes on the disk."""
    usage = open_workspace(name or globals_().workspace_name).usage()
    emit(entities.usage(usage), card=lambda color: cards.usage(usage, color=color))


@app.command()
def gc(name: OptionalName = None) -> None:
    """Delete stored files that nothing refers to, older than an hour, and environments unused for a month."""
    freed = open_workspace(name or globals_().workspace_name).collect_garbage()
    say(f"Freed {cards.size(freed)}.")


def _pairs(sets: Sequence[str]) -> dict[str, str | None]:
    pairs = [text.partition("=") for text in sets]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"--set {name}: there is no KEY=VALUE in it", "Write it as --set local_jobs=4.")
    return {name.strip(): value for name, _, value in pairs}


def _emit(workspace: Workspace) -> None:
    info, settings = workspace.info, workspace.settings
    document = {**entities.workspace(info), "settings": entities.settings(settings)}
    emit(document, card=lambda color: cards.workspace(info, settings, color=color))
