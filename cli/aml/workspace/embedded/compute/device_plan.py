"""The GPUs that a job would get now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aml.errors import BackendError
from aml.workspace.embedded.compute import gpus, leases
from aml.workspace.embedded.compute.leases import Lease, lease
from aml.workspace.embedded.store import Needs


@dataclass(frozen=True)
class Devices:
    """The GPUs of a plan."""

    of_nodes: tuple[tuple[str, ...], ...] | None = None  # UUIDs; None where there is none to tell of
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def planned_devices(needs: Needs, nodes: int) -> Devices:
    """The GPUs that a job would get now, or that it waits for; nobody is kept from them."""
    if not (needs.gpus and gpus.may_be_there()):
        return Devices()
    try:
        there = gpus.devices()
    except BackendError as error:
        return Devices(notes=(error.message,))
    if not there:
        return Devices()
    pool = gpus.named(needs.visible_devices, there)
    count = min(needs.gpus, len(pool))
    free = lease(pool, count)
    free.release()
    notes = []
    if count < needs.gpus:
        notes.append(f"the job wants {needs.gpus} GPUs and gets {count}: it can have no more of this machine")
    if len(free.devices) < count:
        notes.append(f"{len(free.devices)} of the {count} GPUs are free: the job waits for the others")
    chosen = Lease(tuple(dict.fromkeys([*free.devices, *leases.in_order(pool)]))[:count])
    return Devices(chosen.of_nodes(nodes), {device.uuid: device.name for device in pool}, tuple(notes))
