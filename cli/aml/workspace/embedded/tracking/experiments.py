"""Experiments in the database. Every function takes a connection; those that write need one inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking.fields import Pairs, invalid, key_values, missing, next_page, now_ms
from aml.workspace.embedded.tracking.filters import Searchable, order_by, where

MAX_NAME = 500
VIEWS: Mapping[str, tuple[str, ...]] = {
    "ACTIVE_ONLY": ("active",),
    "DELETED_ONLY": ("deleted",),
    "ALL": ("active", "deleted"),
}

SEARCHABLE = Searchable(
    text={"name": "experiment.name", "experiment_id": "CAST(experiment.id AS TEXT)"},
    numbers={"creation_time": "created_ms", "last_update_time": "updated_ms"},
    kinds={"tag": "FROM experiment_tag WHERE experiment_tag.experiment_id = experiment.id AND experiment_tag.key = ?"},
)


def ensure_experiment(connection: sqlite3.Connection, name: str) -> int:
    """The id of the experiment of this name; made if it is new, restored if it was deleted."""
    now = now_ms()
    row = connection.execute(
        "INSERT INTO experiment (name, created_ms, updated_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET lifecycle_stage = 'active' RETURNING id",
        (name, now, now),
    ).fetchone()
    return int(row["id"])


def create_experiment(connection: sqlite3.Connection, name: str, tags: Pairs) -> int:
    _check_name(connection, name)
    now = now_ms()
    cursor = connection.execute(
        "INSERT INTO experiment (name, created_ms, updated_ms) VALUES (?, ?, ?)", (name, now, now)
    )
    experiment_id = cursor.lastrowid
    assert experiment_id is not None
    for key, value in tags:
        set_experiment_tag(connection, experiment_id, key, value)
    return experiment_id


def experiment(connection: sqlite3.Connection, experiment_id: str) -> sqlite3.Row:
    found = None
    if experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) < 19:
        found = connection.execute("SELECT * FROM experiment WHERE id = ?", (int(experiment_id),)).fetchone()
    if found is None:
        raise missing(f"No Experiment with id={experiment_id} exists.")
    row: sqlite3.Row = found
    return row


def active_experiment(connection: sqlite3.Connection, experiment_id: str) -> sqlite3.Row:
    row = experiment(connection, experiment_id)
    if row["lifecycle_stage"] != "active":
        raise invalid(f"The experiment {row['name']} ({experiment_id}) is deleted; restore it first.")
    return row


def experiment_by_name(connection: sqlite3.Connection, name: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM experiment WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise missing(f"Could not find experiment with name '{name}'.")
    return row


def rename_experiment(connection: sqlite3.Connection, experiment_id: str, name: str) -> None:
    row = active_experiment(connection, experiment_id)
    if name != row["name"]:
        _check_name(connection, name)
    connection.execute("UPDATE experiment SET name = ?, updated_ms = ? WHERE id = ?", (name, now_ms(), row["id"]))


def set_experiment_stage(connection: sqlite3.Connection, experiment_id: str, stage: str) -> None:
    """Delete or restore an experiment and the runs that are in it."""
    row = experiment(connection, experiment_id)
    if row["id"] == 0 and stage == "deleted":
        raise invalid("The experiment Default can't be deleted.")
    connection.execute(
        "UPDATE experiment SET lifecycle_stage = ?, updated_ms = ? WHERE id = ?", (stage, now_ms(), row["id"])
    )
    connection.execute("UPDATE run SET lifecycle_stage = ? WHERE experiment_id = ?", (stage, row["id"]))


def set_experiment_tag(connection: sqlite3.Connection, experiment_id: int, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO experiment_tag VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (experiment_id, key, value),
    )


def delete_experiment_tag(connection: sqlite3.Connection, experiment_id: int, key: str) -> None:
    deleted = connection.execute(
        "DELETE FROM experiment_tag WHERE experiment_id = ? AND key = ?", (experiment_id, key)
    ).rowcount
    if not deleted:
        raise missing(f"No tag with name: {key} in experiment with id {experiment_id}.")


def search_experiments(
    connection: sqlite3.Connection,
    *,
    view: str,
    filter_string: str | None,
    order: Sequence[str],
    limit: int,
    offset: int,
) -> dict[str, Any]:
    """One page of MLflow's answer, newest first where `order` does not say more."""
    if view not in VIEWS:
        raise invalid(f"Invalid view type '{view}'.")
    condition, values = where(filter_string, SEARCHABLE)
    terms, more = order_by(order, SEARCHABLE, "experiment.id DESC")
    rows = connection.execute(
        f"SELECT * FROM experiment WHERE lifecycle_stage IN (?, ?) AND {condition} ORDER BY {terms} LIMIT ? OFFSET ?",
        (VIEWS[view][0], VIEWS[view][-1], *values, *more, limit + 1, offset),
    ).fetchall()
    documents = [experiment_document(connection, row) for row in rows[:limit]]
    return {"experiments": documents, **next_page(len(rows), limit, offset)}


def experiment_document(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    tags = connection.execute("SELECT key, value FROM experiment_tag WHERE experiment_id = ?", (row["id"],))
    return {
        "experiment_id": str(row["id"]),
        "name": row["name"],
        "artifact_location": "mlflow-artifacts:/runs",
        "lifecycle_stage": row["lifecycle_stage"],
        "creation_time": row["created_ms"],
        "last_update_time": row["updated_ms"],
        "tags": key_values(tags.fetchall()),
    }


def _check_name(connection: sqlite3.Connection, name: str) -> None:
    if len(name) > MAX_NAME:
        raise invalid(f"The experiment's name is {len(name)} characters long; it has at most {MAX_NAME}.")
    taken = connection.execute("SELECT lifecycle_stage FROM experiment WHERE name = ?", (name,)).fetchone()
    if taken is not None:
        hint = " It is deleted; restore it to use it." if taken["lifecycle_stage"] == "deleted" else ""
        raise RequestError("RESOURCE_ALREADY_EXISTS", f"Experiment '{name}' already exists.{hint}")
