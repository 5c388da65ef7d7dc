"""Run configurations of Azure ML v1 (`.azureml/NAME.runconfig`) as command jobs.

What is taken over: script, arguments, target, nodeCount, communicator, maxRunDurationSeconds, environment and data
references. Keys are found whatever their case, as the v1 tools read them. Source of the keys: v1's runconfig schema.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml.errors import AmlError, SpecError
from aml.spec.binding import literal_text
from aml.spec.convert import runconfig_rules
from aml.spec.convert.section import normal
from aml.spec.document import Document
from aml.spec.load import load
from aml.spec.model import CommandJob, DataInput, Limits, Resources

FOLDER = ".azureml"
SUFFIX = ".runconfig"
DEFAULT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"

_DISTRIBUTIONS = {
    "none": None,
    "parameterserver": "tensorflow",
    "openmpi": "mpi",
    "mpi": "mpi",
    "intelmpi": "mpi",
    "gloo": "pytorch",
    "nccl": "pytorch",
}
_MODES = {"mount": "ro_mount", "download": "download"}
_DATA_VARIABLE = "AZUREML_DATAREFERENCE_"


@dataclass(frozen=True)
class Script:
    """What the command line says of a run: the script in the source folder, and its arguments."""

    source: Path  # absolute
    name: str | None = None  # None: as the run configuration says
    arguments: tuple[str, ...] = ()  # None given: those of the run configuration


def find(name: str, project: Path) -> Path:
    """The run configuration of a name in `.azureml` of the project or of a folder above it, or of a path.

    Raises `AmlError` with the names that there are.
    """
    if name.endswith(SUFFIX) and Path(name).is_file():
        return Path(name)
    known: set[str] = set()
    for folder in (project, *project.parents):
        path = folder / FOLDER / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
        if path.is_file():
            return path
        known.update(each.stem for each in (folder / FOLDER).glob(f"*{SUFFIX}"))
    hint = f"There are: {', '.join(sorted(known))}." if known else "`aml folder attach` writes two to start from."
    raise AmlError(f"there is no run configuration named {name} in {project / FOLDER}", hint)


def read_job(path: Path, script: Script) -> CommandJob:
    """The job that a run configuration and a script make. Raises `SpecError` for what can't be taken over."""
    return job_of(load(path), script)


def job_of(document: Document, script: Script) -> CommandJob:
    """The same of a document."""
    problems = list(runconfig_rules.check(document))
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(document.file, problems, document.text)
    config = _lowered(document.data)
    inputs = {key: _data_input(value) for key, value in _mapping(config, "datareferences").items()}
    return CommandJob(
        command=_command(document, config, script),
        code=str(script.source),
        environment=_environment(config, script.source),
        environment_variables=_variables(config)
        | {f"{_DATA_VARIABLE}{key}": f"${{{{inputs.{key}}}}}" for key in inputs},
        inputs=inputs,
        compute=_target(config),
        resources=Resources(instance_count=int(config.get("nodecount") or 1)),
        distribution=_distribution(config),
        limits=Limits(config.get("maxrundurationseconds") or None),
    )


def _command(document: Document, config: Mapping[str, Any], script: Script) -> str:
    name = script.name or config.get("script")
    given = config.get("command")
    if not name and given:  # newer run configurations have a command in place of a script
        return given if isinstance(given, str) else " ".join(_arguments(given))
    if not name:
        message = "The run configuration names no script, and the command line neither."
        raise SpecError(document.file, [document.problem("missing-key", message, ("script",))], document.text)
    if not (script.source / name).is_file():
        raise AmlError(f"{script.source / name} does not exist", "The script is a file of the source directory.")
    return " ".join(["python", shlex.quote(name), *_arguments(script.arguments or config.get("arguments"))])


def _arguments(given: str | Sequence[Any] | None) -> list[str]:
    """Quoted for the shell, but for the places of data, which v1 leaves to it as well."""
    words = shlex.split(given) if isinstance(given, str) else [literal_text(word) for word in given or ()]
    return [f'"{word}"' if word.startswith(f"${_DATA_VARIABLE}") else shlex.quote(word) for word in words]


def _environment(config: Mapping[str, Any], source: Path) -> str | dict[str, Any]:
    environment = _mapping(config, "environment")
    python, docker = _mapping(environment, "python"), _mapping(environment, "docker")
    name = environment.get("name")
    if isinstance(name, str) and name.startswith("AzureML-"):
        return f"azureml:{name}@latest"
    inline: dict[str, Any] = {"image": docker.get("baseimage") or DEFAULT_IMAGE}
    if python.get("usermanageddependencies"):
        return inline
    if conda := python.get("condadependenciesfile"):
        inline["conda_file"] = str(_conda_file(conda, source))
    elif isinstance(python.get("condadependencies"), dict):
        inline["conda_file"] = python["condadependencies"]
    return inline


def _conda_file(name: str, source: Path) -> Path:
    """Relative to the source folder, or to .azureml in it."""
    for path in (source / name, source / FOLDER / name):
        if path.is_file():
            return path
    raise AmlError(f"condaDependenciesFile: {source / name} does not exist")


def _variables(config: Mapping[str, Any]) -> dict[str, str]:
    given = _mapping(config, "environment").get("environmentvariables") or {}
    return {name: literal_text(value) for name, value in given.items()}


def _target(config: Mapping[str, Any]) -> str | None:
    target = config.get("target")
    return None if not target or str(target).lower() == "local" else str(target)


def _distribution(config: Mapping[str, Any]) -> dict[str, Any] | None:
    communicator = str(config.get("communicator") or "none").lower()
    kind = _DISTRIBUTIONS[communicator]
    if kind is None:
        return None
    if kind == "tensorflow":
        section = _mapping(config, "tensorflow")
        counts = {
            "worker_count": section.get("workercount"),
            "parameter_server_count": section.get("parameterservercount"),
        }
    else:
        counts = {"process_count_per_instance": _mapping(config, "mpi").get("processcountpernode")}
    return {"type": kind} | {name: int(count) for name, count in counts.items() if count}


def _data_input(value: Any) -> DataInput:
    reference = _lowered(value)
    path = str(reference.get("pathondatastore") or "").strip("/")
    store = reference.get("datastorename") or "workspaceblobstore"
    return DataInput(
        f"azureml://datastores/{store}/paths/{path}",
        mode="download" if _MODES.get(str(reference.get("mode")).lower()) == "download" else "ro_mount",
    )


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return _lowered(value) if isinstance(value, dict) and key != "datareferences" else value or {}


def _lowered(data: Mapping[Any, Any]) -> dict[str, Any]:
    return {normal(key): value for key, value in data.items()}
