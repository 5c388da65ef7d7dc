"""Runs in the database: a job's own, and those that clients make. Writers need a connection inside a transaction."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aml.workspace.embedded.tracking.experiments import VIEWS, active_experiment, ensure_experiment
from aml.workspace.embedded.tracking.fields import Pairs, invalid, json_number, missing, next_page
from aml.workspace.embedded.tracking.filters import Searchable, order_by, where
from aml.workspace.embedded.tracking.inputs import inputs_of, outputs_of
from aml.workspace.records import Status

NAME_TAG = "mlflow.runName"
STATUSES = frozenset({"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"})
STATUS_OF_JOB: Mapping[Status, str] = {
    Status.QUEUED: "SCHEDULED",
    Status.PREPARING: "SCHEDULED",
    Status.RUNNING: "RUNNING",
    Status.FINALIZING: "RUNNING",
    Status.CANCEL_REQUESTED: "RUNNING",
    Status.COMPLETED: "FINISHED",
    Status.FAILED: "FAILED",
    Status.CANCELED: "KILLED",
}

_INSERT = "INSERT INTO run (run_id, experiment_id, name, user_id, status, start_ms) VALUES (?, ?, ?, ?, ?, ?)"

SEARCHABLE = Searchable(
    text={
        "run_id": "run.run_id",
        "run_name": "run.name",
        "user_id": "run.user_id",
        "status": "run.status",
        "artifact_uri": "'mlflow-artifacts:/runs/' || run.run_id",
        "experiment_id": "CAST(run.experiment_id AS TEXT)",
    },
    numbers={"start_time": "run.start_ms", "end_time": "run.end_ms", "created": "run.start_ms"},
    kinds={
        "metric": "FROM metric WHERE metric.run_id = run.run_id AND metric.key = ?",
        "param": "FROM run_param WHERE run_param.run_id = run.run_id AND run_param.key = ?",
        "tag": "FROM run_tag WHERE run_tag.run_id = run.run_id AND run_tag.key = ?",
    },
)


def insert_run(
    connection: sqlite3.Connection,
    *,
    run_id: str,
    experiment_name: str,
    display_name: str,
    created_ms: int,
    user: str,
    parent: str | None = None,
) -> None:
    """The run of a new job, in the experiment of that name."""
    experiment_id = ensure_experiment(connection, experiment_name)
    connection.execute(_INSERT, (run_id, experiment_id, display_name, user, "SCHEDULED", created_ms))
    nested = [] if parent is None else [("mlflow.parentRunId", parent)]
    set_tags(connection, run_id, [(NAME_TAG, display_name), ("mlflow.user", user), *nested])


def follow_job(connection: sqlite3.Connection, run_id: str, status: Status, *, at_ms: int) -> None:
    """Give the job's run the status that the job has now; a start time at its start, an end time at its end."""
    connection.execute(
        "UPDATE run SET status = ?, start_ms = iif(?, ?, start_ms), end_ms = iif(?, ?, end_ms) WHERE run_id = ?",
        (STATUS_OF_JOB[status], status is Status.RUNNING, at_ms, status.is_terminal, at_ms, run_id),
    )


def relabel_run(connection: sqlite3.Connection, run_id: str, *, name: str, experiment_name: str) -> None:
    """Give a job's run the name and the experiment that the job has now."""
    set_tags(connection, run_id, [(NAME_TAG, name)])
    experiment_id = ensure_experiment(connection, experiment_name)
    connection.execute("UPDATE run SET experiment_id = ? WHERE run_id = ?", (experiment_id, run_id))


def create_run(
    connection: sqlite3.Connection, *, experiment_id: str, name: str | None, user: str, start_ms: int, tags: Pairs
) -> str:
    """A run that a client asks for; its new id."""
    experiment = active_experiment(connection, experiment_id)
    run_id = os.urandom(16).hex()
    name = name or dict(tags).get(NAME_TAG) or f"run-{run_id[:8]}"
    connection.execute(_INSERT, (run_id, experiment["id"], name, user, "RUNNING", start_ms))
    set_tags(connection, run_id, [*tags, (NAME_TAG, name)])
    return run_id


