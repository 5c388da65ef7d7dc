"""Which job comes next, what those at work take of this machine, and how one of low priority gives way.

First come first served on each compute; of the computes' first ones those of low priority come last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aml.workspace.embedded.database import Database
from aml.workspace.embedded.listing import UNFINISHED
from aml.workspace.embedded.store import ACTIVE, LOCAL, PROCESS, Claim, claim_of, record_event
from aml.workspace.records import GAVE_WAY, Reason, Status

_NEXT = f"""
SELECT queued.*
FROM (SELECT '{LOCAL}' AS name, :local_jobs AS capacity UNION ALL SELECT name, capacity FROM compute) AS place
JOIN job AS queued ON queued.id = (
    SELECT id FROM job
    WHERE {UNFINISHED} AND status = 'Queued' AND compute = place.name AND {PROCESS}
    ORDER BY low_priority, id LIMIT 1
)
WHERE place.name NOT IN (SELECT value FROM json_each(:closed)) AND queued.nodes + (
    SELECT coalesce(sum(nodes), 0) FROM job
    WHERE {UNFINISHED} AND status IN ({ACTIVE}) AND compute = place.name AND {PROCESS}
) <= place.capacity
ORDER BY queued.low_priority, queued.id LIMIT 1
"""


@dataclass(frozen=True)
class AtWork:
    """What a job that an engine works on takes of this machine."""

    name: str
    compute: str
    status: Status
    nodes: int
    v_cp_us: int
    devices: tuple[str, ...]  # UUIDs
    low_priority: bool
    gives_way: bool  # it is being ended for another one


class Queue:
    """The unfinished rows of the job table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self, *, local_jobs: int, closed: Collection[str] = ()) -> Claim | None:
        """The oldest Queued job that is the first of its compute and has its nodes free there.

        `local_jobs` is how many run at once on local; computes that are `closed` are left out.
        """
        values = {"local_jobs": local_jobs, "closed": json.dumps(list(closed))}
        row = self._database.connection.execute(_NEXT, values).fetchone()
        return None if row is None else claim_of(row)

    def claim(self, name: str, lease: str, devices: Sequence[str] = ()) -> bool:
        """Make a Queued job Preparing and this lease's, with these GPUs; False if it is not Queued any more."""
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET status = 'Preparing', lease = ?, devices = ?, message = NULL "
                "WHERE name = ? AND status = 'Queued' RETURNING id, name",
                (lease, json.dumps(list(devices)), name),
            ).fetchone()
            if row is not None:
                record_event(write, row, datetime.now(UTC), Status.PREPARING)
        return row is not None

    def note(self, name: str, message: str) -> None:
        """Say what a Queued job waits for."""
        with self._database.transaction() as write:
            write.execute("UPDATE job SET message = ? WHERE name = ? AND status = 'Queued'", (message, name))

    def at_work(self) -> Sequence[AtWork]:
        """In the order of submission."""
        rows = self._database.connection.execute(
            "SELECT name, compute, status, reason, nodes, v_cp_us, low_priority, devices FROM job "
            f"WHERE {UNFINISHED} AND status IN ({ACTIVE}) AND {PROCESS} ORDER BY id"
        )
        return [_at_work(row) for row in rows]

    def request_way(self, name: str, lease: str) -> bool:
        """Have a Running job give way; a later engine goes on with it as well. False if it does not run any more."""
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET reason = 'Preempted' WHERE name = ? AND lease = ? AND status = 'Running' "
                "RETURNING id, name",
                (name, lease),
            ).fetchone()
            if row is not None:
                record_event(write, row, datetime.now(UTC), Status.RUNNING, Reason.PREEMPTED)
        return row is not None

    def requeue(self, name: str, lease: str) -> None:
        """The job has given way: it is Queued at its old place, as if it had not run; a cancel meanwhile counts."""
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET status = 'Queued', reason = NULL, message = ?, process = NULL, lease = NULL, "
                "started_at = NULL, devices = '[]' "
                "WHERE name = ? AND lease = ? AND reason = 'Preempted' AND status = 'Running' RETURNING id, name",
                (GAVE_WAY, name, lease),
            ).fetchone()
            if row is not None:
                record_event(write, row, datetime.now(UTC), Status.QUEUED, Reason.PREEMPTED, GAVE_WAY)


def _at_work(row: sqlite3.Row) -> AtWork:
    return AtWork(
        name=row["name"],
        compute=row["compute"],
        status=Status(row["status"]),
        nodes=row["nodes"],
        v_cp_us=row["v_cp_us"],
        devices=tuple(json.loads(row["devices"])),
        low_priority=bool(row["low_priority"]),
        gives_way=row["reason"] == Reason.PREEMPTED,
    )
