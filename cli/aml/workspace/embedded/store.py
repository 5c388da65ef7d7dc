"""Jobs in the database: every statement about them stands here.

A job's status changes by one guarded UPDATE, and the event that tells of it is written by the same transaction.
While an engine works on a job its row carries the engine's lease: a write with another lease changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aml.errors import Conflict, NotFound
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.listing import EVERY_JOB, UNFINISHED, listing
from aml.workspace.embedded.tracking.runs import follow_job, insert_run, relabel_run
from aml.workspace.records import END_OF, TERMINAL, Job, JobFilter, Reason, Status
from aml.workspace.redaction import scrubbed

if TYPE_CHECKING:
    from aml.spec.updates import Update

ACTIVE = "'Preparing', 'Running', 'Finalizing', 'CancelRequested'"

PROCESS = "type = 'command'"
"""The jobs that are a process; others, like sweeps, have children that are, and no nodes of their own."""

LOCAL = "local"
"""The compute that is always there."""


@dataclass(frozen=True)
class Needs:
    """What a job takes of its compute and of this machine."""

    nodes: int = 1  # of the compute's capacity; a job on local takes one, whatever its nodes
    v_cp_us: int = 0  # of this machine; 0: a job's share of local
    gpus: int = 0  # at the most: it gets as many as there are
    visible_devices: str | None = None  # the CUDA_VISIBLE_DEVICES that it was submitted with
    low_priority: bool = False


@dataclass(frozen=True)
class NewJob:
    """What a submit knows of a job."""

    name: str
    type: str
    experiment_name: str
    display_name: str
    document: Mapping[str, Any]
    snapshot: str | None
    created_by: str
    parent_job_name: str | None
    tags: Mapping[str, str | None]
    properties: Mapping[str, str | None]
    compute: str = LOCAL
    needs: Needs = Needs()


@dataclass(frozen=True)
class Claim:
    """A job that an engine holds, with what it needs to run it."""

    job: Job
    snapshot: str | None
    process: str | None
    compute: str
    needs: Needs


class Jobs:
    """The job table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, new: NewJob, before_commit: Callable[[], None]) -> Job:
        """Add a Queued job and its MLflow run; `Conflict` if the name is taken.

        `before_commit` runs when the name is the job's own and no engine can see the job yet.
        """
        now = datetime.now(UTC)
        row = {
            "name": new.name,
            "type": new.type,
            "status": Status.QUEUED,
            "experiment_name": new.experiment_name,
            "display_name": new.display_name,
            "parent_job_name": new.parent_job_name,
            "document": json.dumps(new.document),
            "snapshot": new.snapshot,
            "created_at": now.isoformat(),
            "created_by": new.created_by,
            "tags": json.dumps(dict(new.tags)),
            "properties": json.dumps(dict(new.properties)),
            "compute": new.compute,
            **asdict(new.needs),
        }
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        with self._database.transaction() as write:
            try:
                cursor = write.execute(f"INSERT INTO job ({names}) VALUES ({values}) RETURNING *", row)
                inserted = cursor.fetchone()
            except sqlite3.IntegrityError:
                raise _taken(new.name) from None
            insert_run(
                write,
                run_id=new.name,
                experiment_name=new.experiment_name,
                display_name=new.display_name,
                created_ms=int(now.timestamp() * 1000),
                user=new.created_by,
                parent=new.parent_job_name,
            )
            record_event(write, inserted, now, Status.QUEUED)
            before_commit()
        return job_of(inserted)

    def check_is_free(self, name: str) -> None:
        """`Conflict` if a job has this name."""
        if self._database.connection.execute("SELECT 1 FROM job WHERE name = ?", (name,)).fetchone():
            raise _taken(name)

    def get(self, name: str) -> Job:
        row = self._database.connection.execute("SELECT * FROM job WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise _unknown(name)
        return job_of(row)

    def snapshot(self, name: str) -> str | None:
        """The digest of the job's code."""
        row = self._database.connection.execute("SELECT snapshot FROM job WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise _unknown(name)
        digest: str | None = row["snapshot"]
        return digest

    def list(self, which: JobFilter = EVERY_JOB, *, limit: int | None = None) -> Sequence[Job]:
        """Newest first."""
        query, values = listing(which)
        rows = self._database.connection.execute(f"{query} LIMIT ?", (*values, -1 if limit is None else limit))
        return [job_of(row) for row in rows]

    def active(self) -> Sequence[Claim]:
        """Every job that an engine has claimed and not ended, oldest first."""
        rows = self._database.connection.execute(
            f"SELECT * FROM job WHERE {UNFINISHED} AND status IN ({ACTIVE}) AND {PROCESS} ORDER BY id"
        )
        return [claim_of(row) for row in rows]

    def any_unfinished(self) -> bool:
        row = self._database.connection.execute(f"SELECT 1 FROM job WHERE {UNFINISHED} LIMIT 1").fetchone()
        return row is not None

    def workload(self) -> tuple[int, Sequence[Claim]]:
        """How many are queued, and those that an engine works on, at one moment: no job is in both or in neither."""
        with self._database.snapshot():
            return self.count_queued(), self.active()

    def count_queued(self) -> int:
        row = self._database.connection.execute(
            f"SELECT count(*) FROM job WHERE {UNFINISHED} AND status = 'Queued' AND {PROCESS}"
        ).fetchone()
        return int(row[0])

    def spans(self, compute: str, since: datetime) -> Sequence[tuple[int, datetime, datetime | None]]:
        """Nodes, start and end of the jobs that had nodes of a cluster at any time from `since` on."""
        rows = self._database.connection.execute(
            f"SELECT nodes, started_at, ended_at FROM job WHERE compute = :compute AND compute <> '{LOCAL}' "
            f"AND {PROCESS} AND ended_at > :since AND started_at IS NOT NULL UNION ALL "
            "SELECT nodes, started_at, ended_at FROM job "
            f"WHERE {UNFINISHED} AND status IN ({ACTIVE}) AND {PROCESS} AND compute = :compute "
            "AND started_at IS NOT NULL",
            {"compute": compute, "since": since.isoformat()},
        )
        return [(row["nodes"], datetime.fromisoformat(row["started_at"]), _time(row["ended_at"])) for row in rows]

    def adopt(self, name: str, lease: str) -> None:
        """Make a job that another engine worked on this lease's."""
        with self._database.transaction() as write:
            write.execute("UPDATE job SET lease = ? WHERE name = ?", (lease, name))

    def record_devices(self, name: str, lease: str, devices: Sequence[str]) -> None:
        """The devices that a job is about to be started with."""
        with self._database.transaction() as write:
            write.execute(
                "UPDATE job SET devices = ? WHERE name = ? AND lease = ?", (json.dumps(list(devices)), name, lease)
            )

    def record_start(self, name: str, lease: str, process: str) -> None:
        """The job's wrapper runs: Preparing becomes Running; a cancel that came meanwhile stays."""
        now = datetime.now(UTC)
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET process = ?, started_at = ?, message = NULL, "
                "status = CASE status WHEN 'Preparing' THEN 'Running' ELSE status END "
                "WHERE name = ? AND lease = ? AND status IN ('Preparing', 'CancelRequested') "
                "RETURNING id, name, status",
                (process, now.isoformat(), name, lease),
            ).fetchone()
            if row is not None and row["status"] == Status.RUNNING:
                record_event(write, row, now, Status.RUNNING)

    def tell(self, name: str, message: str) -> None:
        """What is being done for a job that is Preparing, for people; nothing depends on it."""
        with self._database.transaction() as write:
            write.execute("UPDATE job SET message = ? WHERE name = ? AND status = 'Preparing'", (message, name))

    def record_finalizing(self, name: str, lease: str) -> None:
        """The job's process has ended: Running becomes Finalizing."""
        self._change(name, (Status.RUNNING,), Status.FINALIZING, lease=lease)

    def request_timeout(self, name: str, lease: str) -> None:
        """The job has had its time: Running becomes CancelRequested, so that a later engine ends it as well."""
        self._change(name, (Status.RUNNING,), Status.CANCEL_REQUESTED, lease=lease, reason=Reason.TIMEOUT)

    def record_end(
        self, name: str, lease: str, reason: Reason, *, message: str | None = None, exit_code: int | None = None
    ) -> None:
        """The job is over; dropped if it is over already or another engine has taken it."""
        now = datetime.now(UTC)
        status = END_OF[reason]
        message = message and scrubbed(message)
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET status = ?, reason = ?, message = ?, exit_code = ?, "
                "ended_at = max(?, coalesce(started_at, '')), lease = NULL "  # a clock may have been set back
                f"WHERE name = ? AND lease = ? AND {UNFINISHED} RETURNING id, name",
                (status, reason, message, exit_code, now.isoformat(), name, lease),
            ).fetchone()
            if row is not None:
                record_event(write, row, now, status, reason, message)

    def request_cancel(self, name: str) -> Job:
        """Queued becomes Canceled at once, Preparing or Running becomes CancelRequested; `Conflict` if it is over."""
        now = datetime.now(UTC)
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET "
                "reason = 'UserCanceled', "
                "ended_at = CASE status WHEN 'Queued' THEN :now END, "
                "status = CASE status WHEN 'Queued' THEN 'Canceled' ELSE 'CancelRequested' END "
                "WHERE name = :name AND status IN ('Queued', 'Preparing', 'Running') RETURNING *",
                {"now": now.isoformat(), "name": name},
            ).fetchone()
            if row is not None:
                record_event(write, row, now, Status(row["status"]), Reason.USER_CANCELED, None)
        job = self.get(name) if row is None else job_of(row)
        if row is None and job.status in TERMINAL:
            raise Conflict(f"the job {job.name} is {job.status} already and can't be canceled")
        return job

    def update(self, name: str, update: Update) -> Job:
        """Apply an update to what the job is now; its MLflow run gets the same name and experiment."""
        from aml.spec.updates import MUTABLE, changed_limits, updated  # brings in what reads YAML

        with self._database.transaction() as write:
            job = self.get(name)
            limits = {}
            if job.type == "sweep":
                limits["limits"], update = changed_limits(job.document["limits"], update)
            fetched = {key: job.document.get(key) if key == "description" else getattr(job, key) for key in MUTABLE}
            new = updated(fetched, update)
            new["display_name"] = new["display_name"] or job.name
            document = {
                key: value for key, value in {**job.document, **new, **limits}.items() if value not in (None, {})
            }
            row = write.execute(
                "UPDATE job SET tags = ?, properties = ?, display_name = ?, experiment_name = ?, document = ? "
                "WHERE name = ? RETURNING *",
                (
                    json.dumps(new["tags"]),
                    json.dumps(new["properties"]),
                    new["display_name"],
                    new["experiment_name"],
                    json.dumps(document),
                    name,
                ),
            ).fetchone()
            relabel_run(write, job.name, name=new["display_name"], experiment_name=new["experiment_name"])
        return job_of(row)

    def set_archived(self, name: str, archived: bool) -> Job:
        """Hide or show a job; `Conflict` if it is not over."""
        with self._database.transaction() as write:
            job = self.get(name)
            if job.status not in TERMINAL:
                verb = "archived" if archived else "restored"
                raise Conflict(
                    f"the job {job.name} is {job.status}: only a job that is over can be {verb}",
                    f"`aml job wait -n {job.name}` waits for it, `aml job cancel -n {job.name}` ends it.",
                )
            row = write.execute("UPDATE job SET archived = ? WHERE name = ? RETURNING *", (archived, name)).fetchone()
        return job_of(row)

    def events(self, name: str) -> Sequence[tuple[datetime, Status, Reason | None]]:
        rows = self._database.connection.execute(
            "SELECT at, event.status, event.reason FROM job_event AS event JOIN job ON job.id = job_id "
            "WHERE name = ? ORDER BY event.id",
            (name,),
        )
        return [(datetime.fromisoformat(row["at"]), Status(row["status"]), _reason(row["reason"])) for row in rows]

    def _change(
        self, name: str, from_: Collection[Status], to: Status, *, lease: str, reason: Reason | None = None
    ) -> None:
        marks = ", ".join("?" for _ in from_)
        with self._database.transaction() as write:
            row = write.execute(
                "UPDATE job SET status = ?, reason = coalesce(?, reason) "
                f"WHERE name = ? AND lease = ? AND status IN ({marks}) RETURNING id, name",
                (to, reason, name, lease, *from_),
            ).fetchone()
            if row is not None:
                record_event(write, row, datetime.now(UTC), to, reason, None)


