"""A checked sweep file to a SweepJob."""

from __future__ import annotations

from typing import Any

from aml.spec import reference
from aml.spec.build import parts
from aml.spec.document import Document
from aml.spec.rules.values import number_of
from aml.spec.sweep import (
    Choice,
    Distribution,
    EarlyTermination,
    Normal,
    Objective,
    Randint,
    Sampling,
    SweepJob,
    SweepLimits,
    Trial,
    Uniform,
)

_GOALS = ("minimize", "maximize")
_ALGORITHMS = ("random", "grid", "bayesian")
_RULES = ("random", "sobol")
_POLICIES = ("bandit", "median_stopping", "truncation_selection")
_UNIFORM = ("uniform", "quniform", "loguniform", "qloguniform")
_NORMAL = ("normal", "qnormal", "lognormal", "qlognormal")


def sweep_job(document: Document) -> SweepJob:
    return SweepJob(
        trial=_trial(document),
        search_space=search_space(document.part("search_space")),
        objective=objective(document.part("objective")),
        limits=limits(document.part("limits")),
        sampling_algorithm=sampling(document.part("sampling_algorithm")),
        early_termination=early_termination(document.part("early_termination")),
        queue_settings=parts.lowered(document.mapping("queue_settings")),
        **parts.of_any_job(document),
    )


def _trial(document: Document) -> Trial:
    trial = document.part("trial")
    code = parts.text(trial, "code")
    return Trial(
        command=parts.text(trial, "command") or "",
        environment=parts.environment(trial),
        code=None if code is None else reference.absolute(code, document.folder),
        environment_variables=parts.variables(trial),
        distribution=parts.typed(trial, "distribution"),
        resources=parts.resources(trial if trial.mapping("resources") else document),
    )


def search_space(document: Document) -> dict[str, Distribution]:
    return {name: _distribution(document.part(name)) for name in document.mapping()}


def _distribution(document: Document) -> Distribution:
    kind = parts.choice(document.value("type"), ("choice", "randint", *_UNIFORM, *_NORMAL))
    numbers: dict[str, Any] = {key: _number(document.value(key)) for key in document.mapping() if key != "type"}
    if kind == "choice":
        return Choice(tuple(_option(document.part("values", index)) for index in range(len(document.value("values")))))
    if kind == "randint":
        return Randint(int(numbers["upper"]))
    return Uniform(kind, **numbers) if kind in _UNIFORM else Normal(kind, **numbers)


def _option(document: Document) -> Any:
    """A value of a choice; further parameters are values or distributions themselves."""
    if not isinstance(document.data, dict):
        return document.data
    return {
        name: _distribution(document.part(name)) if isinstance(value, dict) else value
        for name, value in document.data.items()
    }


def objective(document: Document) -> Objective:
    return Objective(parts.choice(document.value("goal"), _GOALS), parts.text(document, "primary_metric") or "")


def limits(document: Document) -> SweepLimits:
    return SweepLimits(
        max_total_trials=parts.whole(document.value("max_total_trials")) or 1,
        max_concurrent_trials=parts.whole(document.value("max_concurrent_trials")),
        timeout=parts.whole(document.value("timeout")),
        trial_timeout=parts.whole(document.value("trial_timeout")),
    )


def sampling(document: Document) -> Sampling:
    if isinstance(document.data, str):
        return Sampling(parts.choice(document.data, _ALGORITHMS))
    if not document.mapping():
        return Sampling()
    logbase = document.value("logbase")
    return Sampling(
        type=parts.choice(document.value("type"), _ALGORITHMS),
        seed=parts.whole(document.value("seed")),
        rule=parts.choice(document.value("rule") or "random", _RULES),
        logbase=logbase if logbase in (None, "e") else number_of(logbase),
    )


def early_termination(document: Document) -> EarlyTermination | None:
    given = document.mapping()
    if not given:
        return None
    numbers: dict[str, Any] = {
        key: number_of(given[key]) if key.startswith("slack") else parts.whole(given[key])
        for key in given
        if key != "type"
    }
    numbers["evaluation_interval"] = numbers.get("evaluation_interval") or 1  # 0 is Azure's way to say: each
    return EarlyTermination(parts.choice(given["type"], _POLICIES), **numbers)


def _number(value: Any) -> int | float | None:
    """Whole numbers stay whole: quniform over 1 to 5 draws 3, not 3.0."""
    return value if isinstance(value, int) else number_of(value)
