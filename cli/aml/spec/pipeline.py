"""Pipelines as values. A key of the schema is a field here, with the same name.

What steps are given stays as it is written, bindings too: `${{parent.inputs.lr}}` has its value when the step starts.
Source of keys and defaults: Azure ML's YAML reference for pipeline jobs and parallel steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aml.spec.binding import references
from aml.spec.model import Component, ComponentInput, ComponentOutput, Input, Output

StepType = Literal[
    "command", "sweep", "parallel", "pipeline", "spark", "automl", "import", "data_transfer", "do_while", "if_else",
    "parallel_for",
]  # fmt: skip


@dataclass(frozen=True)
class ParallelRun:
    """A script that runs on mini-batches. Numbers may be bindings."""

    task: Mapping[str, Any]  # code and the paths of its environment are absolute
    input_data: str | None = None
    mini_batch_size: str = "1"
    partition_keys: tuple[str, ...] = ()
    mini_batch_error_threshold: int | str = -1  # any number may fail
    error_threshold: int | str = -1
    max_concurrency_per_instance: int | str | None = None  # None: 1 on a GPU, else one for each core
    retry_settings: Mapping[str, int | str] = field(default_factory=dict)
    logging_level: Literal["INFO", "WARNING", "DEBUG"] = "INFO"


@dataclass(frozen=True)
class ParallelComponent:
    name: str
    run: ParallelRun
    type: Literal["parallel"] = "parallel"
    version: str | None = None  # None: the next integer
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_deterministic: bool = True
    inputs: Mapping[str, ComponentInput] = field(default_factory=dict)
    outputs: Mapping[str, ComponentOutput] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    environment_variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PipelineComponent:
    name: str
    jobs: Mapping[str, Step]
    type: Literal["pipeline"] = "pipeline"
    version: str | None = None  # None: the next integer
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_deterministic: bool = True
    inputs: Mapping[str, ComponentInput] = field(default_factory=dict)
    outputs: Mapping[str, ComponentOutput] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What a step runs, and what it is given.

    A step that is written out has a component of its own, with the name of the step. Outputs that are bound have the
    binding as their path.
    """

    type: StepType
    component: Component | ParallelComponent | PipelineComponent | str | None = None  # a str is a reference
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # the steps that have to be done before this one
    keys: Mapping[str, Any] = field(default_factory=dict)  # the others, as in the YAML: compute, limits, search_space


@dataclass(frozen=True)
class PipelineSettings:
    default_compute: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool = True
    continue_run_on_failed_optional_input: bool = True
    force_rerun: bool = False
    on_init: str | None = None
    on_finalize: str | None = None


@dataclass(frozen=True)
class PipelineJob:
    """A `type: pipeline` job, complete and valid. `None` is: not given."""

    jobs: Mapping[str, Step] = field(default_factory=dict)
    component: PipelineComponent | str | None = None  # in place of jobs
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    settings: PipelineSettings = field(default_factory=PipelineSettings)
    services: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] | None = None
    compute: str | None = None
    name: str | None = None
    display_name: str | None = None
    experiment_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)


def needs_of(step: Any) -> tuple[str, ...]:
    """The steps whose outputs a step reads, in the order of its keys: `${{parent.jobs.NAME.outputs...}}`."""
    return tuple(dict.fromkeys(_producers(step)))


def _producers(value: Any) -> Iterator[str]:
    match value:
        case str() if "$" in value:
            for found in references(value):
                keys = found.key.removeprefix("parent.").split(".")
                if keys[0] == "jobs" and keys[2:3] == ["outputs"]:
                    yield keys[1]
        case Mapping():
            for key, item in value.items():
                if key not in ("component", "trial"):
                    yield from _producers(item)
        case list() | tuple():
            for item in value:
                yield from _producers(item)
