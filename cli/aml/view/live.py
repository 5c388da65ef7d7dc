"""A job while it runs: its log byte for byte, framed as az does; on a terminal statuses and metrics between lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from aml.view.cards import values
from aml.view.color import has_color, paint
from aml.view.entities import web_url
from aml.workspace.records import Job, MetricPoint, Status

_CHUNK_BYTES = 1 << 16
_METRICS_INTERVAL_S = 1.0


class LiveView:
    """Shows one job on `stream`. Progress bars stay whole: nothing of ours is written inside a line of the log."""

    def __init__(self, stream: TextIO) -> None:
        self._bytes: BinaryIO = stream.buffer if hasattr(stream, "buffer") else sys.stdout.buffer
        self._color = has_color(stream)
        self._is_terminal = stream.isatty()
        self._read: dict[str, int] = {}  # log -> bytes shown
        self._inodes: dict[str, int] = {}
        self._shown: str | None = None  # the log whose lines were shown last
        self._at_line_start = True
        self._status: Status | None = None
        self._message: str | None = None
        self._passing = False  # the last line may be written over
        self._began = time.monotonic()
        self._pending: dict[str, MetricPoint] = {}
        self._metrics_shown = 0.0

    def header(self, job: Job) -> None:
        self._print(f"RunId: {job.name}")
        self._print(f"Web View: {web_url(job)}")

    def update(self, job: Job, logs: Sequence[tuple[str, Path]], metrics: Sequence[MetricPoint]) -> None:
        """Show what is new."""
        self._show_status(job)
        for name, path in logs:
            self._show_log(name, path)
        self._pending |= {point.key: point for point in metrics}
        self._show_metrics(at_once=job.status.is_terminal)

    def footer(self, job: Job) -> None:
        if not self._at_line_start:
            self._print("")
        self._print("\nExecution Summary")
        self._print("=" * 17)
        self.header(job)

    def _show_status(self, job: Job) -> None:
        """A line for each status, and for what is being done one that is written over."""
        if (job.status, job.message) == (self._status, self._message):
            return
        is_new, self._status, self._message = job.status is not self._status, job.status, job.message
        if not self._is_terminal or not self._at_line_start or job.status.is_terminal:
            return
        elapsed = f"[{time.monotonic() - self._began:5.1f} s] "
        if is_new:
            self._print(paint(f"{elapsed}{job.status}", "dim", self._color))
        if job.message:
            self._write_over(paint(f"{elapsed}{job.message}", "dim", self._color))

    def _write_over(self, text: str) -> None:
        """One line in place of the one that was written so before."""
        if self._passing:
            self._bytes.write(b"\r\x1b[K")
        self._bytes.write(text.encode())
        self._bytes.flush()
        self._passing = True

    def _keep_line(self) -> None:
        if self._passing:
            self._bytes.write(b"\n")
            self._passing = False

    def _show_log(self, name: str, path: Path) -> None:
        with path.open("rb") as log:
            inode = os.fstat(log.fileno()).st_ino
            if self._inodes.setdefault(name, inode) != inode:  # the job started again
                self._inodes[name], self._read[name] = inode, 0
            log.seek(self._read.get(name, 0))
            while chunk := log.read(_CHUNK_BYTES):
                if self._shown != name:
                    self._begin_log(name)
                self._bytes.write(chunk)
                self._at_line_start = chunk.endswith(b"\n")
                self._read[name] = log.tell()
        self._bytes.flush()

    def _begin_log(self, name: str) -> None:
        self._keep_line()
        self._shown = name
        if name not in self._read:
            self._print(f"\nStreaming {name}\n{'=' * (len(name) + 10)}\n")

    def _show_metrics(self, *, at_once: bool) -> None:
        if not (self._pending and self._is_terminal and self._at_line_start):
            return
        if at_once or time.monotonic() - self._metrics_shown >= _METRICS_INTERVAL_S:
            step = max(point.step for point in self._pending.values())
            self._print(paint(f"  metrics at step {step}  {values(list(self._pending.values()))}", "dim", self._color))
            self._pending.clear()
            self._metrics_shown = time.monotonic()

    def _print(self, text: str) -> None:
        self._keep_line()
        self._bytes.write(text.encode() + b"\n")
        self._bytes.flush()
