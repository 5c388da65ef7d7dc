"""`aml completion`: what a shell loads to complete commands, options and names."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from aml.commands import COMPLETE_VARIABLE
from aml.view.streams import put

app = typer.Typer()


@app.command()
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="bash|zsh|fish", help="The shell.")],
) -> None:
    """Print what a shell loads to complete commands, options and names: eval "$(aml completion bash)"."""
    from typer._completion_shared import get_completion_script

    put(get_completion_script(prog_name="aml", complete_var=COMPLETE_VARIABLE, shell=shell).lstrip() + "\n", sys.stdout)
