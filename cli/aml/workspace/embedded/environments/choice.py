"""What a job will run in: its environment, and the mode that flag, spec or workspace ask for; what to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from aml.errors import Misfit
from aml.spec.model import CommandJob
from aml.workspace.embedded.catalog.assets import AssetTable, NewAsset
from aml.workspace.embedded.environments.resolve import Resolved, resolve
from aml.workspace.embedded.names import user_name
from aml.workspace.records import ENVIRONMENT_MODE, EnvironmentMode, Settings

_ANONYMOUS = "CliV2AnonymousEnvironment"
_HERE = "the Python that aml is installed in"


@dataclass(frozen=True)
class Choice:
    mode: EnvironmentMode
    resolved: Resolved
    is_asked: bool = False  # the spec names a mode, though not always one that its environment can have

    @property
    def is_container(self) -> bool:
        return self.mode in (EnvironmentMode.DOCKER, EnvironmentMode.PODMAN)

    @property
    def properties(self) -> dict[str, str]:
        """What the job's record keeps of it."""
        return {ENVIRONMENT_MODE: self.mode} if self.is_asked or self.mode is not EnvironmentMode.CURRENT else {}

    def notes(self) -> Iterator[str]:
        """What is otherwise than on Azure."""
        if self.mode is EnvironmentMode.CURRENT:
            yield from _notes_of_current(self.resolved)
        elif self.mode is EnvironmentMode.VENV:
            from aml.workspace.embedded.environments import venv

            yield from venv.notes(self.resolved.requirements)
        elif self.is_container and self.resolved.curated:
            yield f"{self.resolved.title} is not of this workspace: the job runs in the image {self.resolved.image}"

    def check(self, path: str) -> None:
        """Refuse what is known not to be built; `path` is where programs are looked for."""
        match self.mode:
            case EnvironmentMode.VENV:
                from aml.workspace.embedded.environments import venv

                _check_conda_file(self)
                venv.check(self.resolved.requirements, path)
            case EnvironmentMode.CONDA:
                from aml.workspace.embedded.environments import conda

                _check_conda_file(self)
                conda.check(path)
            case EnvironmentMode.DOCKER | EnvironmentMode.PODMAN:
                from aml.workspace.embedded.environments import containers

                containers.check(self.resolved, self.mode, path)
            case EnvironmentMode.CURRENT:
                pass
            case never:
                assert_never(never)

    def unmet(self) -> tuple[str, ...]:
        """What the environment asks for and the job will not find."""
        from aml.workspace.embedded.environments import unmet

        return unmet.unmet(self.resolved.requirements) if self.mode is EnvironmentMode.CURRENT else ()


def choose(spec: CommandJob, assets: AssetTable, settings: Settings) -> Choice:
    """Raises `NotFound` for an environment that is not there, `Misfit` for a mode that is none."""
    asked = spec.properties.get(ENVIRONMENT_MODE)
    try:
        mode = settings.environment_mode if asked is None else EnvironmentMode(asked)
    except ValueError:
        hint = f"Allowed: {', '.join(EnvironmentMode)}."
        raise Misfit(f"{asked} is no environment mode", hint, ("properties", ENVIRONMENT_MODE)) from None
    resolved = resolve(spec.environment, assets)
    return Choice(EnvironmentMode.CURRENT if resolved.is_local else mode, resolved, is_asked=asked is not None)


def keep_build(choice: Choice, folder: Path, version: str, assets: AssetTable) -> Choice:
    """Register the folder of a Dockerfile under the name that Azure ML gives to what has none; not listed."""
    new = NewAsset(
        kind="environment",
        name=_ANONYMOUS,
        document={"os_type": "linux", "build": {"dockerfile_path": choice.resolved.dockerfile}},
        created_by=user_name(),
        version=version,
        files=folder,
        repeatable=True,
    )
    made = assets.create(new)
    assets.update(made.kind, made.name, made.version, lambda each: replace(each, archived=True))
    return replace(choice, resolved=resolve(f"azureml:{made.name}:{made.version}", assets))


def _notes_of_current(resolved: Resolved) -> Iterator[str]:
    if resolved.is_local:
        return
    if resolved.curated:
        yield f"{resolved.title} is not of this workspace: the job runs in {_HERE}"
    elif resolved.build is not None:
        yield f"the build of {resolved.title} is not used: the job runs in {_HERE}"
    elif resolved.conda is None:
        yield f"{resolved.title} is not used: the job runs in {_HERE}"
    else:
        yield f"the job runs in {_HERE}, not in {resolved.title}"


def _check_conda_file(choice: Choice) -> None:
    resolved = choice.resolved
    if resolved.conda is not None:
        return
    why = "what is in it is not known here" if resolved.curated else "it has no conda_file that says what is in it"
    raise Misfit(
        f"the mode {choice.mode} can't build {resolved.title}: {why}",
        "Give an environment with a conda_file, or run the job with `--environment-mode current`.",
        ("environment",),
    )
