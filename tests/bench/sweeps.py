"""Sweeps: what planning costs, what samplers and policies are worth: `python -m tests.bench.sweeps [PART ...]`.

Parts: controller (CPU of the engine's planner per trial, on a real store), processes (500 trials that are processes of
0.3 s CPU, beside `xargs -P 2`), samplers (bayesian, random and Optuna's own loop on two surfaces), policies (recorded
learning curves).
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CURVES = Path(__file__).with_name("curves.csv")
SEEDS = 100  # medians of 20 differ by half between one score of seeds and the next
TRIALS = 30
PROCESSES = int(os.environ.get("AML_BENCH_PROCESSES", "500"))
BURN = "import time\nwhile time.process_time() < 0.3: pass"


def main(parts: Sequence[str] = ()) -> None:
    for part in (controller, processes, samplers, policies):
        if not parts or part.__name__ in parts:
            part()


def controller() -> None:
    """Trials that end in the store alone: only what the planner does is measured."""
    for sampling, total, limit in (("random", 1000, 5), ("bayesian", 520, 25)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            os.environ["AML_HOME"] = home
            each_ms = controller_ms(sampling, total)
        last = statistics.mean(each_ms[-20:])
        print(f"planner, {sampling}, {total} trials: CPU per trial {statistics.mean(each_ms):5.2f} ms, the last 20 "
              f"{last:5.2f} ms   limit {limit} ms")  # fmt: skip


def controller_ms(sampling: str, total: int) -> list[float]:
    """CPU ms of the planner for each trial, with two that run at once."""
    from aml.spec.sweep import Sampling
    from aml.workspace.embedded.database import Database
    from aml.workspace.embedded.engine.sweeps.runner import Sweeps
    from aml.workspace.embedded.paths import workspace_paths
    from aml.workspace.embedded.queue import Queue
    from aml.workspace.embedded.store import Jobs
    from aml.workspace.embedded.submission import Submission
    from aml.workspace.embedded.sweeps import SweepTable
    from aml.workspace.embedded.workspace import EmbeddedWorkspace
    from aml.workspace.records import Reason

    workspace = EmbeddedWorkspace("default")
    submission: Submission = workspace._submission
    job = submission.insert(
        sweep(sampling=Sampling(sampling, seed=1), total=total, concurrent=2), code_of=None, secrets_of=None
    )
    paths = workspace_paths("default")
    database = Database(paths.store)
    jobs = Jobs(database)
    queue = Queue(database)
    planner = Sweeps(SweepTable(database), jobs, paths, lambda *_: None, lambda: None)
    each_ms = []
    while not jobs.get(job.name).status.is_terminal:
        began = time.thread_time()
        planner.look()
        spent = time.thread_time() - began
        claim = queue.next(local_jobs=2)
        if claim is None:
            continue
        queue.claim(claim.job.name, "bench")
        began = time.thread_time()
        planner.look()  # the engine looks again when it has started a job
        spent += time.thread_time() - began
        jobs.record_start(claim.job.name, "bench", "{}")
        drawn = json.loads(claim.job.properties["aml.hyperparameters"] or "{}")
        log(database, claim.job.name, branin(drawn))
        jobs.record_end(claim.job.name, "bench", Reason.COMMAND_SUCCEEDED, exit_code=0)
        each_ms.append(spent * 1000)
    planner.close()
    return each_ms


def processes() -> None:
    """Wall time of a sweep of short processes, from its submit to its end."""
    from aml.spec.sweep import Sampling
    from aml.workspace import open_workspace

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["AML_HOME"] = home
        workspace = open_workspace()
        (Path(home) / "burn.py").write_text(BURN)
        command = f"{sys.executable} -S {home}/burn.py"
        workspace.wait(workspace.submit(sweep(command=command, sampling=Sampling(), total=1)).name)
        halves = max(PROCESSES // 2, 1)
        ours, theirs = 0.0, 0.0
        for _ in range(2):  # in turns: the machine's other load falls on both
            began = time.monotonic()
            workspace.wait(workspace.submit(sweep(command=command, sampling=Sampling(), total=halves)).name)
            ours += time.monotonic() - began
            began = time.monotonic()
            numbers = "\n".join(map(str, range(halves)))
            subprocess.run(["xargs", "-P2", "-I{}", *command.split()], input=numbers, text=True, check=True)
            theirs += time.monotonic() - began
        workspace.stop_engine()
    ratio = ours / theirs
    print(f"{PROCESSES} trials of 0.3 s CPU: {ours:.1f} s, xargs -P 2 {theirs:.1f} s: {ratio:.2f} x   limit 1.15 x")


def samplers() -> None:
    for name, surface, best in (("Branin", branin, 0.397887), ("noisy error rate", noisy_error, 0.05)):
        regrets = {
            how: [regret(how, surface, best, seed) for seed in range(SEEDS)] for how in ("random", "bayesian", "optuna")
        }
        medians = {how: statistics.median(values) for how, values in regrets.items()}
        told = ", ".join(f"{how} {value:.4g}" for how, value in medians.items())
        ratio = medians["bayesian"] / medians["optuna"]
        print(f"{name}, {TRIALS} trials, {SEEDS} seeds, median regret: {told}; bayesian is {ratio:.2f} x Optuna's loop")


def policies() -> None:
    from aml.spec.sweep import EarlyTermination

    curves = [[float(value) for value in line.split(",")] for line in CURVES.read_text().splitlines()]
    for policy, seeds in (
        (EarlyTermination("bandit", slack_factor=0.1, delay_evaluation=5), 200),
        (EarlyTermination("median_stopping", delay_evaluation=5), 200),
        (EarlyTermination("truncation_selection", truncation_percentage=20, evaluation_interval=5), 200),
    ):
        saved, kept = zip(*(stopped(policy, curves, seed) for seed in range(seeds)), strict=True)
        print(f"{policy.type}, {len(curves)} recorded curves, {seeds} seeds: saves {statistics.mean(saved):.0%} of the "
              f"epochs, keeps the best in {statistics.mean(kept):.1%}   required 40 % and 95 %")  # fmt: skip


def stopped(policy, curves: list[list[float]], seed: int) -> tuple[float, bool]:
    """The share of epochs that was saved, and whether a best curve was run to its end."""
    order = random.Random(seed).sample(range(len(curves)), len(curves))
    done = simulated(policy, [curves[index] for index in order])
    spent = sum(len(trial.reports) for trial in done.trials)
    best = max(max(curve) for curve in curves)
    kept = any(max(trial.reports, default=0) == best and trial.name not in done.why for trial in done.trials)
    return 1 - spent / sum(map(len, curves)), kept


def simulated(policy, curves: list[list[float]]):
    from tests.workspace.sweeps.simulation import Simulation

    spec = sweep(total=len(curves), concurrent=4, policy=policy, goal="maximize")
    simulation = Simulation(spec, lambda number, _: curves[number], workers=4)
    simulation.run()
    return simulation


def regret(how: str, surface, best: float, seed: int) -> float:
    """How far the best of the trials is, by its true value, from the best there is."""
    chance = random.Random(f"noise {seed}")
    if how == "optuna":
        drawn = optunas(surface, seed, chance)
    else:
        from tests.workspace.sweeps.simulation import Simulation

        from aml.spec.sweep import Sampling

        spec = sweep(sampling=Sampling(how, seed=seed), total=TRIALS, concurrent=1)
        simulation = Simulation(spec, lambda _, values: [surface(values, chance)], workers=1)
        simulation.run()
        drawn = simulation.drawn
    return min(abs(surface(values) - best) for values in drawn)


def optunas(surface, seed: int, chance: random.Random) -> list[dict[str, float]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def objective(trial: optuna.Trial) -> float:
        values = {"x": trial.suggest_float("x", -5, 10), "y": trial.suggest_float("y", 0, 15)}
        return surface(values, chance)

    study.optimize(objective, n_trials=TRIALS)
    return [trial.params for trial in study.trials]


def branin(values, chance: random.Random | None = None) -> float:
    """Three equal minima of 0.397887. Source: Dixon and Szegoe, 1978."""
    x, y = values["x"], values["y"]
    bend = y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def noisy_error(values, chance: random.Random | None = None) -> float:
    """An error rate over two parameters: one valley of 0.05, and noise of 0.01."""
    x, y = (values["x"] - 3) / 15, (values["y"] - 11) / 15
    error = 0.9 - 0.85 * math.exp(-6 * (x * x + y * y + 0.6 * x * y))
    return error + (0 if chance is None else chance.gauss(0, 0.01))


def sweep(*, sampling=None, total=TRIALS, concurrent=2, policy=None, goal="minimize", command="true"):
    from aml.spec.sweep import Objective, Sampling, SweepJob, SweepLimits, Trial, Uniform

    return SweepJob(
        trial=Trial(command, "azureml:local@latest"),
        search_space={"x": Uniform("uniform", -5, 10), "y": Uniform("uniform", 0, 15)},
        objective=Objective(goal, "loss"),
        limits=SweepLimits(total, concurrent),
        sampling_algorithm=sampling or Sampling(),
        early_termination=policy,
    )


def log(database, run_id: str, value: float) -> None:
    from aml.workspace.embedded.tracking.metrics import LoggedMetric, log_metrics

    with database.transaction() as write:
        log_metrics(write, run_id, [LoggedMetric("loss", value, 0, int(time.time() * 1000))])


if __name__ == "__main__":
    main(sys.argv[1:])
