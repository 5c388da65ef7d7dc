"""Which workspace a command works on when it is not told: AML_WORKSPACE, the project's config.json, the default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aml.errors import NotFound
from aml.workspace.folder import find_config

if TYPE_CHECKING:
    from aml.workspace.folder import Config


def selected(name: str | None) -> str:
    """The name of a workspace that is there.

    A `config.json` of Azure's names a workspace of this machine if there is one of that name; nothing goes to Azure.
    """
    from aml.workspace.embedded.workspaces import existing_workspace_name, exists

    name = name or os.environ.get("AML_WORKSPACE")
    config = None if name else _config()
    if config is None or config.workspace_name is None:
        return existing_workspace_name(name or None)
    if not exists(config.workspace_name):
        raise _not_here(config)
    return existing_workspace_name(config.workspace_name)


def wanted(name: str | None) -> str | None:
    """The name alone, of a workspace that need not be there; None for the default."""
    name = name or os.environ.get("AML_WORKSPACE")
    config = None if name else _config()
    return config.workspace_name if config else name or None


def _config() -> Config | None:
    try:
        return find_config(Path.cwd())
    except OSError:  # the current folder is gone, or one above it can't be looked into
        return None


def _not_here(config: Config) -> NotFound:
    name = config.workspace_name
    whose = "a workspace of Azure, " if config.is_azure else "the workspace "
    return NotFound(
        f"{config.file} names {whose}{name}, and there is none of that name on this machine",
        f"`aml workspace create -n {name}` makes it; `-w default`, or AML_WORKSPACE, names another one.",
    )
