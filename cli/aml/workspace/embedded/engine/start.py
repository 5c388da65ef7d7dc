"""Bring the workspace's engine up, or reach the one that runs.

An engine is two processes: a keeper in POSIX sh that starts it again when it dies, and the engine. Both hold the engine
lock and the listening socket: no other engine can start, and no client is refused, while one of them is replaced.
The engine goes back to nothing by itself when it has been idle; whoever submits a job makes sure that one runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aml.errors import BackendError
from aml.version import __version__
from aml.workspace.embedded import tokens
from aml.workspace.embedded.paths import WorkspacePaths, home

HOST = "127.0.0.1"
ANSWER_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 15.0
_LOG_LIMIT_BYTES = 4 << 20

# An engine that ends with 0 has nothing to do or was told to stop. One that can't even start is tried a few times.
KEEPER = """
python=$1; folder=$2; lock=$3; socket=$4
failures=0
while [ $failures -lt 5 ]; do
    began=$(date +%s)
    "$python" -P -m aml.workspace.embedded.engine "$folder" --lock-fd "$lock" --socket-fd "$socket" && exit 0
    if [ $(($(date +%s) - began)) -lt 5 ]; then failures=$((failures + 1)); sleep $((failures - 1)); else failures=0; fi
done
"""

# What the engine takes over from whoever starts it; a job's environment comes from its submitter instead.
_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PYTHONPATH", "TMPDIR", "USER", "AML_ENGINE_IDLE_S")


def ensure_running(paths: WorkspacePaths) -> None:
    """Return when an engine of this version has seen what is in the store, or has been started and will.

    Raises `BackendError` if one is there but does not answer.
    """
    if _wake(paths):
        return
    paths.engine.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _START_TIMEOUT_S
    with _open(paths.engine_start_lock) as starters, _open(paths.engine_lock) as engine:
        fcntl.flock(starters, fcntl.LOCK_EX)
        # An engine that is about to end refuses to be woken, and holds the lock until it and its keeper are gone.
        while not _wake(paths):
            if _try_lock(engine):
                _start(paths, engine)
                return
            if time.monotonic() > deadline:
                raise BackendError("an engine is there, but does not answer", f"Its log is {paths.engine_log}.")
            select.select([], [], [], 0.02)  # flock has no timeout


def is_there(paths: WorkspacePaths) -> bool:
    """Whether an engine or its keeper lives; it may be about to end."""
    try:
        with _open(paths.engine_lock) as descriptor:
            return not _try_lock(descriptor)
    except FileNotFoundError:  # no engine ever ran here
        return False


def ask(paths: WorkspacePaths, method: str, path: str) -> dict[str, object] | None:
    """One request to the engine; None if no engine is there to answer it.

    Without the lock held there is no engine, and whoever listens at its port by now must not be told the token.
    """
    port = read_port(paths)
    if port is None or not is_there(paths):
        return None
    token = tokens.token(tokens.secret(paths.secret), tokens.OWNER)
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    # http.client and its email parser would double what a short command costs.
    answer = b""
    try:
        with socket.create_connection((HOST, port), timeout=ANSWER_TIMEOUT_S) as connection:
            connection.sendall(request.encode())
            while chunk := connection.recv(65536):
                answer += chunk
    except TimeoutError:
        raise BackendError(
            f"the engine at port {port} does not answer",
            f"Its log is {paths.engine_log}; `aml engine stop` ends it, the next command starts another.",
        ) from None
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        return None
    document: dict[str, object] = json.loads(body)
    return document


def _wake(paths: WorkspacePaths) -> bool:
    """Whether an engine will look at the store; one of another version is asked to make way for ours."""
    answer = ask(paths, "POST", "/engine/wake")
    if answer is None:
        return False
    if answer.get("version") == __version__:
        return True
    with suppress(ProcessLookupError):
        os.kill(int(str(answer["pid"])), signal.SIGTERM)
    return False


def wait_until_gone(paths: WorkspacePaths) -> None:
    """Return when neither engine nor keeper is left; `BackendError` if that takes too long."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    with _open(paths.engine_lock) as lock:
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise BackendError("the engine does not end", f"Its log is {paths.engine_log}.")
            select.select([], [], [], 0.02)


def read_port(paths: WorkspacePaths) -> int | None:
    with suppress(FileNotFoundError, ValueError):
        return int(paths.engine_port.read_text())
    return None


def spawn_keeper(paths: WorkspacePaths, lock: int, listener: int) -> int:
    """Start keeper and engine on these descriptors and return the keeper's pid; nothing else of ours is passed on."""
    with paths.engine_log.open("ab") as log:
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "aml-keeper", sys.executable, str(paths.folder), str(lock), str(listener)],
            cwd=paths.folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock, listener),
            start_new_session=True,
        )
    return keeper.pid


def _start(paths: WorkspacePaths, lock: int) -> None:
    listener = _listen(paths)
    _write_start_script(paths)
    if paths.engine_log.exists() and paths.engine_log.stat().st_size > _LOG_LIMIT_BYTES:
        paths.engine_log.replace(paths.engine_log.with_suffix(".log.1"))
    with listener:
        spawn_keeper(paths, lock, listener.fileno())


def _listen(paths: WorkspacePaths) -> socket.socket:
    """A listening socket at the workspace's own port; at another one only if a stranger has taken it."""
    own = read_port(paths)
    for port in [own, 0] if own else [0]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            listener.close()
            continue
        listener.listen(512)
        temporary = paths.engine_port.with_suffix(".new")
        temporary.write_text(f"{listener.getsockname()[1]}\n")
        temporary.replace(paths.engine_port)
        return listener
    raise BackendError(f"no port of {HOST} can be listened on")


def _write_start_script(paths: WorkspacePaths) -> None:
    """What a job's wrapper runs when it finds the engine gone: the environment of the wrapper is the job's."""
    assignments = " ".join(shlex.quote(f"{name}={value}") for name, value in _environment().items())
    python = shlex.quote(sys.executable)
    folder = shlex.quote(str(paths.folder))
    script = paths.engine / "start.sh"
    temporary = paths.engine / "start.sh.new"
    temporary.write_text(f"exec env -i {assignments} {python} -P -m aml.workspace.embedded.engine.start {folder}\n")
    temporary.replace(script)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "AML_HOME": str(home())}  # where registries are


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    ensure_running(WorkspacePaths(Path(sys.argv[1])))
