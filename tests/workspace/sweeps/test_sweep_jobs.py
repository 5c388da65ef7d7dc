"""Sweeps on a real engine: trials that are processes and report to the engine's tracking server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from aml.errors import AmlError, Conflict, NotFound
from aml.spec.model import Output
from aml.spec.sweep import Choice, EarlyTermination, Objective, Sampling, SweepJob, SweepLimits, Trial, Uniform
from aml.spec.updates import Update
from aml.workspace.records import JobFilter, Reason, Status
from conftest import command_job, engine_pid, kill, log_of, wait_for

SPACE = {"x": Uniform("uniform", 0, 1), "kind": Choice(("a", "b"))}
LOG = """\
import http.client, json, os, sys, time, urllib.request

def log(key, value, step):
    url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric"
    body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": key, "value": value, "step": step,
            "timestamp": int(time.time() * 1000) + step}
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    for attempt in range(200):  # an engine that was killed comes back, as MLflow's client knows too
        try:
            return urllib.request.urlopen(request).read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    sys.exit("no engine")

"""


def sweep_job(command: str = "python log.py ${{search_space.x}}", code=None, *, total: int = 4, **fields) -> SweepJob:
    limits = {"max_total_trials": total, "max_concurrent_trials": 2, **fields.pop("limits", {})}
    return SweepJob(
        trial=Trial(command, "azureml:local@latest", code=None if code is None else str(code)),
        search_space=fields.pop("search_space", SPACE),
        objective=fields.pop("objective", Objective("maximize", "accuracy")),
        limits=SweepLimits(**limits),
        **fields,
    )


@pytest.fixture
def code(tmp_path):
    def make(body: str = 'log("accuracy", float(sys.argv[1]), 0)\n'):
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        (folder / "log.py").write_text(LOG + body)
        return folder

    return make


def trials_of(workspace, name: str):
    return sorted(workspace.jobs(JobFilter(parent=name), limit=None), key=lambda job: int(job.name.rpartition("_")[2]))


def parameters_of(job):
    return json.loads(job.properties["aml.hyperparameters"])


def finished(workspace, spec, timeout_s: float = 100):
    return workspace.wait(workspace.submit(spec).name, timeout_s=timeout_s)


def test_a_sweep_runs_its_trials_and_names_the_best(workspace, code):
    job = finished(workspace, sweep_job(code=code(), sampling_algorithm=Sampling(seed=1)))
    assert (job.type, job.status, job.reason) == ("sweep", Status.COMPLETED, Reason.TRIALS_ENDED)
    trials = trials_of(workspace, job.name)
    assert [trial.name for trial in trials] == [f"{job.name}_{number}" for number in range(4)]
    assert all(trial.status is Status.COMPLETED for trial in trials)
    best = max(trials, key=lambda trial: parameters_of(trial)["x"])
    assert job.properties["best_child_run_id"] == best.name
    assert [point.value for point in workspace.metrics.latest(best.name)] == [parameters_of(best)["x"]]


def test_trials_get_their_parameters_as_text_and_as_variables(workspace):
    spec = sweep_job(
        "echo ${{search_space.model}} ${{search_space.n}}; env | grep AZUREML_SWEEP_ | sort",
        total=1,
        search_space={"model": Choice(({"name": "small", "depth": Choice((2,))},)), "n": Choice((3,))},
    )
    job = finished(workspace, spec)
    (trial,) = trials_of(workspace, job.name)
    assert log_of(workspace, trial.name).splitlines() == [
        "{name: small, depth: 2} 3",
        "AZUREML_SWEEP_depth=2",
        'AZUREML_SWEEP_model={"name": "small", "depth": 2}',
        "AZUREML_SWEEP_n=3",
        "AZUREML_SWEEP_name=small",
    ]
    assert (job.status, job.reason) == (Status.FAILED, Reason.NO_BEST_TRIAL)
    assert "logged no metric" in job.message


def test_a_metric_of_another_name_is_said_at_the_first_trial_that_ended(workspace, code):
    body = 'log("acc", 1, 0)\nif os.environ["MLFLOW_RUN_ID"].endswith("_1"): time.sleep(60)\n'
    job = workspace.submit(sweep_job(code=code(body), total=2))
    wait_for(lambda: workspace.job(job.name).message)
    assert workspace.job(job.name).message == (
        f"{job.name}_0 is Completed and did not log the primary metric accuracy; it logged: acc"
    )
    workspace.cancel(job.name)
    assert workspace.wait(job.name).status is Status.CANCELED


def test_a_poor_trial_is_stopped_and_says_by_which_rule_on_which_numbers(workspace, code):
    body = (
        "good = float(sys.argv[1]) > 0.5\n"
        "for step in range(3): log('accuracy', 0.9 if good else 0.1, step)\n"
        "while not good: time.sleep(0.1)\n"
    )
    spec = sweep_job(
        code=code(body),
        total=2,
        search_space={"x": Choice((0.2, 0.9))},
        sampling_algorithm=Sampling("grid"),
        early_termination=EarlyTermination("bandit", slack_factor=0.1, delay_evaluation=2),
    )
    job = finished(workspace, spec)
    stopped, good = trials_of(workspace, job.name)
    assert (stopped.status, stopped.reason) == (Status.CANCELED, Reason.STOPPED_EARLY)
    assert stopped.message == (
        "bandit: its best accuracy in 3 reports is 0.1, below the limit 0.8182, which slack_factor 0.1 sets beside "
        f"the 0.9 of {good.name}"
    )
    assert (job.status, job.properties["best_child_run_id"]) == (Status.COMPLETED, good.name)


def test_canceling_a_sweep_cancels_its_trials(workspace):
    job = workspace.submit(sweep_job("sleep 300"))
    wait_for(lambda: [trial.status for trial in trials_of(workspace, job.name)].count(Status.RUNNING) == 2)
    workspace.cancel(job.name)
    assert workspace.wait(job.name, timeout_s=30).reason is Reason.USER_CANCELED
    assert {trial.status for trial in trials_of(workspace, job.name)} == {Status.CANCELED}


def test_a_sweep_and_a_trial_have_their_time(workspace):
    job = finished(workspace, sweep_job("sleep 300", total=2, limits={"trial_timeout": 1}))
    assert {trial.reason for trial in trials_of(workspace, job.name)} == {Reason.TIMEOUT}
    job = finished(workspace, sweep_job("sleep 300", total=2, limits={"timeout": 1}))
    assert (job.status, job.reason) == (Status.CANCELED, Reason.TIMEOUT)
    assert "limits.timeout (1 s)" in job.message
    assert {trial.reason for trial in trials_of(workspace, job.name)} == {Reason.SWEEP_ENDED}


def test_failed_trials_do_not_end_a_sweep(workspace, code):
    body = 'sys.exit(1) if float(sys.argv[1]) < 0.5 else log("accuracy", 1, 0)\n'
    spec = sweep_job(
        code=code(body),
        total=4,
        search_space={"x": Choice((0.1, 0.2, 0.8, 0.9))},
        sampling_algorithm=Sampling("grid"),
    )
    job = finished(workspace, spec)
    assert job.status is Status.COMPLETED
    assert [trial.status for trial in trials_of(workspace, job.name)] == [
        *[Status.FAILED] * 2,
        *[Status.COMPLETED] * 2,
    ]
    strict = finished(workspace, sweep_job("exit 1", total=9, properties={"aml.max_failed_trials": "1"}))
    assert strict.reason is Reason.TRIALS_FAILED
    assert len(trials_of(workspace, strict.name)) < 9


def test_the_named_outputs_of_the_best_trial_alone_are_registered(workspace, code):
    spec = sweep_job(
        "python log.py ${{search_space.x}} && echo ${{search_space.x}} > ${{outputs.model}}/x",
        code=code(),
        outputs={"model": Output(type="custom_model", name="tuned")},
        search_space={"x": Choice((0.2, 0.9, 0.5))},
        sampling_algorithm=Sampling("grid"),
    )
    job = finished(workspace, spec)
    (model,) = workspace.models.list("tuned")
    assert model.job_name == job.properties["best_child_run_id"] == f"{job.name}_1"
    assert (model.path / "x").read_text() == "0.9\n"


@pytest.mark.parametrize("sampling", [Sampling(seed=3), Sampling("bayesian", seed=3)])
def test_killing_the_engine_loses_and_doubles_nothing(workspace, code, sampling):
    spec = sweep_job(code=code(), total=14, limits={"max_concurrent_trials": 1}, sampling_algorithm=sampling)
    whole = finished(workspace, spec)
    job = workspace.submit(spec)
    for count in (2, 5, 11):
        wait_for(lambda count=count: len(trials_of(workspace, job.name)) >= count, timeout_s=60)
        kill(engine_pid(workspace))
        workspace.job(job.name)
        wait_for(lambda: workspace.engine().running or workspace.wait(job.name, timeout_s=0.2))
    job = workspace.wait(job.name, timeout_s=100)
    assert job.status is Status.COMPLETED
    trials = trials_of(workspace, job.name)
    assert [trial.message for trial in trials if trial.status is not Status.COMPLETED] == []
    assert [trial.name for trial in trials] == [f"{job.name}_{number}" for number in range(14)]
    assert [parameters_of(trial) for trial in trials] == [
        parameters_of(each) for each in trials_of(workspace, whole.name)
    ]
    assert all(len(workspace.metrics.history(trial.name, "accuracy")) == 1 for trial in trials)


def test_a_finished_sweep_goes_on_with_more_trials(workspace, code):
    spec = sweep_job(code=code(), total=2, sampling_algorithm=Sampling(seed=1))
    job = finished(workspace, spec)
    with pytest.raises(Conflict, match="has had all of its 2 trials"):
        workspace.sweeps.resume(job.name)
    workspace.update_job(job.name, Update(["limits.max_total_trials=5"]))
    workspace.sweeps.resume(job.name)
    job = workspace.wait(job.name, timeout_s=60)
    assert job.status is Status.COMPLETED
    names = [f"{job.name}_{number}" for number in range(5)]
    assert [trial.name for trial in trials_of(workspace, job.name)] == names
    longer = finished(workspace, sweep_job(code=code(), total=5, sampling_algorithm=Sampling(seed=1)))
    drawn, whole = ([parameters_of(trial) for trial in trials_of(workspace, name)] for name in (job.name, longer.name))
    assert drawn == whole


def test_a_canceled_sweep_goes_on_where_it_was(workspace):
    job = workspace.submit(sweep_job("sleep 300", total=3))
    wait_for(lambda: len(trials_of(workspace, job.name)) == 2)
    with pytest.raises(Conflict, match="goes on by itself"):
        workspace.sweeps.resume(job.name)
    workspace.cancel(job.name)
    assert workspace.wait(job.name, timeout_s=30).status is Status.CANCELED
    workspace.sweeps.resume(job.name)
    wait_for(lambda: len(trials_of(workspace, job.name)) == 3)
    workspace.cancel(job.name)
    workspace.wait(job.name, timeout_s=30)


def test_a_limit_that_is_none_is_refused(workspace, code):
    job = finished(workspace, sweep_job(code=code(), total=1))
    for text, message in (
        ("limits.max_total_trials=many", "is no whole number from 1 to 1000"),
        ("limits.trials=4", "a sweep has no such limit"),
        ("limits.max_concurrent_trials=9", "can't be more than"),
    ):
        with pytest.raises(AmlError, match=message):
            workspace.update_job(job.name, Update([text]))


def test_what_a_workspace_tells_of_a_sweep(workspace, code):
    space = {"x": Choice(tuple(number / 10 for number in range(9)))}
    spec = sweep_job(code=code(), total=9, search_space=space, sampling_algorithm=Sampling("grid"))
    sweep = workspace.sweeps.get(finished(workspace, spec).name)
    assert (sweep.best.parameters, sweep.best.value, sweep.total) == ({"x": 0.8}, 0.8, 9)
    assert [trial.value for trial in sweep.ranked] == [number / 10 for number in range(8, -1, -1)]
    assert sweep.importance["x"] > 0.8
    with pytest.raises(NotFound, match="there is no sweep named"):
        workspace.sweeps.get(sweep.best.name)


def test_a_job_named_like_a_trial_is_refused_before_and_while_its_sweep_runs(workspace, code):
    for name in ("mine_1", "other_x1", "other_"):
        workspace.submit(command_job("true", name=name))
    with pytest.raises(Conflict, match="a trial of the sweep mine would be named mine_1, as a job is"):
        workspace.submit(sweep_job(code=code(), name="mine"))
    sweep = workspace.submit(sweep_job("sleep 300", name="other"))
    for name in ("other_2", "OTHER_7"):
        with pytest.raises(Conflict, match=f"{name} is the name of a trial of the sweep"):
            workspace.submit(command_job("true", name=name))
    workspace.cancel(sweep.name)


def test_the_trials_of_a_sweep_get_its_secrets_and_no_record_has_them(workspace, code):
    body = "import os; print(os.environ['API_KEY'], os.environ['PIN'])\nlog('accuracy', 1.0, 0)\n"
    workspace.change_settings({"redacted_variables": "PIN"})
    spec = sweep_job(code=code(body), total=2)
    secret = {"API_KEY": "correct-horse", "PIN": "battery"}
    spec = replace(spec, trial=replace(spec.trial, environment_variables=secret))
    sweep = finished(workspace, spec)
    records = [workspace.job(sweep.name), *trials_of(workspace, sweep.name)]
    assert "correct-horse" not in str(records)
    assert "battery" not in str(records)
    for trial in records[1:]:
        assert "correct-horse battery" in log_of(workspace, trial.name)


def test_four_gpus_run_four_of_eight_concurrent_trials_each_with_its_own(workspace, driver):
    uuids = driver.has(4)
    spec = sweep_job("echo [$CUDA_VISIBLE_DEVICES]; sleep 300", total=8, limits={"max_concurrent_trials": 8})
    job = workspace.submit(spec)

    def running():
        return [trial for trial in trials_of(workspace, job.name) if trial.status is Status.RUNNING]

    wait_for(lambda: len(running()) == 4 and all(log_of(workspace, trial.name) for trial in running()))
    assert {log_of(workspace, trial.name).strip().strip("[]") for trial in running()} == set(uuids)
    assert [trial.status for trial in trials_of(workspace, job.name)].count(Status.QUEUED) == 4
    workspace.cancel(job.name)
    assert workspace.wait(job.name, timeout_s=30).status is Status.CANCELED
