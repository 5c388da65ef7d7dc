"""The same seed, or the same history, gives the same trials."""

from __future__ import annotations

import pytest
from scipy.stats import qmc

from aml.spec.sweep import Choice, Randint, Sampling, Uniform
from aml.workspace.embedded.engine.sweeps import sobol
from aml.workspace.embedded.engine.sweeps.samplers import Observed, most, sampler_of
from aml.workspace.records import Reason
from workspace.sweeps.simulation import Simulation, sweep

SPACE = {"x": Uniform("uniform", -5, 10), "y": Uniform("quniform", 0, 15, 0.5), "z": Choice(("a", "b"))}


def bowl(number, values):
    return [-((values["x"] - 2) ** 2) - (values["y"] - 4) ** 2 - (values["z"] == "a")]


@pytest.mark.parametrize("sampling", [Sampling("random"), Sampling("random", rule="sobol"), Sampling("bayesian")])
def test_the_same_seed_gives_the_same_trials_and_another_seed_others(sampling):
    def trials(seed: str):
        simulation = Simulation(sweep(SPACE, total=14, sampling_algorithm=sampling), bowl, workers=1, seed=seed)
        assert simulation.run().end is Reason.TRIALS_ENDED
        return simulation.drawn

    assert trials("1") == trials("1")
    assert trials("1") != trials("2")


def test_a_seed_of_the_spec_counts_and_not_the_name_of_the_sweep():
    spec = sweep(SPACE, sampling_algorithm=Sampling("random", seed=7))
    assert sampler_of(spec, "a").draw(3, []) == sampler_of(spec, "b").draw(3, [])


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bayesian_sampler_made_again_from_the_history_goes_on_as_the_old_one_would(workers):
    spec = sweep(SPACE, total=24, concurrent=workers, sampling_algorithm=Sampling("bayesian", seed=1))
    whole = Simulation(spec, bowl, workers=workers)
    whole.run()
    interrupted = Simulation(spec, bowl, workers=workers, restart_each=2)
    interrupted.run()
    assert interrupted.drawn == whole.drawn


def test_bayesian_draws_from_nested_choices_and_learns_of_failed_trials():
    space = {"model": Choice(({"name": "a", "depth": Randint(3)}, {"name": "b", "width": Choice((8, 16, 16))}))}
    sampler = sampler_of(sweep(space, sampling_algorithm=Sampling("bayesian")), "s")
    history: list[Observed] = []
    for number in range(15):
        draw = sampler.draw(number, history)
        assert draw is not None
        history.append(Observed(draw, None if number % 3 == 0 else float(number), is_over=True))
    again = sampler_of(sweep(space, sampling_algorithm=Sampling("bayesian")), "s")
    assert sampler.draw(15, history) == again.draw(15, history)


def test_grid_ends_when_all_combinations_were_drawn():
    space = {"a": Choice((1, 2)), "b": Choice((3, 4))}
    simulation = Simulation(sweep(space, total=100, sampling_algorithm=Sampling("grid")), lambda n, v: [n])
    assert simulation.run().best == "s_3"
    assert simulation.drawn == [{"a": a, "b": b} for a in (1, 2) for b in (3, 4)]
    assert most(simulation.spec) == 4


def test_sobol_points_are_those_of_the_literature():
    theirs = qmc.Sobol(d=sobol.DIMENSIONS, scramble=False, bits=sobol.BITS).random(256)
    for index in (0, 1, 2, 3, 77, 255):
        ours = [sobol.coordinate(index, dimension, 0) for dimension in range(sobol.DIMENSIONS)]
        assert ours == pytest.approx(theirs[index], abs=1e-9)


def test_shifted_sobol_points_stay_evener_than_random_ones():
    def discrepancy(rule: str) -> float:
        space = {"x": Uniform("uniform", 0, 1), "y": Uniform("uniform", 0, 1)}
        sampler = sampler_of(sweep(space, sampling_algorithm=Sampling("random", seed=3, rule=rule)), "s")
        return qmc.discrepancy([list(sampler.draw(number, []).values()) for number in range(128)])

    assert discrepancy("sobol") < discrepancy("random") / 5
