"""What the processes of a job are started with, made ready while the job is Preparing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aml.spec.model import CommandJob
from aml.workspace.embedded.assets import AssetTable
from aml.workspace.embedded.environments.builds import Builder, Cache, Stop
from aml.workspace.embedded.environments.choice import Choice, choose
from aml.workspace.records import ENVIRONMENT_MODE, EnvironmentMode, Job, Settings

VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX")
"""By which a process tells the built environment that it runs in."""

PYTHON = "AML_PYTHON"
"""In the submitter's environment: the Python that its aml is installed in."""


@dataclass(frozen=True)
class Prepared:
    first_on_path: Path  # the folder of the environment's programs
    variables: Mapping[str, str]  # that go with it
    read_only: tuple[tuple[str, str], ...] = ()  # (source, place) that the job must not change


@dataclass(frozen=True)
class BuildSite:
    """What a build needs to know of where it takes place."""

    cache: Cache
    submitted: Mapping[str, str]  # the submitter's environment
    log: Path
    links: bool  # jobs can't write what they see read-only, so that it may be links


@dataclass(frozen=True)
class Place:
    """Where an environment is or will be."""

    python: str | None
    is_built: bool


def place(choice: Choice, cache: Cache, submitted: Mapping[str, str]) -> Place:
    """Looked up; nothing is made."""
    if choice.mode is EnvironmentMode.CURRENT:
        return Place(str(current(submitted).first_on_path / "python"), is_built=True)
    from aml.workspace.embedded.environments import venv

    key = venv.key(choice.resolved.requirements, submitted)
    return Place(str(cache.place(key) / "bin" / "python"), cache.is_ready(key))


def takes_a_build(job: Job) -> bool:
    return _mode(job) is not EnvironmentMode.CURRENT


def current(submitted: Mapping[str, str]) -> Prepared:
    """The Python that the submitter's aml is installed in."""
    return Prepared(Path(submitted.get(PYTHON) or sys.executable).parent, {})


def built(job: Job, spec: CommandJob, assets: AssetTable, site: BuildSite, stop: Stop) -> Prepared:
    """The environment of a job, built if it is not there. Raises `AmlError` with the reason, or `Stopped`."""
    return _venv(choose(spec, assets, Settings(environment_mode=_mode(job))), site, stop)


def _mode(job: Job) -> EnvironmentMode:
    return EnvironmentMode(job.properties.get(ENVIRONMENT_MODE) or EnvironmentMode.CURRENT)


def _venv(choice: Choice, site: BuildSite, stop: Stop) -> Prepared:
    from aml.workspace.embedded.environments import venv

    wanted = choice.resolved.requirements
    venv.check(wanted, site.submitted.get("PATH", os.defpath))
    key = venv.key(wanted, site.submitted)
    make = partial(venv.make, requirements=wanted, links=site.links)
    place = site.cache.build(key, lambda folder, builder: make(folder, builder=builder), _builder(site, stop))
    return Prepared(place / "bin", {"VIRTUAL_ENV": str(place)}, ((str(place), str(place)),))


def _builder(site: BuildSite, stop: Stop) -> partial[Builder]:
    site.log.parent.mkdir(parents=True, exist_ok=True)
    return partial(Builder, site.log, site.submitted, stop)
