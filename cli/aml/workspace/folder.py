"""Folders that belong to a workspace, as Azure ML v1 marks them: `.azureml/config.json` and run configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from aml import bundle

FOLDER = ".azureml"
CONFIG = "config.json"


def attach(project: Path, workspace_name: str, experiment_name: str | None) -> Sequence[str]:
    """Write what is not there yet: the workspace, and run configurations to start from; the names of what was."""
    folder = project / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "subscription_id": "00000000-0000-0000-0000-000000000000",
        "resource_group": "local",
        "workspace_name": workspace_name,
        **({} if experiment_name is None else {"experiment_name": experiment_name}),
    }
    files = {CONFIG: json.dumps(config, indent=4) + "\n"}
    files |= {path.name: path.read_text() for path in sorted((bundle.specs() / "v1").iterdir())}
    return [name for name, text in files.items() if _write_new(folder / name, text)]


def attached_experiment(project: Path) -> str | None:
    """The experiment that the folder, or one above it, was attached with."""
    for folder in (project, *project.parents):
        path = folder / FOLDER / CONFIG
        if path.is_file():
            name = json.loads(path.read_text()).get("experiment_name")
            return None if name is None else str(name)
    return None


def _write_new(path: Path, text: str) -> bool:
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
