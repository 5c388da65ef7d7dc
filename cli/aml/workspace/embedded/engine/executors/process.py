"""Jobs as processes of this machine.

Every job runs below a wrapper in POSIX sh that needs no engine: it has its own session, holds no pipe of the engine,
and leaves the exit status as a file name. What it starts lives in a PID namespace of its own where the kernel
lets us, so that the end of its first process is the end of all; else in a control group; else below a program that
orphans come to. Where there is none of this, and for the wrapper itself, the job's processes are found by descent and
by the job's marker in their environment.
"""

from __future__ import annotations

import functools
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from aml.errors import BackendError
from aml.workspace.embedded.engine.executors import MARKER, Container, Launch, Process, containers, groups, identity
from aml.workspace.embedded.engine.executors.mounts import MOUNT, Mounting, arguments, make_places, mounting
from aml.workspace.embedded.paths import WRITABLE_INPUTS, JobPaths

# Arguments: exec folder, log, engine folder, then the command. stdout tells the engine the wrapper's pid.
# The pid file is made by whoever comes first (noclobber is O_EXCL): a wrapper started twice by an engine that died in
# between runs the command once. A subshell tells the pid: if the engine has died, its pipe would end the wrapper.
# TERM is caught, not ignored: an ignored signal would be ignored by the job as well.
# `mv` needs no new block, so the exit status gets through on a full disk. At the end the wrapper brings the engine back
# if it is dead, also as a zombie that nobody reaps: `kill -0` alone would take that for alive.
WRAPPER = """
exec_dir=$1; log=$2; engine=$3; shift 3
set -C
{ echo $$ >"$exec_dir/pid"; } 2>/dev/null || { cat "$exec_dir/pid"; exit 0; }
set +C
(echo $$)
exec >/dev/null
trap : TERM INT HUP
"$@" >>"$log" 2>&1 </dev/null
status=$?
mv "$exec_dir/running" "$exec_dir/exit.$status"
read -r pid <"$engine/pid"
stat=
[ -r "/proc/$pid/stat" ] && read -r stat <"/proc/$pid/stat"
case $stat in *") Z "*) pid= ;; esac
[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || sh "$engine/start.sh" >/dev/null 2>&1 </dev/null
"""

# The first process of the namespace: it reaps orphans and, being pid 1, would not feel a signal that it has no handler
# for; so the job's own shell is its child. `exit` keeps sh from replacing itself with that shell.
INIT = f'trap : TERM INT HUP\n{MOUNT}\n"$@"; exit $?'

_NAMESPACES = (
    ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"),
    ("unshare", "--user", "--map-current-user", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"),
)
_KILL_ROUNDS = 100
_KILL_ROUND_S = 0.05
_YOUNG_S = 0.5
_REAPER = str(Path(__file__).with_name("reaper.py"))


class ProcessExecutor:
    """Starts jobs on this machine; `engine_dir` is where wrappers find how to bring the engine back."""

    def __init__(self, engine_dir: str) -> None:
        self._engine_dir = engine_dir
        self._lock = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, launch: Launch, held: Sequence[int] = ()) -> Process:
        if launch.container is not None:
            return self._start_container(launch, launch.container, held)
        namespace, mounts, drop = isolation(), list[str](), tuple[str, ...]()
        if (launch.read_only or launch.layered) and (how := self._mounting(namespace)):
            namespace, drop = how.namespace, how.drop
            make_places(launch.read_only)
            mounts = arguments(launch)
        inside = ["sh", "-c", INIT, "aml-init", *mounts, "--", *drop]
        first = [*namespace, *inside] if namespace else _holder(launch.paths)
        argv = [*first, *_ranked(launch, [_shell(), "-c", launch.command])]
        environment = {**launch.environment, **launch.processes[0]}
        return self._start(launch, argv, environment, held, isolated=bool(namespace))

    def _start_container(self, launch: Launch, container: Container, held: Sequence[int]) -> Process:
        containers.make_folders(launch.paths)
        make_places(launch.read_only)
        launch.paths.container.write_text(container.tool)
        argv = _ranked(launch, containers.argv(launch, container))
        return self._start(launch, argv, containers.environment(launch, container), held, isolated=False)

    def _start(
        self, launch: Launch, argv: list[str], environment: Mapping[str, str], held: Sequence[int], *, isolated: bool
    ) -> Process:
        log = launch.paths.log if len(launch.processes) == 1 else launch.paths.ranks_log
        wrapper = ["sh", "-c", WRAPPER, "aml-job", str(launch.paths.exec), str(log), self._engine_dir]
        try:
            child = subprocess.Popen(
                [*wrapper, *argv],
                cwd=launch.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=held,
            )
        except OSError as error:
            raise BackendError(f"the job's process could not be started: {error.strerror}", _start_hint()) from error
        assert child.stdout is not None
        with child.stdout as told:
            pid = int(told.read() or child.pid)
        with self._lock:
            self._children.append(child)
        started = identity.started(pid) if pid == child.pid or _is_marked(pid, launch.paths) else None
        # A wrapper that is gone already has left its exit status; no process will ever have this start time.
        return Process(
            host=identity.host(),
            boot_id=identity.boot_id(),
            pid=pid,
            started=-1.0 if started is None else started,
            isolated=isolated,
            suspended_s=identity.suspended_s(),
        )

    def _mounting(self, namespace: tuple[str, ...]) -> Mounting | None:
        """How inputs are mounted; where they can't be, a file says so to those who submit jobs."""
        how = mounting(namespace)
        writable = Path(self._engine_dir) / WRITABLE_INPUTS
        if how is None:
            writable.touch()
        else:
            writable.unlink(missing_ok=True)
        return how

    def is_alive(self, process: Process) -> bool:
        self._reap()
        return process.boot_id == identity.boot_id() and identity.started(process.pid) == process.started

    def runtime_s(self, process: Process) -> float:
        slept = 0.0 if process.suspended_s is None else identity.suspended_s() - process.suspended_s
        return identity.age_s(process.started) - slept

    def watch(self, process: Process) -> int | None:
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            return os.pidfd_open(process.pid)
        except ProcessLookupError:
            return None

    def end(self, process: Process, paths: JobPaths, *, grace_s: float) -> None:
        if self.is_alive(process) and self.runtime_s(process) < _YOUNG_S:
            self._ask(process)
            self._wait(process, _YOUNG_S)  # whoever is just being started may not have felt it
        if self.is_alive(process):
            self._ask(process)
            self._wait(process, grace_s)
        self.sweep(process, paths)

    def _ask(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)

    def sweep(self, process: Process, paths: JobPaths) -> None:
        containers.end(paths)
        for _ in range(_KILL_ROUNDS):
            if paths.group.exists():
                groups.kill(Path(paths.group.read_text()))
            found = list(_members(process.pid if self.is_alive(process) else None, str(paths.folder)))
            if not found:
                return
            for member in [each for each in found if not _is_reaper(each)] or found:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    member.kill()
            psutil.wait_procs(found, timeout=_KILL_ROUND_S)
        names = ", ".join(f"{member.pid} {member.name()}" for member in found)
        raise BackendError(f"processes of the job can't be killed: {names}")

    def _wait(self, process: Process, timeout_s: float) -> None:
        watch = self.watch(process)
        if watch is not None:
            try:
                select.select([watch], [], [], timeout_s)
            finally:
                os.close(watch)
            return
        deadline = time.monotonic() + timeout_s
        while self.is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.05)  # no descriptor to wait on here

    def _reap(self) -> None:
        with self._lock:
            self._children = [child for child in self._children if child.poll() is None]


