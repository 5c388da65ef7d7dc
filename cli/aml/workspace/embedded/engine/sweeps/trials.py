"""A trial as a job: what it runs, what it is told, and how it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from aml.errors import Misfit
from aml.spec.binding import bind
from aml.spec.model import CommandJob, Limits, Output
from aml.spec.sweep import Sampling, SweepJob
from aml.workspace.embedded.engine.sweeps.samplers import Random
from aml.workspace.embedded.engine.sweeps.space import Draw, Parameters, nested, parameters, size, text

VARIABLE = "AZUREML_SWEEP_"


def trial_name(sweep: str, number: int) -> str:
    return f"{sweep}_{number}"


def trial_job(spec: SweepJob, draw: Draw) -> CommandJob:
    """The job of a draw; names are its caller's.

    Outputs are not registered by the trials: the sweep registers those of the best one.
    """
    values = parameters(spec.search_space, draw)
    texts = {f"search_space.{name}": text(value) for name, value in values.items()}
    given = {name: bind(value, texts) for name, value in spec.trial.environment_variables.items()}
    return CommandJob(
        command=bind(spec.trial.command, texts),
        environment=spec.trial.environment,
        code=spec.trial.code,
        inputs=spec.inputs,
        outputs={name: _unregistered(output) for name, output in spec.outputs.items()},
        environment_variables=_variables(values) | given,
        resources=spec.trial.resources,
        limits=Limits(spec.limits.trial_timeout),
        distribution=spec.trial.distribution,
        services=spec.services,
        queue_settings=spec.queue_settings,
        identity=spec.identity,
        compute=spec.compute,
        tags=spec.tags,
        properties=spec.properties,
    )


def any_trial(spec: CommandJob | SweepJob) -> CommandJob:
    """A trial that stands for all where a sweep is checked; of a command job itself."""
    if isinstance(spec, CommandJob):
        return spec
    return trial_job(spec, Random(spec.search_space, Sampling(seed=0), "").draw(0, []))


def check_sampler(spec: SweepJob) -> None:
    """Refuse what the sampling algorithm can't do on this machine."""
    if spec.sampling_algorithm.type == "bayesian" and find_spec("optuna") is None:
        raise Misfit(
            "bayesian sampling needs Optuna, which is not installed",
            "Install it with `pip install 'aml-local[sweep]'`, or use random sampling.",
            ("sampling_algorithm",),
        )


def sweep_notes(spec: SweepJob) -> Iterator[str]:
    """What may surprise of the trials, said at the submit."""
    combinations, total = size(spec.search_space), spec.limits.max_total_trials
    if combinations is None or combinations >= total:
        return
    if combinations == 1 and total > 1:
        yield "the search space has one combination: all trials are the same"
    elif spec.sampling_algorithm.type == "grid":
        yield f"the search space has {combinations} combinations: there will be so many trials, not {total}"
    else:
        yield (
            f"the search space has {combinations} combinations for {total} trials: some will be the same; "
            "grid sampling takes each once"
        )


def _variables(values: Parameters) -> dict[str, str]:
    """AZUREML_SWEEP_NAME for each parameter, and for those that a choice brought."""
    told: Mapping[str, Any] = {**dict(nested(values)), **values}
    return {
        f"{VARIABLE}{name}": bind("${{search_space.value}}", {"search_space.value": text(value)})
        for name, value in told.items()
    }


def _unregistered(output: Output) -> Output:
    return replace(output, name=None, version=None)
