"""Several processes that train one model: who this process is, the group they form, and a log for each.

The layout comes from torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK) or Open MPI's; without them it is one process.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from aml_trainer.errors import ConfigError, TrainerError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

JOIN_TIMEOUT_S = 300  # for all processes to start; image caches may have to be filled first
DEFAULT_PORT = "29500"  # torchrun's


@dataclass(frozen=True)
class Layout:
    """This process among all that train together."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0  # on this machine

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Layout:
        for rank, world_size, local_rank in (
            ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
            ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
        ):
            if rank in environ and world_size in environ:
                names = (rank, world_size, local_rank if local_rank in environ else rank)
                return cls(*(_number(environ, name) for name in names))
        return cls()

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        return self.world_size == 1

    def shard(self, rows: Tensor) -> Tensor:
        """This process's part of `rows`; the parts of all are disjoint and hold them all."""
        return rows[self.rank :: self.world_size]


def _number(environ: Mapping[str, str], name: str) -> int:
    if not environ[name].isdecimal():
        raise ConfigError(f"{name}={environ[name]}: must be a whole number")
    return int(environ[name])


def check_batch(layout: Layout, batch_size: int) -> None:
    """Batch normalisation needs two images in every process, equal parts make equal weights."""
    if batch_size % layout.world_size or batch_size < 2 * layout.world_size:
        raise ConfigError(
            f"--batch-size: {batch_size} images can't be dealt out to {layout.world_size} processes, the same number "
            f"and at least two to each; {2 * layout.world_size} or a multiple of {layout.world_size} above it can"
        )


@contextmanager
def joined(layout: Layout, device: torch.device) -> Iterator[None]:
    """The group of all processes, until the block ends; they talk by nccl on CUDA, else by gloo."""
    if layout.is_alone:
        yield
        return
    from torch import distributed

    host, port = _meeting_point(os.environ, layout)
    try:
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            init_method=f"tcp://{host}:{port}",
            rank=layout.rank,
            world_size=layout.world_size,
            timeout=timedelta(seconds=JOIN_TIMEOUT_S),
        )
    except (RuntimeError, ValueError) as error:
        raise TrainerError(
            f"process {layout.rank} of {layout.world_size} did not meet the others at {host}:{port}: "
            f"{str(error).splitlines()[0]}; MASTER_ADDR and MASTER_PORT say where"
        ) from error
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _meeting_point(environ: Mapping[str, str], layout: Layout) -> tuple[str, str]:
    """Where the first process listens. Azure names its host for Open MPI's jobs."""
    host = environ.get("MASTER_ADDR") or environ.get("AZ_BATCHAI_MPI_MASTER_NODE")
    if not host and environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") not in {None, str(layout.world_size)}:
        raise ConfigError("MASTER_ADDR: the processes are on several machines; set it to the address of the first")
    return host or "127.0.0.1", environ.get("MASTER_PORT") or DEFAULT_PORT


def total(layout: Layout, values: Tensor) -> Tensor:
    """The sum over all processes."""
    if not layout.is_alone:
        from torch import distributed

        distributed.all_reduce(values)
    return values


def gather(layout: Layout, value: object) -> list[object]:
    """The values of all processes, in the order of their ranks; for small ones."""
    if layout.is_alone:
        return [value]
    from torch import distributed

    values: list[object] = [None] * layout.world_size
    distributed.all_gather_object(values, value)
    return values


def share_buffers(layout: Layout, model: nn.Module) -> None:
    """The first process's running means to all: each saw its own images, and all must judge by the same model."""
    if not layout.is_alone:
        from torch import distributed

        for buffer in model.buffers():
            distributed.broadcast(buffer, 0)


@contextmanager
def driver_log(layout: Layout, folder: Path) -> Iterator[None]:
    """Copy what this process prints to the file in which Azure's designer shows it; one process alone has none."""
    if layout.is_alone:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if layout.is_first:
            (folder / "70_mpi_log.txt").write_text(f"{layout.world_size} processes, this host: {os.uname().nodename}\n")
        log = (folder / f"70_driver_log_{layout.rank}.txt").open("w", buffering=1)
    except OSError as error:
        raise TrainerError(f"--log-dir: no log can be written to {folder}: {error.strerror or error}") from error
    out, err = sys.stdout, sys.stderr
    with log:
        sys.stdout, sys.stderr = _Copy(out, log), _Copy(err, log)
        try:
            yield
        except BaseException:
            traceback.print_exc(file=log)
            raise
        finally:
            sys.stdout, sys.stderr = out, err


class _Copy:
    """A stream that also writes to a log; what it can't do itself the stream does."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        self._log.write(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._log.flush()
        self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def report_failure(layout: Layout, folder: Path, message: str) -> None:
    """A line in 70_mpi_log.txt, the place to look when a process has no log of its own."""
    if not layout.is_alone:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "70_mpi_log.txt").open("a") as log:
            log.write(f"process {layout.rank}: {message}\n")
