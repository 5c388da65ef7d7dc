"""`aml data`: register files and folders of data."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands import _assets
from aml.commands._options import (
    Adds,
    ArchivedOnly,
    ChangeSets,
    Datastore,
    ForceString,
    IncludeArchived,
    Label,
    MaxResults,
    Name,
    NoWait,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    Removes,
    Sets,
    Tags,
)
from aml.commands._workspace import workspace_in_use
from aml.spec.updates import Update

app = typer.Typer()


@app.command()
def create(
    file: OptionalFile = None,
    name: OptionalName = None,
    version: OptionalVersion = None,
    path: Annotated[
        str | None,
        typer.Option("--path", "-p", metavar="PATH", help="File or folder, copied to the workspace, or a URI, kept."),
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", "-t", metavar="TYPE", help="uri_file, uri_folder or mltable.")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", "-d", metavar="TEXT", help="What it is.")] = None,
    tags: Tags = None,
    datastore: Datastore = None,
    set_: Sets = None,
    no_wait: NoWait = False,  # noqa: ARG001, it is there when the command ends
) -> None:
    """Register a version of data, from a file or from flags."""
    from aml.commands._specs import data_spec

    spec = data_spec(
        file,
        set_ or [],
        name=name,
        version=version,
        path=path,
        type=type_,
        description=description,
        tags=_assets.tags_of(tags),
        datastore=datastore,
    )
    _assets.emit_asset(workspace_in_use().assets.create(spec))


@app.command("list")
def list_(
    name: OptionalName = None,
    max_results: MaxResults = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
) -> None:
    """List data, newest first."""
    archived = _assets.archived_of(include=include_archived, only=archived_only)
    _assets.list_assets("data", name, max_results, archived=archived)


@app.command()
def show(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Show a version of data, the latest if none is named."""
    _assets.show("data", name, version, label)


@app.command()
def update(
    name: Name,
    version: OptionalVersion = None,
    label: Label = None,
    set_: ChangeSets = None,
    add: Adds = None,
    remove: Removes = None,
    force_string: ForceString = False,
) -> None:
    """Change description, tags and properties of a version, the latest if none is named."""
    _assets.update("data", name, version, label, Update(set_ or [], add or [], remove or [], force_string))


@app.command()
def archive(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Hide a version, or all of the name, from lists; it can still be used."""
    _assets.archive("data", name, version, label, archived=True)


@app.command()
def restore(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Show a version, or all of the name, in lists again."""
    _assets.archive("data", name, version, label, archived=False)
