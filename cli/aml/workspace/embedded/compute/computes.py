"""Computes: named capacity of this machine. `local` is always there, and is in no table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aml.errors import Conflict, NotFound
from aml.workspace.embedded.compute.instances import RUNNING, STOPPED, Past, state_now
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.names import user_name
from aml.workspace.embedded.store import LOCAL
from aml.workspace.records import Compute

if TYPE_CHECKING:
    from aml.spec.model import ComputeSpec

SERVERLESS = "serverless"
INSTANCE = "computeinstance"
CLUSTER = "amlcompute"


class ComputeTable:
    """The compute table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, spec: ComputeSpec) -> Compute:
        """Make a compute, or change the one of that name, as Azure does; `Conflict` if that is of another type."""
        if spec.name.lower() in (LOCAL, SERVERLESS):
            raise Conflict(f"the compute {spec.name} is always there and can't be changed", "Take another name.")
        from aml.spec.stored.basics import compute_document

        document, now = compute_document(spec), datetime.now(UTC)
        state = None if document["type"] == CLUSTER else RUNNING
        new = Compute(spec.name, document["type"], document, now, user_name(), state, now)
        with self._database.transaction() as write:
            there = _find(write, spec.name)
            if there is None:
                _insert(write, new)
                return new
            if there.type != new.type:
                raise Conflict(
                    f"the compute {there.name} is there as {there.type}", "Delete it first, or take another name."
                )
            _refuse_to_strand(write, there.name, new.nodes)
            return _store(write, replace(there, document={**new.document, "name": there.name}))

    def set_state(self, name: str, state: str) -> Compute:
        """Start or stop an instance; `Conflict` for any other compute."""
        with self._database.transaction() as write:
            there = self.get(name)
            if there.type != INSTANCE:
                raise Conflict(
                    f"the compute {there.name} is of the type {there.type}",
                    f"Only a {INSTANCE} is started and stopped.",
                )
            return _store(write, replace(there, state=state, state_since=datetime.now(UTC)))

    def settle(self) -> None:
        """Store the states of the instances whose schedule or idle time has come: jobs go by what is stored."""
        rows = self._database.connection.execute("SELECT * FROM compute WHERE type = ?", (INSTANCE,)).fetchall()
        for row in rows:
            if _compute(row, self._database.connection).state != row["state"]:
                with self._database.transaction() as write:
                    there = _find(write, row["name"])
                    if there is not None:
                        _store(write, there)

    def get(self, name: str) -> Compute:
        """By its name, whether written as azureml:NAME or as an ARM id."""
        plain = name_of(name)
        if plain == LOCAL:
            return _LOCAL
        found = _find(self._database.connection, plain)
        if found is None:
            raise NotFound(
                f"there is no compute named {plain} in this workspace",
                f"`aml compute create -n {plain} --type amlcompute` makes one; without `compute` a job runs on local.",
            )
        return found

    def list(self, type_: str | None = None) -> Sequence[Compute]:
        """local, then the others in the order of their creation."""
        rows = self._database.connection.execute("SELECT * FROM compute ORDER BY id")
        found = [_LOCAL, *(_compute(row, self._database.connection) for row in rows)]
        return [each for each in found if type_ is None or each.type == type_.lower()]

    def delete(self, name: str) -> None:
        """`Conflict` while jobs want it."""
        with self._database.transaction() as write:
            there = self.get(name)
            if there.type == LOCAL:
                raise Conflict("the compute local is this machine and can't be deleted")
            waiting = write.execute(
                "SELECT name FROM job WHERE status NOT IN ('Completed', 'Failed', 'Canceled') AND compute = ? LIMIT 3",
                (there.name,),
            ).fetchall()
            if waiting:
                names = ", ".join(row["name"] for row in waiting)
                raise Conflict(
                    f"unfinished jobs are on the compute {there.name}: {names}",
                    "`aml job cancel -n NAME` ends one.",
                )
            write.execute("DELETE FROM compute WHERE name = ?", (there.name,))


def name_of(reference: str | None) -> str:
    """The compute's name in azureml:NAME, an ARM id, or nothing: that and serverless mean local."""
    name = (reference or LOCAL).removeprefix("azureml:").rpartition("/")[2]
    return LOCAL if name.lower() in (LOCAL, SERVERLESS) else name


_LOCAL = Compute(LOCAL, LOCAL, {"name": LOCAL, "type": LOCAL}, None, "")


def _capacity(compute: Compute) -> int:
    return 0 if compute.state == STOPPED else compute.nodes


def _find(connection: sqlite3.Connection, name: str) -> Compute | None:
    row = connection.execute("SELECT * FROM compute WHERE name = ?", (name,)).fetchone()
    return None if row is None else _compute(row, connection)


def _insert(write: sqlite3.Connection, new: Compute) -> None:
    assert new.created_at is not None
    write.execute(
        "INSERT INTO compute (name, type, document, state, state_at, capacity, created_at, created_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.name,
            new.type,
            json.dumps(dict(new.document)),
            new.state,
            _text(new.state_since),
            _capacity(new),
            new.created_at.isoformat(),
            new.created_by,
        ),
    )


def _refuse_to_strand(write: sqlite3.Connection, name: str, nodes: int) -> None:
    waiting = write.execute(
        "SELECT name, nodes FROM job WHERE status NOT IN ('Completed', 'Failed', 'Canceled') AND status = 'Queued' "
        "AND compute = ? AND nodes > ? LIMIT 1",
        (name, nodes),
    ).fetchone()
    if waiting is not None:
        raise Conflict(
            f"the job {waiting['name']} waits for {waiting['nodes']} nodes of the compute {name}: "
            f"with {nodes} at the most it would never run",
            f"`aml job cancel -n {waiting['name']}` ends it.",
        )


def _store(write: sqlite3.Connection, changed: Compute) -> Compute:
    write.execute(
        "UPDATE compute SET document = ?, state = ?, state_at = ?, capacity = ? WHERE name = ?",
        (
            json.dumps(dict(changed.document)),
            changed.state,
            _text(changed.state_since),
            _capacity(changed),
            changed.name,
        ),
    )
    return changed


def _compute(row: sqlite3.Row, connection: sqlite3.Connection) -> Compute:
    """As it is now: an instance may have started or stopped by itself since it was stored."""
    state, since = row["state"], None
    if row["type"] == INSTANCE:
        state, since = state_now(_past(row, connection), datetime.now(UTC))
    return Compute(
        name=row["name"],
        type=row["type"],
        document=json.loads(row["document"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=row["created_by"],
        state=state,
        state_since=since,
    )


def _past(row: sqlite3.Row, connection: sqlite3.Connection) -> Past:
    made_at = datetime.fromisoformat(row["created_at"])
    jobs = connection.execute(
        "SELECT (SELECT count(*) FROM job WHERE compute = :name AND "
        "status NOT IN ('Completed', 'Failed', 'Canceled')) AS unfinished, "
        "(SELECT max(ended_at) FROM job WHERE compute = :name AND compute <> 'local') AS used_until",
        {"name": row["name"]},
    ).fetchone()
    return Past(
        document=json.loads(row["document"]),
        made_at=made_at,
        state=row["state"],
        since=made_at if row["state_at"] is None else datetime.fromisoformat(row["state_at"]),
        busy=jobs["unfinished"] > 0,
        used_until=None if jobs["used_until"] is None else datetime.fromisoformat(jobs["used_until"]),
    )


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
