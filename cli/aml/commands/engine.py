"""`aml engine`: the process that runs the jobs of the embedded workspace."""

from __future__ import annotations

import typer

from aml.commands._app import globals_
from aml.commands._output import emit
from aml.view import cards, entities
from aml.view.messages import say
from aml.workspace import open_workspace

app = typer.Typer()


@app.command()
def status() -> None:
    """Show the engine's pid and port, and what runs."""
    state = open_workspace(globals_().workspace_name).engine()
    emit(entities.engine(state), card=lambda color: cards.engine(state, color=color))


@app.command()
def stop() -> None:
    """Stop the engine. Running jobs go on, and the engine is back when one of them ends or a command needs it."""
    state = open_workspace(globals_().workspace_name).stop_engine()
    say("The engine was not running." if state.pid is None else f"Stopped, pid {state.pid}.")
    if state.active:
        say(f"Still running: {', '.join(job.name for job in state.active)}.")
