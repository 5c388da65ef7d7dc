"""Many at once, and places that are not made for it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

import psutil
import pytest

from aml.errors import BackendError
from aml.workspace import open_workspace
from aml.workspace.records import Reason, Status
from chaos.test_kills import JOBS
from cli.terminal import AML
from conftest import command_job, engine_pid, peak_memory_kb, processes_of, wait_for

CLIENTS = 50 if JOBS >= 100 else 15
SPEC = "command: echo hi\nenvironment: azureml:local@latest\n"


def test_many_creates_at_once_in_a_workspace_that_does_not_exist_yet(aml_home, tmp_path):
    (tmp_path / "job.yml").write_text(SPEC)
    command = [
        AML,
        "job",
        "create",
        "-f",
        str(tmp_path / "job.yml"),
        "--only-show-errors",
        "--query",
        "name",
        "-o",
        "tsv",
    ]
    clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(CLIENTS)
    ]
    told = [client.communicate(timeout=60) for client in clients]
    assert [client.returncode for client in clients] == [0] * CLIENTS, [error for _, error in told if error][:3]
    workspace = open_workspace()
    for name, _ in told:
        assert workspace.wait(name.strip(), timeout_s=60).status is Status.COMPLETED
    assert len([process for process in processes_of(aml_home) if "aml-keeper" in process.cmdline()]) == 1


def test_one_of_many_gets_a_name_that_all_want(aml_home, tmp_path):
    (tmp_path / "job.yml").write_text(SPEC)
    command = [AML, "job", "create", "-f", str(tmp_path / "job.yml"), "--name", "wanted", "-o", "none"]
    clients = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(10)]
    errors = [client.communicate(timeout=60)[1] for client in clients]
    assert sorted(client.returncode for client in clients) == [0] + [1] * 9
    assert sum("a job named wanted exists already" in error for error in errors) == 9


def test_a_deep_home_is_no_obstacle(tmp_path, monkeypatch):
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 8)
    monkeypatch.setenv("AML_HOME", str(deep))
    workspace = open_workspace()
    job = workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    workspace.stop_engine()
    assert job.status is Status.COMPLETED


def test_a_home_with_quotes_and_dollars_is_no_obstacle(tmp_path, monkeypatch):
    monkeypatch.setenv("AML_HOME", str(tmp_path / 'it\'s"a"home$HOME'))
    workspace = open_workspace()
    job = workspace.wait(workspace.submit(command_job("echo $AZUREML_RUN_ID > outputs/a")).name, timeout_s=30)
    pid = engine_pid(workspace)
    os.kill(pid, 9)
    job = workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    workspace.stop_engine()
    assert job.status is Status.COMPLETED


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_read_only_home_is_said(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", home], capture_output=True).returncode != 0:
        pytest.skip("file systems can't be mounted here")
    try:
        monkeypatch.setenv("AML_HOME", str(home))
        with pytest.raises(BackendError, match="Read-only file system") as caught:
            open_workspace()
        assert "AML_HOME" in caught.value.hint
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def test_after_a_reboot_running_jobs_are_lost_and_queued_ones_run(workspace, aml_home):
    running = [workspace.submit(command_job("sleep 300")) for _ in range(2)]
    queued = workspace.submit(command_job("true"))
    for job in running:
        wait_for(lambda job=job: workspace.job(job.name).status is Status.RUNNING)
    for process in sorted(processes_of(aml_home), key=lambda process: process.pid):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    with workspace._database.transaction() as write:  # what a new boot looks like to the engine
        write.execute("UPDATE job SET process = json_set(process, '$.boot_id', 'another') WHERE process IS NOT NULL")
    for job in running:
        ended = workspace.wait(job.name, timeout_s=30)
        assert (ended.status, ended.reason) == (Status.FAILED, Reason.LOST)
    assert workspace.wait(queued.name, timeout_s=30).status is Status.COMPLETED


def test_a_gigabyte_of_log_and_a_line_of_a_hundred_megabytes_take_little_memory(workspace):
    rest = 900_000_000 if JOBS >= 100 else 20_000_000
    command = f"head -c 100000000 /dev/zero | tr '\\0' x; yes | head -c {rest}; printf '\\377\\000\\n'; exit 1"
    job = workspace.submit(command_job(command))
    with subprocess.Popen(
        [AML, "job", "stream", "-n", job.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        shown = used_kb = 0
        while chunk := client.stdout.read(1 << 20):
            shown += len(chunk)
            used_kb = max(used_kb, peak_memory_kb(client.pid))
    job = workspace.job(job.name)
    assert job.message.endswith("its last words: \ufffd")
    assert shown > 100_000_000 + rest
    assert 0 < used_kb < 120_000
    assert psutil.Process(engine_pid(workspace)).memory_info().rss < 80e6
    ((_, log),) = workspace.files.logs(job.name)
    log.unlink()


def test_a_damaged_store_is_said_with_the_way_out_and_nothing_spins(workspace, aml_home):
    for _ in range(5):
        workspace.wait(workspace.submit(command_job("true")).name, timeout_s=30)
    store, log = workspace._paths.store, workspace._paths.engine_log
    workspace._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.open("r+b") as file:
        for page in range(1, store.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xde\xad" * 1000)
    for command in (("list",), ("show", "-n", workspace.info.name), ("cancel", "-n", "nobody")):
        done = subprocess.run([AML, "job", *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, command
        assert "malformed" in done.stderr
        assert "restore the file from a backup, or move it away" in done.stderr
    if JOBS >= 100:  # an engine that can't read it is tried a few times, not for ever
        wait_for(lambda: processes_of(aml_home) == [], timeout_s=30)
    assert log.stat().st_size < 100_000
