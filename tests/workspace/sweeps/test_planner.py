"""What a sweep does next, without a process."""

from __future__ import annotations

from dataclasses import replace

from aml.spec.sweep import EarlyTermination, Sampling, Uniform
from aml.workspace.embedded.engine.sweeps.planner import AHEAD, State, TrialState, plan
from aml.workspace.embedded.engine.sweeps.samplers import sampler_of
from aml.workspace.records import Reason, Status
from workspace.sweeps.simulation import Simulation, sweep

SPACE = {"x": Uniform("uniform", 0, 1)}


def trials(*statuses, reports=()):
    return [TrialState(number, f"s_{number}", {"x": 0.5}, status, reports) for number, status in enumerate(statuses)]


def planned(spec, found, **state):
    return plan(State(spec, found, **state), sampler_of(spec, "s"))


def test_trials_are_drawn_up_to_the_limits_and_few_ahead_of_their_turn():
    assert len(planned(sweep(SPACE, total=100), []).draws) == AHEAD
    assert len(planned(sweep(SPACE, total=3), []).draws) == 3
    assert len(planned(sweep(SPACE, total=100, concurrent=2), []).draws) == 2
    busy = trials(*[Status.RUNNING] * 5)
    assert [number for number, _ in planned(sweep(SPACE, total=7), busy).draws] == [5, 6]


def test_bayesian_draws_one_at_a_time_so_that_it_can_learn():
    spec = sweep(SPACE, total=100, sampling_algorithm=Sampling("bayesian"))
    assert len(planned(spec, []).draws) == 1
    assert planned(spec, trials(Status.RUNNING, Status.QUEUED)).draws == ()


def test_a_sweep_is_completed_when_all_are_over_and_one_has_the_metric():
    over = trials(Status.COMPLETED, Status.FAILED, reports=(0.5,))
    made = planned(sweep(SPACE, total=2), over)
    assert (made.end, made.best) == (Reason.TRIALS_ENDED, "s_0")
    assert planned(sweep(SPACE, total=2), trials(Status.FAILED, Status.COMPLETED)).end is Reason.NO_BEST_TRIAL


def test_failed_trials_end_a_sweep_by_a_setting_alone():
    found = trials(Status.FAILED, Status.FAILED, Status.RUNNING)
    assert planned(sweep(SPACE, total=20), found).cancel == ()
    strict = sweep(SPACE, total=20, properties={"aml.max_failed_trials": "1"})
    assert planned(strict, found).cancel == ("s_2",)
    assert planned(strict, trials(Status.FAILED, Status.FAILED, Status.CANCELED)).end is Reason.TRIALS_FAILED
    assert planned(strict, trials(Status.FAILED)).draws != ()


def test_a_canceled_sweep_cancels_its_trials_and_ends_after_them():
    found = trials(Status.COMPLETED, Status.RUNNING, Status.CANCEL_REQUESTED, Status.QUEUED)
    made = planned(sweep(SPACE), found, canceling=True)
    assert (made.cancel, made.end, made.draws) == (("s_1", "s_3"), None, ())
    assert planned(sweep(SPACE), trials(Status.CANCELED), canceling=True).end is Reason.USER_CANCELED


def test_the_best_is_a_completed_trial_if_there_is_one():
    stopped = replace(trials(Status.CANCELED, reports=(0.9,))[0])
    done = replace(trials(Status.COMPLETED, reports=(0.2, 0.7, 0.1))[0], number=1, name="s_1")
    assert planned(sweep(SPACE, total=2), [stopped, done]).best == "s_1"
    assert planned(sweep(SPACE, total=1), [stopped]).best == "s_0"


def test_early_termination_saves_reports_and_keeps_the_best():
    def reports(number, values):
        return [values["x"] * (1 - 0.8**epoch) for epoch in range(1, 21)]

    policy = EarlyTermination("bandit", slack_factor=0.1, delay_evaluation=3)
    simulation = Simulation(sweep(SPACE, total=40, early_termination=policy), reports)
    whole = Simulation(sweep(SPACE, total=40), reports)
    assert simulation.run().best == whole.run().best
    spent = sum(len(trial.reports) for trial in simulation.trials)
    assert spent < 0.6 * 40 * 20
    assert all("bandit" in why for why in simulation.why.values())
