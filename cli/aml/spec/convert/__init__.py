"""Files of Azure ML v1: run configurations and HyperDrive configurations are checked, and become jobs of v2.

Keys are found whatever their case, with or without `_`, as the v1 tools read them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml.errors import AmlError, Problem, SpecError, UsageError
from aml.spec.document import Document
from aml.spec.kinds import RUNCONFIG, V1, kind_of

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/{}Job.schema.json"


def check(document: Document, kind: str) -> list[Problem]:
    """What is wrong or doubtful in a file of v1, unordered."""
    if kind == RUNCONFIG:
        from aml.spec.convert import runconfig_rules

        return [*document.findings, *runconfig_rules.check(document)]
    from aml.spec.convert import hyperdrive

    return [*document.findings, *hyperdrive.check(document)]


def converted(document: Document, base: Path, run_configuration: Document | None, script: str | None) -> dict[str, Any]:
    """The v2 file that a v1 file means; paths are relative to `base`, where it is to stand.

    A HyperDrive configuration needs the run configuration of its runs. Raises `SpecError` for what can't be taken over.
    """
    kind = kind_of(document)
    if kind not in V1:
        hint = "What can: NAME.runconfig, and HyperDrive configurations such as hdconfig.yml."
        raise UsageError(f"{document.file} is no file of Azure ML v1 that can be converted.", hint)
    found = check(document, kind)
    if any(problem.severity == "error" for problem in found):
        raise SpecError(document.file, found, document.text)
    if kind == RUNCONFIG:
        return _placed(_job(document, script), base)
    if run_configuration is None:
        hint = "Name it: --run-configuration .azureml/NAME.runconfig."
        raise UsageError("A HyperDrive configuration samples the arguments of a run configuration.", hint)
    from aml.spec.convert.hyperdrive import sweep_of

    return _placed(sweep_of(document, _job(run_configuration, script)), base)


def neighbour(file: Path) -> Path | None:
    """The one run configuration beside a HyperDrive configuration; None if there is none.

    Raises `AmlError` where there are several.
    """
    found = sorted(file.absolute().parent.glob("*.runconfig"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise AmlError(f"{file}: there are several run configurations beside it: {names}.", "Use --run-configuration.")
    return found[0] if found else None


def _job(document: Document, script: str | None) -> Mapping[str, Any]:
    from aml.spec.convert.runconfig import Script, job_of
    from aml.spec.convert.runconfig_rules import project_of
    from aml.spec.stored.basics import document_of

    project = project_of(document.folder / Path(document.file).name)
    return document_of(job_of(document, Script(project, script)))


def _placed(job: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """With `$schema` first, and local paths as they are seen from `base`."""
    return {"$schema": _SCHEMA.format(job["type"]), **_relative(job, base)}


def _relative(value: Any, base: Path) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _path(item, base) if key in ("code", "conda_file") and isinstance(item, str) else _relative(item, base)
            for key, item in value.items()
        }
    return value


def _path(path: str, base: Path) -> str:
    relative = os.path.relpath(path, base)
    return relative if relative == "." or relative.startswith("..") else f"./{relative}"
