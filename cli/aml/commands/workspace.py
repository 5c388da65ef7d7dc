"""`aml workspace`: make, look at, move and delete workspaces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._app import globals_
from aml.commands._globals import note
from aml.commands._options import MaxResults, Name, NoWait, OptionalFile, OptionalName, Sets, Yes
from aml.commands._output import confirm, emit, emit_list
from aml.commands._validate import validate_verb
from aml.errors import UsageError
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import (
    Workspace,
    attach_workspace,
    create_workspace,
    delete_workspace,
    detach_workspace,
    export_workspace,
    import_workspace,
    open_workspace,
    workspaces,
)
from aml.workspace.records import Settings

app = typer.Typer()

SETTINGS = tuple(field.name for field in dataclasses.fields(Settings))
Archive = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The archive, NAME.tar.gz or NAME.tar.")]


@app.command()
def show(name: OptionalName = None) -> None:
    """Show a workspace and its settings, the one in use if none is named."""
    _emit(open_workspace(name or globals_().workspace_name))


@app.command("list")
def list_(max_results: MaxResults = None) -> None:
    """List the workspaces of this machine."""
    found = workspaces()[:max_results]
    emit_list([entities.workspace(info) for info in found], entities.WORKSPACE_COLUMNS, none="No workspaces.")


@app.command()
def create(
    name: OptionalName = None,
    file: OptionalFile = None,
    set_: Sets = None,
    no_wait: NoWait = False,  # noqa: ARG001, it is there when the command ends
) -> None:
    """Make a workspace: a folder of its own for jobs and models. Of a file the name counts; the rest is Azure's."""
    from aml.commands._specs import name_in

    _emit(create_workspace(name_in(file, set_ or [], "workspace", name)))


@app.command()
def update(
    name: OptionalName = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="YAML file that names the workspace.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=f"Settings, several: {', '.join(SETTINGS)}.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="KEY", help="Settings to put back to the default; several.")
    ] = None,
    add: Annotated[list[str] | None, typer.Option("--add", hidden=True)] = None,
) -> None:
    """Change settings of a workspace, the one in use if none is named.

    environment_mode is what jobs run in that do not say it: current, venv, conda, docker or podman. local_jobs is how
    many jobs run at once on local. redacted_variables are names of variables that are never shown.
    """
    for text in add or []:
        raise UsageError(f"--add {text}: a setting is one value", "Set it with --set.")
    if not (set_ or remove or file):
        raise UsageError("there is nothing to update", "Give --set or --remove.")
    if file is not None:
        from aml.commands._specs import name_in

        name = name_in(file, [], "workspace", name)
    workspace = open_workspace(name or globals_().workspace_name)
    workspace.change_settings({**_pairs(set_ or []), **dict.fromkeys(remove or [])})
    _emit(workspace)


@app.command()
def attach(
    path: Annotated[Path, typer.Option("--path", "-p", metavar="FOLDER", help="The folder of a workspace.")],
    name: OptionalName = None,
) -> None:
    """Name a workspace that is in a folder elsewhere, as on another disk; by default as the folder is named."""
    _emit(attach_workspace(path, name))


@app.command()
def detach(name: Name) -> None:
    """Let go of an attached workspace; its folder stays as it is."""
    detach_workspace(name)
    say(f"Detached {name}")


@app.command()
def export(file: Archive, name: OptionalName = None) -> None:
    """Write a workspace to one file: store, code, assets, and what its jobs wrote; no secrets, and no downloads."""
    info = open_workspace(name or globals_().workspace_name).info
    left_out = export_workspace(info.name, file.absolute())
    if left_out:
        note(f"links that lead out of the workspace, pipes and sockets were left out: {', '.join(left_out)}")
    say(f"Exported {info.name} to {file.absolute()}, {cards.size(file.stat().st_size)}")


@app.command("import")
def import_(file: Archive, name: OptionalName = None) -> None:
    """Make a workspace of an exported one, by default of the name that it had."""
    _emit(import_workspace(file.absolute(), name))


@app.command()
def delete(name: Name, yes: Yes = False, no_wait: NoWait = False) -> None:  # noqa: ARG001, it is gone then
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


app.command()(validate_verb("workspace"))
