"""`aml environment`: register what jobs run in."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands import _assets
from aml.commands._options import (
    Adds,
    ArchivedOnly,
    ChangeSets,
    Datastore,
    Description,
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
from aml.errors import UsageError
from aml.spec.updates import Update

app = typer.Typer()


@app.command()
def create(
    file: OptionalFile = None,
    name: OptionalName = None,
    version: OptionalVersion = None,
    image: Annotated[str | None, typer.Option("--image", "-i", metavar="IMAGE", help="Docker image.")] = None,
    conda_file: Annotated[
        str | None, typer.Option("--conda-file", "-c", metavar="FILE", help="Conda environment file; needs an image.")
    ] = None,
    build_context: Annotated[
        str | None, typer.Option("--build-context", "-b", metavar="FOLDER", help="Folder with a Dockerfile, or a URL.")
    ] = None,
    dockerfile_path: Annotated[
        str | None,
        typer.Option(
            "--dockerfile-path", "-d", metavar="PATH", help="Dockerfile in the folder: Dockerfile by default."
        ),
    ] = None,
    os_type: Annotated[str | None, typer.Option("--os-type", metavar="OS", help="linux or windows.")] = None,
    description: Description = None,
    tags: Tags = None,
    datastore: Datastore = None,
    set_: Sets = None,
    no_wait: NoWait = False,  # noqa: ARG001, it is there when the command ends
) -> None:
    """Register a version of an environment, from a file or from flags."""
    from aml.commands._specs import environment_spec

    if dockerfile_path is not None and build_context is None:
        raise UsageError("--dockerfile-path goes with --build-context")
    spec = environment_spec(
        file,
        set_ or [],
        name=name,
        version=version,
        image=image,
        conda_file=conda_file,
        build=None if build_context is None else _build(build_context, dockerfile_path),
        os_type=os_type,
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
    """List environments, newest first."""
    archived = _assets.archived_of(include=include_archived, only=archived_only)
    _assets.list_assets("environment", name, max_results, archived=archived)


@app.command()
def show(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Show a version of an environment, the latest if none is named."""
    _assets.show("environment", name, version, label)


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
    _assets.update("environment", name, version, label, Update(set_ or [], add or [], remove or [], force_string))


@app.command()
def archive(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Hide a version, or all of the name, from lists; it can still be used."""
    _assets.archive("environment", name, version, label, archived=True)


@app.command()
def restore(name: Name, version: OptionalVersion = None, label: Label = None) -> None:
    """Show a version, or all of the name, in lists again."""
    _assets.archive("environment", name, version, label, archived=False)


def _build(folder: str, dockerfile: str | None) -> dict[str, str]:
    return {"path": folder} | ({} if dockerfile is None else {"dockerfile_path": dockerfile.lstrip("/")})
