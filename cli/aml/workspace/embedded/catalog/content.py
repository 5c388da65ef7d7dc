"""What the workspace stores of a spec of an asset: its document, and the files to copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never

from aml.errors import AmlError
from aml.spec import reference
from aml.spec.model import Component, Data, Environment
from aml.spec.pipeline import ParallelComponent, PipelineComponent
from aml.spec.stored.components import AnyComponent
from aml.workspace.embedded.catalog.assets import NewAsset
from aml.workspace.embedded.catalog.component_content import new_component
from aml.workspace.embedded.catalog.references import job_of
from aml.workspace.embedded.environments import conda_file


def new_asset(spec: Data | Environment | AnyComponent, created_by: str) -> NewAsset:
    """What is stored of a spec. Raises `AmlError` for what can't be registered."""
    match spec:
        case Data():
            return _new_data(spec, created_by)
        case Environment():
            return _new_environment(spec, created_by)
        case Component() | ParallelComponent() | PipelineComponent():
            return new_component(spec, created_by)
        case _:
            assert_never(spec)


def _new_data(spec: Data, created_by: str) -> NewAsset:
    """Local data is copied; a URI is kept as it is written."""
    if spec.name is None:
        raise AmlError("data needs a name to be registered", "Give --name, or the key name in the file.")
    if reference.scheme(spec.path) == "azureml" and not spec.path.startswith("azureml://"):
        raise AmlError(f"{spec.path} is an asset already", "Give the path of the data: a local one or a URI.")
    is_local = reference.is_local(spec.path)
    if is_local and Path(spec.path).is_dir() and not any(Path(spec.path).iterdir()):
        raise AmlError(f"{spec.path} is an empty folder", "Data needs at least one file.")
    return NewAsset(
        kind="data",
        name=spec.name,
        document={"type": spec.type} | ({} if is_local else {"path": spec.path}),
        created_by=created_by,
        version=spec.version,
        files=Path(spec.path) if is_local else None,
        job_name=job_of(spec.path),
        description=spec.description,
        tags=spec.tags,
    )


def _new_environment(spec: Environment, created_by: str) -> NewAsset:
    """The conda file is kept by its content; a local build folder is copied."""
    document: dict[str, Any] = {"os_type": spec.os_type}
    files = None
    if spec.image is not None:
        document["image"] = spec.image
    if spec.conda_file is not None:
        document["conda_file"] = conda_file.content(spec.conda_file)
    if spec.build is not None:
        document["build"] = {"dockerfile_path": "Dockerfile"} | dict(spec.build)
        if reference.is_local(spec.build["path"]):
            files = Path(document["build"].pop("path"))
            _check_dockerfile(files, document["build"]["dockerfile_path"])
    if spec.inference_config is not None:
        document["inference_config"] = spec.inference_config
    return NewAsset(
        kind="environment",
        name=spec.name,
        document=document,
        created_by=created_by,
        version=spec.version,
        files=files,
        description=spec.description,
        tags=spec.tags,
        repeatable=True,
    )


def _check_dockerfile(folder: Path, name: str) -> None:
    if not (folder / name.lstrip("/")).is_file():
        raise AmlError(f"there is no {name} in {folder}", "Name the Dockerfile with dockerfile_path.")
