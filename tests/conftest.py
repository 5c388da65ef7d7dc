"""What every test may use: a home of its own, and no engine or process left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from aml.spec.model import CommandJob
from aml.workspace import Workspace, open_workspace
from aml.workspace.embedded.compute import leases
from devices import Driver


@pytest.fixture(autouse=True)
def aml_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty AML_HOME; whatever still runs from it afterwards is ended."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("AML_", "AZUREML_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AML_HOME", str(home))
    yield home
    while processes := processes_of(home):  # the keeper is the oldest: it would start another engine
        for process in sorted(processes, key=lambda process: process.pid):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=0.05)


def processes_of(home: Path) -> list[psutil.Process]:
    """Keepers, engines, wrappers and jobs of workspaces below `home`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            told = [*process.cmdline(), process.environ().get("AML_JOB_DIR", "")]
            if (
                process.pid != os.getpid()
                and process.status() != psutil.STATUS_ZOMBIE
                and any(str(home) in text for text in told)
            ):
                found.append(process)
    return found


def wait_for(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Return when the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        time.sleep(0.01)


@pytest.fixture
def workspace(aml_home: Path) -> Workspace:
    return open_workspace()


def command_job(command: str, **fields: Any) -> CommandJob:
    return CommandJob(command=command, environment="azureml:local@latest", **fields)


def log_of(workspace: Workspace, name: str) -> str:
    return "".join(path.read_text() for _, path in workspace.files.logs(name))


def engine_pid(workspace: Workspace) -> int:
    pid = workspace.engine().pid
    assert pid is not None
    return pid


def is_running(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def peak_memory_kb(pid: int) -> int:
    """The most memory that a program has had, 0 once it is over.

    What wait4 tells may be that of the process which started it.
    """
    told = Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()
    return int(told[0]) if told else 0


def kill(pid: int) -> None:
    """kill -9; it may be gone with another one already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """GPUs that this test has alone, as many as it says with `has`."""
    folder = tmp_path / "driver"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    driver = Driver(folder)
    yield driver
    for each in driver.uuids:
        (leases.folder() / each).unlink(missing_ok=True)
