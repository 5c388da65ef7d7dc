"""What a shell is told that could be the value of an option: names that there are in the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aml.commands._globals import globals_

if TYPE_CHECKING:
    from typer._click import Context, Parameter

_KINDS: Mapping[str, str] = {
    "--parent-job-name": "job",
    "--compute": "compute",
    "--target": "compute",
    "--datastore": "datastore",
    "--experiment-name": "experiment",
    "--workspace-name": "workspace",
    "--registry-name": "registry",
}
"""Option -> what it names, whatever the command."""

_VERSIONED = ("model", "data", "environment", "component")
_NAMED = ("job", "compute", "datastore", "experiment", "workspace", "registry", *_VERSIONED)
_NEW = ("create", "attach", "import")  # verbs whose name is a new one


def complete_names(command: str, params: Iterable[Parameter]) -> None:
    """Have the options of a command, given as noun and verb, that name something know the names that there are."""
    noun, _, verb = command.partition(" ")
    for param in params:
        kind = next((_KINDS[name] for name in param.opts if name in _KINDS), None)
        if "--name" in param.opts and noun in _NAMED and verb not in _NEW:
            kind = noun
        if kind is not None:
            _attach(param, partial(_names, kind))
        elif "--version" in param.opts and noun in _VERSIONED and verb != "create":
            _attach(param, partial(_versions, noun))


def _attach(param: Parameter, complete: Any) -> None:
    param._custom_shell_complete = complete  # noqa: SLF001


def _names(kind: str, ctx: Context, param: Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from aml.workspace.embedded.catalog.known_names import known_names

    return list(known_names(kind, incomplete, _workspace_name()))


def _versions(kind: str, ctx: Context, param: Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from aml.workspace.embedded.catalog.known_names import known_versions

    name, registry = ctx.params.get("name"), ctx.params.get("registry_name")
    return list(known_versions(kind, name, incomplete, _workspace_name(), registry)) if name else []


def _workspace_name() -> str:
    from aml.workspace.selection import wanted

    return wanted(globals_().workspace_name) or "default"
