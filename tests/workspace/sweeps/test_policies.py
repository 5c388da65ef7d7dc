"""The worked examples of Azure ML's documents, and what they leave open."""

from __future__ import annotations

import math

import pytest

from aml.spec.sweep import EarlyTermination, Objective
from aml.workspace.embedded.engine.sweeps.policies import Curve, interval, stops

MAXIMIZE, MINIMIZE = Objective("maximize", "accuracy"), Objective("minimize", "loss")


def stopped(policy, objective, *reports, running=None):
    curves = [Curve(f"s_{number}", values, objective.goal) for number, values in enumerate(reports)]
    going = curves if running is None else [curves[number] for number in running]
    return {stop.name for stop in stops(policy, objective, curves, going)}


def test_bandit_with_a_factor_stops_below_the_best_divided_by_one_and_the_factor():
    policy = EarlyTermination("bandit", delay_evaluation=10, slack_factor=0.2)
    others = [[value] * 10 for value in (0.8, 0.667, 0.666)]
    assert stopped(policy, MAXIMIZE, *others) == {"s_2"}  # 0.8 / 1.2 = 0.6667


def test_bandit_with_an_amount_stops_below_the_best_less_the_amount():
    policy = EarlyTermination("bandit", slack_amount=0.2)
    assert stopped(policy, MAXIMIZE, [0.8], [0.61], [0.59]) == {"s_2"}


def test_bandit_mirrors_for_minimize_and_takes_signs_as_they_are():
    factor = EarlyTermination("bandit", slack_factor=0.2)
    assert stopped(factor, MINIMIZE, [1.0], [1.19], [1.21]) == {"s_2"}
    assert stopped(factor, MAXIMIZE, [-1.0], [-1.19], [-1.21]) == {"s_2"}
    assert stopped(factor, MINIMIZE, [-1.2], [-1.01], [-0.99]) == {"s_2"}
    assert stopped(EarlyTermination("bandit", slack_amount=0.5), MINIMIZE, [-1.0], [-0.6], [-0.4]) == {"s_2"}


def test_a_best_of_zero_has_no_ratio_and_stops_nothing():
    assert stopped(EarlyTermination("bandit", slack_factor=0.2), MINIMIZE, [0.0], [5.0]) == set()


def test_bandit_compares_what_trials_reached_by_the_same_report():
    policy = EarlyTermination("bandit", slack_factor=0.1)
    assert stopped(policy, MAXIMIZE, [0.1, 0.9], [0.1], running=[1]) == set()
    assert stopped(policy, MAXIMIZE, [0.1, 0.9], [0.1, 0.1], running=[1]) == {"s_1"}
    assert stopped(policy, MAXIMIZE, [0.8, 0.3], [0.8, 0.1], running=[1]) == set()  # best so far counts


def test_policies_look_at_multiples_of_the_interval_from_the_delay_on():
    policy = EarlyTermination("bandit", evaluation_interval=3, delay_evaluation=5, slack_factor=0.1)
    assert [interval(policy, reports) for reports in range(8)] == [None, None, None, None, None, None, 6, 6]
    every = EarlyTermination("bandit", slack_factor=0.1)
    assert [interval(every, reports) for reports in range(3)] == [None, 1, 2]


def test_median_stopping_compares_the_best_with_the_median_of_the_running_averages():
    policy = EarlyTermination("median_stopping", delay_evaluation=5)
    good, fair, poor = [0.6, 0.7, 0.8, 0.8, 0.8], [0.5] * 5, [0.1, 0.2, 0.3, 0.3, 0.49]
    assert stopped(policy, MAXIMIZE, good, fair, poor) == {"s_2"}  # averages 0.74, 0.5, 0.278
    assert stopped(policy, MAXIMIZE, good, fair, [0.1, 0.2, 0.3, 0.3, 0.51]) == set()
    assert stopped(policy, MINIMIZE, *([1 - value for value in each] for each in (good, fair, poor))) == {"s_2"}


def test_truncation_stops_the_lowest_share_at_an_interval_rounded_down():
    policy = EarlyTermination("truncation_selection", truncation_percentage=20, delay_evaluation=5)
    values = [[number / 10] * 5 for number in range(10)]
    assert stopped(policy, MAXIMIZE, *values) == {"s_0", "s_1"}
    assert stopped(policy, MINIMIZE, *values) == {"s_8", "s_9"}
    assert stopped(policy, MAXIMIZE, *values[:9]) == {"s_0"}
    assert stopped(policy, MAXIMIZE, *values[:4]) == set()


def test_truncation_takes_the_value_at_the_interval_and_spares_ties():
    policy = EarlyTermination("truncation_selection", truncation_percentage=50)
    assert stopped(policy, MAXIMIZE, [0.9, 0.1], [0.2, 0.2]) == {"s_0"}
    assert stopped(policy, MAXIMIZE, [0.5], [0.5], [0.5], [0.9]) == set()


@pytest.mark.parametrize(
    "policy",
    [
        EarlyTermination("bandit", slack_factor=0.2),
        EarlyTermination("median_stopping"),
        EarlyTermination("truncation_selection", truncation_percentage=40),
    ],
)
def test_what_is_not_a_number_is_worse_than_any_number(policy):
    assert stopped(policy, MINIMIZE, [1.0], [1.1], [math.nan]) == {"s_2"}


def test_no_policy_stops_nothing_and_a_trial_alone_is_never_stopped():
    assert stopped(None, MAXIMIZE, [0.1], [0.9]) == set()
    for type_ in ("bandit", "median_stopping", "truncation_selection"):
        policy = EarlyTermination(type_, slack_factor=0.0, truncation_percentage=99)
        assert stopped(policy, MAXIMIZE, [0.5, 0.4, 0.3]) == set()


def test_the_reason_names_the_rule_and_the_numbers():
    curves = [Curve("s_0", [0.8], "maximize"), Curve("s_1", [0.5], "maximize")]
    (stop,) = stops(EarlyTermination("bandit", slack_factor=0.2), MAXIMIZE, curves, curves)
    assert stop.why == (
        "bandit: its best accuracy in 1 report is 0.5, below the limit 0.6667, which slack_factor 0.2 sets beside "
        "the 0.8 of s_0"
    )
