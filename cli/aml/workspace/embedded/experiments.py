"""Experiments as commands see them; MLflow's side of the same rows is `tracking.experiments`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from aml.errors import AmlError, Conflict
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.server.refusal import RequestError
from aml.workspace.embedded.tracking.experiments import create_experiment
from aml.workspace.records import Experiment

_LISTED = """
SELECT id, name, created_ms,
    (SELECT count(*) FROM job WHERE experiment_name = experiment.name) AS jobs,
    (SELECT name FROM job WHERE experiment_name = experiment.name ORDER BY id DESC LIMIT 1) AS last_job
FROM experiment
"""


class Experiments:
    """See `aml.workspace.Experiments`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str) -> Experiment:
        if not name.strip():
            raise AmlError("an experiment needs a name", "Give it with --name.")
        try:
            with self._database.transaction() as write:
                made = create_experiment(write, name, [])
        except RequestError as error:
            if error.code == "RESOURCE_ALREADY_EXISTS":
                raise Conflict(
                    f"an experiment named {name} exists already", "Jobs can use it: --experiment-name."
                ) from None
            raise AmlError(error.message) from None
        row = self._database.connection.execute(f"{_LISTED} WHERE id = ?", (made,)).fetchone()
        return _experiment(row)

    def list(self, *, limit: int | None = None) -> Sequence[Experiment]:
        """Newest first, without those that a client of MLflow has deleted and the Default that nobody has used."""
        query = (
            f"{_LISTED} WHERE lifecycle_stage = 'active' "
            "AND (id <> 0 OR EXISTS (SELECT 1 FROM run WHERE experiment_id = 0)) ORDER BY id DESC LIMIT ?"
        )
        rows = self._database.connection.execute(query, (-1 if limit is None else limit,))
        return [_experiment(row) for row in rows]


def _experiment(row: sqlite3.Row) -> Experiment:
    created = datetime.fromtimestamp(row["created_ms"] / 1000, UTC)
    return Experiment(row["name"], str(row["id"]), created, row["jobs"], row["last_job"])
