"""`aml workspace`: make, look at and delete workspaces."""

from __future__ import annotations

import typer

from aml.commands._app import globals_
from aml.commands._options import Name, OptionalName, Yes
from aml.commands._output import confirm, emit, emit_list
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import create_workspace, delete_workspace, open_workspace, workspaces
from aml.workspace.records import WorkspaceInfo

app = typer.Typer()


@app.command()
def show(name: OptionalName = None) -> None:
    """Show a workspace, the one in use if none is named."""
    _emit(open_workspace(name or globals_().workspace_name).info)


@app.command("list")
def list_() -> None:
    """List the workspaces of this machine."""
    emit_list([entities.workspace(info) for info in workspaces()], entities.WORKSPACE_COLUMNS, none="No workspaces.")


@app.command()
def create(name: Name) -> None:
    """Make a workspace: a folder of its own for jobs and models."""
    _emit(create_workspace(name).info)


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
    """Delete stored files that no job and no model refers to and that are older than an hour."""
    freed = open_workspace(name or globals_().workspace_name).collect_garbage()
    say(f"Freed {cards.size(freed)}.")


def _emit(info: WorkspaceInfo) -> None:
    emit(entities.workspace(info), card=lambda color: cards.workspace(info, color=color))
