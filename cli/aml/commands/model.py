"""`aml model`: register models and fetch them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aml.commands._app import globals_
from aml.commands._options import (
    ArchivedOnly,
    DownloadPath,
    IncludeArchived,
    Name,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    Sets,
    Version,
)
from aml.commands._output import emit, emit_list
from aml.errors import UsageError
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import open_workspace
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
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is.")] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", metavar="STAGE", help="Stage, such as Production.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tags", metavar="KEY=VALUE", help="Tags, several.")] = None,
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
        tags=None if tags is None else dict(_pair(tag) for tag in tags),
    )
    _emit(open_workspace(globals_().workspace_name).create_model(spec))


@app.command("list")
def list_(
    name: OptionalName = None,
    max_results: Annotated[int | None, typer.Option("--max-results", "-r", min=1, help="At most so many.")] = None,
    include_archived: IncludeArchived = False,
    archived_only: ArchivedOnly = False,
) -> None:
    """List models, newest first."""
    archived = True if archived_only else None if include_archived else False
    models = open_workspace(globals_().workspace_name).models(name, limit=max_results, archived=archived)
    emit_list([entities.model(model) for model in models], entities.MODEL_COLUMNS, none="No models.")


@app.command()
def show(
    name: Name,
    version: OptionalVersion = None,
    label: Annotated[str | None, typer.Option("--label", "-l", metavar="LABEL", help="latest")] = None,
) -> None:
    """Show a version of a model, the latest if none is named."""
    if label not in (None, "latest"):
        raise UsageError(f"there is no label {label!r}", "The one label is latest.")
    if label is not None and version is not None:
        raise UsageError("--version and --label can't be given together")
    _emit(open_workspace(globals_().workspace_name).model(name, version))


@app.command()
def download(name: Name, version: Version, download_path: DownloadPath = Path()) -> None:
    """Copy the files of a version to a folder of the model's name."""
    folder = open_workspace(globals_().workspace_name).download_model(name, version, download_path)
    say(f"Downloaded to {folder.absolute()}")


def _emit(model: ModelVersion) -> None:
    emit(entities.model(model), card=lambda color: cards.model(model, color=color))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
