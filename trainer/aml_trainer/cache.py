"""Decoded images on disk: one file for a list of files, named after their contents; whole or not there.

A second training of the same images, another trial of a sweep among them, maps that file instead of decoding.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from aml_trainer import files as atomic
from aml_trainer.decode import Decoded, Geometry, decode_all
from aml_trainer.errors import TrainerError

GIB = 2**30


def decoded(files: Sequence[Path], geometry: Geometry, *, cache_dir: Path, limit_bytes: int) -> Decoded:
    """`files` as squares: from the cache, else decoded and, when `limit_bytes` allows, put there."""
    size_bytes = len(files) * 3 * geometry.side**2
    if not 0 < size_bytes <= limit_bytes:
        return _in_memory(files, geometry, size_bytes)
    entry = cache_dir / "images" / f"{_key(files, geometry)}.u8"
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with _alone(entry.with_suffix(".lock")):  # trials that start together decode once
            if not entry.is_file():
                result = _in_memory(files, geometry, size_bytes)
                _make_room(entry.parent, limit_bytes - size_bytes)
                _write(entry, result)
                return result
            os.utime(entry)  # the one that was used last goes last
            return _read(entry, len(files), geometry)
    except OSError as error:
        raise TrainerError(
            f"the cache {cache_dir} can't be used: {error.strerror or error}; give another --cache-dir, or "
            "--cache-size 0 for none"
        ) from error


def _in_memory(files: Sequence[Path], geometry: Geometry, size_bytes: int) -> Decoded:
    available = free_memory_bytes()
    if size_bytes > available:
        raise TrainerError(
            f"{len(files)} decoded images take {size_bytes / GIB:.1f} GiB, and {available / GIB:.1f} GiB of memory are "
            f"free; a --cache-size of {size_bytes / GIB + 1:.0f} or more keeps them on disk once a machine with more "
            "memory has decoded them, a smaller --image-size needs less"
        )
    return decode_all(files, geometry)


def free_memory_bytes() -> int:
    """What the kernel says can be used without swapping; without a number, no limit."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 2**63


def _key(files: Sequence[Path], geometry: Geometry) -> str:
    """The digest of all contents in their order, not of names or times: a copied folder finds its images again."""

    def digest(path: Path) -> bytes:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    with ThreadPoolExecutor() as pool:
        whole = hashlib.sha256(geometry.key.encode())
        for part in pool.map(digest, files):
            whole.update(part)
    return whole.hexdigest()[:32]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_room(folder: Path, allowed_bytes: int) -> None:
    entries = sorted(folder.glob("*.u8"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept = 0
    for entry in entries:
        kept += entry.stat().st_size
        if kept > allowed_bytes:
            # a training that has mapped it keeps it: the name goes, the pages stay
            for path in (entry, entry.with_suffix(".json"), entry.with_suffix(".lock")):
                path.unlink(missing_ok=True)


def _write(entry: Path, result: Decoded) -> None:
    about = {"aspects": result.aspects.tolist(), "problems": result.problems}
    atomic.write(entry.with_suffix(".json"), json.dumps(about))
    with atomic.replacing(entry) as temporary:
        result.images.numpy().tofile(temporary)


def _read(entry: Path, count: int, geometry: Geometry) -> Decoded:
    about = json.loads(entry.with_suffix(".json").read_text())
    problems = {int(row): problem for row, problem in about["problems"].items()}
    return Decoded(_mapped(entry, (count, 3, geometry.side, geometry.side)), torch.tensor(about["aspects"]), problems)


def _mapped(entry: Path, shape: tuple[int, int, int, int]) -> Tensor:
    """The file as memory, privately: pages come when they are read and go when memory is short."""
    count = shape[0] * shape[1] * shape[2] * shape[3]
    return torch.from_file(str(entry), shared=False, size=count, dtype=torch.uint8).view(shape)
