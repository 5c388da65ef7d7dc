"""What the processes of a job are started with, made ready while the job is Preparing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import assert_never

from aml.spec.model import CommandJob, Resources
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.engine.executors import Container
from aml.workspace.embedded.engine.executors.containers import arguments_of
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
    without: tuple[str, ...] = ()  # variables of the submitter's that would lead out of it
    layered: tuple[str, ...] = ()  # folders of which the job alone sees what it changes
    container: Container | None = None


@dataclass(frozen=True)
class BuildSite:
    """What a build needs to know of where it takes place."""

    cache: Cache
    submitted: Mapping[str, str]  # the submitter's environment
    log: Path
    links: bool  # what a job changes stays its own, so that files may be links


@dataclass(frozen=True)
class Place:
    """Where an environment is or will be."""

    python: str | None
    is_built: bool


def place(choice: Choice, cache: Cache, submitted: Mapping[str, str]) -> Place:
    """Looked up; nothing is made."""
    from aml.workspace.embedded.environments import conda, containers, venv

    match choice.mode:
        case EnvironmentMode.CURRENT:
            return Place(str(current(submitted).first_on_path / "python"), is_built=True)
        case EnvironmentMode.DOCKER | EnvironmentMode.PODMAN:
            return Place(None, containers.is_ready(choice.resolved, choice.mode, submitted))
        case EnvironmentMode.VENV:
            key = venv.key(choice.resolved.requirements, submitted)
        case EnvironmentMode.CONDA:
            key = conda.key(choice.resolved.conda or {})
    return Place(str(cache.place(key) / "bin" / "python"), cache.is_ready(key))


def container(choice: Choice, resources: Resources, client: Mapping[str, str]) -> Container | None:
    """What the job's container is made of, if its mode has one; `client` is the submitter's environment."""
    from aml.workspace.embedded.environments import containers

    if not choice.is_container:
        return None
    tool = choice.mode.value
    return Container(
        tool=shutil.which(tool, path=client.get("PATH", os.defpath)) or tool,
        image=containers.image_of(choice.resolved, tool),
        client=client,
        user=None if os.getuid() == 0 or _is_rootless(client) else f"{os.getuid()}:{os.getgid()}",
        shm_size=resources.shm_size,
        arguments=arguments_of(resources.docker_args),
        has_gpus=Path("/dev/nvidiactl").exists(),
    )


def _is_rootless(client: Mapping[str, str]) -> bool:
    """A docker of the user's own: root in its containers is the user."""
    return client.get("DOCKER_HOST", "").startswith("unix:///run/user/")


def takes_a_build(job: Job) -> bool:
    return _mode(job) is not EnvironmentMode.CURRENT


def current(submitted: Mapping[str, str]) -> Prepared:
    """The Python that the submitter's aml is installed in."""
    return Prepared(Path(submitted.get(PYTHON) or sys.executable).parent, {})


def built(job: Job, spec: CommandJob, assets: AssetTable, site: BuildSite, stop: Stop) -> Prepared:
    """The environment of a job, built if it is not there. Raises `AmlError` with the reason, or `Stopped`."""
    choice = choose(spec, assets, Settings(environment_mode=_mode(job)))
    match choice.mode:
        case EnvironmentMode.VENV:
            return _venv(choice, site, stop)
        case EnvironmentMode.CONDA:
            return _conda(choice, site, stop)
        case EnvironmentMode.DOCKER | EnvironmentMode.PODMAN:
            return _container(choice, spec.resources, site, stop)
        case EnvironmentMode.CURRENT:
            return current(site.submitted)
        case never:
            assert_never(never)


def _mode(job: Job) -> EnvironmentMode:
    return EnvironmentMode(job.properties.get(ENVIRONMENT_MODE) or EnvironmentMode.CURRENT)


def _venv(choice: Choice, site: BuildSite, stop: Stop) -> Prepared:
    from aml.workspace.embedded.environments import venv

    wanted = choice.resolved.requirements
    venv.check(wanted, _path(site))
    make = partial(venv.make, requirements=wanted, links=site.links)
    place = _build(site, stop, venv.key(wanted, site.submitted), lambda folder, builder: make(folder, builder=builder))
    return _inside(place, {"VIRTUAL_ENV": str(place)})


def _conda(choice: Choice, site: BuildSite, stop: Stop) -> Prepared:
    from aml.workspace.embedded.environments import conda

    content = choice.resolved.conda or {}
    conda.check(_path(site))
    place = _build(site, stop, conda.key(content), lambda folder, builder: conda.make(folder, content, builder))
    variables = {"CONDA_PREFIX": str(place), "CONDA_DEFAULT_ENV": str(place)}
    return _inside(place, variables)


def _inside(place: Path, variables: Mapping[str, str]) -> Prepared:
    return Prepared(place / "bin", variables, ("PYTHONPATH", "PYTHONHOME"), layered=(str(place),))


def _container(choice: Choice, resources: Resources, site: BuildSite, stop: Stop) -> Prepared:
    from aml.workspace.embedded.environments import containers

    tool, resolved = choice.mode.value, choice.resolved
    containers.check(resolved, tool, _path(site))
    key = containers.key(resolved, tool)
    containers.forget_if_gone(site.cache, resolved, tool, site.submitted)
    _build(site, stop, key, lambda folder, builder: containers.make(folder, resolved, tool, builder))
    return Prepared(Path(sys.executable).parent, {}, container=container(choice, resources, site.submitted))


def _build(site: BuildSite, stop: Stop, key: str, make: Callable[[Path, Builder], None]) -> Path:
    site.log.parent.mkdir(parents=True, exist_ok=True)
    return site.cache.build(key, make, partial(Builder, site.log, site.submitted, stop))


def _path(site: BuildSite) -> str:
    return site.submitted.get("PATH", os.defpath)
