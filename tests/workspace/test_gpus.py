"""GPUs: found, leased for all workspaces of this machine, and given back when a job's processes are gone.

The driver is a program on PATH that prints what nvidia-smi prints: the rest is real.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from aml.errors import BackendError
from aml.spec.model import AmlCompute, Resources
from aml.workspace import create_workspace, open_workspace
from aml.workspace.embedded.compute import gpus, leases
from aml.workspace.records import Reason, Status
from cli.terminal import aml
from conftest import command_job, engine_pid, kill, log_of, wait_for

SHOW = "echo [$CUDA_VISIBLE_DEVICES]"
UNTIL_GO = f"{SHOW}; while [ ! -e outputs/go ]; do sleep 0.05; done"


def submit(workspace, command: str = UNTIL_GO, **fields):
    return workspace.submit(command_job(command, **fields)).name


def let_go(workspace, name: str) -> None:
    (workspace.job(name).folder / "artifacts" / "outputs" / "go").touch()


def wait_for_log(workspace, name: str) -> str:
    wait_for(lambda: log_of(workspace, name).endswith("]\n"))
    return log_of(workspace, name).strip().strip("[]")


def finish(workspace, name: str):
    return workspace.wait(name, timeout_s=30)


def test_devices_are_found_with_their_load(driver):
    uuids = driver.has(3, computing=(0,), full=(2,))
    assert [(each.uuid, each.index, each.busy) for each in gpus.devices()] == [
        (uuids[0], 0, True),
        (uuids[1], 1, False),
        (uuids[2], 2, True),
    ]


def test_a_divided_gpu_is_its_instances(driver):
    driver.has(1)
    (driver.folder / "list").write_text(
        f"GPU 0: NVIDIA A100-SXM4-40GB (UUID: {driver.uuids[0]})\n"
        "  MIG 3g.20gb     Device  0: (UUID: MIG-c7384736-a75d-5afc-978f-d2f1294409fd)\n"
        "  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-a28ad590-3fda-56dd/11/0)\n"
    )
    assert [each.uuid for each in gpus.devices()] == [
        "MIG-c7384736-a75d-5afc-978f-d2f1294409fd",
        "MIG-GPU-a28ad590-3fda-56dd/11/0",
    ]


def test_a_machine_without_a_gpu_has_none_and_a_broken_driver_says_why(driver, monkeypatch):
    driver.has(0)
    assert gpus.devices() == ()
    driver.is_broken("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
    with pytest.raises(BackendError, match="exit code 9: NVIDIA-SMI has failed because it couldn't communicate"):
        gpus.devices()
    monkeypatch.setenv("PATH", "")
    assert gpus.devices() == ()


def test_without_nvidia_smi_the_driver_is_read_in_proc(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(gpus, "_PROC", tmp_path)
    folder = tmp_path / "0000:3b:00.0"
    folder.mkdir()
    (folder / "information").write_text("Model: \t\t NVIDIA T4\nIRQ:   \t\t 33\nGPU UUID: \t GPU-1234\n")
    assert [(each.uuid, each.name) for each in gpus.devices()] == [("GPU-1234", "NVIDIA T4")]


def test_visible_devices_are_named_as_cuda_takes_them(driver):
    uuids = driver.has(3)
    there = gpus.devices()

    def named(text):
        return [there.index(each) for each in gpus.named(text, there)]

    assert named(None) == [0, 1, 2]
    assert named("2, 0") == [2, 0]
    assert named(f"{uuids[1][:13]},0") == [1, 0]
    assert named("0,9,1") == [0]
    assert named("") == named("-1") == named("NoDevFiles") == []


def test_local_runs_as_many_jobs_as_there_are_gpus_each_with_its_own(workspace, driver):
    uuids = driver.has(3)
    names = [submit(workspace) for _ in range(4)]
    assert sorted(wait_for_log(workspace, name) for name in names[:3]) == sorted(uuids)
    assert workspace.job(names[3]).status is Status.QUEUED
    first = workspace.job(names[0])
    assert list(first.devices) == [log_of(workspace, names[0]).strip().strip("[]")]
    let_go(workspace, names[0])
    assert wait_for_log(workspace, names[3]) == first.devices[0]


def test_a_device_is_leased_for_all_workspaces(workspace, driver):
    driver.has(1)
    other = create_workspace("other")
    name = submit(workspace)
    wait_for_log(workspace, name)
    waiting = submit(other, SHOW)
    assert finish(other, submit(other, "true", compute=cpu_cluster(other))).status is Status.COMPLETED
    assert other.job(waiting).status is Status.QUEUED
    wait_for(lambda: other.job(waiting).message == "it waits for a GPU that other jobs have")
    let_go(workspace, name)
    ended = finish(other, waiting)
    assert (ended.status, ended.message) == (Status.COMPLETED, None)


def test_a_killed_engine_gives_no_device_away_and_the_end_of_the_job_does(workspace, driver):
    (gpu,) = driver.has(1)
    name = submit(workspace)
    wait_for_log(workspace, name)
    kill(engine_pid(workspace))
    (device,) = gpus.devices()
    assert leases.lease([device], 1).devices == ()
    second = submit(workspace, SHOW)
    wait_for(lambda: workspace.engine().running)
    assert workspace.job(second).status is Status.QUEUED
    let_go(workspace, name)
    assert finish(workspace, second).devices == (gpu,)
    wait_for(lambda: is_free(device))


def test_a_killed_wrapper_gives_the_device_away_when_the_processes_are_gone(workspace, driver):
    driver.has(1)
    name = submit(workspace)
    wait_for_log(workspace, name)
    kill(int((workspace.job(name).folder / "exec" / "pid").read_text()))
    assert finish(workspace, name).reason is Reason.LOST
    assert is_free(gpus.devices()[0])


def is_free(device) -> bool:
    taken = leases.lease([device], 1)
    taken.release()
    return taken.devices == (device,)


def test_what_is_leased_dies_with_whoever_holds_it_and_a_deleted_lock_keeps_nobody_out(driver):
    driver.has(1)
    (device,) = gpus.devices()
    code = "import sys; from aml.workspace.embedded.compute import gpus, leases; l = leases.lease(gpus.devices(), 1)\n"
    code += "print(len(l.devices), flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "1\n"
    assert not is_free(device)
    holder.kill()
    holder.communicate()
    assert is_free(device)
    (leases.folder() / device.uuid).unlink()
    assert is_free(device)


def test_a_device_that_somebody_uses_is_taken_last(workspace, driver):
    uuids = driver.has(3, computing=(0,), full=(1,))
    names = [submit(workspace) for _ in range(3)]
    assert sorted(wait_for_log(workspace, name) for name in names) == sorted(uuids)
    assert workspace.job(names[0]).devices == (uuids[2],)


def test_inherited_visible_devices_are_a_limit(workspace, driver, monkeypatch):
    uuids = driver.has(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    names = [submit(workspace) for _ in range(2)]
    assert wait_for_log(workspace, names[0]) == uuids[1]
    assert workspace.job(names[1]).status is Status.QUEUED
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert finish(workspace, submit(workspace, SHOW, compute=cpu_cluster(workspace))).status is Status.COMPLETED


def cpu_cluster(workspace) -> str:
    return workspace.computes.put(AmlCompute("cpu")).name


def test_visible_devices_of_the_spec_are_what_the_job_gets(workspace, driver):
    uuids = driver.has(3)
    name = submit(workspace, SHOW, environment_variables={"CUDA_VISIBLE_DEVICES": "2,0"})
    assert set(finish(workspace, name).devices) == {uuids[2], uuids[0]}
    name = submit(workspace, SHOW, environment_variables={"CUDA_VISIBLE_DEVICES": ""})
    assert finish(workspace, name).devices == ()
    assert log_of(workspace, name) == "[]\n"


def test_each_node_has_its_own_devices_and_all_its_processes_see_them(workspace, driver):
    uuids = driver.has(4)
    workspace.computes.put(AmlCompute("gpu", size="Standard_NC12s_v3", max_instances=2))  # 2 GPUs
    job = command_job(
        f"{SHOW}; echo $NODE_RANK",
        compute="gpu",
        distribution={"type": "pytorch", "process_count_per_instance": 2},
        resources=Resources(instance_count=2),
    )
    name = workspace.submit(job).name
    assert finish(workspace, name).status is Status.COMPLETED
    logs = [path.read_text() for _, path in workspace.files.logs(name)]
    first, second = f"[{','.join(uuids[:2])}]\n0\n", f"[{','.join(uuids[2:])}]\n1\n"
    assert logs == [first, first, second, second]


def test_nodes_share_what_a_smaller_machine_has(workspace, driver):
    (gpu,) = driver.has(1)
    workspace.computes.put(AmlCompute("gpu", size="Standard_NC24s_v3", max_instances=2))  # 4 GPUs
    spec = command_job(SHOW, compute="gpu", resources=Resources(instance_count=2))
    plan = workspace.plan(spec)
    assert [(each.node, each.uuid) for each in plan.devices] == [(0, gpu), (1, gpu)]
    assert any("wants 8 GPUs and gets 1" in note for note in plan.notes)
    name = workspace.submit(spec).name
    assert finish(workspace, name).status is Status.COMPLETED
    assert [path.read_text() for _, path in workspace.files.logs(name)] == [f"[{gpu}]\n"] * 2


def test_a_cluster_without_gpus_gets_none_of_this_machines(workspace, driver):
    driver.has(1)
    name = submit(workspace, SHOW, compute=cpu_cluster(workspace))
    assert finish(workspace, name).devices == ()
    assert log_of(workspace, name) == "[]\n"


def test_who_waits_for_gpus_is_not_passed_by(workspace, driver):
    driver.has(2)
    workspace.computes.put(AmlCompute("two", size="Standard_NC12s_v3", max_instances=1))
    first = submit(workspace)
    wait_for_log(workspace, first)
    wide = submit(workspace, compute="two")
    narrow = submit(workspace)
    plan = workspace.plan(command_job("true", compute="two"))
    assert any("1 of the 2 GPUs are free: the job waits" in note for note in plan.notes)
    let_go(workspace, first)
    assert "," in wait_for_log(workspace, wide)
    assert workspace.job(narrow).status is Status.QUEUED
    let_go(workspace, wide)
    wait_for_log(workspace, narrow)


def test_a_gpu_cluster_on_a_machine_without_gpus_runs_on_cpu_and_says_so(workspace, monkeypatch):
    monkeypatch.setattr(gpus, "may_be_there", lambda: False)
    workspace.computes.put(AmlCompute("gpu", size="Standard_NC24s_v3"))
    spec = command_job("echo ${CUDA_VISIBLE_DEVICES-unset}", compute="gpu")
    assert any("this machine has no GPU: the job runs on its CPUs" in note for note in workspace.notes(spec))
    assert workspace.plan(spec).devices == ()


def test_a_gpu_cluster_with_a_broken_driver_fails_with_the_reason_and_local_runs(workspace, driver):
    driver.is_broken("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
    workspace.computes.put(AmlCompute("gpu", size="Standard_NC24s_v3"))
    failed = finish(workspace, submit(workspace, SHOW, compute="gpu"))
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
    assert "couldn't communicate with the NVIDIA driver" in failed.message
    assert "Repair the driver" in failed.message
    assert finish(workspace, submit(workspace, SHOW)).status is Status.COMPLETED


def test_a_runtime_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "Path", lambda text: tmp_path / "mine" / "gpus")
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "mine").chmod(0o755)
    with pytest.raises(BackendError, match="must be a folder that is yours alone"):
        leases.folder()


def test_the_workspace_of_a_plan_needs_no_engine(driver):
    (gpu,) = driver.has(1)
    plan = open_workspace().plan(command_job("true"))
    assert [each.uuid for each in plan.devices] == [gpu]
    assert plan.environment["CUDA_VISIBLE_DEVICES"] == gpu


def test_a_job_on_local_asks_for_several_by_its_instance_type(workspace, driver):
    uuids = driver.has(4)
    name = submit(workspace, SHOW, resources=Resources(instance_type="Standard_NC12s_v3"))  # 2 GPUs
    assert finish(workspace, name).devices == tuple(uuids[:2])


def test_where_nothing_can_be_locked_the_job_fails_with_the_reason_and_the_engine_goes_on(workspace, driver):
    driver.has(1)
    lock = leases.folder() / driver.uuids[0]
    lock.mkdir()
    try:
        failed = finish(workspace, submit(workspace, SHOW))
        assert (failed.status, failed.reason) == (Status.FAILED, Reason.PREPARE_FAILED)
        assert driver.uuids[0] in failed.message
    finally:
        lock.rmdir()
    assert finish(workspace, submit(workspace, SHOW)).status is Status.COMPLETED


def test_job_plan_tells_the_devices(driver, tmp_path):
    uuids = driver.has(2)
    (tmp_path / "job.yml").write_text("command: train\nenvironment: azureml:local@latest\n")
    told = json.loads(aml("job", "plan", "-f", str(tmp_path / "job.yml"), check=True).stdout)
    assert told["devices"] == [{"node": 0, "uuid": uuids[0], "name": "NVIDIA H200"}]
    assert told["environment_variables"]["CUDA_VISIBLE_DEVICES"] == uuids[0]
