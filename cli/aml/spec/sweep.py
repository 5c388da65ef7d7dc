"""A sweep as a value. A key of the schema is a field here, with the same name.

Source of keys and defaults: Azure ML's YAML reference for sweep jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aml.spec.model import Input, Output, Resources, Scalar


@dataclass(frozen=True)
class Choice:
    """One of the values; a mapping brings further parameters, each a value or a distribution."""

    values: tuple[Scalar | Mapping[str, Scalar | Distribution], ...]
    type: Literal["choice"] = "choice"


@dataclass(frozen=True)
class Randint:
    """A whole number in [0, upper)."""

    upper: int
    type: Literal["randint"] = "randint"


@dataclass(frozen=True)
class Uniform:
    """U(min_value, max_value); of the logarithm for the log types, rounded to multiples of q for the q types."""

    type: Literal["uniform", "quniform", "loguniform", "qloguniform"]
    min_value: float
    max_value: float
    q: float | None = None


@dataclass(frozen=True)
class Normal:
    """N(mu, sigma); of the logarithm for the log types, rounded to multiples of q for the q types."""

    type: Literal["normal", "qnormal", "lognormal", "qlognormal"]
    mu: float
    sigma: float
    q: float | None = None


Distribution = Choice | Randint | Uniform | Normal


@dataclass(frozen=True)
class Sampling:
    type: Literal["random", "grid", "bayesian"] = "random"
    seed: int | None = None
    rule: Literal["random", "sobol"] = "random"
    logbase: float | Literal["e"] | None = None


@dataclass(frozen=True)
class Objective:
    goal: Literal["minimize", "maximize"]
    primary_metric: str


@dataclass(frozen=True)
class SweepLimits:
    max_total_trials: int
    max_concurrent_trials: int | None = None  # None: all at once
    timeout: int | None = None  # seconds, of the sweep
    trial_timeout: int | None = None  # seconds, of each trial


@dataclass(frozen=True)
class EarlyTermination:
    """A policy. Intervals count the reports of the primary metric that a trial has made."""

    type: Literal["bandit", "median_stopping", "truncation_selection"]
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float | None = None  # bandit has this one, a ratio,
    slack_amount: float | None = None  # or this one, in units of the metric
    truncation_percentage: int | None = None  # 1 to 99


@dataclass(frozen=True)
class Trial:
    """The command that runs for each draw; what it reads and writes is the sweep's."""

    command: str
    environment: str | Mapping[str, Any]  # a reference, or an inline environment (conda_file's path absolute)
    code: str | None = None  # absolute local path, or a reference
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    distribution: Mapping[str, Any] | None = None
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True)
class SweepJob:
    """A `type: sweep` job, complete and valid. `None` is: not given."""

    trial: Trial
    search_space: Mapping[str, Distribution]
    objective: Objective
    limits: SweepLimits
    sampling_algorithm: Sampling = field(default_factory=Sampling)
    early_termination: EarlyTermination | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    services: Mapping[str, Any] = field(default_factory=dict)
    queue_settings: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] | None = None
    compute: str | None = None
    name: str | None = None
    display_name: str | None = None
    experiment_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
