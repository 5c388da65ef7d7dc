"""`aml folder`: folders as the CLI of Azure ML v1 prepares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aml.commands._output import emit
from aml.commands._workspace import workspace_in_use
from aml.workspace.folder import FOLDER
from aml.workspace.folder import attach as attach_folder

app = typer.Typer()


@app.command()
def attach(
    path: Annotated[Path, typer.Option("--path", metavar="FOLDER", help="The project; . by default.")] = Path(),
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", "-e", metavar="NAME", help="Experiment of its runs.")
    ] = None,
) -> None:
    """Write .azureml with run configurations to start from, and the workspace; what is there already is kept."""
    name = workspace_in_use().info.name
    written = attach_folder(path.absolute(), name, experiment_name)
    folder = path.absolute() / FOLDER
    document = {"folder": str(folder), "written": written, "workspace_name": name}
    emit(document, card=lambda _: f"{folder}\n" + "".join(f"  {each}\n" for each in written or ["nothing new"]))
