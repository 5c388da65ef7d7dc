"""The processes that a job's command is started as: how many on each node, and what each of them sees of the others.

All nodes are this machine. Source of the variables: Azure ML's reference of `distribution`.
"""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from aml.workspace.embedded.compute.gpus import VARIABLE

if TYPE_CHECKING:
    from aml.spec.model import CommandJob

HOST = "127.0.0.1"

# Below the range from which Linux gives ports to outgoing connections: one of those could take a port that was free.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Distribution:
    """How a command is spread over nodes."""

    type: str | None  # None: the command alone, once on each node
    nodes: int
    processes: int  # of all nodes together
    workers: int  # those that are no parameter servers

    @property
    def processes_per_node(self) -> int:
        """Of the fullest node."""
        return ceil(self.processes / self.nodes)

    @property
    def port_count(self) -> int:
        """Ports that the processes need to find each other."""
        match self.type:
            case "pytorch":
                return 1
            case "tensorflow":
                return self.processes
            case _:
                return 0


def distribution_of(spec: CommandJob) -> Distribution:
    given: Mapping[str, Any] = spec.distribution or {}
    nodes = spec.resources.instance_count
    if given.get("type") == "tensorflow":
        workers = int(given.get("worker_count") or nodes)
        return Distribution("tensorflow", nodes, workers + int(given.get("parameter_server_count") or 0), workers)
    processes = nodes * int(given.get("process_count_per_instance") or 1)
    return Distribution(given.get("type"), nodes, processes, processes)


def variables(
    spread: Distribution, ports: Sequence[int], devices: Sequence[Sequence[str]] | None = None
) -> tuple[Mapping[str, str], ...]:
    """What each process has in its environment beyond the job's own variables, by its number.

    `devices` are the UUIDs of each node's GPUs: all processes of a node see them all, as on Azure, and take theirs by
    LOCAL_RANK. None leaves to the processes what they see.
    """
    nodes = [number // spread.processes_per_node for number in range(spread.processes)]
    return tuple(
        {
            "AZUREML_CR_NODE_RANK": str(node),
            **({} if devices is None else {VARIABLE: ",".join(devices[node])}),
            **_variables(spread, ports, number),
        }
        for number, node in enumerate(nodes)
    )


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that nobody listens at now."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_PORTS)  # noqa: S311, whichever it is
        if port not in found and _is_free(port):
            found.append(port)
    return found


def _variables(spread: Distribution, ports: Sequence[int], number: int) -> Mapping[str, str]:
    node, local = divmod(number, spread.processes_per_node)
    match spread.type:
        case "pytorch":
            return {
                "MASTER_ADDR": HOST,
                "MASTER_PORT": str(ports[0]),
                "WORLD_SIZE": str(spread.processes),
                "NODE_RANK": str(node),
                "RANK": str(number),
                "LOCAL_RANK": str(local),
            }
        case "mpi":
            return {
                "OMPI_COMM_WORLD_RANK": str(number),
                "OMPI_COMM_WORLD_SIZE": str(spread.processes),
                "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
                "OMPI_COMM_WORLD_LOCAL_SIZE": str(spread.processes_per_node),
                "AZ_BATCHAI_MPI_MASTER_NODE": HOST,
                "AZ_BATCH_HOST_LIST": ",".join([HOST] * spread.nodes),
            }
        case "tensorflow":
            return {"TF_CONFIG": json.dumps(_tensorflow_config(spread, ports, number))}
        case _:
            return {}


def _tensorflow_config(spread: Distribution, ports: Sequence[int], number: int) -> dict[str, Any]:
    addresses = [f"{HOST}:{port}" for port in ports]
    cluster = {"worker": addresses[: spread.workers]}
    if spread.workers < spread.processes:
        cluster["ps"] = addresses[spread.workers :]
    is_worker = number < spread.workers
    task = {"type": "worker" if is_worker else "ps", "index": number if is_worker else number - spread.workers}
    return {"cluster": cluster, "task": task, "environment": "cloud"}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
