"""`aml registry`: what workspaces of this machine share."""

from __future__ import annotations

import typer

from aml.commands._options import MaxResults, Name, NoWait, OptionalFile, OptionalName, Sets, Yes
from aml.commands._output import confirm, emit, emit_list
from aml.commands._validate import validate_verb
from aml.view import cards, entities
from aml.workspace import create_registry, delete_registry, open_registry, registries
from aml.workspace.records import RegistryInfo

app = typer.Typer()


@app.command()
def create(
    name: OptionalName = None,
    file: OptionalFile = None,
    set_: Sets = None,
    no_wait: NoWait = False,  # noqa: ARG001, it is there when the command ends
) -> None:
    """Make a registry, as `create --registry-name` of an asset does. Of a file the name counts; the rest is Azure's."""
    from aml.commands._specs import name_in

    _emit(create_registry(name_in(file, set_ or [], "registry", name)).info)


@app.command()
def show(name: Name) -> None:
    """Show a registry."""
    _emit(open_registry(name).info)


@app.command("list")
def list_(max_results: MaxResults = None) -> None:
    """List the registries of this machine."""
    found = registries()[:max_results]
    emit_list([entities.registry(info) for info in found], entities.REGISTRY_COLUMNS, none="No registries.")


@app.command()
def delete(name: Name, yes: Yes = False, no_wait: NoWait = False) -> None:  # noqa: ARG001, it is gone then
    """Delete a registry with all that is in it."""
    info = open_registry(name).info
    confirm(f"Delete {info.location} with all that is in it?", yes=yes)
    delete_registry(name)


def _emit(info: RegistryInfo) -> None:
    emit(entities.registry(info), card=lambda color: cards.registry(info, color=color))


app.command()(validate_verb("registry"))
