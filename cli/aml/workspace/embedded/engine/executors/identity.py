"""Which process this is, in a way that survives reboots and pid reuse. The platform's calls for it stand here."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import psutil

_PROC = Path("/proc/self/stat").exists()
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def boot_id() -> str:
    """A text that changes with every boot of this machine."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else f"{psutil.boot_time():.0f}"


def host() -> str:
    return platform.node()


def started(pid: int) -> float | None:
    """When a process started, in a unit that is the platform's; None if it is gone (a zombie is gone).

    On Linux it is ticks since boot: psutil's time of day moves when the clock is set.
    """
    if not _PROC:
        return _started_by_psutil(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else float(fields[19])


def age_s(started_at: float) -> float:
    """Seconds since `started()`'s moment."""
    if not _PROC:
        return time.time() - started_at
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_at / _TICKS_PER_S


def suspended_s() -> float:
    """How long this machine has been suspended since its boot."""
    if not _PROC:
        return 0.0
    return round(time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC), 2) + 0.0


def _started_by_psutil(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None
