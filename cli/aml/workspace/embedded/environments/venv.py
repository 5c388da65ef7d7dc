"""Virtual environments that uv builds from the Python requirements of a conda file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.environments.builds import Builder, hashed
from aml.workspace.embedded.environments.conda_file import Requirements, local_paths

# Variables by which pip is told of indexes, and uv's for the same.
_OF_PIP = {
    "PIP_INDEX_URL": "UV_INDEX_URL",
    "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
_MATTERS_NOT = ("UV_CACHE_DIR", "UV_CONCURRENT_", "UV_HTTP_TIMEOUT", "UV_LINK_MODE", "UV_NO_PROGRESS")
_MADE = ("__pycache__", "build", "dist", ".git", ".venv")
_MLFLOW = ("mlflow", "mlflow-skinny", "azureml-mlflow")


def uv(path: str) -> str | None:
    """uv on this search path, or beside the Python that runs this."""
    return shutil.which("uv", path=path) or shutil.which("uv", path=str(Path(sys.executable).parent))


def check(requirements: Requirements, path: str) -> None:
    """Raises `BackendError` for what is known not to work before it is tried."""
    if uv(path) is None:
        raise BackendError(
            "an environment of the mode venv is built by uv, which is not on PATH",
            "Install it with `pip install 'aml-local[envs]'`, or run the job with `--environment-mode current`.",
        )
    if requirements.unknown:
        raise BackendError(
            f"it is not known which Python packages these conda packages are: {', '.join(requirements.unknown)}",
            "Name them in the pip section of the conda file, or build it with `--environment-mode conda`.",
        )


def notes(requirements: Requirements) -> Iterator[str]:
    if requirements.left_out:
        yield f"a venv is built without what is no Python package: {', '.join(requirements.left_out)}"
    if not any(line.lower().replace("_", "-").startswith(_MLFLOW) for line in requirements.packages):
        yield "the conda file names no mlflow: a script that logs with it will not find it in the venv"


def key(requirements: Requirements, environment: Mapping[str, str]) -> str:
    """A hash of what goes into the venv: requirements, Python, indexes, and the state of local packages."""
    given = _environment(environment)
    indexes = {name: text for name, text in given.items() if _decides(name)}
    lines = [*requirements.packages, *requirements.options]
    local = [_state(path) for path in local_paths(requirements)]
    return hashed("venv", _python(requirements), lines, indexes, local)


def make(place: Path, requirements: Requirements, builder: Builder, *, links: bool) -> None:
    """Build the venv at `place`; with `links` its files may be links into uv's own cache: no job changes them."""
    environment = _environment(builder.environment)
    program = uv(environment.get("PATH", os.defpath))
    if program is None:
        raise BackendError("uv is not on PATH any more")
    builder = Builder(builder.log, environment, builder.stop, builder.lock)
    wanted = place.with_name("requirements.txt")
    wanted.write_text("".join(f"{line}\n" for line in (*requirements.options, *requirements.packages)))
    builder.run([program, "venv", "--no-project", "--python", _python(requirements), str(place)], what="uv venv failed")
    if requirements.packages:
        # pip, which Azure ML builds with, takes the best version of all indexes. What Python would write at the first
        # import is written here: what a job writes is gone with it.
        options = ["--index-strategy", "unsafe-best-match", "--compile-bytecode"]
        options += [] if links else ["--link-mode", "copy"]
        options += ["--no-index"] if environment.get("PIP_NO_INDEX") else []
        argv = [program, "pip", "install", "--python", str(place / "bin" / "python"), *options, "-r", str(wanted)]
        builder.run(argv, what="the venv could not be built")


def _python(requirements: Requirements) -> str:
    """This one if it will do, else what uv finds or fetches."""
    if requirements.python:
        from packaging.specifiers import SpecifierSet

        if not SpecifierSet(requirements.python).contains(sys.version.split()[0], prereleases=True):
            return requirements.python
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))  # the one that a venv of it is made of


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """What uv sees: the submitter's environment, pip's indexes as its own, and no other Python."""
    unwanted = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME")
    kept = {name: text for name, text in given.items() if name not in unwanted}
    translated = {theirs: kept[name] for name, theirs in _OF_PIP.items() if name in kept}
    return translated | kept | {"UV_NO_PROGRESS": "1"}


def _decides(name: str) -> bool:
    return name.startswith(("UV_", "PIP_NO_INDEX")) and not name.startswith(_MATTERS_NOT)


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of a local package's files: another state is another environment."""
    files = [path] if path.is_file() else _sources(path)
    return [(str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in files]


def _sources(folder: Path) -> list[Path]:
    """What a build of the package does not write itself."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _MADE and not name.endswith(".egg-info"))
        found += [Path(parent, name) for name in sorted(files)]
    return found
