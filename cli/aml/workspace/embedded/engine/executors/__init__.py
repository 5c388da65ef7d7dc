"""What every executor does: start a job's process so that it outlives the engine, watch it, end all of it.

An executor is told what to start by a `Launch` and tells of it by a `Process`, which is stored with the job and is
enough for a later engine to take the process over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, Self

from aml.workspace.embedded.paths import JobPaths

MARKER = "AML_JOB_DIR"
"""The variable that all processes of a job carry; its value is the job's folder."""


@dataclass(frozen=True)
class Container:
    """What a job's container is made of, besides what every launch says."""

    tool: str  # docker or podman, with its path
    image: str
    client: Mapping[str, str]  # the environment of the tool; the launch's is the container's
    user: str | None = None  # UID:GID; None for root
    shm_size: str | None = None
    arguments: tuple[str, ...] = ()
    has_gpus: bool = False
    folders: tuple[str, ...] = ()  # besides the job's own, for it to write to


@dataclass(frozen=True)
class Launch:
    """What to start: a pure value, the same whether it is shown or run."""

    command: str  # bound; run by bash
    environment: Mapping[str, str]  # what all processes see
    cwd: Path
    paths: JobPaths
    processes: tuple[Mapping[str, str], ...] = ({},)  # variables of each process, over those of all
    read_only: tuple[tuple[str, str], ...] = ()  # (source, link to it): what the job must not change
    layered: tuple[str, ...] = ()  # folders of which the job alone sees what it changes in them
    container: Container | None = None  # None: processes of this machine

    @property
    def logs(self) -> tuple[Path, ...]:
        """Where stdout and stderr of each process go."""
        if len(self.processes) == 1:
            return (self.paths.log,)
        return tuple(self.paths.process_log(number) for number in range(len(self.processes)))


@dataclass(frozen=True)
class Process:
    """The identity of a job's wrapper: a process id alone may be somebody else's tomorrow."""

    host: str
    boot_id: str
    pid: int
    started: float  # ticks since boot on Linux, seconds since the epoch elsewhere
    isolated: bool  # in a process namespace of its own: when its first process ends, all have
    suspended_s: float | None = None  # how long this machine had been suspended when it started

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Executor(Protocol):
    """Where a job's processes run."""

    def start(self, launch: Launch, held: Sequence[int] = ()) -> Process:
        """Start the wrapper, or find the one that an earlier engine started for this job; `BackendError`.

        The job's processes hold the descriptors in `held` open as long as they live.
        """

    def is_alive(self, process: Process) -> bool: ...

    def runtime_s(self, process: Process) -> float:
        """Seconds since the process started, on a clock that nobody sets and that stands still in suspension."""

    def watch(self, process: Process) -> int | None:
        """A file descriptor that becomes readable when the process ends; None where the platform has none."""

    def end(self, process: Process, paths: JobPaths, *, grace_s: float) -> None:
        """Ask the job's processes to end, and after the grace kill every one of them, in whatever session."""

    def sweep(self, process: Process, paths: JobPaths) -> None:
        """Kill what the job left running after its end."""
