"""Distributions with Azure's bounds, nested choices, combinations."""

from __future__ import annotations

import math
import statistics

import pytest

from aml.spec.sweep import Choice, Normal, Randint, Sampling, Uniform
from aml.workspace.embedded.engine.sweeps.samplers import Random
from aml.workspace.embedded.engine.sweeps.space import combination, nested, parameters, size, text

N = 2000


def drawn(distribution, **sampling):
    space = {"x": distribution}
    sampler = Random(space, Sampling(**sampling), "seed")
    return [parameters(space, sampler.draw(number, []))["x"] for number in range(N)]


@pytest.mark.parametrize("rule", ["random", "sobol"])
def test_choice_and_randint_are_even_and_the_upper_bound_is_excluded(rule):
    for distribution, values in ((Choice(("a", "b", "c", "d")), "abcd"), (Randint(4), range(4))):
        found = drawn(distribution, rule=rule)
        assert set(found) == set(values)
        assert all(abs(found.count(value) / N - 0.25) < 0.04 for value in values)


def test_uniform_stays_within_its_bounds():
    found = drawn(Uniform("uniform", 0.5, 0.9))
    assert 0.5 <= min(found) < 0.51
    assert 0.89 < max(found) <= 0.9
    assert abs(statistics.mean(found) - 0.7) < 0.01


def test_bounds_of_loguniform_are_logarithms_and_logbase_changes_their_base():
    natural = drawn(Uniform("loguniform", -6, -1))
    assert math.exp(-6) <= min(natural) < math.exp(-5.9)
    assert math.exp(-1.1) < max(natural) <= math.exp(-1)
    assert abs(statistics.mean(map(math.log, natural)) + 3.5) < 0.1
    decimal = drawn(Uniform("loguniform", -6, -1), logbase=10)
    assert 1e-6 <= min(decimal) < 2e-6
    assert 0.08 < max(decimal) <= 0.1


def test_quantized_values_are_multiples_and_whole_where_the_step_is():
    assert set(drawn(Uniform("quniform", 1, 5, 2))) == {2, 4}  # 5 / 2 is rounded to the even 2
    assert set(drawn(Uniform("quniform", 0, 0.3, 0.1))) == {0.0, 0.1, 0.2, 0.3}
    assert all(isinstance(value, int) for value in drawn(Uniform("quniform", 1, 5, 1)))
    assert set(drawn(Uniform("qloguniform", 0, 2, 1))) == set(range(1, 8))


def test_normal_distributions_have_their_moments():
    assert abs(statistics.mean(drawn(Normal("normal", 10, 3))) - 10) < 0.2
    assert abs(statistics.stdev(drawn(Normal("normal", 10, 3))) - 3) < 0.15
    assert abs(statistics.median(drawn(Normal("lognormal", 1, 0.5))) - math.e) < 0.1
    assert all(value % 5 == 0 for value in drawn(Normal("qnormal", 10, 30, 5)))
    assert all(value >= 0 and value % 2 == 0 for value in drawn(Normal("qlognormal", 1, 1, 2)))


def test_a_nested_choice_gives_the_mapping_with_its_distributions_drawn():
    models = Choice(({"model": "small", "lr": Uniform("uniform", 0, 1)}, {"model": "large", "depth": Choice((2, 4))}))
    found = drawn(models)
    assert {value["model"] for value in found} == {"small", "large"}
    assert all(0 <= value["lr"] < 1 for value in found if value["model"] == "small")
    assert {value["depth"] for value in found if value["model"] == "large"} == {2, 4}
    assert dict(nested({"m": {"model": "large", "depth": 2}})) == {"model": "large", "depth": 2}


def test_combinations_count_through_everything_once_with_the_last_parameter_fastest():
    space = {"a": Choice((1, 2)), "m": Choice(("none", {"b": Choice((3, 4)), "c": 5}))}
    assert size(space) == 6
    found = [parameters(space, combination(space, number)) for number in range(6)]
    assert [value["a"] for value in found] == [1, 1, 1, 2, 2, 2]
    assert [value["m"] for value in found[:3]] == ["none", {"b": 3, "c": 5}, {"b": 4, "c": 5}]
    assert size({"x": Uniform("uniform", 0, 1)}) is None


def test_values_are_written_as_commands_need_them():
    assert [text(value) for value in (1, 0.001, "a", True, {"a": 1})] == ["1", "0.001", "a", "True", '{"a": 1}']
