"""`aml model`: register models and fetch them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aml.commands import _assets
from aml.commands._options import (
    Adds,
    ArchivedOnly,
    ChangeSets,
    Datastore,
    Description,
    DownloadPath,
    ForceString,
    IncludeArchived,
    Label,
    MaxResults,
    Name,
    NoWait,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    RegistryName,
    Removes,
    Sets,
    Tags,
    Version,
    tags_of,
)
from aml.commands._validate import validate_verb
from aml.commands._workspace import place_in_use
from aml.spec.updates import Update
from aml.view.messages import say

app = typer.Typer()

Stage = Annotated[str | None, typer.Option("--stage", "-s", metavar="STAGE", help="Stage, such as Production.")]


@app.command()
def create(
    file: OptionalFile = None,
    name: OptionalName = None,
    version: OptionalVersion = None,
    path: Annotated[
        str | None,
        typer.Option("--path", "-p", metavar="PATH", help="File, folder, azureml://jobs/... or runs:/..."),
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", "-t", metavar="TYPE", help="custom_model, mlflow_model or triton_model.")
    ] = None,
    description: Description = None,
    stage: Stage = None,
    tags: Tags = None,
    datastore: Datastore = None,
    set_: Sets = None,
    registry_name: RegistryName = None,
    no_wait: NoWait = False,  # noqa: ARG001, it is there when the command ends
) -> None:
    """Register a version of a model, from a file or from flags."""
    from aml.commands._specs import model_spec

    spec = model_spec(
        file,
        set_ or [],
        name=name,
        version=version,
        path=path,
        type=type_,
        description=description,
        stage=stage,
        tags=tags_of(tags),
        datastore=datastore,
    )
    _assets.emit_asset(_assets.MODEL, place_in_use(registry_name, create=True).models.create(spec))


@app.command("list")
def list_(
    name: OptionalName = None,
    stage: Annotated[str | None, typer.Option("--stage", "-s", metavar="STAGE", help="Those of a stage.")] = None,
    max_results: MaxResults = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
    registry_name: RegistryName = None,
) -> None:
    """List models, newest first."""
    archived = _assets.archived_of(include=include_archived, only=archived_only)
    models = place_in_use(registry_name).models
    found = models.list(name, limit=max_results, archived=archived, stage=stage)
    _assets.emit_assets(_assets.MODEL, found)


@app.command()
def update(
    name: Name,
    version: OptionalVersion = None,
    label: Label = None,
    stage: Stage = None,
    set_: ChangeSets = None,
    add: Adds = None,
    remove: Removes = None,
    force_string: ForceString = False,
    registry_name: RegistryName = None,
) -> None:
    """Change description, stage, tags and properties of a version, the latest if none is named."""
    changes = Update(set_ or [], add or [], remove or [], force_string)
    over = None if stage is None else {"stage": stage}
    _assets.change(_assets.MODEL, (name, version, label), registry_name, changes, over)


@app.command()
def download(
    name: Name, version: Version, download_path: DownloadPath = Path(), registry_name: RegistryName = None
) -> None:
    """Copy the files of a version to a folder of the model's name."""
    folder = place_in_use(registry_name).models.download(name, version, download_path)
    say(f"Downloaded to {folder.absolute()}")


_assets.add_verbs(app, _assets.MODEL, without=("list", "update"))
app.command()(validate_verb("model"))
