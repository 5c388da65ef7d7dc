"""HyperDrive configurations (`hdconfig.yml`) of v1: what can be wrong in them, and the sweep that they mean.

Source of keys and of the number of values of each expression: v1's page about tuning with the CLI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aml.errors import AmlError, Problem, SpecError
from aml.spec.convert.runconfig import FOLDER
from aml.spec.convert.section import Section, normal
from aml.spec.document import Document
from aml.spec.load import load
from aml.spec.model import CommandJob
from aml.spec.overrides import document_from
from aml.spec.parse import parse
from aml.spec.stored.basics import document_of
from aml.spec.sweep import SweepJob

_VALUES: Mapping[str, tuple[str, ...]] = {
    "randint": ("upper",),
    **dict.fromkeys(("uniform", "loguniform"), ("min_value", "max_value")),
    **dict.fromkeys(("quniform", "qloguniform"), ("min_value", "max_value", "q")),
    **dict.fromkeys(("normal", "lognormal"), ("mu", "sigma")),
    **dict.fromkeys(("qnormal", "qlognormal"), ("mu", "sigma", "q")),
}
"""Expression -> what its values are in v2, in their order; those of choice are what is chosen from."""

_SAMPLING = ("Random", "Grid", "Bayesian")
_GOALS = ("Maximize", "Minimize")
_SAMPLED = {"grid": ("choice",), "bayesian": ("choice", "uniform", "quniform")}
_POLICIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "BanditPolicy": ("bandit", ("slack_factor", "slack_amount")),
    "MedianStoppingPolicy": ("median_stopping", ()),
    "TruncationSelectionPolicy": ("truncation_selection", ("truncation_percentage",)),
    "NoTerminationPolicy": ("", ()),
}
"""Policy -> its type in v2, and the keys that it alone has."""

_INTERVALS = ("evaluation_interval", "delay_evaluation")
_LIMITS = ("max_total_runs", "max_concurrent_runs", "max_duration_minutes")
_TOP = ("sampling", "policy", "primary_metric_name", "primary_metric_goal", *_LIMITS)


def find(name: str, project: Path) -> Path:
    """The HyperDrive configuration of a name in `.azureml` of the project or of a folder above it, or of a path."""
    if Path(name).is_file():
        return Path(name)
    for folder in (project, *project.parents):
        for file in (name, f"{name}.yml", f"{name}.yaml"):
            if (folder / FOLDER / file).is_file():
                return folder / FOLDER / file
    raise AmlError(
        f"there is no HyperDrive configuration named {name} in {project / FOLDER}",
        "It stands beside the run configuration, as hdconfig.yml.",
    )


def read_sweep(path: Path, job: CommandJob) -> SweepJob:
    """The sweep of a HyperDrive configuration over a job. Raises `SpecError` for what can't be taken over."""
    spec = parse(document_from(sweep_of(load(path), document_of(job)), str(path)), "sweep")
    assert isinstance(spec, SweepJob)
    return spec


def check(document: Document) -> Iterator[Problem]:
    if not isinstance(document.data, dict):
        yield document.problem("wrong-type", "A HyperDrive configuration is a mapping of keys and values.", ())
        return
    top = Section(document)
    yield from top.unknown(_TOP)
    for key in ("sampling", "primary_metric_name", "primary_metric_goal", "max_total_runs"):
        yield from top.needed(key)
    yield from top.mapping("sampling")
    yield from top.mapping("policy")
    yield from top.text("primary_metric_name")
    yield from top.choice("primary_metric_goal", _GOALS)
    for key in _LIMITS:
        yield from top.whole(key)
    total, at_once = top.get("max_total_runs"), top.get("max_concurrent_runs")
    if isinstance(total, int) and isinstance(at_once, int) and at_once > total:
        message = f"`max_concurrent_runs` is {at_once}, more than `max_total_runs`, which is {total}."
        yield top.problem("out-of-range", message, "max_concurrent_runs")
    yield from _sampling(top.below("sampling"))
    yield from _policy(top.below("policy"))


def _sampling(sampling: Section) -> Iterator[Problem]:
    if not sampling.keys:
        return
    yield from sampling.unknown(("type", "parameter_space", "properties"))
    yield from sampling.needed("type", f"Allowed: {', '.join(_SAMPLING)}.")
    yield from sampling.choice("type", _SAMPLING)
    yield from sampling.needed("parameter_space", "A list of name, expression and values.")
    yield from sampling.listing("parameter_space")
    takes = _SAMPLED.get(normal(sampling.get("type")), ("choice", *_VALUES))
    for parameter in _parameters(sampling):
        yield from _parameter(parameter, takes)


def _parameters(sampling: Section) -> Iterator[Section]:
    given = sampling.get("parameter_space")
    for index in range(len(given) if isinstance(given, list) else 0):
        yield Section(sampling.document, (*sampling.pointer("parameter_space"), index))


