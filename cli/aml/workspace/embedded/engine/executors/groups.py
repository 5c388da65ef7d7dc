"""Control groups (cgroup v2) for a job's processes, where there is no process namespace and this user may make one.

A process can leave its session and its parents; it can't leave its group without the right to write elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import os
import select
import subprocess
from contextlib import suppress
from pathlib import Path

# Arguments: the group, then the command, which is in the group with all that it starts.
JOIN = 'echo $$ >"$1/cgroup.procs" || exit 126; shift; exec "$@"'

_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")
_GONE_S = 2.0


@functools.cache
def place() -> Path | None:
    """The folder in which groups can be made, tried with one; None if there is none."""
    folder = _own_group()
    if folder is None:
        return None
    group = folder / f"aml-probe-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        return None
    tried = subprocess.run(["sh", "-c", JOIN, "aml-probe", str(group), "true"], capture_output=True, check=False)
    can_kill = (group / "cgroup.kill").exists()
    with suppress(OSError):
        group.rmdir()
    return folder if tried.returncode == 0 and can_kill else None


def group_of(folder: Path, within: Path) -> Path:
    """The group of a job's folder, made if it is not there."""
    group = within / f"aml-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    group.mkdir(exist_ok=True)
    return group


def kill(group: Path) -> None:
    """Kill all that is in the group, and remove it; nothing to do if it is gone."""
    try:
        (group / "cgroup.kill").write_text("1")
        with (group / "cgroup.events").open() as events:
            waiting = select.poll()
            waiting.register(events, select.POLLPRI)
            if "populated 1" in events.read():
                waiting.poll(_GONE_S * 1000)
        group.rmdir()
    except OSError:  # gone, or not yet empty: whoever sweeps looks again
        return


def _own_group() -> Path | None:
    """The folder of the group that this process is in."""
    with suppress(OSError, StopIteration, ValueError):
        own = next(line[3:] for line in _OWN.read_text().splitlines() if line.startswith("0::"))
        for line in _MOUNTS.read_text().splitlines():
            fields = line.split(" ")
            if fields[fields.index("-") + 1] == "cgroup2":
                inside = os.path.relpath(own, fields[3])
                return None if inside.startswith("..") else Path(fields[4]) / inside
    return None
