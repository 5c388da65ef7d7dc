"""Which requirements the Python of this process does not meet: its distributions by the names of their folders.

That is what importlib.metadata looks at too, without the time that importing it takes.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aml.workspace.embedded.environments.conda_file import Requirements
from aml.workspace.embedded.environments.conda_names import normalized

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_FOLDER = re.compile(r"(?P<name>[^-]+)(?:-(?P<version>[^-]+).*)?\.(?:dist|egg)-info")
_WHEEL = re.compile(r"([\w.]+)-([\w.+!]+)-.*\.whl")
_TOOLS = frozenset({"pip", "setuptools", "wheel"})  # they make environments; jobs do without them
_MLFLOW = ("mlflow", "mlflow-skinny")
_DEEPEST = 4


def unmet(wanted: Requirements, paths: Sequence[str] = sys.path) -> tuple[str, ...]:
    """Each requirement that is not met, with what is there instead; `paths` are folders of distributions."""
    found = [*_python(wanted.python), *_Check(installed(paths)).unmet(wanted.packages)]
    return (*found, *(f"{name} (a conda package that is not known as a Python one)" for name in wanted.unknown))


def installed(paths: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """Distributions by name: version and folder. The first path that has one counts, as it does for an import."""
    found: dict[str, tuple[str, Path]] = {}
    for path in dict.fromkeys(paths):
        try:
            names = os.listdir(path or ".")  # noqa: PTH208, no Path for each of a thousand names
        except OSError:
            continue
        for name in names:
            if name.endswith("-info") and (match := _FOLDER.fullmatch(name)):
                found.setdefault(normalized(match["name"]), (match["version"] or "0", Path(path, name)))
    return found


def _python(specifier: str) -> Iterator[str]:
    if specifier:
        from packaging.specifiers import SpecifierSet

        version = sys.version.split()[0]
        if not SpecifierSet(specifier).contains(version, prereleases=True):
            yield f"python{_plain(specifier)} (this is {version})"


class _Check:
    def __init__(self, there: Mapping[str, tuple[str, Path]]) -> None:
        self._there = there

    def unmet(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            requirement = _parsed(line)
            if requirement is not None and normalized(requirement.name) not in _TOOLS:
                yield from self._unmet(requirement, "", _DEEPEST)

    def _unmet(self, requirement: Requirement, extra: str, depth: int) -> Iterator[str]:
        name = normalized(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            return
        if name == "azureml-mlflow" and any(each in self._there for each in _MLFLOW):
            return  # it brings MLflow's client to Azure ML's server; here any client will do
        if name not in self._there:
            yield f"{requirement.name}{_plain(str(requirement.specifier))}"
            return
        version, folder = self._there[name]
        if not requirement.specifier.contains(version.replace("_", "+"), prereleases=True):
            yield f"{requirement.name}{_plain(str(requirement.specifier))} (there is {version})"
        if depth:
            for wanted in sorted(requirement.extras):
                for each in _of_extra(folder, wanted):
                    yield from self._unmet(each, wanted, depth - 1)


def _parsed(line: str) -> Requirement | None:
    """None for what does not tell its name: a folder, a repository."""
    from packaging.requirements import InvalidRequirement, Requirement

    text = line.removeprefix("-e ").removeprefix("--editable ").split(" --")[0].strip()
    if match := _WHEEL.fullmatch(text.rpartition("/")[2]):
        text = f"{match[1]}=={match[2]}" if " @ " not in text else text
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _of_extra(folder: Path, extra: str) -> Iterator[Requirement]:
    """What a distribution wants for one of its extras."""
    metadata = folder / "METADATA"
    if not metadata.is_file():
        return
    header = metadata.read_text("utf-8", errors="replace").partition("\n\n")[0]
    for text in re.findall(r"^Requires-Dist: (.+)$", header, flags=re.MULTILINE):
        if re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", text) and (found := _parsed(text)):
            yield found


def _plain(specifier: str) -> str:
    """==2.8.* as people write it: 2.8."""
    match = re.fullmatch(r"==([\d.]+?)(?:\.\*)?", specifier)
    return f" {match[1]}" if match else specifier
