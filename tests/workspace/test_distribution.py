"""Jobs of several processes: what each sees, where it writes, and how one end is made of many."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import psutil
import pytest

from aml.errors import Misfit
from aml.spec.model import Resources
from aml.workspace.records import Reason, Status
from conftest import command_job, engine_pid, kill, processes_of, wait_for

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
TELL = f"{sys.executable} -c '{SHOW}'"


def run(workspace, command: str, **fields):
    return workspace.wait(submit(workspace, command, **fields).name, timeout_s=60)


def submit(workspace, command: str, *, nodes: int = 2, **distribution):
    return workspace.submit(
        command_job(command, distribution=distribution or None, resources=Resources(instance_count=nodes))
    )


def logs(workspace, job) -> dict[str, str]:
    return {name.removeprefix("user_logs/"): path.read_text() for name, path in workspace.files.logs(job.name)}


def environments(workspace, job) -> list[dict[str, str]]:
    return [json.loads(text) for text in logs(workspace, job).values()]


def seen(environments, *names: str) -> list[tuple[str | None, ...]]:
    return [tuple(one.get(name) for name in names) for one in environments]


def test_pytorch_starts_nodes_times_processes_that_know_each_other(workspace):
    job = run(workspace, TELL, type="pytorch", process_count_per_instance=2)
    assert job.status is Status.COMPLETED
    assert list(logs(workspace, job)) == [f"std_log_process_0{number}.txt" for number in range(4)]
    told = environments(workspace, job)
    names = ("NODE_RANK", "RANK", "LOCAL_RANK", "WORLD_SIZE", "AZUREML_CR_NODE_RANK")
    assert seen(told, *names) == [
        ("0", "0", "0", "4", "0"),
        ("0", "1", "1", "4", "0"),
        ("1", "2", "0", "4", "1"),
        ("1", "3", "1", "4", "1"),
    ]
    assert {one["MASTER_ADDR"] for one in told} == {"127.0.0.1"}
    assert len({one["MASTER_PORT"] for one in told}) == 1


def test_mpi_has_open_mpis_variables(workspace):
    told = environments(workspace, run(workspace, TELL, type="mpi", process_count_per_instance=2))
    names = [f"OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")]
    assert seen(told, *names) == [(str(rank), "4", str(rank % 2), "2") for rank in range(4)]


def test_tensorflow_has_workers_and_parameter_servers_with_a_port_each(workspace):
    job = run(workspace, TELL, type="tensorflow", worker_count=2, parameter_server_count=1)
    told = [json.loads(one["TF_CONFIG"]) for one in environments(workspace, job)]
    assert [one["task"] for one in told] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
        {"type": "ps", "index": 0},
    ]
    cluster = told[0]["cluster"]
    assert all(one["cluster"] == cluster for one in told)
    assert len({*cluster["worker"], *cluster["ps"]}) == 3


def test_a_single_process_keeps_the_one_log_and_still_has_its_variables(workspace):
    job = run(workspace, "echo $RANK of $WORLD_SIZE", nodes=1, type="pytorch")
    assert logs(workspace, job) == {"std_log.txt": "0 of 1\n"}


def test_ray_is_refused_at_the_submit(workspace):
    with pytest.raises(Misfit, match="ray can't be run on this machine"):
        submit(workspace, "true", type="ray")


def test_a_stream_shows_the_first_process(workspace):
    job = run(workspace, "echo I am $RANK", type="pytorch")
    assert [name for name, _ in workspace.files.streamed(job.name)] == ["user_logs/std_log_process_00.txt"]


FAILS = """
if [ $RANK = 1 ]; then while [ ! -e outputs/3 ]; do sleep 0.05; done; echo 'no such column'; exit 3; fi
trap 'echo asked' TERM
echo up > outputs/$RANK
while :; do sleep 0.1; done
"""


def test_when_one_rank_fails_all_end_within_ten_seconds_and_its_words_and_log_come_first(workspace, aml_home):
    began = time.monotonic()
    job = run(workspace, FAILS, type="pytorch", process_count_per_instance=2)
    assert time.monotonic() - began < 12
    assert (job.status, job.reason, job.exit_code) == (Status.FAILED, Reason.COMMAND_FAILED, 3)
    assert job.message == "rank 1 of the job's processes ended with exit code 3; its last words: no such column"
    assert next(iter(logs(workspace, job))) == "std_log_process_01.txt"
    assert "asked" in logs(workspace, job)["std_log_process_03.txt"]
    shown = [name for name, _ in workspace.files.streamed(job.name)]
    assert shown == ["user_logs/std_log_process_01.txt", "user_logs/std_log_process_00.txt"]
    wait_for(lambda: not in_job(aml_home, job))


def test_a_rank_that_is_killed_is_named_with_the_signal(workspace):
    job = run(workspace, "if [ $RANK = 0 ]; then kill -9 $$; fi; sleep 300", type="pytorch")
    assert job.reason is Reason.KILLED
    assert "rank 0 of the job's processes was killed by SIGKILL (exit code 137)" in job.message


def in_job(home, job) -> list[psutil.Process]:
    return [process for process in processes_of(home) if process.environ().get("AML_JOB_DIR") == str(job.folder)]


def wait_for_all(workspace, job, count: int) -> None:
    wait_for(lambda: list(logs(workspace, job).values()) == ["up\n"] * count)


def test_a_cancel_ends_every_process(workspace, aml_home):
    job = submit(workspace, "echo up; setsid sleep 300 & wait", type="pytorch", process_count_per_instance=2)
    wait_for_all(workspace, job, 4)
    workspace.cancel(job.name)
    job = workspace.wait(job.name, timeout_s=30)
    assert (job.status, job.reason) == (Status.CANCELED, Reason.USER_CANCELED)
    assert in_job(aml_home, job) == []


@pytest.mark.parametrize("code", [0, 5])
def test_two_nodes_of_two_processes_survive_a_killed_engine(workspace, code):
    command = f"echo up; while [ ! -e outputs/go ]; do sleep 0.05; done; [ $RANK != 2 ] || exit {code}"
    job = submit(workspace, command, type="pytorch", process_count_per_instance=2)
    wait_for_all(workspace, job, 4)
    os.kill(engine_pid(workspace), signal.SIGKILL)
    (dict(workspace.files.outputs(job.name))["artifacts"] / "outputs" / "go").touch()
    wait_for(lambda: workspace.job(job.name).status.is_terminal, timeout_s=20)
    job = workspace.job(job.name)
    assert (job.status, job.exit_code) == (Status.FAILED if code else Status.COMPLETED, code)
    assert list(logs(workspace, job).values()) == ["up\n"] * 4


def test_a_job_of_several_whose_wrapper_is_killed_leaves_nothing_running(workspace, aml_home):
    job = submit(workspace, "echo up; sleep 300", type="mpi")
    wait_for_all(workspace, job, 2)
    kill(int((job.folder / "exec" / "pid").read_text()))
    job = workspace.wait(job.name, timeout_s=20)
    assert job.reason is Reason.LOST
    assert in_job(aml_home, job) == []


REDUCE = """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
rank = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(rank)
print(int(rank))
dist.destroy_process_group()
"""


def test_torch_finds_its_ranks_and_sums_over_them(workspace, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "reduce.py").write_text(REDUCE)
    job = run(workspace, f"{sys.executable} {tmp_path / 'reduce.py'}", type="pytorch")
    assert job.status is Status.COMPLETED, job.message
    assert [text.splitlines()[-1] for text in logs(workspace, job).values()] == ["3", "3"]
