"""`aml job metrics`: what a job logged, or how the trials of a sweep did."""

from __future__ import annotations

from typing import Annotated

import typer

from aml.commands._options import Name
from aml.commands._output import emit, emit_list
from aml.commands._workspace import workspace_in_use
from aml.view import entities
from aml.view.messages import say
from aml.workspace import Workspace


def metrics(
    name: Name,
    key: Annotated[str | None, typer.Option("--key", "-k", metavar="METRIC", help="All points of one metric.")] = None,
) -> None:
    """Show the last value of every metric that a job logged, or all points of one; of a sweep how its trials did.

    Of a sweep the trials, the best first, and what each parameter matters; sweep.html among its files shows more.
    """
    workspace = workspace_in_use()
    if key is None and workspace.job(name).type == "sweep":
        _leaderboard(workspace, name)
        return
    points = workspace.metrics.latest(name) if key is None else workspace.metrics.history(name, key)
    columns = {"Metric": "key", "Value": "value", "Step": "step"}
    emit_list([entities.metric(point) for point in points], columns, none="No metrics were logged.")


def _leaderboard(workspace: Workspace, name: str) -> None:
    from aml.view import sweep_page, sweeps

    sweep = workspace.sweeps.get(name)
    emit(entities.sweep(sweep), card=lambda color: sweeps.leaderboard(sweep, color=color))
    if sweep.job.folder is not None:
        page = sweep.job.folder / "artifacts" / "sweep.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(sweep_page.page(sweep), encoding="utf-8")
        say(f"All of it with plots: {page.as_uri()}")
