"""Sweeps and their trials in the job table: every statement about them stands here.

A trial is a job whose parent is the sweep; what was drawn for it is in its properties, as JSON.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aml.errors import Conflict, NotFound
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.listing import UNFINISHED
from aml.workspace.embedded.store import Needs, job_of, needs_of, record_event
from aml.workspace.records import END_OF, Job, Reason, Status

PARAMETERS = "aml.hyperparameters"
DRAW = "aml.draw"
BEST = "best_child_run_id"

_OWN = frozenset({PARAMETERS, DRAW, BEST})


_OTHER_NAME = "Give another name with --name, or none to have one made."


@dataclass(frozen=True)
class TrialRow:
    """What the planner needs to know of a trial."""

    id: int
    name: str
    status: Status
    draw: Mapping[str, Any]


@dataclass(frozen=True)
class SweepRow:
    """An unfinished sweep."""

    job: Job
    snapshot: str | None
    compute: str
    needs: Needs  # of a trial


class SweepTable:
    """The rows of sweeps and trials."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> Sequence[SweepRow]:
        """Those that are not over, oldest first."""
        rows = self._database.connection.execute(f"SELECT * FROM job WHERE type = 'sweep' AND {UNFINISHED} ORDER BY id")
        return [SweepRow(job_of(row), row["snapshot"], row["compute"], needs_of(row)) for row in rows]

    def trials(self, sweep: str, *, after: int, those: Collection[int]) -> Sequence[TrialRow]:
        """Trials with an id greater than `after`, and those with the ids given, in the order of their numbers."""
        select = f"SELECT id, name, status, properties ->> '$.\"{DRAW}\"' AS draw FROM job"
        rows = self._database.connection.execute(
            f"{select} WHERE id IN (SELECT value FROM json_each(?)) "
            f"UNION ALL {select} WHERE parent_job_name = ? AND id > ? AND draw IS NOT NULL ORDER BY id",
            (json.dumps(list(those)), sweep, after),
        )
        return [TrialRow(row["id"], row["name"], Status(row["status"]), json.loads(row["draw"])) for row in rows]

    def reports(self, trial: str, metric: str, *, after: int) -> tuple[int, tuple[float, ...]]:
        """What a trial has reported since a cursor (0: the beginning), and the cursor to go on from."""
        rows = self._database.connection.execute(
            "SELECT metric_point.id AS id, metric_point.value AS value FROM metric "
            "CROSS JOIN metric_point ON metric_id = metric.id "
            "WHERE run_id = ? AND key = ? AND metric_point.id > ? ORDER BY metric_point.id",
            (trial, metric, after),
        ).fetchall()
        values = tuple(math.nan if row["value"] is None else row["value"] for row in rows)
        return (rows[-1]["id"] if rows else after), values

    def metric_names(self, trial: str) -> Sequence[str]:
        rows = self._database.connection.execute("SELECT key FROM metric WHERE run_id = ? ORDER BY key", (trial,))
        return [row["key"] for row in rows]

    def begin(self, name: str) -> None:
        """The first trials are about to be submitted: Queued becomes Running."""
        now = datetime.now(UTC)
        self._update(name, "status = 'Queued'", Status.RUNNING, {"started_at": now.isoformat()}, now)

    def time_out(self, name: str) -> None:
        """The sweep has had its time."""
        self._update(name, "status = 'Running'", Status.CANCEL_REQUESTED, {"reason": Reason.TIMEOUT})

    def finalize(self, name: str) -> None:
        """All trials are over; the best one's outputs are about to be registered."""
        self._update(name, "status = 'Running'", Status.FINALIZING, {})

    def end(self, name: str, reason: Reason, message: str | None) -> None:
        """The sweep is over; dropped if it was already."""
        now = datetime.now(UTC)
        told = {"reason": reason, "message": message, "ended_at": now.isoformat()}
        self._update(name, UNFINISHED, END_OF[reason], told, now)

    def resume(self, name: str) -> Job:
        """Have a sweep that is over go on, from now on; `Conflict` if it is not over."""
        again = {"reason": None, "message": None, "started_at": None, "ended_at": None}
        row = self._update(name, f"NOT ({UNFINISHED})", Status.QUEUED, again)
        if row is None:
            raise Conflict(f"the sweep {name} is not over", f"`aml job show -n {name}` tells where it is.")
        return job_of(row)

    def note(self, name: str, message: str | None, best: str | None) -> None:
        """What is to be said of a sweep that goes on, and its best trial so far."""
        with self._database.transaction() as write:
            write.execute(
                "UPDATE job SET message = :message, "
                f"properties = CASE WHEN :best IS NULL THEN json_remove(properties, '$.{BEST}') "
                f"ELSE json_set(properties, '$.{BEST}', :best) END "
                f"WHERE name = :name AND type = 'sweep' AND {UNFINISHED}",
                {"name": name, "message": message, "best": best},
            )

    def end_trial(self, name: str, reason: Reason, message: str) -> None:
        """Queued becomes Canceled at once, Preparing or Running becomes CancelRequested; else nothing happens."""
        now = datetime.now(UTC)
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET reason = :reason, message = :message, "
                "ended_at = CASE status WHEN 'Queued' THEN :now END, "
                "status = CASE status WHEN 'Queued' THEN 'Canceled' ELSE 'CancelRequested' END "
                "WHERE name = :name AND status IN ('Queued', 'Preparing', 'Running') RETURNING *",
                {"now": now.isoformat(), "name": name, "reason": reason, "message": message},
            ).fetchone()
            if row is not None:
                record_event(write, row, now, Status(row["status"]), reason, message)

    def get(self, name: str) -> Job:
        """`NotFound` for what is no sweep."""
        row = self._database.connection.execute("SELECT * FROM job WHERE name = ?", (name,)).fetchone()
        if row is None or row["type"] != "sweep":
            hint = "`aml job list` shows the jobs and their types."
            raise NotFound(f"there is no sweep named {name} in this workspace", hint)
        return job_of(row)

    def all_trials(self, sweep: str) -> Sequence[tuple[Job, Mapping[str, Any]]]:
        """Every trial with its parameters, in the order of their numbers."""
        rows = self._database.connection.execute(
            "SELECT * FROM job WHERE parent_job_name = ? ORDER BY id", (sweep,)
        ).fetchall()
        jobs = [job_of(row) for row in rows]
        return [(job, json.loads(job.properties[PARAMETERS] or "{}")) for job in jobs if PARAMETERS in job.properties]

    def _update(
        self, name: str, guard: str, status: Status, values: Mapping[str, Any], at: datetime | None = None
    ) -> sqlite3.Row | None:
        """The row after the change and its event; None if the guard does not hold."""
        at = at or datetime.now(UTC)
        settings = "".join(f", {column} = :{column}" for column in values)
        with self._database.transaction() as write:
            row: sqlite3.Row | None = write.execute(
                f"UPDATE job SET status = :status{settings} "
                f"WHERE name = :name AND type = 'sweep' AND ({guard}) RETURNING *",
                {**values, "status": status, "name": name},
            ).fetchone()
            if row is not None:
                record_event(write, row, at, status, values.get("reason"), values.get("message"))
        return row


