"""Metrics in the database: the whole history, the latest value of each key. Writers need a transaction's connection."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aml.workspace.embedded.tracking.fields import Arguments, integer, invalid, key, number, optional_text
from aml.workspace.records import MetricPoint

MAX_HISTORY = 25_000  # points of one page
MAX_INTERVAL = 2_500  # points of one run in a sampled history

_POINT = "metric_point.id AS id, key, metric_point.value AS value, metric_point.step, metric_point.timestamp_ms"
_POINTS = f"SELECT {_POINT} FROM metric CROSS JOIN metric_point ON metric_id = metric.id"  # CROSS: from run to points


@dataclass(frozen=True)
class LoggedMetric:
    """A point as a client sends it, perhaps about a logged model and a dataset."""

    key: str
    value: float | None  # None is NaN
    step: int
    timestamp_ms: int
    model_id: str | None = None
    dataset_name: str = ""
    dataset_digest: str = ""


def logged_metric(item: Arguments) -> LoggedMetric:
    value = number(item, "value")
    return LoggedMetric(
        key(item),
        None if math.isnan(value) else value,
        integer(item, "step", 0),
        integer(item, "timestamp"),
        optional_text(item, "model_id"),
        optional_text(item, "dataset_name") or "",
        optional_text(item, "dataset_digest") or "",
    )


def log_metrics(connection: sqlite3.Connection, run_id: str, metrics: Sequence[LoggedMetric]) -> None:
    """Add points to a run; one that is there already, with the same step, time and value, is left out."""
    if not metrics:
        return
    latest: dict[str, tuple[int, int, float | None]] = {}
    for metric in metrics:
        found = latest.get(metric.key)
        if found is None or (metric.step, metric.timestamp_ms, metric.value or 0.0) > (*found[:2], found[2] or 0.0):
            latest[metric.key] = (metric.step, metric.timestamp_ms, metric.value)
    connection.executemany(
        "INSERT INTO metric (run_id, key, step, timestamp_ms, value) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET value = excluded.value, step = excluded.step, timestamp_ms = excluded.timestamp_ms "
        "WHERE (excluded.step, excluded.timestamp_ms, excluded.value) > (step, timestamp_ms, value)",
        [(run_id, key, *point) for key, point in latest.items()],
    )
    rows = connection.execute(
        "SELECT key, id FROM metric WHERE run_id = ? AND key IN (SELECT value FROM json_each(?))",
        (run_id, json.dumps(list(latest))),
    )
    ids = {row["key"]: row["id"] for row in rows}
    connection.executemany(
        "INSERT OR IGNORE INTO metric_point (metric_id, value, step, timestamp_ms) VALUES (?, ?, ?, ?)",
        [(ids[metric.key], metric.value, metric.step, metric.timestamp_ms) for metric in metrics],
    )
    _log_of_models(connection, run_id, [metric for metric in metrics if metric.model_id])


def latest_metrics(connection: sqlite3.Connection, run_id: str) -> list[MetricPoint]:
    """The point of each key with the greatest step, by key."""
    rows = connection.execute("SELECT * FROM metric WHERE run_id = ? ORDER BY key", (run_id,))
    return [_point(row) for row in rows]


def metric_history(connection: sqlite3.Connection, run_id: str, key: str | None = None) -> list[MetricPoint]:
    """Every point of a run, or of one of its keys, in the order of arrival."""
    rows = connection.execute(
        f"{_POINTS} WHERE run_id = ? AND key = coalesce(?, key) ORDER BY metric_point.id", (run_id, key)
    )
    return [_point(row) for row in rows]


def metrics_after(connection: sqlite3.Connection, run_id: str, rowid: int) -> tuple[int, list[MetricPoint]]:
    """The points of a run that came after `rowid`, and the rowid to ask with next; 0 asks for all of them."""
    rows = connection.execute(
        f"{_POINTS} WHERE run_id = ? AND metric_point.id > ? ORDER BY metric_point.id", (run_id, rowid)
    ).fetchall()
    return (rows[-1]["id"] if rows else rowid), [_point(row) for row in rows]


def history_page(
    connection: sqlite3.Connection, run_id: str, key: str, *, after: int, limit: int
) -> Sequence[sqlite3.Row]:
    """Up to `limit` points of a key that came after the point with the id `after`."""
    return connection.execute(
        f"{_POINTS} WHERE run_id = ? AND key = ? AND metric_point.id > ? ORDER BY metric_point.id LIMIT ?",
        (run_id, key, after, limit),
    ).fetchall()


def sampled_history(
    connection: sqlite3.Connection, run_id: str, key: str, *, first_step: int, last_step: int, limit: int
) -> Sequence[sqlite3.Row]:
    """At most `limit` + 1 points between two steps, evenly chosen by their order, with the first and the last one."""
    return connection.execute(
        "SELECT * FROM (SELECT key, metric_point.value AS value, metric_point.step AS step, "
        "metric_point.timestamp_ms AS timestamp_ms, count(*) OVER () AS n, "
        "row_number() OVER (ORDER BY metric_point.step, metric_point.timestamp_ms) - 1 AS i "
        "FROM metric CROSS JOIN metric_point ON metric_id = metric.id "
        "WHERE run_id = ? AND key = ? AND metric_point.step BETWEEN ? AND ?) "
        "WHERE n <= ? OR i = 0 OR i = n - 1 OR i * ? / n <> (i - 1) * ? / n ORDER BY i",
        (run_id, key, first_step, last_step, limit, limit, limit),
    ).fetchall()


def metrics_of_models(connection: sqlite3.Connection, model_ids: str) -> sqlite3.Cursor:
    """The latest metrics that were logged for models (a JSON list of their ids)."""
    return connection.execute(
        "SELECT * FROM logged_model_metric WHERE model_id IN (SELECT value FROM json_each(?)) ORDER BY key",
        (model_ids,),
    )


def dataset_fields(row: sqlite3.Row) -> dict[str, Any]:
    names = ("model_id", "run_id", "dataset_name", "dataset_digest")
    return {name: row[name] for name in names if row[name]}


def _log_of_models(connection: sqlite3.Connection, run_id: str, metrics: Sequence[LoggedMetric]) -> None:
    for model_id in {metric.model_id for metric in metrics}:
        if connection.execute("SELECT 1 FROM logged_model WHERE model_id = ?", (model_id,)).fetchone() is None:
            raise invalid(f"The metric's model {model_id} does not exist.")
    connection.executemany(
        "INSERT INTO logged_model_metric VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET value = excluded.value, step = excluded.step, timestamp_ms = excluded.timestamp_ms "
        "WHERE (excluded.step, excluded.timestamp_ms) >= (step, timestamp_ms)",
        [
            (m.model_id, run_id, m.key, m.dataset_name, m.dataset_digest, m.value, m.step, m.timestamp_ms)
            for m in metrics
        ],
    )


def _point(row: sqlite3.Row) -> MetricPoint:
    value = math.nan if row["value"] is None else row["value"]
    return MetricPoint(row["key"], value, row["step"], row["timestamp_ms"])
