"""Real processes, real signals: what a job starts is ended whole, and the exit status survives whoever watches."""

from __future__ import annotations

import json
import os
import select
import shlex
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from aml.workspace.embedded.engine.executors import MARKER, Launch, groups, process
from aml.workspace.embedded.engine.executors.process import ProcessExecutor
from aml.workspace.embedded.paths import JobPaths
from conftest import is_running, kill, wait_for


@pytest.fixture(params=["namespace", "group", "reaper"])
def executor(request, monkeypatch, tmp_path):
    """One for each way in which a job's processes are kept together."""
    if request.param == "namespace" and not process.isolation():
        pytest.skip("no process namespaces on this machine")
    if request.param == "group" and groups.place() is None:
        pytest.skip("no control groups on this machine")
    if request.param != "namespace":
        monkeypatch.setattr(process, "isolation", lambda: ())
    if request.param == "reaper":
        monkeypatch.setattr(groups, "place", lambda: None)
    engine = tmp_path / "engine"
    engine.mkdir()
    (engine / "pid").write_text(f"{os.getpid()}\n")  # an engine that lives: wrappers need not bring one back
    return ProcessExecutor(str(engine))


@pytest.fixture
def paths(tmp_path):
    paths = JobPaths(tmp_path / "jobs" / "a_job")
    paths.work.mkdir(parents=True)
    paths.log.parent.mkdir(parents=True)
    paths.log.touch()
    paths.unfinished.touch()
    return paths


def launch(paths: JobPaths, command: str) -> Launch:
    return Launch(command, os.environ | {MARKER: str(paths.folder)}, paths.work, paths)


def finished(executor, started, paths) -> int | None:
    watch = executor.watch(started)
    if watch is not None:
        assert select.select([watch], [], [], 20)[0]
        os.close(watch)
    wait_for(lambda: not executor.is_alive(started))
    return paths.exit_code()


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137), ("nosuchcommand", 127)])
def test_the_exit_status_of_the_command_is_left_as_a_shell_tells_it(executor, paths, command, code):
    started = executor.start(launch(paths, command))
    assert finished(executor, started, paths) == code


def test_output_goes_to_the_log_byte_for_byte(executor, paths):
    started = executor.start(launch(paths, r"printf 'a\rb\rc\n'; printf '\377\000z' >&2"))
    finished(executor, started, paths)
    assert paths.log.read_bytes() == b"a\rb\rc\n\xff\x00z"


def test_a_job_started_twice_runs_once_and_both_know_its_wrapper(executor, paths):
    command = "echo started; while [ ! -e go ]; do sleep 0.05; done"
    first = executor.start(launch(paths, command))
    second = executor.start(launch(paths, command))
    assert second == first
    (paths.work / "go").touch()
    assert finished(executor, second, paths) == 0
    assert paths.log.read_text() == "started\n"


def test_a_wrapper_that_is_gone_is_not_taken_for_a_stranger_with_its_pid(executor, paths):
    paths.wrapper_pid.write_text(f"{os.getpid()}\n")  # somebody else has the id by now
    started = executor.start(launch(paths, "true"))
    assert not executor.is_alive(started)


TREE = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def child(**kwargs):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
    return subprocess.Popen([{sys.executable!r}, "-c", code], **kwargs)
