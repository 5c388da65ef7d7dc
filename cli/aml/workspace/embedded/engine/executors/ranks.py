"""Runs a command as several processes, each with variables and a log of its own; a program, for the standard library.

    ranks.py FILE COMMAND...

FILE is a JSON list of {"variables": {...}, "log": PATH}. The exit status is that of the first process that failed, as a
shell tells it; FILE is renamed to `failed.NUMBER` then, which works on a full disk too, and the others are ended. It
stays in the wrapper's process group, so whoever ends the job reaches every process without it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

GRACE_S = 5


class Ranks:
    """The processes that run, by pid."""

    def __init__(self, file: Path, command: list[str]) -> None:
        self._file = file
        self._asked = False  # to end, by a signal to the whole group
        self._running: dict[int, int] = {}
        for asking in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(asking, self._note)
        signal.signal(signal.SIGALRM, self._kill)
        for number, one in enumerate(json.loads(file.read_text())):
            self._running[_start(command, one)] = number

    def wait(self) -> int:
        """Until all have ended."""
        code = 0
        while self._running:
            pid, status = os.wait()
            number = self._running.pop(pid)
            ended = os.waitstatus_to_exitcode(status)
            if ended != 0 and code == 0:
                code = 128 - ended if ended < 0 else ended
                self._end_others(number)
        return code

    def _end_others(self, failed: int) -> None:
        if self._asked:  # whoever asked has a grace of its own
            return
        self._file.rename(self._file.with_name(f"failed.{failed}"))
        os.killpg(0, signal.SIGTERM)
        signal.alarm(GRACE_S)

    def _note(self, *_: object) -> None:
        self._asked = True

    def _kill(self, *_: object) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)


def _start(command: list[str], one: dict[str, Any]) -> int:
    with Path(one["log"]).open("ab") as log:
        environment = os.environ | one["variables"]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    process.returncode = 0  # it is waited for here, not by its destructor
    return process.pid


if __name__ == "__main__":
    sys.exit(Ranks(Path(sys.argv[1]), sys.argv[2:]).wait())
