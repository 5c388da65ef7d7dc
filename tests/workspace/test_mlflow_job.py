"""Unmodified MLflow scripts as jobs: what they log is in the workspace, also when the engine is killed meanwhile."""

from __future__ import annotations

import sys

import pytest

from aml.workspace.records import Status
from conftest import command_job, engine_pid, kill, log_of, wait_for

pytest.importorskip("mlflow")

SCRIPT = """
import mlflow

with mlflow.start_run():
    mlflow.log_params({"lr": 0.1, "layers": 3})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"acc": 0.9, "f1": 0.8}, step=4)
    mlflow.set_tag("stage", "test")
    mlflow.log_text("hello", "notes/readme.txt")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("inner", 1)
    open("weights.bin", "wb").write(b"weights")
    mlflow.log_artifact("weights.bin", "model")
    mlflow.log_text("flavors: {}", "model/MLmodel")
    version = mlflow.register_model(f"runs:/{mlflow.active_run().info.run_id}/model", "from-mlflow")
    print("registered", version.version)
"""

LONG = """
import mlflow, pathlib, time

mlflow.start_run()
for step in range(200):
    mlflow.log_metric("loss", step, step=step)
    print("step", step)
    time.sleep(0.01)
"""


def test_an_unmodified_mlflow_script_runs(workspace, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    job = workspace.submit(command_job(f"{sys.executable} script.py", code=str(tmp_path), experiment_name="exp"))
    job = workspace.wait(job.name, timeout_s=90)
    assert job.status is Status.COMPLETED, log_of(workspace, job.name)
    assert "registered 1" in log_of(workspace, job.name)
    latest = {point.key: (point.value, point.step) for point in workspace.metrics.latest(job.name)}
    assert latest == {"loss": (0.2, 4), "acc": (0.9, 4), "f1": (0.8, 4)}
    assert [point.value for point in workspace.metrics.history(job.name, "loss")] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    artifacts = dict(workspace.files.outputs(job.name))["artifacts"]
    assert (artifacts / "notes" / "readme.txt").read_text() == "hello"
    model = workspace.models.get("from-mlflow")
    assert model.job_name == job.name
    assert [path.read_bytes() for path in model.path.rglob("weights.bin")] == [b"weights"]


def test_no_metric_is_lost_or_doubled_when_the_engine_is_killed_while_they_are_logged(workspace, tmp_path):
    (tmp_path / "script.py").write_text(LONG)
    job = workspace.submit(command_job(f"{sys.executable} script.py", code=str(tmp_path)))
    for step in (20, 60, 100):
        wait_for(lambda step=step: f"step {step}\n" in log_of(workspace, job.name), timeout_s=60)
        kill(engine_pid(workspace))
    wait_for(lambda: workspace.job(job.name).status.is_terminal, timeout_s=90)
    assert workspace.job(job.name).status is Status.COMPLETED, log_of(workspace, job.name)
    assert [point.step for point in workspace.metrics.history(job.name, "loss")] == list(range(200))


def test_a_job_can_reach_the_tracking_server_with_its_own_token_alone(workspace):
    probe = (
        "import os, urllib.request, urllib.error\n"
        "def ask(token, path):\n"
        "    request = urllib.request.Request(os.environ['MLFLOW_TRACKING_URI'] + path)\n"
        "    request.add_header('Authorization', 'Bearer ' + token)\n"
        "    try:\n"
        "        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "run = '/api/2.0/mlflow/runs/get?run_id=' + os.environ['MLFLOW_RUN_ID']\n"
        "mine = os.environ['MLFLOW_TRACKING_TOKEN']\n"
        "print(ask(mine, run), ask('wrong', run), ask(mine.replace('.', 'x.', 1), run), ask(mine, '/engine/status'))\n"
    )
    job = workspace.submit(command_job(f'{sys.executable} -c "$PROBE"', environment_variables={"PROBE": probe}))
    workspace.wait(job.name, timeout_s=60)
    assert log_of(workspace, job.name).split() == ["200", "401", "401", "403"]
