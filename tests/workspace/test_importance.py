from __future__ import annotations

import random

from aml.workspace.importance import FEWEST, importance


def trials(count, value):
    chance = random.Random(1)
    drawn = [
        {"lr": chance.random(), "depth": chance.choice([2, 4]), "kind": chance.choice("abc")} for _ in range(count)
    ]
    return [(parameters, value(parameters)) for parameters in drawn]


def test_what_decides_is_first_and_what_does_not_matter_has_next_to_nothing():
    found = importance(trials(60, lambda p: p["lr"]))
    assert next(iter(found)) == "lr"
    assert found["lr"] > 0.8
    assert max(found["depth"], found["kind"]) < 0.15


def test_an_optimum_in_the_middle_and_a_category_count_too():
    assert importance(trials(60, lambda p: -abs(p["lr"] - 0.5)))["lr"] > 0.6
    assert importance(trials(60, lambda p: "abc".index(p["kind"])))["kind"] > 0.8


def test_few_trials_say_nothing_and_equal_values_are_not_explained():
    assert importance(trials(FEWEST - 1, lambda p: p["lr"])) == {}
    assert set(importance(trials(20, lambda p: 1.0)).values()) == {0.0}
