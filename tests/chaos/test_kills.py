"""kill -9 of everything at random while jobs run: none is lost, none runs twice, none stays Running, nothing is left.

`make test` runs a short round, `make chaos` the full one (AML_CHAOS_JOBS jobs).
"""

from __future__ import annotations

import os
import random
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from aml.workspace.records import Reason, Status
from cli.terminal import AML
from conftest import log_of, processes_of, wait_for

JOBS = int(os.environ.get("AML_CHAOS_JOBS", "16"))
LINES = 20


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [int(os.environ.get("AML_CHAOS_SEED", "1"))])
def test_random_kills_lose_nothing(workspace, aml_home, tmp_path, seed):
    chance = random.Random(seed)
    spec = write_spec(tmp_path)
    stop, killed = threading.Event(), []
    killer = threading.Thread(target=kill_at_random, args=(aml_home, chance, stop, killed))
    killer.start()
    try:
        submitted = [submit(spec, number) for number in range(JOBS)]
        wait_until_over(workspace)
    finally:
        stop.set()
        killer.join()
    wait_until_over(workspace)

    runs = (tmp_path / "runs").read_text().split()
    jobs = {job.name: job for job in workspace.jobs(limit=None)}
    assert {name for name, code in submitted if code == 0} <= jobs.keys()  # what a client was told is there
    assert len(runs) == len(set(runs))  # no job ran twice
    assert set(runs) <= jobs.keys()
    for job in jobs.values():
        if job.reason is Reason.LOST:
            continue  # its wrapper was killed
        number = int(job.name.partition("_")[2])
        assert (job.status, job.exit_code) == expected(number), job
        assert log_of(workspace, job.name) == "".join(f"line {line}\n" for line in range(1, LINES + 1))
    wait_for(lambda: jobs_processes(aml_home) == [])
    assert {"engine", "keeper", "wrapper"} <= set(killed) or JOBS < 16, killed


def write_spec(folder: Path) -> Path:
    """A job that notes that it ran, writes lines for a while and ends with the code it is given."""
    spec = folder / "job.yml"
    spec.write_text(
        f"command: >-\n  echo $AZUREML_RUN_ID >> {folder}/runs;\n"
        f"  for i in $(seq {LINES}); do echo line $i; sleep 0.02; done;\n"
        "  exit ${{inputs.code}}\nenvironment: azureml:local@latest\ninputs:\n  code: 0\n"
    )
    return spec


def submit(spec: Path, number: int) -> tuple[str, int]:
    """The job's name and the exit code of the client, which may have been killed."""
    name = f"job_{number}"
    arguments = ["-f", str(spec), "--name", name, "--set", f"inputs.code={number % 3}", "--only-show-errors"]
    done = subprocess.run([AML, "job", "create", *arguments], capture_output=True, text=True)
    assert done.returncode in {0, -9} or "is queued, but" in done.stderr, done.stderr
    return name, done.returncode


def expected(number: int) -> tuple[Status, int]:
    return (Status.COMPLETED, 0) if number % 3 == 0 else (Status.FAILED, number % 3)


def wait_until_over(workspace) -> None:
    for job in workspace.jobs(limit=None):
        assert workspace.wait(job.name, timeout_s=120).status.is_terminal


def kill_at_random(home: Path, chance: random.Random, stop: threading.Event, killed: list[str]) -> None:
    while not stop.wait(chance.uniform(0.2, 0.6)):
        wanted = chance.choice(["engine", "engine", "keeper", "wrapper", "client"])
        victims = [process for process in processes_of(home) if role(process) == wanted]
        if wanted == "client":
            victims = [process for process in psutil.process_iter() if is_client(process, home)]
        if victims:
            killed.append(wanted)
            with suppress(psutil.NoSuchProcess):
                chance.choice(victims).kill()


def role(process: psutil.Process) -> str:
    arguments = cmdline(process)
    if "aml-keeper" in arguments:
        return "keeper"
    if "aml.workspace.embedded.engine" in arguments:
        return "engine"
    return "wrapper" if "aml-job" in arguments else "other"


def is_client(process: psutil.Process, home: Path) -> bool:
    """Whether it is a command of this test, not of one that runs beside it."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return AML in process.cmdline() and process.environ().get("AML_HOME") == str(home)
    return False


def cmdline(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cmdline()
    return []


def jobs_processes(home: Path) -> list[psutil.Process]:
    return [process for process in processes_of(home) if role(process) not in {"engine", "keeper"}]
