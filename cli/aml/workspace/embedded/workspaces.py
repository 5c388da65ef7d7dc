"""The workspaces of this machine: which there are, making one, deleting one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from aml.errors import Conflict, NotFound
from aml.workspace.embedded import names
from aml.workspace.embedded.blobs import explained
from aml.workspace.embedded.paths import DEFAULT_WORKSPACE, home, workspace_paths
from aml.workspace.embedded.workspace import EmbeddedWorkspace, workspace_info
from aml.workspace.records import WorkspaceInfo


def existing_workspace_name(name: str | None) -> str:
    """`name` if there is such a workspace, the default one for None; else `NotFound`."""
    if name is None or name == DEFAULT_WORKSPACE:
        return DEFAULT_WORKSPACE
    names.check_asset_name(name, "a workspace")
    if not workspace_paths(name).store.exists():
        raise NotFound(f"there is no workspace named {name}", f"`aml workspace create -n {name}` makes it.")
    return name


def create_workspace(name: str) -> EmbeddedWorkspace:
    names.check_asset_name(name, "a workspace")
    for there in workspaces():
        is_other = there.name != name or workspace_paths(name).store.exists()
        if there.name.casefold() == name.casefold() and is_other:  # one folder, where the file system folds case
            raise Conflict(f"a workspace named {there.name} exists already")
    return EmbeddedWorkspace(name)


def delete_workspace(name: str) -> None:
    workspace = EmbeddedWorkspace(existing_workspace_name(name))
    state = workspace.engine()
    if state.queued or state.active:
        count = state.queued + len(state.active)
        raise Conflict(f"the workspace {name} has jobs that are not over: {count}", "Cancel them, or wait for them.")
    workspace.stop_engine()
    folder = workspace_paths(name).folder
    with explained(folder):
        shutil.rmtree(folder)


def workspaces() -> Sequence[WorkspaceInfo]:
    """All of this machine's, the default one first, made or not."""
    folder = home() / "workspaces"
    there = {path.name for path in folder.iterdir() if (path / "store.db").exists()} if folder.is_dir() else set()
    ordered = [DEFAULT_WORKSPACE, *sorted(there - {DEFAULT_WORKSPACE})]
    return [workspace_info(name, workspace_paths(name)) for name in ordered]