@functools.cache
def isolation() -> tuple[str, ...]:
    """The command that puts another one into a PID namespace, as far as this machine allows; else nothing."""
    for namespace in _NAMESPACES:
        if shutil.which(namespace[0]) is None:
            return ()
        tried = subprocess.run([*namespace, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return namespace
    return ()


def _holder(paths: JobPaths) -> list[str]:
    """The command that keeps a job's processes together where they have no namespace."""
    place = groups.place()
    if place is not None:
        with suppress(FileExistsError), paths.group.open("x") as file:  # an engine that died may have made it
            file.write(str(groups.group_of(paths.folder, place)))
        return ["sh", "-c", groups.JOIN, "aml-join", paths.group.read_text()]
    if sys.platform == "linux":
        return [sys.executable, "-I", "-S", _REAPER]
    return ["sh", "-c", INIT, "aml-init", "--"]


def _is_reaper(process: psutil.Process) -> bool:
    """Whether it is where orphans come to: killed first, it would let them go."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return _REAPER in process.cmdline()
    return False


def _members(wrapper: int | None, folder: str) -> Iterator[psutil.Process]:
    """Living processes of a job: the wrapper, those that are marked as the job's, and all below them."""
    tops = []
    with suppress(psutil.NoSuchProcess):
        tops = [] if wrapper is None else [psutil.Process(wrapper)]
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARKER) == folder:
                tops.append(process)
    seen: set[int] = set()
    for top in tops:
        with suppress(psutil.NoSuchProcess):
            for process in [top, *top.children(recursive=True)]:
                if process.pid not in seen and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
                seen.add(process.pid)


def _is_marked(pid: int, paths: JobPaths) -> bool:
    """Whether the process with this id is one of the job's, and not a stranger with the id of an old one."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return psutil.Process(pid).environ().get(MARKER) == str(paths.folder)
    return False


def _ranked(launch: Launch, command: list[str]) -> list[str]:
    """What runs below the wrapper: the command itself, or the program that starts it several times."""
    if len(launch.processes) == 1:
        return command
    program = str(Path(__file__).with_name("ranks.py"))
    return [sys.executable, "-I", "-S", program, str(launch.paths.ranks), *command]


def _shell() -> str:
    """bash, as on Azure; sh where there is none."""
    return shutil.which("bash") or "sh"


def _start_hint() -> str | None:
    return None if shutil.which("sh") else "There is no `sh` on this machine's PATH."


def values_of(variable: str) -> set[str]:
    """What the processes of this machine have in an environment variable, as far as we may look."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found.add(process.environ().get(variable, ""))
    return found
