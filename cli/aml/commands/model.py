"""`aml model`: register models and fetch them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._assets import archived_of, tags_of, version_of
from aml.commands._options import (
    Adds,
    ArchivedOnly,
    ChangeSets,
    Description,
    DownloadPath,
    ForceString,
    IncludeArchived,
    Label,
    MaxResults,
    Name,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    Removes,
    Sets,
    Tags,
    Version,
)
from aml.commands._output import emit, emit_list
from aml.commands._workspace import workspace_in_use
from aml.spec.updates import Update, updated
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace.records import ModelVersion

app = typer.Typer()


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
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", metavar="STAGE", help="Stage, such as Production.")
    ] = None,
    tags: Tags = None,
    set_: Sets = None,
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
    )
    _emit(workspace_in_use().models.create(spec))


@app.command("list")
def list_(
    name: OptionalName = None,
    max_results: MaxResults = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
) -> None:
    """List models, newest first."""
    archived = archived_of(include=include_archived, only=archived_only)
    models = workspace_in_use().models.list(name, limit=max_results, archived=archived)
    emit_list([entities.model(model) for model in models], entities.MODEL_COLUMNS, none="No models.")


@app.command()
def show(
    name: Name,
    version: OptionalVersion = None,
    label: Label = None,
) -> None:
    """Show a version of a model, the latest if none is named."""
    _emit(workspace_in_use().models.get(name, version_of(version, label)))


@app.command()
def update(
    name: Name,
    version: OptionalVersion = None,
    label: Label = None,
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", metavar="STAGE", help="Stage, such as Production.")
    ] = None,
    set_: ChangeSets = None,
    add: Adds = None,
    remove: Removes = None,
    force_string: ForceString = False,
) -> None:
    """Change description, stage, tags and properties of a version, the latest if none is named."""
    changes = Update(set_ or [], add or [], remove or [], force_string)

    def changed(model: ModelVersion) -> ModelVersion:
        described = {
            "description": model.description,
            "stage": stage or model.stage,
            "tags": dict(model.tags),
            "properties": dict(model.properties),
        }
        return replace(model, **updated(described, changes))

    _emit(workspace_in_use().models.update(name, version_of(version, label), changed))


@app.command()
def archive(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Hide a version, or all of the name, from lists; it can still be used."""
    _archive(name, version, label, archived=True)


@app.command()
def restore(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Show a version, or all of the name, in lists again."""
    _archive(name, version, label, archived=False)


@app.command()
def download(name: Name, version: Version, download_path: DownloadPath = Path()) -> None:
    """Copy the files of a version to a folder of the model's name."""
    folder = workspace_in_use().models.download(name, version, download_path)
    say(f"Downloaded to {folder.absolute()}")


def _emit(model: ModelVersion) -> None:
    emit(entities.model(model), card=lambda color: cards.model(model, color=color))


def _archive(name: str, version: str | None, label: str | None, *, archived: bool) -> None:
    workspace = workspace_in_use()
    if label is not None:
        version = workspace.models.get(name, version_of(version, label)).version
    workspace.models.archive(name, version, archived=archived)
