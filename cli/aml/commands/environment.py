"""`aml environment`: register what jobs run in."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands import _assets
from aml.commands._options import (
    Datastore,
    Description,
    NoWait,
    OptionalFile,
    OptionalName,
    OptionalVersion,
    RegistryName,
    Sets,
    Tags,
    tags_of,
)
from aml.commands._validate import validate_verb
from aml.commands._workspace import place_in_use
from aml.errors import UsageError

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
    registry_name: RegistryName = None,
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
        tags=tags_of(tags),
        datastore=datastore,
    )
    _assets.emit_asset(_assets.ENVIRONMENT, place_in_use(registry_name, create=True).assets.create(spec))


def _build(folder: str, dockerfile: str | None) -> dict[str, str]:
    return {"path": folder} | ({} if dockerfile is None else {"dockerfile_path": dockerfile.lstrip("/")})


_assets.add_verbs(app, _assets.ENVIRONMENT)
app.command()(validate_verb("environment"))
