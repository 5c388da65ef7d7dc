"""`aml schema`: the JSON Schemas of the specs, for people and for editors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aml.commands._app import globals_
from aml.commands._output import emit, emit_list
from aml.errors import AmlError
from aml.spec.schema import export as schema_export
from aml.view import documents

app = typer.Typer()


@app.command("list")
def list_() -> None:
    """List the kinds of specs that have a schema."""
    columns = {"Kind": "kind", "Title": "title", "Description": "description"}
    emit_list(schema_export.listing(), columns, none="No schemas.")


@app.command()
def show(kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of `aml schema list`.")]) -> None:
    """Print the schema of a kind, complete in itself."""
    documents.write(schema_export.standalone(kind), output=globals_().output, query=globals_().query, stream=sys.stdout)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made if it is not there.")],
) -> None:
    """Write all schemas to a folder, for an editor: it needs no network to complete and explain keys.

    azureml.schema.json in it fits specs of every kind. For VS Code with the YAML extension, `aml schema export
    .vscode/azureml` and in .vscode/settings.json: "yaml.schemas": {".vscode/azureml/azureml.schema.json": ["*.yml"]}.
    For one file in any editor, a first line: # yaml-language-server: $schema=.vscode/azureml/command.schema.json
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in schema_export.exported().items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise AmlError(f"{folder}: the schemas can't be written: {error.strerror}.") from error
    written = sorted(schema_export.exported())
    emit({"folder": str(folder), "written": written}, card=lambda _: f"{len(written)} schemas are in {folder}\n")
