"""Folders that belong to a workspace, as Azure ML v1 marks them: `.azureml/config.json` and run configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aml import bundle
from aml.errors import AmlError

FOLDER = ".azureml"
CONFIG = "config.json"
_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Config:
    """What a folder's `config.json` says."""

    file: Path
    workspace_name: str | None
    experiment_name: str | None
    is_azure: bool  # it has a subscription of Azure's


def attach(project: Path, workspace_name: str, experiment_name: str | None) -> Sequence[str]:
    """Write what is not there yet: the workspace, and run configurations to start from; the names of what was."""
    folder = project / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "subscription_id": _NO_SUBSCRIPTION,
        "resource_group": "local",
        "workspace_name": workspace_name,
        **({} if experiment_name is None else {"experiment_name": experiment_name}),
    }
    files = {CONFIG: json.dumps(config, indent=4) + "\n"}
    files |= {path.name: path.read_text() for path in sorted((bundle.specs() / "v1").iterdir())}
    return [name for name, text in files.items() if _write_new(folder / name, text)]


def find_config(project: Path) -> Config | None:
    """The `config.json` of a folder, or of the nearest one above it that has one."""
    for folder in (project, *project.parents):
        path = folder / FOLDER / CONFIG
        if path.is_file():
            return _read(path)
    return None


def _read(path: Path) -> Config:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AmlError(f"{path} can't be read: {error}", "It is JSON with the key workspace_name.") from error
    if not isinstance(document, dict):
        raise AmlError(f"{path} is no mapping", "It is JSON with the key workspace_name.")
    texts = {key: value for key, value in document.items() if isinstance(value, str) and value}
    is_azure = texts.get("subscription_id", _NO_SUBSCRIPTION) != _NO_SUBSCRIPTION
    return Config(path, texts.get("workspace_name"), texts.get("experiment_name"), is_azure)


def _write_new(path: Path, text: str) -> bool:
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
