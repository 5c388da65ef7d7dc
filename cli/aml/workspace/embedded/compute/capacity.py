"""What a compute has, which jobs fit it, and its nodes: this machine taken for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aml.errors import Misfit
from aml.workspace.embedded.compute.computes import CLUSTER
from aml.workspace.embedded.compute.gpus import VARIABLE
from aml.workspace.embedded.compute.instances import STOPPED
from aml.workspace.embedded.compute.vm_sizes import vm_size
from aml.workspace.embedded.distribution import Distribution
from aml.workspace.embedded.queue import AtWork, Queue
from aml.workspace.embedded.store import LOCAL, Jobs, Needs
from aml.workspace.records import Compute, ComputeNode, Status

if TYPE_CHECKING:
    from aml.spec.model import CommandJob

NODE_STATES = ("idle", "running", "preparing", "unusable", "leaving", "preempted")
"""Azure's."""


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
    """What a job takes. A node of a size that nobody knows has a GPU for each process; so has local, where
    `resources.instance_type` does not say more.

    A CUDA_VISIBLE_DEVICES in the spec names the devices that the job gets, one in the submitter's environment those
    that it may get.
    """
    is_local = compute.type == LOCAL
    size = vm_size(spec.resources.instance_type if is_local else compute.size)
    own = spec.environment_variables.get(VARIABLE)
    gpus = spread.processes if size is None else spread.nodes * size.gpus
    spot = str(spec.queue_settings.get("job_tier") or "").lower() == "spot"
    return Needs(
        nodes=1 if is_local else spread.nodes,
        v_cp_us=0 if is_local else spread.nodes * (1 if size is None else size.v_cp_us),
        gpus=len(own.split(",")) if own is not None and gpus else gpus,
        visible_devices=environment.get(VARIABLE) if own is None else own,
        low_priority=spot if is_local else compute.document.get("tier") == "low_priority",
    )