def record_event(
    write: sqlite3.Connection,
    row: sqlite3.Row,
    at: datetime,
    status: Status,
    reason: Reason | None = None,
    message: str | None = None,
) -> None:
    """What happened to the job of `row` (its id and name), for people and for its MLflow run."""
    write.execute(
        "INSERT INTO job_event (job_id, at, status, reason, message) VALUES (?, ?, ?, ?, ?)",
        (row["id"], at.isoformat(), status, reason, message),
    )
    follow_job(write, row["name"], status, at_ms=int(at.timestamp() * 1000))


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no job named {name} in this workspace", "`aml job list` shows the names.")


def _taken(name: str) -> Conflict:
    hint = "Give another name with --name, or none to have one made."
    return Conflict(f"a job named {name} exists already", hint)


def claim_of(row: sqlite3.Row) -> Claim:
    return Claim(job_of(row), row["snapshot"], row["process"], row["compute"], needs_of(row))


def needs_of(row: sqlite3.Row) -> Needs:
    return Needs(
        nodes=row["nodes"],
        v_cp_us=row["v_cp_us"],
        gpus=row["gpus"],
        visible_devices=row["visible_devices"],
        low_priority=bool(row["low_priority"]),
    )


def job_of(row: sqlite3.Row) -> Job:
    return Job(
        name=row["name"],
        type=row["type"],
        status=Status(row["status"]),
        experiment_name=row["experiment_name"],
        display_name=row["display_name"],
        document=json.loads(row["document"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=row["created_by"],
        reason=_reason(row["reason"]),
        message=row["message"],
        exit_code=row["exit_code"],
        parent_job_name=row["parent_job_name"],
        started_at=_time(row["started_at"]),
        ended_at=_time(row["ended_at"]),
        tags=json.loads(row["tags"]),
        properties=json.loads(row["properties"]),
        archived=bool(row["archived"]),
        devices=tuple(json.loads(row["devices"])),
    )


def _reason(text: str | None) -> Reason | None:
    return None if text is None else Reason(text)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
