"""MLflow 3's logged models in the database. Writers need a connection inside a transaction.

A model's files are in a folder of its run's artifacts that has the model's name, where MLflow 2 and Azure put them.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aml.workspace.embedded.tracking.experiments import active_experiment
from aml.workspace.embedded.tracking.fields import Arguments, Pairs, invalid, missing, next_page, now_ms, required_text
from aml.workspace.embedded.tracking.filters import Searchable, order_by, where
from aml.workspace.embedded.tracking.metrics import dataset_fields, metrics_of_models
from aml.workspace.embedded.tracking.runs import active_run, metric_document

STATUSES = ("PENDING", "READY", "UPLOAD_FAILED")
_PREFIX = "LOGGED_MODEL_"
_BAD_IN_NAMES = frozenset("/:.%\"'")

SEARCHABLE = Searchable(
    text={
        "name": "model.name",
        "model_id": "model.model_id",
        "model_type": "model.type",
        "status": "model.status",
        "source_run_id": "coalesce(model.run_id, '')",
        "experiment_id": "CAST(model.experiment_id AS TEXT)",
    },
    numbers={
        "creation_timestamp": "model.created_ms",
        "creation_time": "model.created_ms",
        "last_updated_timestamp": "model.updated_ms",
    },
    kinds={
        kind: f"FROM logged_model_{kind} AS part WHERE part.model_id = model.model_id AND part.key = ?"
        for kind in ("metric", "param", "tag")
    },
)


def create_logged_model(
    connection: sqlite3.Connection,
    *,
    experiment_id: str,
    run_id: str | None,
    name: str | None,
    model_type: str,
    params: Pairs,
    tags: Pairs,
    run_artifacts: Callable[[str], Path],
) -> str:
    """A pending model; its new id. `run_artifacts` gives the folder of its run."""
    experiment = active_experiment(connection, experiment_id)
    if run_id is not None:
        active_run(connection, run_id)
    model_id = f"m-{os.urandom(16).hex()}"
    name = name or f"model-{model_id[2:10]}"
    if _BAD_IN_NAMES & set(name):
        raise invalid(f"Invalid model name '{name}': it can't have any of {' '.join(sorted(_BAD_IN_NAMES))}.")
    folder = "" if run_id is None else _free_folder(connection, run_id, name, run_artifacts) or f"{name}-{model_id}"
    now = now_ms()
    connection.execute(
        "INSERT INTO logged_model (model_id, experiment_id, run_id, name, folder, type, status, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)",
        (model_id, experiment["id"], run_id, name, folder, model_type, now, now),
    )
    log_model_params(connection, model_id, params)
    set_model_tags(connection, model_id, tags)
    return model_id


def logged_model(connection: sqlite3.Connection, model_id: str, *, allow_deleted: bool = False) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM logged_model WHERE model_id = ?", (model_id,)
    ).fetchone()
    if row is None or (row["lifecycle_stage"] == "deleted" and not allow_deleted):
        raise missing(f"Logged model with ID '{model_id}' not found.")
    return row


def logged_model_of_run(connection: sqlite3.Connection, run_id: str, name: str) -> sqlite3.Row | None:
    """The newest model of this name that the run logged."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM logged_model WHERE run_id = ? AND name = ? AND lifecycle_stage = 'active' "
        "ORDER BY created_ms DESC, rowid DESC LIMIT 1",
        (run_id, name),
    ).fetchone()
    return row


def holds_logged_model(connection: sqlite3.Connection, run_id: str, folder: str) -> bool:
    """Whether this folder of the run's artifacts is a logged model."""
    query = "SELECT 1 FROM logged_model WHERE run_id = ? AND folder = ? AND lifecycle_stage = 'active'"
    return connection.execute(query, (run_id, folder)).fetchone() is not None


def finalize(connection: sqlite3.Connection, model_id: str, status: str) -> None:
    """`status` as the client sends it: LOGGED_MODEL_READY, or the enum's number."""
    logged_model(connection, model_id)
    plain = status.removeprefix(_PREFIX)
    if plain in ("1", "2", "3"):
        plain = STATUSES[int(plain) - 1]
    if plain not in STATUSES:
        raise invalid(f"Invalid model status '{status}'.")
    connection.execute(
        "UPDATE logged_model SET status = ?, updated_ms = ? WHERE model_id = ?", (plain, now_ms(), model_id)
    )


