"""Environments that are built once on this machine: where they are, who builds them, and how a build is ended.

An environment is a folder named by a hash of all that goes into it. It is built where it stays, since the programs in
it name that place; the file `ready` is made last, and what has none is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.files.blobs import explained, size_bytes
from aml.workspace.redaction import scrubbed

_GRACE_S = 5.0
_LOCK_POLL_S = 0.1
_TAIL_BYTES = 4096
_REASON_LENGTH = 400
_CROSS = "\u00d7"  # uv puts it in front of an error, and draws a tree below it


class Stopped(Exception):
    """The work was asked to end before it was done."""


class Stop:
    """Asks work that takes long to end, from another thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def set(self) -> None:
        with self._lock:
            self._event.set()
            self._end()

    def check(self, *, after_s: float = 0) -> None:
        """Raise `Stopped` if it is set, or will be within that time."""
        if self._event.wait(after_s):
            raise Stopped

    @contextmanager
    def ending(self, child: subprocess.Popen[bytes]) -> Iterator[None]:
        """While this lasts the child, which leads a process group, is ended as well."""
        with self._lock:
            self._child = child
            if self._event.is_set():
                self._end()
        try:
            yield
        finally:
            with self._lock:
                self._child = None

    def _end(self) -> None:
        if self._child is not None:
            _signal(self._child, signal.SIGTERM)
            later = threading.Timer(_GRACE_S, _signal, (self._child, signal.SIGKILL))
            later.daemon = True
            later.start()


@dataclass(frozen=True)
class Builder:
    """Runs the programs that build one environment."""

    log: Path
    environment: Mapping[str, str]
    stop: Stop
    lock: int  # the descriptor that holds the environment's lock: the programs hold it too, also without us

    def run(self, argv: Sequence[str], *, what: str) -> None:
        """Raises `BackendError` with the program's own reason if it fails, `Stopped` if it was stopped."""
        self.stop.check()
        with self.log.open("ab") as log:
            began = log.tell()
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.log.parent,
                pass_fds=(self.lock,),
                start_new_session=True,
            )
        with self.stop.ending(child):
            code = child.wait()
        self.stop.check()
        if code != 0:
            raise BackendError(f"{what}: {_reason(self.log, began) or f'exit code {code}'}", f"The log is {self.log}.")

    def say(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(f"{text}\n")


@dataclass(frozen=True)
class Cache:
    """The folder of built environments, for all workspaces of an AML_HOME."""

    folder: Path

    def place(self, key: str) -> Path:
        """Where the environment is or will be."""
        return self.folder / key / "env"

    def is_ready(self, key: str) -> bool:
        return self._ready(key).exists()

    def build(self, key: str, make: Callable[[Path, Builder], None], builder: Callable[[int], Builder]) -> Path:
        """The environment, built by `make` unless it is there; one builder at a time, the others wait for it."""
        with explained(self.folder):
            if not self._use(key):
                self._build(key, make, builder)
        return self.place(key)

    def forget(self, key: str) -> None:
        """Have it built anew."""
        self._ready(key).unlink(missing_ok=True)

    def drop(self, *, unused_s: float, in_use: Collection[Path]) -> int:
        """Delete environments that were last used so long ago and what a build left that is over; the bytes freed."""
        freed = 0
        there = [each for each in self.folder.iterdir() if each != self._locks] if self.folder.is_dir() else []
        for folder in there:
            with _opened(self._locks / folder.name) as lock:
                if try_lock(lock) and self._is_unused(folder.name, unused_s, in_use):
                    (folder / "ready").unlink(missing_ok=True)
                    freed += size_bytes(folder, set())
                    shutil.rmtree(folder)
        return freed

    def _is_unused(self, key: str, unused_s: float, in_use: Collection[Path]) -> bool:
        ready = self._ready(key)
        if not ready.exists():
            return True
        return time.time() - ready.stat().st_mtime > unused_s and self.place(key) not in in_use

    def _build(self, key: str, make: Callable[[Path, Builder], None], builder: Callable[[int], Builder]) -> None:
        with _opened(self._locks / key) as lock:
            ours = builder(lock)
            if not try_lock(lock):
                ours.say("waiting: another job builds the same environment")
                while not try_lock(lock):
                    ours.stop.check(after_s=_LOCK_POLL_S)  # flock has no timeout
            if self._use(key):
                return
            (self.folder / key).mkdir(exist_ok=True, mode=0o700)
            shutil.rmtree(self.place(key), ignore_errors=True)  # of a build that did not end
            try:
                make(self.place(key), ours)
            except BaseException:
                shutil.rmtree(self.place(key), ignore_errors=True)
                raise
            self._ready(key).touch()

    def _use(self, key: str) -> bool:
        """Whether it is there; the time of `ready` is when it was used last."""
        try:
            os.utime(self._ready(key))
        except FileNotFoundError:
            return False
        return True

    @property
    def _locks(self) -> Path:
        """They stay: whoever waits for one must not find another file of its name."""
        return self.folder / "locks"

    def _ready(self, key: str) -> Path:
        return self.folder / key / "ready"


def hashed(*parts: object) -> str:
    """The key of an environment that these values decide."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)


def _reason(log: Path, began: int) -> str:
    """What the program said last: from its last line that tells of an error, on one line, shortened."""
    with log.open("rb") as handle:
        handle.seek(max(began, log.stat().st_size - _TAIL_BYTES))
        lines = [line.strip() for line in handle.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.lower().startswith(("error", _CROSS, "failed"))]
    told = lines[errors[-1] :] if errors else lines[-1:]
    text = " ".join(line.lstrip(f"{_CROSS}\u2570\u2500\u25b6 ") for line in told)
    text = scrubbed(re.sub("^error: ", "", text, flags=re.IGNORECASE))
    return text if len(text) <= _REASON_LENGTH else f"{text[:_REASON_LENGTH]}..."
