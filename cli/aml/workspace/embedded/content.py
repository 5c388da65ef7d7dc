"""What the workspace stores of a spec of an asset: its document, and the files to copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, assert_never

from aml.errors import AmlError, NotFound
from aml.spec import reference
from aml.spec.model import Component, Data, Environment
from aml.spec.stored import component_document
from aml.workspace.embedded import snapshot
from aml.workspace.embedded.assets import NewAsset
from aml.workspace.embedded.environments import conda_file
from aml.workspace.embedded.references import job_of

_ELSEWHERE = ("name", "version", "description", "tags", "properties")  # of a component: columns of every asset


def new_asset(spec: Data | Environment | Component, created_by: str) -> NewAsset:
    """What is stored of a spec. Raises `AmlError` for what can't be registered."""
    match spec:
        case Data():
            return _new_data(spec, created_by)
        case Environment():
            return _new_environment(spec, created_by)
        case Component():
            return _new_component(spec, created_by)
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


def _new_component(spec: Component, created_by: str) -> NewAsset:
    """The code is copied without what its ignore file names, and so is what it includes beside it."""
    document = {key: value for key, value in component_document(spec).items() if key not in _ELSEWHERE}
    is_local = spec.code is not None and reference.is_local(spec.code)
    if is_local or spec.additional_includes:
        document.pop("additional_includes", None)
    if is_local:
        document.pop("code")
    environment = spec.environment
    if isinstance(environment, Mapping) and isinstance(environment.get("conda_file"), str):
        document["environment"] = {**environment, "conda_file": conda_file.content(environment["conda_file"])}
    return NewAsset(
        kind="component",
        name=spec.name,
        document=document,
        created_by=created_by,
        version=spec.version,
        tree=_code(spec) if is_local or spec.additional_includes else None,
        description=spec.description,
        tags=spec.tags,
        properties=spec.properties,
        repeatable=True,
    )


def _code(spec: Component) -> tuple[tuple[str, Path], ...]:
    """(path in the code, file): those of the folder, and what is included, by its own name."""
    found = dict(_files(spec.code)) if spec.code is not None else {}
    for place in spec.additional_includes:
        prefix = "" if Path(place).is_file() else f"{Path(place).name}/"
        included = {f"{prefix}{name}": path for name, path in _files(place)}
        if both := found.keys() & included.keys():
            raise AmlError(f"{place} is included and has {min(both)}, which the code has too", "Rename one of them.")
        found |= included
    return tuple(found.items())


def _files(place: str) -> Iterator[tuple[str, Path]]:
    if not Path(place).exists():
        raise NotFound(f"{place} does not exist", "Code is a folder or a file.")
    return snapshot.files(Path(place))


def _check_dockerfile(folder: Path, name: str) -> None:
    if not (folder / name.lstrip("/")).is_file():
        raise AmlError(f"there is no {name} in {folder}", "Name the Dockerfile with dockerfile_path.")