child()
child(start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        child(start_new_session=True)
        time.sleep(300)
    os._exit(0)
print('up', flush=True)
time.sleep(300)
"""


def test_ending_a_job_ends_grandchildren_in_new_sessions_that_ignore_sigterm(executor, paths):
    script = paths.work / "tree.py"
    script.write_text(TREE)
    started = executor.start(launch(paths, f"{shlex.quote(sys.executable)} tree.py"))
    wait_for(lambda: paths.log.read_text().count("up") == 4)
    pids = members(paths.folder)
    assert len(pids) >= 5
    executor.end(started, paths, grace_s=0.2)
    assert [pid for pid in pids if is_running(pid)] == []


def test_a_command_that_heeds_sigterm_gets_to_clean_up(executor, paths):
    started = executor.start(
        launch(paths, "trap 'echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    )
    wait_for(lambda: "ready" in paths.log.read_text())
    executor.end(started, paths, grace_s=10)
    assert paths.log.read_text().endswith("cleaned\n")


def test_what_a_job_leaves_in_the_background_ends_with_it(executor, paths):
    started = executor.start(launch(paths, "setsid sleep 300 & echo $!"))
    finished(executor, started, paths)
    executor.sweep(started, paths)
    assert members(paths.folder) == []


HIDDEN = f"""
import os, subprocess, sys
code = "import os, time; open('up', 'w').write(str(os.getpid())); os.rename('up', 'hidden'); time.sleep(300)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve({sys.executable!r}, [{sys.executable!r}, "-c", code], {{}})
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize("ending", ["by itself", "asked", "wrapper killed"])
def test_a_process_that_hides_from_its_parents_and_its_environment_ends_with_the_job(executor, paths, ending):
    (paths.work / "hide.py").write_text(HIDDEN)
    last = "true" if ending == "by itself" else "sleep 300"
    wait = "while [ ! -e hidden ]; do sleep 0.02; done"
    command = f"{shlex.quote(sys.executable)} hide.py; {wait}; echo up; {last}"
    started = executor.start(launch(paths, command))
    wait_for(lambda: "up" in paths.log.read_text())
    if ending == "wrapper killed":
        kill(started.pid)
        wait_for(lambda: not executor.is_alive(started))
    if ending == "asked":
        executor.end(started, paths, grace_s=5)
    else:
        wait_for(lambda: not executor.is_alive(started))
        executor.sweep(started, paths)
    assert hidden(paths) == []
    assert not paths.group.exists() or not Path(paths.group.read_text()).exists()


def hidden(paths: JobPaths) -> list[int]:
    import psutil

    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE and one.cwd() == str(paths.work):
                found.append(one.pid)
    return found


def test_a_killed_wrapper_leaves_no_exit_status_and_a_sweep_no_process(executor, paths):
    started = executor.start(launch(paths, "echo up; sleep 300"))
    wait_for(lambda: "up" in paths.log.read_text())
    kill(started.pid)
    wait_for(lambda: not executor.is_alive(started))
    executor.sweep(started, paths)
    assert paths.exit_code() is None
    assert members(paths.folder) == []


def several(paths: JobPaths, command: str, count: int) -> Launch:
    one = launch(paths, command)
    several = Launch(command, one.environment, one.cwd, paths, tuple({"RANK": str(rank)} for rank in range(count)))
    each = zip(several.processes, several.logs, strict=True)
    paths.ranks.write_text(json.dumps([{"variables": dict(own), "log": str(log)} for own, log in each]))
    return several


def test_the_first_rank_that_fails_ends_the_others_with_whatever_they_started(executor, paths):
    command = (
        "if [ $RANK = 1 ]; then while [ ! -e 0 ]; do sleep 0.05; done; exit 7; fi; setsid sleep 300 & touch 0; wait"
    )
    started = executor.start(several(paths, command, 3))
    assert finished(executor, started, paths) == 7
    assert paths.failed_process() == 1
    executor.sweep(started, paths)
    assert members(paths.folder) == []


def test_a_rank_that_ignores_sigterm_is_killed_when_another_one_has_failed(executor, paths):
    command = "if [ $RANK = 0 ]; then while [ ! -e 1 ]; do sleep 0.05; done; kill -9 $$; fi; trap '' TERM; touch 1; "
    started = executor.start(several(paths, f"{command} while :; do sleep 0.1; done", 2))
    assert finished(executor, started, paths) == 137
    assert paths.failed_process() == 0
    executor.sweep(started, paths)
    assert members(paths.folder) == []


def test_ending_a_job_of_several_reaches_all_and_names_none(executor, paths):
    started = executor.start(several(paths, "trap 'echo asked; exit 3' TERM; echo up; while :; do sleep 0.05; done", 2))
    logs = [paths.process_log(rank) for rank in range(2)]
    wait_for(lambda: [log.exists() and log.read_text() for log in logs] == ["up\n"] * 2)
    executor.end(started, paths, grace_s=10)
    assert all(log.read_text().endswith("asked\n") for log in logs)
    assert paths.failed_process() is None
    assert members(paths.folder) == []


def members(folder: Path) -> list[int]:
    import psutil

    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get(MARKER) == str(folder) and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "data"
    source.mkdir()
    (source / "a.csv").write_text("1\n")
    return source


def link(paths: JobPaths, source: Path) -> tuple[str, str]:
    place = paths.inputs / source.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)
    return str(source), str(place)


def is_mounted(executor) -> bool:
    return not (Path(executor._engine_dir) / "writable-inputs").exists()


def test_inputs_are_mounted_read_only_where_the_kernel_helps_and_else_it_is_said(executor, paths, source):
    mounts = (link(paths, source), link(paths, source / "a.csv"))
    (_, folder), (_, file) = mounts
    command = f"cat {folder}/a.csv {file}; echo 2 >> {folder}/a.csv; echo 3 >> {file}; touch {folder}/b"
    started = executor.start(replace(launch(paths, command), read_only=mounts))
    finished(executor, started, paths)
    assert paths.log.read_text().startswith("1\n1\n")
    if is_mounted(executor):
        assert "Read-only file system" in paths.log.read_text()
        assert [path.name for path in source.iterdir()] == ["a.csv"]
        assert (source / "a.csv").read_text() == "1\n"
    else:
        assert (source / "a.csv").read_text() == "1\n2\n3\n"


def test_what_can_not_be_mounted_stays_a_link(executor, paths, source, monkeypatch):
    monkeypatch.setattr(process, "make_places", lambda mounts: [Path(place).unlink() for _, place in mounts])
    mounts = (link(paths, source),)
    started = executor.start(replace(launch(paths, f"cat {mounts[0][1]}/a.csv"), read_only=mounts))
    assert finished(executor, started, paths) == 0
    assert paths.log.read_text() == "1\n"


def test_an_ordinary_user_mounts_in_a_user_namespace_and_the_command_has_no_right_left(
    executor, paths, source, monkeypatch
):
    namespace = process._NAMESPACES[1]
    if not process.mounting(namespace):
        pytest.skip("no user namespaces on this machine")
    monkeypatch.setattr(process, "isolation", lambda: namespace)
    mounts = (link(paths, source),)
    command = f"touch {mounts[0][1]}/b || grep CapAmb /proc/self/status"
    finished(executor, executor.start(replace(launch(paths, command), read_only=mounts)), paths)
    assert "Read-only file system" in paths.log.read_text()
    assert "CapAmb:\t0000000000000000" in paths.log.read_text()
