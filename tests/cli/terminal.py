"""`aml` as a user runs it: as a process, with pipes or on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

AML = str(Path(sys.executable).parent / "aml")


def aml(*arguments: str, cwd: Path | None = None, check: bool = False) -> subprocess.CompletedProcess[str]:
    """One command with its output in pipes."""
    done = subprocess.run(
        [AML, *arguments], cwd=cwd, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@dataclass
class Terminal:
    """One command on a pseudo-terminal; what it wrote is in `text`."""

    process: subprocess.Popen[bytes]
    master: int
    text: str = ""

    @classmethod
    def run(cls, *arguments: str, cwd: Path | None = None) -> Terminal:
        master, slave = pty.openpty()
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
        process = subprocess.Popen(
            [AML, *arguments], cwd=cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        return cls(process, master)

    def read_until(self, text: str, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while text not in self.text:
            assert self._read(deadline), f"{text!r} did not come; there was:\n{self.text}"

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, timeout_s: float = 60) -> int:
        """The exit code; all that was written is in `text` then."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline):
            pass
        os.close(self.master)
        return self.process.wait(timeout_s)

    def _read(self, deadline: float) -> bool:
        if not select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            chunk = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.text += chunk.decode(errors="replace")
        return bool(chunk)