def run(connection: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise missing(f"Run with id={run_id} not found.")
    return row


def active_run(connection: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    row = run(connection, run_id)
    if row["lifecycle_stage"] != "active":
        raise invalid(f"The run {run_id} must be in the 'active' state. Current state is {row['lifecycle_stage']}.")
    return row


def update_run(
    connection: sqlite3.Connection, run_id: str, *, status: str | None, end_ms: int | None, name: str | None
) -> None:
    active_run(connection, run_id)
    if status is not None and status not in STATUSES:
        raise invalid(f"Invalid run status '{status}'; it is one of {sorted(STATUSES)}.")
    connection.execute(
        "UPDATE run SET status = coalesce(?, status), end_ms = coalesce(?, end_ms) WHERE run_id = ?",
        (status, end_ms, run_id),
    )
    if name is not None:
        set_tags(connection, run_id, [(NAME_TAG, name)])


def set_run_stage(connection: sqlite3.Connection, run_id: str, stage: str) -> None:
    """Delete or restore a run."""
    run(connection, run_id)
    connection.execute("UPDATE run SET lifecycle_stage = ? WHERE run_id = ?", (stage, run_id))


def set_tags(connection: sqlite3.Connection, run_id: str, tags: Pairs) -> None:
    """Set tags of an existing run; the tag mlflow.runName is the run's name too."""
    connection.executemany(
        "INSERT INTO run_tag VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        [(run_id, key, value) for key, value in tags],
    )
    name = dict(tags).get(NAME_TAG)
    if name is not None:
        connection.execute("UPDATE run SET name = ? WHERE run_id = ?", (name, run_id))


def delete_tag(connection: sqlite3.Connection, run_id: str, key: str) -> None:
    active_run(connection, run_id)
    if not connection.execute("DELETE FROM run_tag WHERE run_id = ? AND key = ?", (run_id, key)).rowcount:
        raise missing(f"No tag with name: {key} in run with id {run_id}.")


def log_params(connection: sqlite3.Connection, run_id: str, params: Pairs) -> None:
    """Params are written once; the same value again is accepted."""
    for key, value in params:
        row = connection.execute(
            "INSERT INTO run_param VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value RETURNING value",
            (run_id, key, value),
        ).fetchone()
        if row["value"] != value:
            raise invalid(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                f"value='{row['value']}' for run ID='{run_id}'. Attempted logging new value '{value}'."
            )


def search_runs(
    connection: sqlite3.Connection,
    *,
    experiment_ids: Sequence[str],
    view: str,
    filter_string: str | None,
    order: Sequence[str],
    limit: int,
    offset: int,
) -> dict[str, Any]:
    """One page of MLflow's answer, latest start first where `order` does not say more."""
    if view not in VIEWS:
        raise invalid(f"Invalid view type '{view}'.")
    condition, values = where(filter_string, SEARCHABLE)
    terms, more = order_by(order, SEARCHABLE, "run.start_ms DESC, run.run_id")
    rows = connection.execute(
        "SELECT * FROM run WHERE experiment_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) "
        f"AND lifecycle_stage IN (?, ?) AND {condition} ORDER BY {terms} LIMIT ? OFFSET ?",
        (json.dumps(list(experiment_ids)), VIEWS[view][0], VIEWS[view][-1], *values, *more, limit + 1, offset),
    ).fetchall()
    return {"runs": run_documents(connection, rows[:limit]), **next_page(len(rows), limit, offset)}


def run_documents(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    """MLflow's Run for each row, in a fixed number of queries."""
    ids = json.dumps([row["run_id"] for row in rows])
    metrics = _by_run(connection, "SELECT * FROM metric", ids)
    params = _by_run(connection, "SELECT * FROM run_param", ids)
    tags = _by_run(connection, "SELECT * FROM run_tag", ids)
    inputs, outputs = inputs_of(connection, ids), outputs_of(connection, ids)
    return [
        {
            "info": info_document(row),
            "data": {
                "metrics": [metric_document(metric) for metric in metrics[row["run_id"]]],
                "params": [{"key": param["key"], "value": param["value"]} for param in params[row["run_id"]]],
                "tags": [{"key": tag["key"], "value": tag["value"]} for tag in tags[row["run_id"]]],
            },
            "inputs": inputs.get(row["run_id"], {}),
            "outputs": outputs.get(row["run_id"], {}),
        }
        for row in rows
    ]


def info_document(row: sqlite3.Row) -> dict[str, Any]:
    document = {
        "run_id": row["run_id"],
        "run_uuid": row["run_id"],
        "run_name": row["name"],
        "experiment_id": str(row["experiment_id"]),
        "user_id": row["user_id"],
        "status": row["status"],
        "start_time": row["start_ms"],
        "artifact_uri": f"mlflow-artifacts:/runs/{row['run_id']}",
        "lifecycle_stage": row["lifecycle_stage"],
    }
    return document if row["end_ms"] is None else {**document, "end_time": row["end_ms"]}


def metric_document(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "key": row["key"],
        "value": json_number(row["value"]),
        "step": row["step"],
        "timestamp": row["timestamp_ms"],
    }


def _by_run(connection: sqlite3.Connection, select: str, ids: str) -> Mapping[str, list[sqlite3.Row]]:
    found = defaultdict[str, list[sqlite3.Row]](list)
    for row in connection.execute(f"{select} WHERE run_id IN (SELECT value FROM json_each(?))", (ids,)):
        found[row["run_id"]].append(row)
    return found
