"""An unmodified MLflow script, in a process of its own as a job runs it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from aml.workspace.embedded.tracking.metrics import latest_metrics, metric_history
from aml.workspace.embedded.tracking.runs import insert_run, run

SCRIPT = Path(__file__).with_name("job_script.py")


def test_an_unmodified_script_runs(served: Any, tmp_path: Path) -> None:
    with served.database.transaction() as write:
        insert_run(write, run_id="calm_fox", experiment_name="birds", display_name="Calm fox", created_ms=1, user="ada")
    variables = {
        "MLFLOW_TRACKING_URI": served.url,
        "MLFLOW_TRACKING_TOKEN": "a token of forty characters or so, more or less",
        "MLFLOW_RUN_ID": "calm_fox",
        "MLFLOW_EXPERIMENT_NAME": "birds",
        "MLFLOW_EXPERIMENT_ID": str(run(served.database.connection, "calm_fox")["experiment_id"]),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=os.environ | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "registered birds-net 1 from mlflow-artifacts:/runs/calm_fox/net" in done.stdout
    connection = served.database.connection
    latest = {point.key: point for point in latest_metrics(connection, "calm_fox")}
    assert (latest["loss"].value, latest["loss"].step) == (0.2, 4)
    assert math.isnan(latest["diverged"].value)
    assert [point.step for point in metric_history(connection, "calm_fox", "acc")] == list(range(5))
    assert run(connection, "calm_fox")["status"] == "FINISHED"
    (child,) = connection.execute("SELECT run_id FROM run WHERE name = 'fold 1'").fetchall()
    assert [point.value for point in latest_metrics(connection, child["run_id"])] == [0.5]
    assert (served.paths.run_artifacts("calm_fox") / "report" / "matrix.txt").read_text() == "confusion"
    assert served.models.get("birds-net", "1").type == "mlflow_model"
