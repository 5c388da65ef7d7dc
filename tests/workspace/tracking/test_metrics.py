"""Runs and metrics in the store, as the CLI and the engine read and write them."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking import runs
from aml.workspace.embedded.tracking.experiments import ensure_experiment, experiment_by_name, set_experiment_stage
from aml.workspace.embedded.tracking.metrics import (
    LoggedMetric,
    latest_metrics,
    log_metrics,
    metric_history,
    metrics_after,
    sampled_history,
)
from aml.workspace.records import MetricPoint, Status


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "store.db")
    with database.transaction() as write:
        runs.insert_run(
            write, run_id="calm_fox", experiment_name="birds", display_name="Calm fox", created_ms=1000, user="ada"
        )
    yield database
    database.close()


def log(database: Database, *points: tuple[str, float | None, int, int]) -> None:
    with database.transaction() as write:
        log_metrics(write, "calm_fox", [LoggedMetric(*point) for point in points])


def document(connection: sqlite3.Connection, run_id: str = "calm_fox") -> dict[str, object]:
    (found,) = runs.run_documents(connection, [runs.run(connection, run_id)])
    json.dumps(found, allow_nan=False)
    return found


def test_a_jobs_run_is_in_the_experiment_of_its_name(database: Database) -> None:
    experiment = experiment_by_name(database.connection, "birds")
    info = document(database.connection)["info"]
    assert info == {
        "run_id": "calm_fox",
        "run_uuid": "calm_fox",
        "run_name": "Calm fox",
        "experiment_id": str(experiment["id"]),
        "user_id": "ada",
        "status": "SCHEDULED",
        "start_time": 1000,
        "artifact_uri": "mlflow-artifacts:/runs/calm_fox",
        "lifecycle_stage": "active",
    }


def test_a_job_brings_a_deleted_experiment_back(database: Database) -> None:
    experiment_id = experiment_by_name(database.connection, "birds")["id"]
    with database.transaction() as write:
        set_experiment_stage(write, str(experiment_id), "deleted")
        assert ensure_experiment(write, "birds") == experiment_id
    assert experiment_by_name(database.connection, "birds")["lifecycle_stage"] == "active"


def test_a_run_follows_its_job(database: Database) -> None:
    told = []
    for at_ms, status in enumerate((Status.PREPARING, Status.RUNNING, Status.CANCEL_REQUESTED, Status.CANCELED), 2000):
        with database.transaction() as write:
            runs.follow_job(write, "calm_fox", status, at_ms=at_ms)
        row = runs.run(database.connection, "calm_fox")
        told.append((row["status"], row["start_ms"], row["end_ms"]))
    assert told == [
        ("SCHEDULED", 1000, None),
        ("RUNNING", 2001, None),
        ("RUNNING", 2001, None),
        ("KILLED", 2001, 2003),
    ]


def test_the_latest_value_is_the_one_of_the_greatest_step(database: Database) -> None:
    log(database, ("loss", 3.0, 1, 10), ("loss", 1.0, 3, 12), ("loss", 2.0, 2, 11), ("acc", 0.5, 0, 10))
    log(database, ("loss", 9.0, 2, 99))
    assert latest_metrics(database.connection, "calm_fox") == [
        MetricPoint("acc", 0.5, 0, 10),
        MetricPoint("loss", 1.0, 3, 12),
    ]


def test_the_history_is_in_the_order_of_arrival(database: Database) -> None:
    log(database, ("loss", 3.0, 1, 10), ("acc", 0.5, 0, 10))
    log(database, ("loss", 2.0, 0, 9))
    loss = [MetricPoint("loss", 3.0, 1, 10), MetricPoint("loss", 2.0, 0, 9)]
    assert metric_history(database.connection, "calm_fox", "loss") == loss
    assert metric_history(database.connection, "calm_fox") == [loss[0], MetricPoint("acc", 0.5, 0, 10), loss[1]]
    assert metric_history(database.connection, "calm_fox", "other") == []


def test_a_batch_that_is_sent_again_is_logged_once(database: Database) -> None:
    batch = [("loss", 0.5, 1, 10), ("loss", None, 2, 11), ("loss", math.inf, 3, 12)]
    log(database, *batch)
    log(database, *batch, ("loss", 0.5, 1, 11))
    assert len(metric_history(database.connection, "calm_fox", "loss")) == 4


def test_numbers_that_are_none_survive(database: Database) -> None:
    log(database, ("a", None, 0, 1), ("b", math.inf, 0, 1), ("c", -math.inf, 0, 1))
    nan, above, below = (point.value for point in latest_metrics(database.connection, "calm_fox"))
    assert math.isnan(nan)
    assert (above, below) == (math.inf, -math.inf)
    data = document(database.connection)["data"]
    assert isinstance(data, dict)
    assert [metric["value"] for metric in data["metrics"]] == ["NaN", "Infinity", "-Infinity"]


def test_a_live_view_gets_every_point_once(database: Database) -> None:
    position, points = metrics_after(database.connection, "calm_fox", 0)
    assert (position, points) == (0, [])
    seen = []
    for step in range(3):
        log(database, ("loss", float(step), step, step), ("acc", float(step), step, step))
        position, points = metrics_after(database.connection, "calm_fox", position)
        seen += points
    assert seen == metric_history(database.connection, "calm_fox")
    assert metrics_after(database.connection, "calm_fox", position) == (position, [])


def test_a_long_history_is_sampled_evenly_with_both_ends(database: Database) -> None:
    log(database, *(("loss", float(step), step, step) for step in range(1000)))

    def steps(first: int, last: int, limit: int) -> list[int]:
        rows = sampled_history(database.connection, "calm_fox", "loss", first_step=first, last_step=last, limit=limit)
        return [row["step"] for row in rows]

    assert steps(0, 10_000, 1000) == list(range(1000))
    assert steps(10, 20, 100) == list(range(10, 21))
    sampled = steps(0, 10_000, 10)
    assert len(sampled) <= 11
    assert (sampled[0], sampled[-1]) == (0, 999)
    assert {later - earlier for earlier, later in itertools.pairwise(sampled)} <= {99, 100}


def test_a_param_is_written_once(database: Database) -> None:
    with database.transaction() as write:
        runs.log_params(write, "calm_fox", [("lr", "0.1"), ("lr", "0.1")])
    with pytest.raises(RequestError, match=r"already logged with value='0\.1'"), database.transaction() as write:
        runs.log_params(write, "calm_fox", [("momentum", "0.9"), ("lr", "0.2")])
    data = document(database.connection)["data"]
    assert isinstance(data, dict)
    assert data["params"] == [{"key": "lr", "value": "0.1"}]


def test_a_runs_name_and_its_tag_are_one(database: Database) -> None:
    with database.transaction() as write:
        runs.set_tags(write, "calm_fox", [("mlflow.runName", "by tag")])
    assert runs.run(database.connection, "calm_fox")["name"] == "by tag"
    with database.transaction() as write:
        runs.update_run(write, "calm_fox", status="FINISHED", end_ms=5, name="by update")
    document_ = document(database.connection)
    assert isinstance(document_["data"], dict)
    assert {"key": "mlflow.runName", "value": "by update"} in document_["data"]["tags"]
