"""Clocks that jump, processes that stand still, and a file system of the network."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from aml.errors import BackendError
from aml.spec.model import Limits
from aml.workspace import open_workspace
from aml.workspace.embedded.engine import start
from aml.workspace.embedded.engine.executors import Process, identity
from aml.workspace.embedded.engine.executors.process import ProcessExecutor
from aml.workspace.records import Status
from chaos.fuse import network_mount
from conftest import command_job, engine_pid, log_of, processes_of, wait_for

FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """Sets the engine's time of day, from now on by so many seconds; its other clocks go on as they do."""
    if FAKETIME is None:
        pytest.skip("libfaketime is not installed")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    own = start._environment
    fake = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    monkeypatch.setattr(start, "_environment", lambda: own() | fake)

    def jump(seconds: int) -> None:
        other = offset.with_suffix(".new")
        other.write_text(f"{seconds:+d}")
        other.replace(offset)

    return jump


@pytest.mark.parametrize("seconds", [200_000, -200_000])
def test_a_clock_that_jumps_ends_no_job_and_starts_the_next(workspace, clock, seconds):
    workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    command = "while [ ! -e outputs/go ]; do sleep 0.05; done"
    first = workspace.submit(command_job(command, limits=Limits(timeout=100)))
    wait_for(lambda: workspace.job(first.name).status is Status.RUNNING)
    clock(seconds)
    pid = engine_pid(workspace)
    next_ = workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    assert next_.status is Status.COMPLETED
    assert abs((next_.ended_at - first.created_at).total_seconds() - seconds) < 60  # the engine's clock did jump
    (first.folder / "artifacts" / "outputs" / "go").touch()
    ended = workspace.wait(first.name, timeout_s=30)
    assert ended.status is Status.COMPLETED
    assert ended.ended_at >= ended.started_at
    assert engine_pid(workspace) == pid
    assert [job.name for job in workspace.jobs()][:2] == [next_.name, first.name]


def test_processes_that_stood_still_go_on(workspace, aml_home):
    count = "for i in $(seq 30); do echo line $i; sleep 0.05; done"
    names = [workspace.submit(command_job(count)).name for _ in range(4)]
    wait_for(lambda: "line 3\n" in log_of(workspace, names[0]))
    with standing_still(aml_home):
        time.sleep(3)  # longer than any of the engine's own intervals
    for name in names:
        assert workspace.wait(name, timeout_s=30).status is Status.COMPLETED
        assert log_of(workspace, name).splitlines() == [f"line {number}" for number in range(1, 31)]
    assert len([process for process in processes_of(aml_home) if "aml-keeper" in process.cmdline()]) == 1


@contextmanager
def standing_still(home):
    stopped = processes_of(home)
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def test_a_suspended_machines_time_does_not_count_for_a_timeout(monkeypatch, tmp_path):
    executor = ProcessExecutor(str(tmp_path))
    started = identity.started(os.getpid())
    process = Process(identity.host(), identity.boot_id(), os.getpid(), started, False, identity.suspended_s())
    before = executor.runtime_s(process)
    real = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: real(clock) + 3600 * (clock == time.CLOCK_BOOTTIME))
    assert before <= executor.runtime_s(process) < before + 60
    older = Process(identity.host(), identity.boot_id(), os.getpid(), started, False)  # as an older aml stored it
    assert executor.runtime_s(older) > 3600


def test_a_client_waits_for_an_engine_that_stood_still(workspace):
    workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    pid = engine_pid(workspace)
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(2, os.kill, (pid, signal.SIGCONT))
    timer.start()
    job = workspace.submit(command_job("true"))
    assert workspace.wait(job.name, timeout_s=30).status is Status.COMPLETED
    timer.join()


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="mounts a file system")
def test_a_file_system_of_the_network_is_refused(tmp_path, monkeypatch):
    with network_mount(tmp_path / "net") as mounted:
        if not mounted:
            pytest.skip("file systems can't be mounted here")
        monkeypatch.setenv("AML_HOME", str(tmp_path / "net" / "home"))
        with pytest.raises(BackendError, match=r"/net, a network file system \(fuse\.sshfs\)"):
            open_workspace()
