"""Which queued job can start now, with which GPUs, and which jobs of low priority have to give way.

Computes do not wait for each other, except for GPUs: those are this machine's, and whoever came first gets them first.
Jobs of low priority have what the others leave: of the vCPUs, and of the GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from aml.errors import AmlError, BackendError
from aml.workspace.embedded.compute import gpus
from aml.workspace.embedded.compute.leases import Lease, lease
from aml.workspace.embedded.engine.inventory import Found, Inventory
from aml.workspace.embedded.queue import AtWork, Queue
from aml.workspace.embedded.store import LOCAL, Claim
from aml.workspace.records import Status


@dataclass(frozen=True)
class Placed:
    """A job that can start. Without a lease it is not told which devices it has."""

    claim: Claim
    lease: Lease | None = None
    refused: AmlError | None = None  # it can start nowhere: why


@dataclass(frozen=True)
class _Short:
    """A job that waits for devices, and how many of them it misses."""

    name: str = ""
    devices: frozenset[str] = frozenset()
    missing: int = 0
    low_priority: bool = False


@dataclass
class _Pass:
    """One look at the queue."""

    found: Found | None
    closed: set[str] = field(default_factory=set)
    short: _Short | None = None  # of the first job that waits


class Placement:
    """Decides; what it decides is done by the scheduler."""

    def __init__(self, queue: Queue, inventory: Inventory, local_jobs: Callable[[], int]) -> None:
        self._queue = queue
        self._inventory = inventory
        self._local_jobs = local_jobs
        self._v_cp_us = os.cpu_count() or 1
        self._capacity = 1  # of local, in jobs
        self._short = _Short()

    def next(self) -> Placed | None:
        """The next job to start, its GPUs leased."""
        now = _Pass(self._inventory.now())
        self._capacity = self._inventory.count() or self._local_jobs()
        placed = None
        while placed is None and (claim := self._queue.next(local_jobs=self._capacity, closed=now.closed)):
            if not claim.needs.low_priority or self._has_room(claim):
                placed = self._place(claim, now)
            now.closed.add(claim.compute)
        self._wait_for(now.short or _Short())
        return placed

    def again(self, claim: Claim) -> Placed | None:
        """For a job that another engine claimed and did not get to start; None if that has to wait."""
        return self._place(claim, _Pass(self._inventory.now()))

    def to_give_way(self) -> Iterator[str]:
        """Names of running jobs of low priority, newest first, whose share of this machine others need."""
        working = self._queue.at_work()
        stay = [each for each in working if not each.gives_way]
        low = [each for each in reversed(stay) if each.low_priority and each.status is Status.RUNNING]
        used = sum(map(self._share, stay))
        devices, missing = self._short.devices, 0 if self._short.low_priority else self._short.missing
        missing -= sum(len(devices.intersection(each.devices)) for each in working if each.gives_way)
        crowded = any(not each.low_priority for each in stay)
        for job in low:
            held = len(devices.intersection(job.devices))
            if (crowded and used > self._v_cp_us) or (held and missing > 0):
                used -= self._share(job)
                missing -= held
                yield job.name

    def _wait_for(self, short: _Short) -> None:
        if short.missing and short != self._short:
            what = "a GPU" if short.missing == 1 else f"{short.missing} GPUs"
            self._queue.note(short.name, f"it waits for {what} that other jobs have")
        self._short = short

    def _place(self, claim: Claim, now: _Pass) -> Placed | None:
        if now.found is None:
            return None if claim.needs.gpus else Placed(claim)
        if now.found.broken is not None:
            refused = now.found.broken if claim.needs.gpus and claim.compute != LOCAL else None
            return Placed(claim, refused=refused)
        if not now.found.devices:
            return Placed(claim)
        pool, count = self._wanted(claim, now.found)
        if count and now.short is not None:
            return None  # whoever waits already comes first
        try:
            taken = lease(pool, count)
        except BackendError as error:
            return Placed(claim, refused=error)
        if len(taken.devices) == count:
            return Placed(claim, taken)
        taken.release()
        uuids = frozenset(device.uuid for device in pool)
        now.short = _Short(claim.job.name, uuids, count - len(taken.devices), claim.needs.low_priority)
        return None

    def _wanted(self, claim: Claim, found: Found) -> tuple[tuple[gpus.Device, ...], int]:
        """The devices that a job may have, and how many of them it gets."""
        pool = gpus.named(claim.needs.visible_devices, found.devices)
        return pool, min(claim.needs.gpus, len(pool))

    def _has_room(self, claim: Claim) -> bool:
        """Whether the vCPUs of jobs that are not of low priority leave enough for this one."""
        others = [self._share(each) for each in self._queue.at_work() if not each.low_priority]
        return not others or sum(others) + self._cut(claim.needs.v_cp_us) <= self._v_cp_us

    def _share(self, job: AtWork) -> int:
        return self._cut(job.v_cp_us)

    def _cut(self, v_cp_us: int) -> int:
        """Of the vCPUs that there are: nodes may be larger than this machine."""
        return min(v_cp_us or max(1, self._v_cp_us // self._capacity), self._v_cp_us)
