"""`aml datastore`: name the places that data is kept in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._options import (
    Adds,
    ForceString,
    MaxResults,
    Name,
    OptionalFile,
    OptionalName,
    Removes,
    Sets,
    Yes,
)
from aml.commands._output import emit, emit_list
from aml.commands._validate import validate_verb
from aml.commands._workspace import workspace_in_use
from aml.errors import UsageError
from aml.spec.updates import Update, updated
from aml.view import cards, entities
from aml.workspace.records import Datastore

app = typer.Typer()

Folder = Annotated[
    Path | None,
    typer.Option("--path", "-p", metavar="FOLDER", help="A folder of this machine that stands for it here."),
]


@app.command()
def create(file: OptionalFile = None, name: OptionalName = None, path: Folder = None, set_: Sets = None) -> None:
    """Make a datastore from a file, or change the one of that name; with a name and --path alone it is that folder.

    Credentials are kept in a file that you alone can read, and never shown.
    """
    from aml.commands._specs import datastore_spec

    if file is None and (name is None or path is None):
        raise UsageError("there is nothing to make a datastore of", "Give --file, or --name and --path.")
    sets = [*([] if file else _stand_in(name)), *(set_ or [])]
    _emit(workspace_in_use().datastores.put(datastore_spec(file, sets, name=name), _checked(path)))


@app.command()
def show(name: Name) -> None:
    """Show a datastore, without its credentials."""
    _emit(workspace_in_use().datastores.get(name))


@app.command("list")
def list_(max_results: MaxResults = None) -> None:
    """List datastores; the workspace's own four are always there."""
    found = workspace_in_use().datastores.list()[:max_results]
    emit_list([entities.datastore(each) for each in found], entities.DATASTORE_COLUMNS, none="No datastores.")


@app.command()
def update(
    file: OptionalFile = None,
    name: OptionalName = None,
    path: Folder = None,
    set_: Sets = None,
    add: Adds = None,
    remove: Removes = None,
    force_string: ForceString = False,
) -> None:
    """Change a datastore: as a file has it, or by --set, --add tags and --remove tags; the credentials stay."""
    from aml.commands._specs import changed_datastore, datastore_spec

    datastores = workspace_in_use().datastores
    if file is not None:
        spec = datastore_spec(file, set_ or [], name=name)
        datastores.get(spec.name)
    elif name is None:
        raise UsageError("it is not said which datastore to change", "Give --name or --file.")
    else:
        spec = changed_datastore(entities.datastore_file(datastores.get(name)), set_ or [])
    described = {"description": spec.description, "tags": dict(spec.tags)}
    spec = replace(spec, **updated(described, Update([], add or [], remove or [], force_string)))
    _emit(datastores.put(spec, _checked(path)))


@app.command()
def delete(name: Name, yes: Yes = False) -> None:  # noqa: ARG001, az does not ask either
    """Forget a datastore and its credentials; what is in it stays."""
    workspace_in_use().datastores.delete(name)


def _stand_in(name: str | None) -> list[str]:
    """What Azure would ask for besides the name, of a datastore that is a folder."""
    return ["type=azure_blob", "account_name=local", f"container_name={name}"]


def _checked(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise UsageError(f"--path {path} is no folder", "Make it, or give another one.")
    return None if path is None else path.absolute()


def _emit(datastore: Datastore) -> None:
    emit(entities.datastore(datastore), card=lambda color: cards.datastore(datastore, color=color))


app.command()(validate_verb("azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake"))
