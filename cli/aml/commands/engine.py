"""`aml engine`: the process that runs the jobs of the embedded workspace."""

from __future__ import annotations

import typer

from aml.commands._output import emit
from aml.commands._workspace import workspace_in_use
from aml.view import cards, entities
from aml.view.messages import say

app = typer.Typer()


@app.command()
def status() -> None:
    """Show the engine's pid and port, and what runs."""
    state = workspace_in_use().engine()
    emit(entities.engine(state), card=lambda color: cards.engine(state, color=color))


@app.command()
def stop() -> None:
    """Stop the engine. Running jobs go on, and the engine is back when one of them ends or a command needs it."""
    state = workspace_in_use().stop_engine()
    say("The engine was not running." if state.pid is None else f"Stopped, pid {state.pid}.")
    if state.active:
        say(f"Still running: {', '.join(job.name for job in state.active)}.")
