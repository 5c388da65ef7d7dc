"""Computes: named capacity of this machine. `local` is always there, and is in no table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aml.errors import Conflict, Misfit, NotFound
from aml.spec.model import AmlCompute, CommandJob, ComputeSpec
from aml.spec.stored import compute_document
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.distribution import Distribution
from aml.workspace.embedded.gpus import VARIABLE
from aml.workspace.embedded.names import user_name
from aml.workspace.embedded.queue import AtWork, Queue
from aml.workspace.embedded.store import LOCAL, Jobs, Needs
from aml.workspace.embedded.vm_sizes import vm_size
from aml.workspace.records import Compute, ComputeNode, Status

SERVERLESS = "serverless"
RUNNING = "Running"
STOPPED = "Stopped"
INSTANCE = "computeinstance"
CLUSTER = "amlcompute"
NODE_STATES = ("idle", "running", "preparing", "unusable", "leaving", "preempted")


class ComputeTable:
    """The compute table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, spec: ComputeSpec) -> Compute:
        """Make a compute, or change the one of that name, as Azure does; `Conflict` if that is of another type."""
        if spec.name.lower() in (LOCAL, SERVERLESS):
            raise Conflict(f"the compute {spec.name} is always there and can't be changed", "Take another name.")
        state = None if isinstance(spec, AmlCompute) else RUNNING
        new = Compute(spec.name, _type(spec), compute_document(spec), datetime.now(UTC), user_name(), state)
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
            return _store(write, replace(there, state=state))

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
        return [each for each in (_LOCAL, *map(_compute, rows)) if type_ is None or each.type == type_.lower()]

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


def nodes_of(compute: Compute, jobs: Jobs, queue: Queue) -> Sequence[ComputeNode]:
    """The nodes that there are: those with a job, those not idle for long enough, and the fewest that are kept."""
    busy = [one for one in queue.at_work() if one.compute == compute.name for _ in range(one.nodes)]
    kept = 0 if compute.state == STOPPED else int(compute.document.get("min_instances", 1))
    idle_s = int(compute.document.get("idle_time_before_scale_down", 0))
    since = datetime.now(UTC) - timedelta(seconds=idle_s)
    warm = min(peak(jobs.spans(compute.name, since), since), compute.nodes)
    idle = [None] * (max(kept, warm) - len(busy))
    return [
        ComputeNode(f"{compute.name}-{number}", _node_state(one), None if one is None else one.name)
        for number, one in enumerate([*busy, *idle])
    ]


def node_counts(nodes: Sequence[ComputeNode]) -> dict[str, int]:
    """How many there are in each of Azure's states."""
    return {state: sum(node.node_state == state for node in nodes) for state in NODE_STATES}


def _node_state(one: AtWork | None) -> str:
    if one is None:
        return "idle"
    if one.gives_way:
        return "preempted"
    return "preparing" if one.status is Status.PREPARING else "running"


def peak(spans: Sequence[tuple[int, datetime, datetime | None]], since: datetime) -> int:
    """The most nodes that were in use at once from `since` on.

    So many there still are, if work goes to the node that was used last: no other has been idle for longer.
    """
    changes = [(max(start, since), nodes) for nodes, start, _ in spans]
    changes += [(end, -nodes) for nodes, _, end in spans if end is not None]
    used = most = 0
    for _, change in sorted(changes):  # of two at one moment the end comes first: its node is free for the other
        used += change
        most = max(most, used)
    return most


def check_fit(compute: Compute, spread: Distribution) -> None:
    """Refuse a job that the compute could never run: `Misfit` with what it has."""
    if compute.type == LOCAL:
        return
    if spread.nodes > compute.nodes:
        has = "one node" if compute.nodes == 1 else f"{compute.nodes} nodes at the most"
        raise Misfit(
            f"`resources.instance_count` is {spread.nodes}, but the compute {compute.name} has {has}",
            f"Ask for fewer, or raise it: `aml compute update -n {compute.name} --max-instances {spread.nodes}`."
            if compute.type == CLUSTER
            else "A cluster of the type amlcompute has several.",
            ("resources", "instance_count"),
        )
    size = vm_size(compute.size)
    if size is not None and spread.processes_per_node > (size.gpus or size.v_cp_us):
        has = f"{size.gpus} GPU{'s' * (size.gpus > 1)}" if size.gpus else f"{size.v_cp_us} vCPUs and no GPU"
        raise Misfit(
            f"the distribution starts {spread.processes_per_node} processes on a node, but {size.name}, the size of "
            f"the compute {compute.name}, has {has}",
            "Each process of a node needs a GPU of its own, or a vCPU where there is no GPU: start fewer on a node.",
            ("distribution", "worker_count" if spread.type == "tensorflow" else "process_count_per_instance"),
        )


def needs_of(spec: CommandJob, compute: Compute, spread: Distribution, environment: Mapping[str, str]) -> Needs:
    """What a job takes. A node of a size that nobody knows has a GPU for each process, as local has.

    A CUDA_VISIBLE_DEVICES in the spec names the devices that the job gets, one in the submitter's environment those
    that it may get.
    """
    size = vm_size(compute.size)
    own = spec.environment_variables.get(VARIABLE)
    gpus = spread.processes if size is None else spread.nodes * size.gpus
    is_local = compute.type == LOCAL
    spot = str(spec.queue_settings.get("job_tier") or "").lower() == "spot"
    return Needs(
        nodes=1 if is_local else spread.nodes,
        v_cp_us=0 if is_local else spread.nodes * (1 if size is None else size.v_cp_us),
        gpus=len(own.split(",")) if own is not None and gpus else gpus,
        visible_devices=environment.get(VARIABLE) if own is None else own,
        low_priority=spot if is_local else compute.document.get("tier") == "low_priority",
    )


def name_of(reference: str | None) -> str:
    """The compute's name in azureml:NAME, an ARM id, or nothing: that and serverless mean local."""
    name = (reference or LOCAL).removeprefix("azureml:").rpartition("/")[2]
    return LOCAL if name.lower() in (LOCAL, SERVERLESS) else name


_LOCAL = Compute(LOCAL, LOCAL, {"name": LOCAL, "type": LOCAL}, None, "")


def _type(spec: ComputeSpec) -> str:
    return CLUSTER if isinstance(spec, AmlCompute) else INSTANCE


def _capacity(compute: Compute) -> int:
    return 0 if compute.state == STOPPED else compute.nodes


def _find(connection: sqlite3.Connection, name: str) -> Compute | None:
    row = connection.execute("SELECT * FROM compute WHERE name = ?", (name,)).fetchone()
    return None if row is None else _compute(row)


def _insert(write: sqlite3.Connection, new: Compute) -> None:
    assert new.created_at is not None
    write.execute(
        "INSERT INTO compute (name, type, document, state, capacity, created_at, created_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            new.name,
            new.type,
            json.dumps(dict(new.document)),
            new.state,
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
        "UPDATE compute SET document = ?, state = ?, capacity = ? WHERE name = ?",
        (json.dumps(dict(changed.document)), changed.state, _capacity(changed), changed.name),
    )
    return changed


def _compute(row: sqlite3.Row) -> Compute:
    return Compute(
        name=row["name"],
        type=row["type"],
        document=json.loads(row["document"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=row["created_by"],
        state=row["state"],
    )
