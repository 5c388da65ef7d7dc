from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TRAINER

TRAIN = "import sys; from aml_trainer.__main__ import main; code = main(sys.argv[1:])"


def _run(script: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--data", str(data), "--output-dir", str(data.parent / "out")]
    recipe = ["--epochs", "2", "--batch-size", "8", "--image-size", "32", "--lr", "0.01"]
    return subprocess.run(
        [sys.executable, "-c", script, *arguments, *recipe],
        cwd=data.parent,
        env={**os.environ, "PYTHONPATH": str(TRAINER), **environment},
        capture_output=True,
        text=True,
    )


def test_without_a_tracking_uri_mlflow_is_not_imported(few_digits: Path):
    done = _run(f"{TRAIN}; assert 'mlflow' not in sys.modules; sys.exit(code)", few_digits)
    assert done.returncode == 0, done.stderr


def test_parameters_and_a_point_per_epoch_reach_mlflow(few_digits: Path, tmp_path: Path):
    store = f"file:{tmp_path}/mlruns"
    show_telemetry = "from mlflow.environment_variables import MLFLOW_DISABLE_TELEMETRY as off; assert off.get()"
    done = _run(
        f"{TRAIN}; {show_telemetry}; sys.exit(code)",
        few_digits,
        MLFLOW_TRACKING_URI=store,
        MLFLOW_ALLOW_FILE_STORE="true",
    )
    assert done.returncode == 0, done.stderr
    run = _only_run(store)
    assert run.info.status == "FINISHED"
    assert (run.data.params["lr"], run.data.params["model"]) == ("0.01", "resnet18")
    assert (run.data.params["train_images"], run.data.params["classes"]) == ("48", "3")
    assert run.data.metrics.keys() == {"train_loss", "val_loss", "val_acc", "best_val_acc", "images_per_s"}
    points = _client(store).get_metric_history(run.info.run_id, "best_val_acc")
    assert [point.step for point in points] == [1, 2]
    accuracies = [point.value for point in _client(store).get_metric_history(run.info.run_id, "val_acc")]
    assert [point.value for point in points] == [accuracies[0], max(accuracies)]


def test_a_training_that_fails_is_a_failed_run(few_digits: Path, tmp_path: Path):
    store = f"file:{tmp_path}/mlruns"
    (tmp_path / "out").write_text("a file where the folder should be")
    done = _run(f"{TRAIN}; sys.exit(code)", few_digits, MLFLOW_TRACKING_URI=store, MLFLOW_ALLOW_FILE_STORE="true")
    assert done.returncode == 1
    assert done.stderr.endswith(f"aml_trainer: the model can't be written to {tmp_path}/out: File exists\n")
    assert _only_run(store).info.status == "FAILED"


def test_a_tracking_server_that_is_not_there_is_one_sentence(few_digits: Path):
    done = _run(
        f"{TRAIN}; sys.exit(code)",
        few_digits,
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )
    assert done.returncode == 1
    assert "aml_trainer: the MLflow tracking server did not take the run's records: " in done.stderr
    assert "Traceback" not in done.stderr


def _client(store: str):
    import mlflow

    return mlflow.MlflowClient(tracking_uri=store)


def _only_run(store: str):
    (run,) = _client(store).search_runs(["0"])
    return run


@pytest.fixture(autouse=True)
def file_store_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
