"""`aml` as a library: validate specs, submit them and follow their jobs.

    workspace = aml.open_workspace()
    job = workspace.submit(aml.load_job("job.yml", "inputs.lr=0.1"))
    job = workspace.wait(job.name)

Names are loaded when they are used: `import aml` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aml.errors import AmlError, SpecError
    from aml.spec.files import load_job, load_model, validate
    from aml.workspace import Workspace, open_workspace
    from aml.workspace.records import Job, ModelVersion, Status

__all__ = [
    "AmlError",
    "Job",
    "ModelVersion",
    "SpecError",
    "Status",
    "Workspace",
    "load_job",
    "load_model",
    "open_workspace",
    "validate",
]

_HOMES = {
    "AmlError": "aml.errors",
    "Job": "aml.workspace.records",
    "ModelVersion": "aml.workspace.records",
    "SpecError": "aml.errors",
    "Status": "aml.workspace.records",
    "Workspace": "aml.workspace",
    "load_job": "aml.spec.files",
    "load_model": "aml.spec.files",
    "open_workspace": "aml.workspace",
    "validate": "aml.spec.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aml' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
