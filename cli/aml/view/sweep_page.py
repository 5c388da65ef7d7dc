"""A sweep as one HTML file that needs no network: parallel coordinates, optimisation history, importance, trials."""

from __future__ import annotations

import html
import json
import math
from pathlib import Path
from typing import Any

from aml.view.sweeps import word
from aml.workspace.records import Sweep, Trial

_TEMPLATE = Path(__file__).with_name("sweep.html")


def page(sweep: Sweep) -> str:
    data = {
        "name": sweep.job.name,
        "status": str(sweep.job.status),
        "metric": sweep.primary_metric,
        "goal": sweep.goal,
        "total": sweep.total,
        "best": None if sweep.best is None else sweep.best.name,
        "importance": dict(sweep.importance),
        "trials": [_trial(trial) for trial in sweep.trials],
    }
    # A text in it can't end the script that it stands in.
    text = json.dumps(data).replace("<", "\\u003c")
    template = _TEMPLATE.read_text(encoding="utf-8")
    return template.replace("__NAME__", html.escape(sweep.job.name)).replace("__DATA__", text)


def _trial(trial: Trial) -> dict[str, Any]:
    job = trial.job
    took_s = None
    if job.started_at is not None and job.ended_at is not None:
        took_s = (job.ended_at - job.started_at).total_seconds()
    return {
        "name": trial.name,
        "status": word(trial),
        "value": trial.value,
        "parameters": {name: _shown(value) for name, value in trial.parameters.items()},
        "reports": [value if math.isfinite(value) else None for value in trial.reports],
        "message": job.message,
        "seconds": took_s,
    }


def _shown(value: Any) -> Any:
    """Numbers stay numbers; what a choice of mappings gave is its text."""
    return json.dumps(value) if isinstance(value, (dict, bool)) else value
