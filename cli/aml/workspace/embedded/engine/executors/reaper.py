"""Runs a command and ends with its status when nothing that came from it is left; a program, standard library alone.

    reaper.py COMMAND...

On Linux its orphans come to it, whatever session they are in and whatever they did to their environment. It stays in
the wrapper's process group: whoever asks the job to end asks the command, too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> int:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for asking in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(asking, lambda *_: None)  # not ignored: the command would ignore it as well
    try:
        child = subprocess.Popen(command, close_fds=False)  # what is leased stays held
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    code = child.wait()
    _end_all()
    return 128 - code if code < 0 else code


def _end_all() -> None:
    """Kill what is left until nothing is: a process can start others while it is looked for."""
    while left := list(_descendants(os.getpid())):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.wait()


def _descendants(top: int) -> Iterator[int]:
    """Those that are alive."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                parents[int(folder.name)] = int(parent), state
    for pid, (_, state) in parents.items():
        above = pid
        while above in parents and above != top:
            above = parents[above][0]
        if above == top and pid != top and state not in "ZX":
            yield pid


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
