"""`aml component`: register the steps that pipelines are made of."""

from __future__ import annotations

import typer

from aml.commands import _assets
from aml.commands._options import File, OptionalName, OptionalVersion, RegistryName, Sets, SkipValidation
from aml.commands._validate import validate_verb
from aml.commands._workspace import place_in_use

app = typer.Typer()


@app.command()
def create(
    file: File,
    name: OptionalName = None,
    version: OptionalVersion = None,
    set_: Sets = None,
    registry_name: RegistryName = None,
    skip_validation: SkipValidation = False,  # noqa: ARG001
) -> None:
    """Register a version of a component, with its code."""
    from aml.commands._specs import component_spec

    spec = component_spec(file, set_ or [], name=name, version=version)
    _assets.emit_asset(_assets.COMPONENT, place_in_use(registry_name, create=True).assets.create(spec))


_assets.add_verbs(app, _assets.COMPONENT, without=("share",))
app.command()(validate_verb("command-component", "pipeline-component", "parallel-component", "spark-component"))
