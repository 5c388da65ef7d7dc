"""kill -9 at random of jobs that have GPUs: no device has two jobs at once, and in the end all are free."""

from __future__ import annotations

import os
import random
import threading

import pytest

from aml.spec.model import AmlCompute
from aml.workspace.embedded.compute import gpus, leases
from aml.workspace.records import Status
from chaos.test_kills import JOBS, jobs_processes, kill_at_random, wait_until_over
from conftest import command_job, wait_for

# A lock that dies with its processes tells whether a device has two jobs.
COMMAND = """
IFS=,
for device in $CUDA_VISIBLE_DEVICES; do
    exec 9>{folder}/$device; flock -n 9 || echo $device >> {folder}/clashes
    echo $AZUREML_RUN_ID >> {folder}/runs
done
sleep 0.3
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [int(os.environ.get("AML_CHAOS_SEED", "1"))])
def test_random_kills_give_no_device_to_two_jobs_and_lose_none(workspace, aml_home, driver, tmp_path, seed):
    driver.has(3)
    workspace.computes.put(AmlCompute("two", size="Standard_NC12s_v3", max_instances=1))
    workspace.computes.put(AmlCompute("low", size="Standard_NC6s_v3", tier="low_priority", max_instances=2))
    stop, killed = threading.Event(), []
    killer = threading.Thread(target=kill_at_random, args=(aml_home, random.Random(seed), stop, killed))
    killer.start()
    try:
        for number in range(JOBS):
            compute = ("local", "local", "two", "low")[number % 4]
            workspace.submit(command_job(COMMAND.format(folder=tmp_path), compute=compute))
        wait_until_over(workspace)
    finally:
        stop.set()
        killer.join()
    wait_until_over(workspace)
    assert {job.status for job in workspace.jobs(limit=None)} <= {Status.COMPLETED, Status.FAILED}
    assert (tmp_path / "runs").exists()
    assert not (tmp_path / "clashes").exists()
    wait_for(lambda: jobs_processes(aml_home) == [])
    free = leases.lease(gpus.devices(), 3)
    free.release()
    assert len(free.devices) == 3
