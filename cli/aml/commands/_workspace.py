"""The workspace, or the registry, that a command works on."""

from __future__ import annotations

from aml.commands._globals import globals_
from aml.workspace import Registry, Workspace, open_registry, open_workspace


def workspace_in_use() -> Workspace:
    """That of --workspace-name, else as `open_workspace` finds it. `NotFound` if there is none of that name."""
    return open_workspace(globals_().workspace_name)


def place_in_use(registry_name: str | None, *, create: bool = False) -> Workspace | Registry:
    """Where assets are: a registry if one is named, else the workspace; `create` makes a registry that is not there."""
    return workspace_in_use() if registry_name is None else open_registry(registry_name, create=create)
