"""The workspaces of this machine: which there are, making one, attaching one, deleting one.

An attached workspace is a link to a folder elsewhere: whoever attaches the same folder works on the same jobs.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from aml.errors import AmlError, Conflict, NotFound
from aml.workspace.embedded import names
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.paths import DEFAULT_WORKSPACE, home, workspace_paths
from aml.workspace.embedded.workspace import EmbeddedWorkspace, workspace_info
from aml.workspace.records import WorkspaceInfo


def existing_workspace_name(name: str | None) -> str:
    """`name` if there is such a workspace, the default one for None; else `NotFound`."""
    if name is None:
        name = DEFAULT_WORKSPACE
    names.check_asset_name(name, "a workspace")
    paths = workspace_paths(name)
    if paths.folder.is_symlink() and not paths.store.exists():
        raise NotFound(
            f"the workspace {name} is attached, and its folder {paths.folder.readlink()} is not there",
            f"Bring the folder back, or let go of it: `aml workspace detach -n {name}`.",
        )
    if name != DEFAULT_WORKSPACE and not paths.store.exists():
        raise NotFound(f"there is no workspace named {name}", f"`aml workspace create -n {name}` makes it.")
    return name


def exists(name: str) -> bool:
    return name == DEFAULT_WORKSPACE or workspace_paths(name).store.exists()


def create_workspace(name: str) -> EmbeddedWorkspace:
    _check_new(name)
    return EmbeddedWorkspace(name)


def attach_workspace(folder: Path, name: str | None) -> EmbeddedWorkspace:
    """Give the workspace in a folder elsewhere a name here, by default the folder's; nothing of it is copied."""
    folder = folder.resolve()
    name = name or folder.name
    if not (folder / "store.db").is_file():
        raise NotFound(
            f"{folder} is no workspace: there is no store.db in it",
            "`aml workspace show` tells the folder of a workspace; `aml workspace create` makes a new one.",
        )
    _check_new(name)
    link = workspace_paths(name).folder
    if folder.is_relative_to(home() / "workspaces"):
        raise Conflict(f"{folder} is a workspace of this machine already", f"Use it as --workspace-name {folder.name}.")
    with explained(link):
        link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        link.symlink_to(folder)
    return EmbeddedWorkspace(name)


def detach_workspace(name: str) -> None:
    """Forget an attached workspace; its folder stays as it is."""
    folder = workspace_paths(name).folder
    if not folder.is_symlink():
        existing_workspace_name(name)
        raise AmlError(f"the workspace {name} is not attached: it is {folder}", "`aml workspace delete` deletes it.")
    if exists(name):
        _stop(name)
    folder.unlink()


def delete_workspace(name: str) -> None:
    folder = workspace_paths(existing_workspace_name(name)).folder
    if folder.is_symlink():
        raise Conflict(
            f"the workspace {name} is attached: its folder {folder.readlink()} is not deleted from here",
            f"`aml workspace detach -n {name}` lets go of it.",
        )
    _stop(name)
    with explained(folder):
        shutil.rmtree(folder)


def workspaces() -> Sequence[WorkspaceInfo]:
    """All of this machine's, the default one first, made or not."""
    folder = home() / "workspaces"
    there = {path.name for path in folder.iterdir() if _is_workspace(path)} if folder.is_dir() else set()
    ordered = [DEFAULT_WORKSPACE, *sorted(there - {DEFAULT_WORKSPACE})]
    return [workspace_info(name, workspace_paths(name)) for name in ordered]


def _is_workspace(path: Path) -> bool:
    return (path / "store.db").exists() and not path.name.startswith(".")  # an import is on its way there


def _check_new(name: str) -> None:
    names.check_asset_name(name, "a workspace")
    paths = workspace_paths(name)
    if paths.store.exists() or paths.folder.is_symlink():
        raise Conflict(f"a workspace named {name} exists already")
    for there in workspaces():
        if there.name != name and there.name.casefold() == name.casefold():  # one folder, where names fold
            raise Conflict(f"a workspace named {there.name} exists already", "Names must differ in more than case.")


def _stop(name: str) -> None:
    workspace = EmbeddedWorkspace(name)
    state = workspace.engine()
    if state.queued or state.active:
        count = state.queued + len(state.active)
        raise Conflict(f"the workspace {name} has jobs that are not over: {count}", "Cancel them, or wait for them.")
    workspace.stop_engine()
