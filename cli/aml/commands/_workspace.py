"""The workspace that a command works on."""

from __future__ import annotations

from aml.commands._globals import globals_
from aml.workspace import Workspace, open_workspace


def workspace_in_use() -> Workspace:
    """That of --workspace-name, else as `open_workspace` finds it. `NotFound` if there is none of that name."""
    return open_workspace(globals_().workspace_name)