def trial_properties(sweep: Job, draw: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str | None]:
    """A trial has those of its sweep, and what was drawn for it."""
    taken = {key: value for key, value in sweep.properties.items() if key not in _OWN}
    return {**taken, PARAMETERS: json.dumps(parameters), DRAW: json.dumps(draw)}


def check_trials_are_free(database: Database, sweep: str) -> None:
    """`Conflict` if a job has a name that trials of a new sweep would have."""
    taken = database.connection.execute(
        "SELECT name FROM job WHERE lower(name) GLOB ? AND lower(name) NOT GLOB ? LIMIT 1",
        (f"{sweep.lower()}_[0-9]*", f"{sweep.lower()}_*[^0-9]*"),
    ).fetchone()
    if taken is not None:
        raise Conflict(f"a trial of the sweep {sweep} would be named {taken['name']}, as a job is", _OTHER_NAME)


def check_is_no_trial(database: Database, name: str) -> None:
    """`Conflict` if a name is one that a sweep that is not over keeps for its trials."""
    sweep, _, number = name.rpartition("_")
    if not number.isdecimal():
        return
    found = database.connection.execute(
        f"SELECT 1 FROM job WHERE name = ? AND type = 'sweep' AND {UNFINISHED}", (sweep,)
    ).fetchone()
    if found is not None:
        raise Conflict(f"{name} is the name of a trial of the sweep {sweep}, which is not over", _OTHER_NAME)
