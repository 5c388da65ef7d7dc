"""`aml data`: register files and folders of data."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands import _assets
from aml.commands._options import (
    Datastore,
    NoWait,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    RegistryName,
    Sets,
    SkipValidation,
    Tags,
    tags_of,
)
from aml.commands._validate import validate_verb
from aml.commands._workspace import place_in_use

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
    registry_name: RegistryName = None,
    skip_validation: SkipValidation = False,  # noqa: ARG001
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
        tags=tags_of(tags),
        datastore=datastore,
    )
    _assets.emit_asset(_assets.DATA, place_in_use(registry_name, create=True).assets.create(spec))


_assets.add_verbs(app, _assets.DATA)
app.command()(validate_verb("data"))