def _parameter(parameter: Section, takes: tuple[str, ...]) -> Iterator[Problem]:
    yield from parameter.unknown(("name", "expression", "values"))
    for key in ("name", "expression", "values"):
        yield from parameter.needed(key)
    yield from parameter.text("name")
    yield from parameter.listing("values")
    yield from parameter.choice("expression", ("choice", *_VALUES))
    expression, values = normal(parameter.get("expression")), parameter.get("values")
    if expression in ("choice", *_VALUES) and expression not in takes:
        message = f"The sampling does not take {expression}."
        yield parameter.problem("sampling", message, "expression", f"It takes {', '.join(takes)}. Random takes all.")
    names = _VALUES.get(expression)
    if names and isinstance(values, list):
        if len(values) != len(names):
            message = f"{expression} has {len(names)} values ({', '.join(names)}), not {len(values)}."
            yield parameter.problem("bad-format", message, "values")
        elif any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
            yield parameter.problem("wrong-type", f"The values of {expression} are numbers.", "values")
        elif names[0] == "min_value" and values[0] >= values[1]:
            message = f"The first value is {values[0]}, not less than the second, which is {values[1]}."
            yield parameter.problem("out-of-range", message, "values")


def _policy(policy: Section) -> Iterator[Problem]:
    if not policy.keys:
        return
    yield from policy.needed("type", f"Allowed: {', '.join(_POLICIES)}.")
    yield from policy.choice("type", [*_POLICIES])
    known = {normal(name): keys for name, (_, keys) in _POLICIES.items()}
    own = known.get(normal(policy.get("type")), ())
    yield from policy.unknown(("type", *_INTERVALS, *own))
    yield from policy.whole("evaluation_interval", 0)
    yield from policy.whole("delay_evaluation", 0)
    slacks = [key for key in ("slack_factor", "slack_amount") if policy.get(key) is not None]
    if own == ("slack_factor", "slack_amount") and len(slacks) != 1:
        message = "A BanditPolicy has one of `slack_factor` and `slack_amount`."
        yield policy.problem("exclusive-keys" if slacks else "missing-key", message, "slack_factor")


def sweep_of(document: Document, job: Mapping[str, Any]) -> dict[str, Any]:
    """The sweep of a HyperDrive configuration whose trials are the runs of a command job, both as plain mappings.

    Raises `SpecError` for what is wrong in the configuration, and for an argument that both give.
    """
    top = Section(document)
    problems = [*check(document), *_given_twice(top, str(job["command"]))]
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(document.file, problems, document.text)
    sampling = top.below("sampling")
    parameters = list(_parameters(sampling))
    arguments = " ".join(f"{_argument(each)} ${{{{search_space.{_name(each)}}}}}" for each in parameters)
    of_trial = ("code", "environment", "environment_variables", "distribution", "resources")
    trial = {"command": f"{job['command']} {arguments}", **{key: job[key] for key in of_trial if key in job}}
    of_job = ("inputs", "outputs", "compute", "experiment_name")
    timeout = top.get("max_duration_minutes")
    limits = {
        "max_total_trials": top.get("max_total_runs"),
        "max_concurrent_trials": top.get("max_concurrent_runs"),
        "timeout": None if timeout is None else timeout * 60,
        "trial_timeout": job.get("limits", {}).get("timeout"),
    }
    policy = _converted_policy(top.below("policy"))
    return {
        "type": "sweep",
        "trial": trial,
        **{key: job[key] for key in of_job if key in job},
        "sampling_algorithm": normal(sampling.get("type")),
        "search_space": {_name(each): _distribution(each) for each in parameters},
        "objective": {
            "goal": normal(top.get("primary_metric_goal")),
            "primary_metric": top.get("primary_metric_name"),
        },
        **({"early_termination": policy} if policy else {}),
        "limits": {key: value for key, value in limits.items() if value is not None},
    }


def _given_twice(top: Section, command: str) -> Iterator[Problem]:
    words = command.split()
    for parameter in _parameters(top.below("sampling")):
        if _argument(parameter) in words:
            message = f"The argument {_argument(parameter)} is in the run configuration too."
            hint = "Remove it from one: what is sampled would be given twice."
            yield parameter.problem("name-collision", message, "name", hint)


def _argument(parameter: Section) -> str:
    name = str(parameter.get("name"))
    return name if name.startswith("-") else f"--{name}"


def _name(parameter: Section) -> str:
    """`--batch-size` is the parameter batch_size."""
    return re.sub(r"\W", "_", str(parameter.get("name")).lstrip("-"))


def _distribution(parameter: Section) -> dict[str, Any]:
    expression, values = normal(parameter.get("expression")), parameter.get("values")
    if expression == "choice":
        return {"type": "choice", "values": values}
    return {"type": expression, **dict(zip(_VALUES[expression], values, strict=True))}


def _converted_policy(policy: Section) -> dict[str, Any]:
    types = {normal(name): (type_, keys) for name, (type_, keys) in _POLICIES.items()}
    type_, keys = types.get(normal(policy.get("type")), ("", ()))
    given = {key: policy.get(key) for key in (*_INTERVALS, *keys) if policy.get(key) is not None}
    return {"type": type_, **given} if type_ else {}