def delete_logged_model(connection: sqlite3.Connection, model_id: str) -> None:
    """Its files stay, as those of a deleted run do."""
    logged_model(connection, model_id)
    connection.execute(
        "UPDATE logged_model SET lifecycle_stage = 'deleted', updated_ms = ? WHERE model_id = ?", (now_ms(), model_id)
    )


def log_model_params(connection: sqlite3.Connection, model_id: str, params: Pairs) -> None:
    connection.executemany(
        "INSERT INTO logged_model_param VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        [(model_id, key, value) for key, value in params],
    )


def set_model_tags(connection: sqlite3.Connection, model_id: str, tags: Pairs) -> None:
    connection.executemany(
        "INSERT INTO logged_model_tag VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        [(model_id, key, value) for key, value in tags],
    )


def delete_model_tag(connection: sqlite3.Connection, model_id: str, key: str) -> None:
    logged_model(connection, model_id)
    if not connection.execute("DELETE FROM logged_model_tag WHERE model_id = ? AND key = ?", (model_id, key)).rowcount:
        raise missing(f"No tag with key '{key}' on the logged model {model_id}.")


def search_logged_models(
    connection: sqlite3.Connection,
    *,
    experiment_ids: Sequence[str],
    filter_string: str | None,
    order: Sequence[Arguments],
    limit: int,
    offset: int,
) -> dict[str, Any]:
    """One page of MLflow's answer, newest first where `order` does not say more."""
    directions = {True: "ASC", False: "DESC"}
    items = [f"{required_text(item, 'field_name')} {directions[item.get('ascending') is not False]}" for item in order]
    condition, values = where(filter_string, SEARCHABLE)
    terms, more = order_by(items, SEARCHABLE, "model.created_ms DESC, model.model_id")
    rows = connection.execute(
        "SELECT * FROM logged_model AS model WHERE lifecycle_stage = 'active' AND "
        "experiment_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) "
        f"AND {condition} ORDER BY {terms} LIMIT ? OFFSET ?",
        (json.dumps(list(experiment_ids)), *values, *more, limit + 1, offset),
    ).fetchall()
    return {"models": model_documents(connection, rows[:limit]), **next_page(len(rows), limit, offset)}


def model_documents(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    """MLflow's LoggedModel for each row."""
    ids = json.dumps([row["model_id"] for row in rows])
    params, tags = _pairs(connection, "logged_model_param", ids), _pairs(connection, "logged_model_tag", ids)
    metrics = defaultdict[str, list[dict[str, Any]]](list)
    for metric in metrics_of_models(connection, ids):
        metrics[metric["model_id"]].append({**metric_document(metric), **dataset_fields(metric)})
    return [
        {
            "info": {**_info(row), "tags": tags[row["model_id"]]},
            "data": {"params": params[row["model_id"]], "metrics": metrics[row["model_id"]]},
        }
        for row in rows
    ]


def _info(row: sqlite3.Row) -> dict[str, Any]:
    info = {
        "model_id": row["model_id"],
        "experiment_id": str(row["experiment_id"]),
        "name": row["name"],
        "creation_timestamp_ms": row["created_ms"],
        "last_updated_timestamp_ms": row["updated_ms"],
        "artifact_uri": f"mlflow-artifacts:/models/{row['model_id']}",
        "status": _PREFIX + row["status"],
        "model_type": row["type"],
    }
    return info if row["run_id"] is None else {**info, "source_run_id": row["run_id"]}


def _free_folder(
    connection: sqlite3.Connection, run_id: str, name: str, run_artifacts: Callable[[str], Path]
) -> str | None:
    taken = connection.execute("SELECT 1 FROM logged_model WHERE run_id = ? AND folder = ?", (run_id, name)).fetchone()
    return name if taken is None and not (run_artifacts(run_id) / name).exists() else None


def _pairs(connection: sqlite3.Connection, table: str, ids: str) -> Mapping[str, list[dict[str, str]]]:
    found = defaultdict[str, list[dict[str, str]]](list)
    query = f"SELECT * FROM {table} WHERE model_id IN (SELECT value FROM json_each(?))"
    for row in connection.execute(query, (ids,)):
        found[row["model_id"]].append({"key": row["key"], "value": row["value"]})
    return found
