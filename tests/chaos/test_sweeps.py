"""kill -9 of engine and keeper at random while sweeps run: no trial is lost or doubled, and the best is the same.

`make test` runs 3 sweeps, `make chaos` 20 (when AML_CHAOS_JOBS asks for the full round).
"""

from __future__ import annotations

import os
import random
import threading

import psutil
import pytest

from aml.spec.sweep import Sampling, Uniform
from aml.workspace.embedded.engine.sweeps.samplers import sampler_of
from aml.workspace.embedded.engine.sweeps.space import parameters
from aml.workspace.records import Reason, Status
from chaos.test_kills import jobs_processes, role
from conftest import processes_of, wait_for
from workspace.sweeps.test_sweep_jobs import LOG, parameters_of, sweep_job, trials_of

FULL = "AML_CHAOS_JOBS" in os.environ
SWEEPS = 20 if FULL else 3
TRIALS = 30 if FULL else 15
KILLS = 3
REPORTS = 3
SPACE = {"x": Uniform("uniform", 0, 1), "y": Uniform("quniform", 0, 10, 1)}
BODY = f"""
x, y = float(sys.argv[1]), float(sys.argv[2])
with open(sys.argv[3], "a") as runs:
    runs.write(os.environ["AZUREML_RUN_ID"] + "\\n")
for step in range({REPORTS}):
    log("accuracy", (x - (y - 4) ** 2 / 100) * (step + 1) / {REPORTS}, step)
"""


@pytest.mark.timeout(900 if FULL else 240)
@pytest.mark.parametrize("seed", [int(os.environ.get("AML_CHAOS_SEED", "1"))])
def test_killed_sweeps_lose_and_double_nothing(workspace, aml_home, tmp_path, seed):
    chance = random.Random(seed)
    (tmp_path / "log.py").write_text(LOG + BODY)
    runs = tmp_path.parent / f"{tmp_path.name}-runs"
    for number in range(SWEEPS):
        spec = sweep_job(
            f"python log.py ${{{{search_space.x}}}} ${{{{search_space.y}}}} {runs}",
            code=tmp_path,
            total=TRIALS,
            search_space=SPACE,
            sampling_algorithm=Sampling("bayesian" if number % 3 == 2 else "random", seed=number),
        )
        sweep = workspace.submit(spec)
        for least in sorted(chance.sample(range(1, TRIALS), KILLS)):
            wait_for(lambda least=least, name=sweep.name: len(trials_of(workspace, name)) >= least, timeout_s=60)
            threading.Event().wait(chance.uniform(0, 0.2))  # somewhere in what it does just now
            kill_ours(aml_home, {"engine", "keeper"} if chance.random() < 0.5 else {"engine"})
            workspace.wait(sweep.name, timeout_s=0.3)  # whoever waits brings the engine back
        check(workspace, workspace.wait(sweep.name, timeout_s=200), spec, number)
    ran = runs.read_text().split()
    assert len(ran) == len(set(ran)) == SWEEPS * TRIALS  # each once
    wait_for(lambda: jobs_processes(aml_home) == [])


def check(workspace, sweep, spec, number) -> None:
    trials = trials_of(workspace, sweep.name)
    assert (sweep.status, sweep.reason) == (Status.COMPLETED, Reason.TRIALS_ENDED), sweep.message
    assert [trial.name for trial in trials] == [f"{sweep.name}_{index}" for index in range(TRIALS)]
    assert [(trial.name, trial.message) for trial in trials if trial.status is not Status.COMPLETED] == []
    assert all(len(workspace.metrics.history(trial.name, "accuracy")) == REPORTS for trial in trials)
    if spec.sampling_algorithm.type == "random":
        sampler = sampler_of(spec, sweep.name)
        undisturbed = [parameters(SPACE, sampler.draw(index, [])) for index in range(TRIALS)]
        assert [parameters_of(trial) for trial in trials] == undisturbed
    best = max(trials, key=lambda trial: reached(parameters_of(trial)))
    assert sweep.properties["best_child_run_id"] == best.name


def reached(drawn) -> float:
    return drawn["x"] - (drawn["y"] - 4) ** 2 / 100


def kill_ours(home, roles) -> None:
    for process in processes_of(home):
        if role(process) in roles:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
