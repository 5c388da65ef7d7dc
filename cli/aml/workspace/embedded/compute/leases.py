"""Leases on GPUs, for all workspaces of a user on this machine: a lock file for each device.

A lease is an flock: it lasts as long as any process has its descriptor. The engine hands the descriptors to the job's
processes and closes its own, so neither a killed engine nor a killed wrapper gives away a device that is in use.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.compute.gpus import Device
from aml.workspace.embedded.files.blobs import explained


@dataclass(frozen=True)
class Lease:
    """Devices that nobody else gets until `release()`, and as long as the descriptors live on in another process."""

    devices: tuple[Device, ...] = ()
    descriptors: tuple[int, ...] = ()

    @property
    def uuids(self) -> tuple[str, ...]:
        return tuple(device.uuid for device in self.devices)

    def of_nodes(self, nodes: int) -> tuple[tuple[str, ...], ...]:
        """UUIDs for each node: its share, in order; with fewer devices than nodes some share one."""
        count = len(self.devices)
        if count == 0:
            return ((),) * nodes
        ends = [node * count // nodes for node in range(nodes + 1)]
        return tuple(self.uuids[begin : max(end, begin + 1)] for begin, end in pairwise(ends))

    def release(self) -> None:
        """Close this process's descriptors."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def lease(wanted: Sequence[Device], count: int) -> Lease:
    """At most `count` of the devices: those that nobody has leased, and of them first those that nobody uses.

    `BackendError` if this machine does not let us lock.
    """
    found: list[tuple[Device, int]] = []
    for device in in_order(wanted) if count else ():
        with explained(folder()):
            descriptor = _locked(device.uuid)
        if descriptor is not None:
            found.append((device, descriptor))
        if len(found) == count:
            break
    found.sort(key=lambda one: wanted.index(one[0]))
    return Lease(tuple(device for device, _ in found), tuple(descriptor for _, descriptor in found))


@contextmanager
def released_on_error(taken: Lease | None) -> Iterator[None]:
    """Give the devices back if what they were taken for can't be recorded."""
    try:
        yield
    except BaseException:
        if taken is not None:
            taken.release()
        raise


def in_order(there: Iterable[Device]) -> list[Device]:
    """Those that nobody uses first."""
    return sorted(there, key=lambda device: device.busy)


def folder() -> Path:
    """The user's own folder for what all workspaces share; the same in every session, whatever TMPDIR says."""
    path = Path(f"/tmp/aml-{os.getuid()}/gpus")  # noqa: S108, its owner and mode are checked
    path.parent.mkdir(mode=0o700, exist_ok=True)
    there = path.parent.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid() or there.st_mode & 0o077:
        raise BackendError(
            f"{path.parent} can't be trusted: it must be a folder that is yours alone", "Delete it or have it deleted."
        )
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _locked(uuid: str) -> int | None:
    """A descriptor that holds the device's lock; None if somebody else does."""
    path = folder() / uuid.replace("/", "_")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_at(path, descriptor):
            os.utime(descriptor)  # what cleans /tmp goes by the age
            return descriptor
        os.close(descriptor)  # it was deleted meanwhile: a lock on it keeps nobody out


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
