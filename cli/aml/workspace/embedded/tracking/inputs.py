"""What runs read and made: datasets, and models that were logged. Writers need a connection inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from aml.workspace.embedded.tracking.fields import (
    MAX_TAG_VALUE,
    Arguments,
    integer,
    invalid,
    optional_text,
    pairs,
    required_text,
)

MAX_DATASETS = 1000
Documents = dict[str, dict[str, Any]]  # by run id


def log_datasets(connection: sqlite3.Connection, run: sqlite3.Row, inputs: Sequence[Arguments]) -> None:
    """MLflow's DatasetInput documents; a dataset is one row in its experiment, however many runs read it."""
    if len(inputs) > MAX_DATASETS:
        raise invalid(f"At most {MAX_DATASETS} datasets can be logged in one request, not {len(inputs)}.")
    for item in inputs:
        dataset = item.get("dataset")
        if not isinstance(dataset, dict):
            raise invalid("Missing value for required parameter 'dataset'.")
        tags = [{"key": key, "value": value} for key, value in pairs(item, "tags", MAX_TAG_VALUE)]
        row = connection.execute(
            "INSERT INTO dataset (experiment_id, name, digest, source_type, source, schema, profile) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = name RETURNING id",
            (
                run["experiment_id"],
                *(required_text(dataset, name) for name in ("name", "digest", "source_type", "source")),
                optional_text(dataset, "schema"),
                optional_text(dataset, "profile"),
            ),
        ).fetchone()
        connection.execute(
            "INSERT INTO run_dataset VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET tags = excluded.tags",
            (run["run_id"], row["id"], json.dumps(tags)),
        )


def log_models(connection: sqlite3.Connection, run_id: str, direction: str, models: Sequence[Arguments]) -> None:
    """MLflow's ModelInput or ModelOutput documents."""
    connection.executemany(
        "INSERT INTO run_model VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET step = excluded.step",
        [(run_id, direction, required_text(model, "model_id"), integer(model, "step", 0)) for model in models],
    )


def inputs_of(connection: sqlite3.Connection, run_ids: str) -> Documents:
    """MLflow's RunInputs of those of `run_ids` (a JSON list) that have some."""
    found: Documents = {}
    for row in connection.execute(
        "SELECT run_id, tags, dataset.* FROM run_dataset JOIN dataset ON dataset.id = dataset_id "
        "WHERE run_id IN (SELECT value FROM json_each(?))",
        (run_ids,),
    ):
        columns = ("name", "digest", "source_type", "source", "schema", "profile")
        dataset = {name: row[name] for name in columns if row[name] is not None}
        inputs = found.setdefault(row["run_id"], {}).setdefault("dataset_inputs", [])
        inputs.append({"dataset": dataset, "tags": json.loads(row["tags"])})
    for row in _models(connection, run_ids, "input"):
        found.setdefault(row["run_id"], {}).setdefault("model_inputs", []).append({"model_id": row["model_id"]})
    return found


def outputs_of(connection: sqlite3.Connection, run_ids: str) -> Documents:
    """MLflow's RunOutputs of those of `run_ids` (a JSON list) that have some."""
    found: Documents = {}
    for row in _models(connection, run_ids, "output"):
        outputs = found.setdefault(row["run_id"], {}).setdefault("model_outputs", [])
        outputs.append({"model_id": row["model_id"], "step": row["step"]})
    return found


def _models(connection: sqlite3.Connection, run_ids: str, direction: str) -> sqlite3.Cursor:
    return connection.execute(
        "SELECT * FROM run_model WHERE direction = ? AND run_id IN (SELECT value FROM json_each(?)) ORDER BY step",
        (direction, run_ids),
    )
