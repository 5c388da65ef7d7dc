from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run

from aml_trainer.__main__ import main

from .conftest import TRAINER

QUICK = ["--epochs", "2", "--batch-size", "8", "--image-size", "32", "--lr", "0.01", "--no-report"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """MLflow's own store in a folder, set as a job finds it."""
    uri = f"file:{tmp_path}/mlruns"
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def _only_run(store: str) -> Run:
    (run,) = mlflow.MlflowClient(store).search_runs(["0"])
    return run


def _train(data: Path) -> int:
    return main(["--data", str(data), "--output-dir", str(data.parent / "out"), *QUICK])


def test_without_a_tracking_uri_mlflow_is_not_imported(few_digits: Path, tmp_path: Path):
    script = "import sys; from aml_trainer.__main__ import main; code = main(); assert 'mlflow' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", script, "--data", str(few_digits), "--output-dir", str(tmp_path / "out"), *QUICK],
        env={**os.environ, "PYTHONPATH": str(TRAINER)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "model.pt").exists()


def test_parameters_and_a_point_per_epoch_reach_mlflow(few_digits: Path, store: str):
    assert _train(few_digits) == 0
    run = _only_run(store)
    assert run.info.status == "FINISHED"
    assert (run.data.params["lr"], run.data.params["model"]) == ("0.01", "resnet18")
    assert (run.data.params["train_images"], run.data.params["classes"]) == ("48", "3")
    assert run.data.metrics.keys() == {"train_loss", "val_loss", "val_acc", "best_val_acc", "images_per_s"}
    history = mlflow.MlflowClient(store).get_metric_history
    best, each = (history(run.info.run_id, name) for name in ("best_val_acc", "val_acc"))
    assert [point.step for point in best] == [1, 2]
    assert [point.value for point in best] == [each[0].value, max(each[0].value, each[1].value)]


def test_the_run_of_the_job_is_used_when_there_is_one(few_digits: Path, store: str, monkeypatch: pytest.MonkeyPatch):
    job = mlflow.MlflowClient(store).create_run("0", run_name="the job's")
    monkeypatch.setenv("MLFLOW_RUN_ID", job.info.run_id)
    assert _train(few_digits) == 0
    run = _only_run(store)
    assert (run.info.run_id, run.info.run_name) == (job.info.run_id, "the job's")
    assert "best_val_acc" in run.data.metrics


def test_only_the_tracking_server_is_told(few_digits: Path, store: str):
    assert _train(few_digits) == 0
    assert mlflow.environment_variables.MLFLOW_DISABLE_TELEMETRY.get() is True


def test_a_training_that_fails_is_a_failed_run(few_digits: Path, store: str, capsys: pytest.CaptureFixture[str]):
    out = few_digits.parent / "out"
    out.write_text("a file where the folder should be")
    assert _train(few_digits) == 1
    assert capsys.readouterr().err.endswith(f"aml_trainer: the model can't be written to {out}: File exists\n")
    assert _only_run(store).info.status == "FAILED"


def test_a_tracking_server_that_is_not_there_is_one_sentence(
    few_digits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert _train(few_digits) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("aml_trainer: the MLflow tracking server did not take the run's records: ")
