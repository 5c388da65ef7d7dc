"""What a job will run in: its environment, and the mode that flag, spec or workspace ask for; what to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aml.errors import Misfit
from aml.spec.model import CommandJob
from aml.workspace.embedded.assets import AssetTable
from aml.workspace.embedded.environments.resolve import Resolved, resolve
from aml.workspace.records import ENVIRONMENT_MODE, EnvironmentMode, Settings

_HERE = "the Python that aml is installed in"


@dataclass(frozen=True)
class Choice:
    mode: EnvironmentMode
    resolved: Resolved
    is_asked: bool = False  # the spec names a mode, though not always one that its environment can have

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

    def check(self, path: str) -> None:
        """Refuse what is known not to be built; `path` is where programs are looked for."""
        if self.mode is EnvironmentMode.VENV:
            from aml.workspace.embedded.environments import venv

            _check_conda_file(self)
            venv.check(self.resolved.requirements, path)

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
        f"{resolved.title} can't be built in the mode {choice.mode}: {why}",
        "Give an environment with a conda_file, or run the job with `--environment-mode current`.",
        ("environment",),
    )
