"""`aml workspace`: look at workspaces."""

from __future__ import annotations

import typer

from aml.commands._app import globals_
from aml.commands._options import OptionalName
from aml.commands._output import emit, emit_list
from aml.errors import NotFound
from aml.view import cards, entities
from aml.workspace import open_workspace, workspaces

app = typer.Typer()


@app.command()
def show(name: OptionalName = None) -> None:
    """Show a workspace, the one in use if none is named."""
    asked = name or globals_().workspace_name
    if asked is not None and asked not in {info.name for info in workspaces()}:
        raise NotFound(f"there is no workspace named {asked}", "`aml workspace list` shows what there is.")
    info = open_workspace(asked).info
    emit(entities.workspace(info), card=lambda color: cards.workspace(info, color=color))


@app.command("list")
def list_() -> None:
    """List the workspaces of this machine."""
    emit_list([entities.workspace(info) for info in workspaces()], entities.WORKSPACE_COLUMNS, none="No workspaces.")
