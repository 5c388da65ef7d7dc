"""Verbs of `aml job` about what a job wrote and what it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aml.commands._options import DownloadPath, Name
from aml.commands._output import emit, emit_list
from aml.commands._workspace import workspace_in_use
from aml.errors import UsageError
from aml.view import cards, entities
from aml.view.messages import say


def files(name: Name) -> None:
    """List the files that a job has written, with their sizes."""
    found = workspace_in_use().files.list(name)
    emit_list([entities.job_file(file) for file in found], entities.FILE_COLUMNS, none="No files.")


def download(
    name: Name,
    download_path: DownloadPath = Path(),
    output_name: Annotated[str | None, typer.Option("--output-name", metavar="NAME", help="One output alone.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Logs and all outputs.")] = False,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="PATTERN", help="One file or a glob, as `job files` names them; also early."),
    ] = None,
) -> None:
    """Download the logs and ./outputs of a job that is over to artifacts/, outputs to named-outputs/NAME/."""
    workspace = workspace_in_use()
    if file is None:
        folder = workspace.files.download_outputs(name, download_path, output=output_name, everything=all_)
        say(f"Downloaded to {folder.absolute()}")
        return
    if output_name is not None or all_:
        raise UsageError("--file can't be given with --output-name or --all", "A pattern can name an output's files.")
    found = workspace.files.list(name, file)
    workspace.files.download(found, download_path)
    what = found[0].path if len(found) == 1 else f"{len(found)} files"
    size = cards.size(sum(each.size_bytes for each in found))
    say(f"Downloaded {what}, {size}, to {download_path.absolute()}")


def show_services(
    name: Name,
    node_index: Annotated[int, typer.Option("--node-index", "-i", min=0, help="Node of the job.")] = 0,
) -> None:
    """Show the services of a job: where to look at it, and those of its YAML."""
    workspace = workspace_in_use()
    job = workspace.job(name)
    nodes = (job.document.get("resources") or {}).get("instance_count", 1)
    if node_index >= nodes:
        raise UsageError(f"the job {job.name} has no node {node_index}", f"It has {nodes}, counted from 0.")
    services = entities.job(job)["services"]
    emit(services, card=lambda color: cards.services(services, color=color))
