"""A machine with GPUs: a program that prints what nvidia-smi prints."""

from __future__ import annotations

import shlex
import uuid
from pathlib import Path


class Driver:
    """A machine with GPUs, as nvidia-smi tells of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uuids: list[str] = []
        program = folder / "nvidia-smi"
        program.write_text(
            f"#!/bin/sh\ncd {shlex.quote(str(folder))}\n"
            "if [ -e broken ]; then cat broken; exit 9; fi\n"
            "case $1 in -L) cat list;; --query-gpu*) cat load;; --query-compute-apps*) cat processes;; esac\n"
        )
        program.chmod(0o755)

    def has(self, count: int, *, computing: tuple[int, ...] = (), full: tuple[int, ...] = ()) -> list[str]:
        self.uuids = self.uuids or [f"GPU-{uuid.uuid4()}" for _ in range(count)]
        lines = [f"GPU {number}: NVIDIA H200 (UUID: {each})" for number, each in enumerate(self.uuids)]
        self._write("list", lines or ["No devices found."])
        used = [f"{each}, {90_000 if number in full else 5}, 143771" for number, each in enumerate(self.uuids)]
        self._write("load", used)
        self._write("processes", [f"{self.uuids[number]}, 4711" for number in computing])
        return self.uuids

    def is_broken(self, said: str) -> None:
        self._write("broken", [said])

    def _write(self, name: str, lines: list[str]) -> None:
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))
