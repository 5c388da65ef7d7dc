"""`aml experiment`: make experiments and list them."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands._options import Name
from aml.commands._output import emit, emit_list
from aml.commands._workspace import workspace_in_use
from aml.view import cards, entities

app = typer.Typer()


@app.command()
def create(name: Name) -> None:
    """Make an experiment; a job makes the one that it names by itself."""
    made = workspace_in_use().experiments.create(name)
    emit(entities.experiment(made), card=lambda color: cards.experiment(made, color=color))


@app.command("list")
def list_(
    max_results: Annotated[int | None, typer.Option("--max-results", "-r", min=1, help="At most so many.")] = None,
) -> None:
    """List experiments, newest first."""
    found = workspace_in_use().experiments.list(limit=max_results)
    emit_list([entities.experiment(each) for each in found], entities.EXPERIMENT_COLUMNS, none="No experiments.")
