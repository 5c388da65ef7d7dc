"""Computes: what they are, which jobs they take, and in which order."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from aml.errors import Conflict, NotFound
from aml.spec.model import AmlCompute, ComputeInstance, Resources
from aml.workspace.embedded.compute import capacity
from aml.workspace.records import Reason, Status
from conftest import command_job, engine_pid, kill, wait_for


def submit(workspace, compute: str | None, *, nodes: int = 1, per_node: int = 1, command: str = "sleep 300"):
    return workspace.submit(
        command_job(
            command,
            compute=compute,
            resources=Resources(instance_count=nodes),
            distribution={"type": "pytorch", "process_count_per_instance": per_node},
        )
    ).name


def statuses(workspace, names) -> list[Status]:
    return [workspace.job(name).status for name in names]


def wait_for_running(workspace, *names: str) -> None:
    wait_for(lambda: statuses(workspace, names) == [Status.RUNNING] * len(names))


def test_local_is_always_there(workspace):
    assert [each.name for each in workspace.computes.list()] == ["local"]
    with pytest.raises(Conflict, match="local is always there"):
        workspace.computes.put(AmlCompute("local"))
    with pytest.raises(Conflict, match="can't be deleted"):
        workspace.computes.delete("local")


def test_a_compute_is_found_by_every_form_of_its_name(workspace):
    workspace.computes.put(AmlCompute("Cpu-Cluster", max_instances=2))
    arm = "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/computes/cpu-cluster"
    for reference in ("Cpu-Cluster", "cpu-cluster", "azureml:cpu-cluster", arm, f"azureml:{arm}"):
        assert workspace.computes.get(reference).name == "Cpu-Cluster"


def test_making_a_compute_again_changes_it_unless_it_is_of_another_type(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=2))
    workspace.computes.put(AmlCompute("cpu", max_instances=5))
    assert [(each.name, each.nodes) for each in workspace.computes.list("amlcompute")] == [("cpu", 5)]
    with pytest.raises(Conflict, match="cpu is there as amlcompute"):
        workspace.computes.put(ComputeInstance("cpu"))


def test_one_name_made_by_many_at_once_is_one_compute(workspace):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda most: workspace.computes.put(AmlCompute("cpu", max_instances=most)), range(1, 17)))
    assert len(workspace.computes.list("amlcompute")) == 1


def test_an_unknown_compute_is_not_found_with_the_two_ways_out(workspace):
    with pytest.raises(NotFound, match="there is no compute named gpu-cluster") as caught:
        submit(workspace, "azureml:gpu-cluster")
    assert "aml compute create -n gpu-cluster" in caught.value.hint
    assert "without `compute` a job runs on local" in caught.value.hint
    assert workspace.jobs() == []


def test_more_nodes_than_the_compute_has_are_refused_at_the_submit(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=2))
    workspace.computes.put(ComputeInstance("mine"))
    with pytest.raises(Conflict, match="instance_count` is 3, but the compute cpu has 2 nodes at the most"):
        submit(workspace, "cpu", nodes=3)
    with pytest.raises(Conflict, match="instance_count` is 2, but the compute mine has one node"):
        submit(workspace, "mine", nodes=2)


@pytest.mark.parametrize(
    ("size", "units", "has"),
    [("STANDARD_DS3_v2", 4, "4 vCPUs and no GPU"), ("Standard_NC24s_v3", 4, "4 GPUs"), ("Standard_NC6", 1, "1 GPU")],
)
def test_more_processes_on_a_node_than_its_units_are_refused_with_the_reason(workspace, size, units, has):
    workspace.computes.put(AmlCompute("cluster", size=size, max_instances=1))
    with pytest.raises(Conflict, match=f"starts {units + 1} processes on a node, but .* has {has}"):
        submit(workspace, "cluster", per_node=units + 1)
    submit(workspace, "cluster", per_node=units, command="true")


def test_jobs_on_a_cluster_wait_for_free_nodes_first_come_first_served(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=3))
    first = submit(workspace, "cpu", nodes=2)
    wide = submit(workspace, "cpu", nodes=2)
    narrow = submit(workspace, "cpu")  # it would fit, but it came later
    local = submit(workspace, None)
    wait_for_running(workspace, first, local)
    assert statuses(workspace, (wide, narrow)) == [Status.QUEUED] * 2
    nodes = workspace.computes.nodes("cpu")
    assert [(node.node_state, node.current_job_name) for node in nodes] == [("running", first)] * 2
    workspace.cancel(first)
    wait_for_running(workspace, wide, narrow)


def test_clusters_do_not_wait_for_each_other_nor_for_local(workspace):
    for name in ("one", "two"):
        workspace.computes.put(AmlCompute(name, max_instances=1))
    names = [submit(workspace, compute) for compute in ("one", "one", "two", None, "local", "serverless")]
    wait_for_running(workspace, names[0], names[2], names[3], names[4])
    assert statuses(workspace, (names[1], names[5])) == [Status.QUEUED] * 2  # local runs two


def test_capacity_is_kept_when_the_engine_is_killed(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=1))
    names = [submit(workspace, "cpu") for _ in range(2)]
    wait_for_running(workspace, names[0])
    pid = engine_pid(workspace)
    kill(pid)
    wait_for(lambda: workspace.engine().pid not in (None, pid))
    assert statuses(workspace, names) == [Status.RUNNING, Status.QUEUED]
    workspace.cancel(names[0])
    wait_for_running(workspace, names[1])


def test_a_larger_cluster_takes_the_jobs_that_waited(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=1))
    names = [submit(workspace, "cpu") for _ in range(2)]
    wait_for_running(workspace, names[0])
    workspace.computes.put(AmlCompute("cpu", max_instances=2))
    wait_for_running(workspace, *names)


def test_a_cluster_is_not_made_too_small_for_a_job_that_waits(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=2))
    first, second = (submit(workspace, "cpu", nodes=2) for _ in range(2))
    wait_for_running(workspace, first)
    with pytest.raises(Conflict, match=f"the job {second} waits for 2 nodes of the compute cpu"):
        workspace.computes.put(AmlCompute("cpu", max_instances=1))
    workspace.cancel(second)
    assert workspace.computes.put(AmlCompute("cpu", max_instances=1)).nodes == 1


def test_jobs_on_a_stopped_instance_wait_until_it_is_started(workspace):
    workspace.computes.put(ComputeInstance("mine"))
    assert workspace.computes.stop("mine").state == "Stopped"
    job = command_job("true", compute="mine")
    assert any("mine is stopped" in note for note in workspace.notes(job))
    name = workspace.submit(job).name
    after = workspace.submit(command_job("true")).name
    assert workspace.wait(after, timeout_s=30).status is Status.COMPLETED
    assert workspace.job(name).status is Status.QUEUED
    workspace.computes.start("mine")
    assert workspace.wait(name, timeout_s=30).status is Status.COMPLETED


def test_an_instance_stops_when_it_has_been_idle_and_a_job_keeps_it_up(workspace):
    workspace.computes.put(ComputeInstance("mine", idle_time_before_shutdown="PT2S"))
    name = submit(workspace, "mine", command="sleep 2.5")
    assert workspace.wait(name, timeout_s=30).status is Status.COMPLETED
    assert workspace.computes.get("mine").state == "Running"
    wait_for(lambda: workspace.computes.get("mine").state == "Stopped", timeout_s=5)
    waiting = submit(workspace, "mine", command="true")
    workspace.wait(submit(workspace, None, command="true"), timeout_s=30)
    assert workspace.job(waiting).status is Status.QUEUED
    workspace.computes.start("mine")
    assert workspace.wait(waiting, timeout_s=30).status is Status.COMPLETED


def test_a_job_on_a_stopped_instance_runs_when_its_schedule_starts_it(workspace):
    soon = datetime.now(UTC) + timedelta(seconds=2)
    trigger = {"type": "recurrence", "frequency": "minute", "interval": 1, "start_time": f"{soon:%Y-%m-%dT%H:%M:%S}"}
    schedules = {"compute_start_stop": [{"action": "start", "trigger": trigger}]}
    workspace.computes.put(ComputeInstance("mine", schedules=schedules))
    workspace.computes.stop("mine")
    name = submit(workspace, "mine", command="true")
    assert workspace.wait(name, timeout_s=10).status is Status.COMPLETED
    assert workspace.computes.get("mine").state == "Running"


def test_only_an_instance_is_started_and_stopped(workspace):
    workspace.computes.put(AmlCompute("cpu"))
    for name in ("cpu", "local"):
        with pytest.raises(Conflict, match="is of the type"):
            workspace.computes.stop(name)


LOW = AmlCompute("low", size="Standard_D192s_v6", tier="low_priority", max_instances=2)  # all vCPUs of any machine
UNTIL_GO = "echo try >> outputs/tries; echo up; while [ ! -e outputs/go ]; do sleep 0.05; done"


def outputs(workspace, name: str):
    return workspace.job(name).folder / "artifacts" / "outputs"


def wait_for_tries(workspace, name: str, count: int) -> None:
    tries = outputs(workspace, name) / "tries"
    wait_for(lambda: tries.exists() and tries.read_text().count("try") == count)


def test_a_job_of_low_priority_gives_way_and_starts_again_when_there_is_room(workspace):
    workspace.computes.put(LOW)
    low = submit(workspace, "low", command=UNTIL_GO)
    wait_for_running(workspace, low)
    wait_for_tries(workspace, low, 1)
    dedicated = submit(workspace, None)
    wait_for_running(workspace, dedicated)
    wait_for(lambda: workspace.job(low).status is Status.QUEUED)
    assert "it gave way to a job of a dedicated compute" in workspace.job(low).message
    workspace.cancel(dedicated)
    wait_for_running(workspace, low)
    wait_for_tries(workspace, low, 2)
    assert workspace.job(dedicated).status is not Status.RUNNING
    (outputs(workspace, low) / "go").touch()
    job = workspace.wait(low, timeout_s=30)
    assert (job.status, job.message) == (Status.COMPLETED, None)
    logs = {name: path.read_text() for name, path in workspace.files.logs(low)}
    assert logs == {"user_logs/std_log.preempted_1.txt": "up\nTerminated\n", "user_logs/std_log.txt": "up\n"}
    assert [name for name, _ in workspace.files.streamed(low)] == ["user_logs/std_log.txt"]
    told = [(status, reason) for _, status, reason in workspace._jobs.events(low)]
    assert (Status.QUEUED, Reason.PREEMPTED) in told


def test_jobs_of_low_priority_do_not_drive_each_other_out_nor_wait_for_each_other(workspace):
    workspace.computes.put(LOW)
    names = [submit(workspace, "low") for _ in range(2)]
    wait_for_running(workspace, *names)


def test_a_job_of_low_priority_stays_where_there_is_room(workspace):
    workspace.computes.put(AmlCompute("low", size="Standard_DS1_v2", tier="low_priority"))  # 1 vCPU
    workspace.computes.put(AmlCompute("cpu", size="Standard_DS1_v2"))
    names = [submit(workspace, "low"), submit(workspace, "cpu")]
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one vCPU is no room for two")
    wait_for_running(workspace, *names)
    after = submit(workspace, "cpu", command="true")
    workspace.wait(after, timeout_s=30)


def test_a_job_that_gives_way_when_the_engine_is_killed_is_queued_again_by_the_next(workspace):
    workspace.computes.put(LOW)
    low = submit(workspace, "low", command=f"trap 'sleep 1; exit 3' TERM; {UNTIL_GO}")
    wait_for_running(workspace, low)
    wait_for_tries(workspace, low, 1)
    dedicated = submit(workspace, None)
    wait_for(lambda: [node.node_state for node in workspace.computes.nodes("low")] == ["preempted"])
    kill(engine_pid(workspace))
    wait_for(lambda: workspace.job(low).status is Status.QUEUED)
    workspace.cancel(dedicated)
    wait_for_tries(workspace, low, 2)


def test_a_job_that_gives_way_can_be_canceled(workspace):
    workspace.computes.put(LOW)
    low = submit(workspace, "low", command=f"trap 'sleep 1; exit 3' TERM; {UNTIL_GO}")
    wait_for_running(workspace, low)
    submit(workspace, None)
    wait_for(lambda: [node.node_state for node in workspace.computes.nodes("low")] == ["preempted"])
    workspace.cancel(low)
    assert workspace.wait(low, timeout_s=30).reason is Reason.USER_CANCELED


def test_show_counts_nodes_by_their_state(workspace):
    workspace.computes.put(AmlCompute("cpu", min_instances=2, max_instances=3))
    name = submit(workspace, "cpu")
    wait_for_running(workspace, name)
    counts = workspace.computes.get("cpu").node_counts
    assert (counts["running"], counts["idle"], counts["preparing"]) == (1, 1, 0)
    assert workspace.computes.get("local").node_counts == {}


def test_a_compute_with_unfinished_jobs_is_not_deleted(workspace):
    workspace.computes.put(AmlCompute("cpu"))
    name = submit(workspace, "cpu")
    with pytest.raises(Conflict, match=f"unfinished jobs are on the compute cpu: {name}"):
        workspace.computes.delete("cpu")
    workspace.cancel(name)
    workspace.wait(name, timeout_s=30)
    workspace.computes.delete("cpu")
    assert [each.name for each in workspace.computes.list()] == ["local"]


def test_nodes_that_are_kept_are_idle(workspace):
    workspace.computes.put(AmlCompute("cpu", min_instances=2))
    assert [node.node_state for node in workspace.computes.nodes("cpu")] == ["idle", "idle"]


def test_a_node_stays_idle_for_its_time_and_goes_then(workspace):
    workspace.computes.put(AmlCompute("cpu", max_instances=2, idle_time_before_scale_down=120))
    workspace.wait(submit(workspace, "cpu", nodes=2, command="true"), timeout_s=30)
    name = submit(workspace, "cpu")
    wait_for_running(workspace, name)
    states = [(node.node_state, node.current_job_name) for node in workspace.computes.nodes("cpu")]
    assert states == [("running", name), ("idle", None)]
    workspace.computes.put(AmlCompute("cpu", max_instances=2, idle_time_before_scale_down=0))
    assert [node.node_state for node in workspace.computes.nodes("cpu")] == ["running"]


def test_as_many_nodes_are_there_as_were_in_use_at_once():
    zero = datetime(2026, 1, 1, tzinfo=UTC)

    def at(second: int) -> datetime:
        return zero + timedelta(seconds=second)

    spans = [(2, at(0), at(10)), (1, at(10), at(20)), (1, at(15), None)]
    assert [capacity.peak(spans, at(since)) for since in (0, 12)] == [2, 2]
    assert capacity.peak(spans[1:2], at(0)) == 1
    assert capacity.peak([], zero) == 0


def test_the_sizes_have_units(workspace):
    sizes = {size.name: size for size in workspace.computes.sizes()}
    assert (sizes["Standard_DS3_v2"].v_cp_us, sizes["Standard_DS3_v2"].gpus) == (4, 0)
    assert all(size.v_cp_us > 0 and size.memory_gb > 0 for size in sizes.values())
